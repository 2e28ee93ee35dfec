"""The History grid: one browser component for a page of tiles, the bar of what is selected, and Undo.

It is drawn anew when something moves anywhere, but from a snapshot (`listing.py`): tiles change where they are, what is
new waits behind a button, and what is deleted leaves its place.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard.components import (
    acts,
    address,
    failed,
    filters,
    formats,
    listing,
    news,
    restoring,
    selection,
    trouble,
    undo,
    walk,
    words,
)
from dashboard.components.listing import Shown
from dashboard.components.mount import mount
from dashboard.components.now import any_active, surroundings
from dashboard.components.tiles import Around, tile
from dashboard.language import t, tn
from dashboard.resources import desk
from data.errors import NotFound, StorageError
from data.links import EVERYBODY
from data.query import Query
from data.search import COUNTED
from data.sentences import Sentence

_SIZES = ("s", "m", "l")
_BONES = 18
"""Tiles that the skeleton has: three rows on a wide screen."""
_NEW = 99
"""More new ones than this are not counted."""
_LATE = Sentence("Cannot be loaded now")
_ARROWS = {"": "↑", "oldest": "↓"}
"""Where in the list they are, by its order; among the most expensive they may be anywhere."""


def gallery(person: str) -> None:
    """Draws the list that `listing.look` has read, and keeps it true."""
    st.fragment(_grid)(person)


@contextmanager
def skeleton(person: str) -> Iterator[None]:
    """As large as the grid will be, until it is drawn for the first time (`page.css`).

    It has its place in every run, or the grid would change its own at the second, and be made anew.
    """
    place = st.empty()
    if listing.known() is not None:
        yield
        return
    place.html(f"<div class='bones {size(person)}' aria-busy='true'>{'<i></i>' * _BONES}</div>")
    try:
        yield
    finally:
        place.empty()


def _grid(person: str) -> None:
    seen = news.seen()
    kept = listing.known()
    if kept is None:  # a press has asked for another list
        st.rerun()
    try:
        shown, data = _data(listing.look(kept.query, person) if kept.place != address.place() else kept, person)
        st.session_state["gallery_drawn"] = data
    except trouble.DATABASE_ERRORS:
        if "gallery_drawn" not in st.session_state:
            raise
        drawn = st.session_state["gallery_drawn"]
        shown, data = kept, drawn | {"stale": _stale(drawn)}
    mount("gallery", key="gallery", data=data, on_event=lambda act, name: heard(act, name, person))
    acts.follow_up()
    news.keep_true("gallery", EVERYBODY, seen=seen, every=_every(shown, data))


def _every(shown: Shown, data: Mapping[str, Any]) -> float | None:
    """Seconds after which it is drawn without news: what is late says so by the clock alone."""
    if "stale" in data:  # a database that comes back tells nobody
        return news.TIMER_SECONDS
    return news.SLOW_SECONDS if any_active(shown.cards) else None


def _data(kept: Shown, person: str) -> tuple[Shown, dict[str, Any]]:
    shown, gone = listing.now(kept)
    around = replace(surroundings(()), made_in_practice=desk().glances.practised(shown.ids))
    with_marks = Around(around, desk().marks.of(shown.ids, person), gone, missing=missing())
    count = counted(shown.query, person)
    data: dict[str, Any] = {
        "label": t(words.HISTORY), "view": "list", "items": [tile(card, with_marks) for card in shown.cards],
        "sections": failed.sections(shown.groups, practice=around.practice) or None,
        "count": _count(count, shown.query), "fresh": _fresh(shown, person),
        "arrow": _ARROWS.get(shown.query.sort, ""),
        "older": shown.older, "newer": shown.newer, "page": f"{shown.query.text} {shown.place}",
        "selected": selection.look(shown.ids, count, person), "undo": undo.offered(), "size": size(person),
        "known_tags": list(filters.names().tags) if selection.ids() else [],
        "known_projects": list(filters.names().projects.values()) if selection.ids() else [],
        "words": told(shown.query),
        "at": around.now.timestamp(), "zip": selection.archive_if_asked(person), "zip_kinds": selection.archive_kinds(),
    }  # fmt: skip
    return shown, data


def counted(query: Query, person: str) -> int:
    """How many there are, as far as anybody counts."""
    return desk().search.count(query, person) if query else desk().glances.count()


def _count(count: int, query: Query) -> str:
    """ "1,284 requests · 3 under way"."""
    said = formats.requests(count, COUNTED) if query else formats.requests(count)
    if query:  # among what is narrowed they are few, and counting them would walk through all the rest
        return said
    active = desk().history.active_count()
    return f"{said} · {t('{n} under way', n=active)}" if active else said


def _fresh(shown: Shown, person: str) -> str:
    """What waits behind the button at the top; nothing where that is not known."""
    new = desk().search.newer(shown.query, person, shown.top, most=_NEW) if shown.top is not None else 0
    if new > _NEW:
        return t("{n}+ new", n=_NEW)
    return tn(new, "{n} new", "{n} new") if new else ""


def _stale(drawn: Mapping[str, Any]) -> str:
    last = formats.clock(datetime.fromtimestamp(drawn["at"], UTC))
    return t(words.LIVE_PAUSED_SINCE, time=last)


def size(person: str) -> str:
    """How large the tiles are: what this person chose at an earlier visit, or the middle."""
    if "gallery_size" not in st.session_state:
        kept = desk().preferences.all(person).get("history_size")
        st.session_state["gallery_size"] = kept if kept in _SIZES else "m"
    return str(st.session_state["gallery_size"])


def missing() -> Mapping[str, str]:
    """The pictures that did not come in this session, and why; what was missing and is back is none of them."""
    found: dict[str, str] = st.session_state.setdefault("gallery_missing", {})
    late = t(_LATE)
    still = {sha256: why for sha256, why in found.items() if why == late or not restoring.is_back(sha256)}
    if all(why == late for why in still.values()):
        return still
    around = surroundings(())  # what is gone may be on its way by now
    said = restoring.on_tile
    return {sha256: why if why == late else said(sha256, around.now, around.rescue) for sha256, why in still.items()}


def told(query: Query = Query()) -> dict[str, Any]:  # noqa: B008 - a value
    """The component's own words."""
    back, onward = walk.ways(query)
    return {
        "select": t("Select"), "selected": t("{n} selected"), "clear": t("Clear"), "star": t("Star"),
        "pick": t("Pick"), "picked": t("Picked"), "unpicked": t("Pick taken off"), "move": t("Project…"),
        "project_new": t("New project"), "no_project": t("No project"), "tag": t("Tags…"), "tag_new": t("New tag"),
        "compare": t("Compare"), "delete": t("Delete"), "zip": t("Download ZIP"),
        "zip_failed": t("The ZIP could not be made now. Try again in a moment."),
        "undo": t("Undo"), "restore": t("Bring back"), "deleted": t("Deleted"), "starred": t("Starred"),
        "unstarred": t("Star taken off"), "older": onward, "newer": back, "again": t("Try again"),
        "some": t("on some"), "sizes": {"s": t("Small"), "m": t("Medium"), "l": t("Large")}, "size": t("Tile size"),
        "close": t("Close"), "bar": t("What is selected"), "mode": t("Select mode"),
        "new": t("Show what is new"),
        "all": {
            "unstar": t("Unstar"), "star_one": t("Star the other one"), "star_rest": t("Star the other {n}"),
            "unpick": t("Unpick"), "pick_one": t("Pick the other one"), "pick_rest": t("Pick the other {n}"),
        },
    }  # fmt: skip


