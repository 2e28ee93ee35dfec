"""What the address of the History page says: the filters, and the place in the list.

Our own parameters and not Streamlit's bound widgets, which write a widget's label into the address: a link that
somebody copied from a Chinese page would open nothing on an English one. The text that is typed has no label, and is
bound.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import streamlit as st

from data.catalog import catalog
from data.query import MARKS, SORTS, STATUSES, Choice, Query

CHOSEN = ("status", "model", "by", "project", "tag", "last", "since", "until", "star", "pick", "sort")
"""What is chosen and not typed, as the address calls it: the filters, and the order."""
PLACE = ("before", "after")
END = 10**18 - 1
"""Beyond every sort key: `after` it ends a list that has the oldest first."""
LAST = ("7", "30", "365")
"""Days back, as a person may choose them."""


@dataclass(frozen=True)
class Chosen:
    """What is chosen, each an attribute that `CHOSEN` names."""

    status: str = ""
    model: tuple[str, ...] = ()
    by: str = ""
    project: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    last: str = ""
    since: date | None = None
    until: date | None = None
    star: bool = False
    pick: bool = False
    sort: str = ""


def chosen() -> Chosen:
    """What the address says; whatever makes no sense there counts as not said."""
    said = st.query_params
    since, until = _day(said.get("since", "")), _day(said.get("until", ""))
    if since and until and since > until:
        since = until = None
    status, last = said.get("status", ""), said.get("last", "")
    return Chosen(
        status=status if status in STATUSES else "", model=tuple(said.get_all("model")), by=said.get("by", ""),
        project=tuple(said.get_all("project")), tag=tuple(said.get_all("tag")), last=last if last in LAST else "",
        since=since, until=until, star=said.get("star") == "yes", pick=said.get("pick") == "yes",
        sort=sort if (sort := said.get("sort", "")) in SORTS else "",
    )  # fmt: skip


def narrowed(typed: Query, by: Chosen) -> Query:
    """What was typed and what is chosen, together. Several models (people, tags) mean any of them."""
    until = by.until + timedelta(days=1) if by.until and by.until < date.max else None
    return replace(
        typed,
        status=Choice((by.status,)) if by.status else typed.status,
        model=_with(typed.model, by.model), by=_with(typed.by, (by.by,) if by.by else ()),
        project=_with(typed.project, by.project), tag=_with(typed.tag, by.tag),
        star=True if by.star else typed.star, pick=True if by.pick else typed.pick,
        last=int(by.last) if by.last else typed.last,
        after=max(filter(None, (typed.after, by.since)), default=None),
        before=min(filter(None, (typed.before, until)), default=None), sort=by.sort or typed.sort,
    )  # fmt: skip


def spread(query: Query) -> tuple[str, dict[str, list[str]]]:
    """The same query for the page: the text to be typed, and what is chosen. `narrowed` puts it together again."""
    said: dict[str, list[str]] = {}
    rest = query
    if len(query.status.of) == 1 and not query.status.but:
        said["status"], rest = list(query.status.of), rest.lacking("status")
    if query.model.of and not query.model.but and set(query.model.of) <= _models():
        said["model"], rest = list(query.model.of), rest.lacking("model")
    if len(query.by.of) == 1 and not query.by.but:
        said["by"], rest = list(query.by.of), rest.lacking("by")
    if query.tag.of and not query.tag.but:
        said["tag"], rest = list(query.tag.of), rest.lacking("tag")
    if query.project.of and not query.project.but:
        said["project"], rest = list(query.project.of), rest.lacking("project")
    for mark in MARKS:
        if getattr(query, mark):
            said[mark], rest = ["yes"], rest.lacking(mark)
    if str(query.last) in LAST:
        said["last"], rest = [str(query.last)], replace(rest, last=None)
    if query.after and query.before and query.after < query.before:
        said["since"], said["until"] = [str(query.after)], [str(query.before - timedelta(days=1))]
        rest = replace(rest, after=None, before=None)
    if query.sort:
        said["sort"], rest = [query.sort], replace(rest, sort="")
    return rest.text, said


def say(**filters: Iterable[str]) -> None:
    """Writes these filters into the address; an empty one leaves it."""
    for name, values in filters.items():
        if said := list(values):
            st.query_params[name] = said
        else:
            st.query_params.pop(name, None)


def say_all(said: Mapping[str, Iterable[str]]) -> None:
    """Writes these filters, and takes all others out."""
    say(**{name: said.get(name, ()) for name in CHOSEN})


def place() -> dict[str, int]:
    """Where in the list the page begins: `before` or `after` a sort key, or at the newest."""
    found = {name: _cursor(st.query_params.get(name, "")) for name in PLACE}
    return {name: value for name, value in found.items() if value is not None}


def go(**to: int) -> None:
    """Turns to a page, or to the newest."""
    for name in PLACE:
        st.query_params.pop(name, None)
    for name, value in to.items():
        st.query_params[name] = str(value)


def _with(typed: Choice, more: tuple[str, ...]) -> Choice:
    return Choice((*typed.of, *more), typed.but)


def _models() -> set[str]:
    return {name.casefold() for spec in catalog().models for name in (spec.id, spec.family)}


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _cursor(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
