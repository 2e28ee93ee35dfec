"""The list that History shows, as a snapshot: it stays what it was until a person turns the page, whatever happens.

What a card says is read anew each time; which cards there are is not, so nothing moves under the mouse, and a deleted
picture leaves its place for Undo. The snapshot belongs to one visit: another page of the desk forgets it.
"""

from dataclasses import dataclass, replace

import streamlit as st

from dashboard.components import address
from dashboard.resources import desk
from data.failures import Group
from data.history import Card, Page
from data.query import Query

PAGE = 60
"""Cards."""
OF_A_CAUSE = 6
"""Cards of each cause, where failures are shown by cause."""


@dataclass(frozen=True)
class Shown:
    """One page of one list. `top`: the newest sort key when this visit read the list, None where that is unknown."""

    query: Query
    place: dict[str, int]
    cards: tuple[Card, ...]
    older: int | None
    newer: int | None
    top: int | None
    groups: tuple[Group, ...] = ()  # of failures, where they are shown by cause

    @property
    def ids(self) -> tuple[str, ...]:
        """Of its tasks, in the order of the list."""
        return tuple(card.id for card in self.cards)


def look(query: Query, person: str) -> Shown:
    """The page that the address names: the one that was shown before, or read now."""
    place, kept = address.place(), known()
    if kept is None or (kept.query, kept.place) != (query, place):
        top = kept.top if kept is not None and kept.query == query else None
        kept = _by_cause(query, person) if by_cause(query) else _page(query, person, place, top)
        st.session_state["history"] = kept
    st.session_state["list"] = (query, kept.top)  # the drawer walks in it
    return kept


def by_cause(query: Query) -> bool:
    """Whether this list is told by cause: what has failed, as long as neither a cause nor an order is chosen."""
    return query.status.of == ("failed",) and not query.cause and not query.sort and not address.place()


def _page(query: Query, person: str, place: dict[str, int], top: int | None) -> Shown:
    if query.sort and (top is None or not place):  # what is new may belong anywhere in it
        top = desk().search.newest(query, person)
    page: Page = desk().search.page(query, person, limit=PAGE, top=top if query.sort else None, **place)
    if not place and not query.sort:
        top = page.cards[0].seq if page.cards else 0
    return Shown(query, place, page.cards, page.older, page.newer, top)


def _by_cause(query: Query, person: str) -> Shown:
    groups = desk().failures.groups(query, person)
    cards = desk().history.cards([task_id for group in groups for task_id in group.ids[:OF_A_CAUSE]])
    return Shown(query, {}, cards, None, None, max((card.seq for card in cards), default=0), groups)


def known() -> Shown | None:
    """What this visit has shown last."""
    kept: Shown | None = st.session_state.get("history")
    return kept


def now(kept: Shown) -> tuple[Shown, frozenset[str]]:
    """The same cards as they are now, and the ids of those that are gone; a card that is gone stays as it was last."""
    there = {card.id: card for card in desk().history.cards(kept.ids)}
    fresh = replace(kept, cards=tuple(there.get(card.id, card) for card in kept.cards))
    if known() is kept:  # the page was not turned meanwhile
        st.session_state["history"] = fresh
    return fresh, frozenset(kept.ids) - there.keys()


def anew() -> None:
    """Goes to the first page, and lets in what has come meanwhile."""
    forget()
    address.go()


def forget() -> None:
    """The next look reads."""
    st.session_state.pop("history", None)