# What is pressed ----------------------------------------------------------------------------------------------------


def heard(act: str, name: str, person: str) -> None:
    """Runs inside a widget callback, before anything is drawn. Refusals become a toast; nothing is raised."""
    with trouble.callback():
        if act in _PRESSES:
            _PRESSES[act](name, person)
        elif act != "again":  # that one only draws
            acts.perform(act, name, person)


def _turn(**to: int) -> None:
    address.go(**to)


def _show_new() -> None:
    kept = listing.known()
    listing.anew()
    if kept is not None and kept.query.sort == "oldest":
        address.go(after=address.END)


def _resize(name: str, person: str) -> None:
    if name in _SIZES:
        st.session_state["gallery_size"] = name
        desk().preferences.remember(person, history_size=name)


def _look_for(sha256: str) -> None:
    """A picture did not come: says why."""
    try:
        desk().artifacts.original_path(sha256)
        why = t(_LATE)
    except NotFound:
        around = surroundings(())
        why = restoring.on_tile(sha256, around.now, around.rescue)
    except StorageError:
        why = t(_LATE)
    st.session_state["gallery_missing"] = {**missing(), sha256: why}


def _compare() -> None:
    """Those that are selected, two to six, beside one another."""
    if 2 <= len(selection.ids()) <= len(acts.COMPARED):
        acts.compare(*selection.ids())


def _these(name: str) -> list[str]:
    """The tasks that were named, or else what is selected."""
    return name.split() or selection.ids()


_PRESSES: dict[str, Callable[[str, str], object]] = {
    "select": lambda name, _: selection.add(name.split()),
    "unselect": lambda name, _: selection.remove(name.split()),
    "clear": lambda *_: selection.clear(),
    "all": lambda _, person: selection.select_all(person),
    "star": lambda name, person: desk().marks.star(name.split(), person),
    "unstar": lambda name, person: desk().marks.unstar(name.split(), person),
    "star_all": lambda _, person: desk().marks.star(selection.ids(), person),
    "unstar_all": lambda _, person: desk().marks.unstar(selection.ids(), person),
    "pick": lambda name, person: desk().marks.pick(name.split(), person),
    "unpick": lambda name, person: undo.unpick(name.split(), person),
    "pick_all": lambda _, person: desk().marks.pick(selection.ids(), person),
    "unpick_all": lambda _, person: undo.unpick(selection.ids(), person),
    "move": selection.move,
    "tag": selection.tag,
    "untag": lambda name, person: selection.tag(name, person, off=True),
    "zip": lambda name, _: selection.ask_for_archive(name),
    "compare_chosen": lambda *_: _compare(),
    "delete": lambda name, person: selection.delete(_these(name), person),
    "undo": lambda *_: undo.take_back(),
    "restore": lambda name, person: selection.restore(_these(name), person),
    "older": lambda name, _: _turn(before=int(name)),
    "newer": lambda name, _: _turn(after=int(name)),
    "show_new": lambda *_: _show_new(),
    "size": _resize,
    "missing": lambda name, _: _look_for(name),
    "retry_group": failed.retry,
    "fetch_group": failed.fetch,
    "show_group": lambda name, _: failed.show(name),
}
