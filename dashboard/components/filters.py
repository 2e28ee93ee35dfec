"""The toolbar of the History page: what is typed, what is chosen, and the query that both make together.

Each chosen filter is written into the address when it changes and read from there at the next run, so a link, a saved
view and a press are the same thing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import streamlit as st

from dashboard import resources
from dashboard.components import address, formats, listing, people, words
from dashboard.components.filter_widgets import changed, key_of, named, popover
from dashboard.components.mount import mount
from dashboard.language import t, tn
from data.catalog import catalog
from data.query import MARKS, ME, NONE, SORTS, STATUSES, Query
from data.query_reading import LONGEST, Hint, Names

STATUS_WORDS = {
    "done": "Done", "running": "Under way", "queued": "Queued", "unconfirmed": "Unconfirmed", "failed": "Failed",
    "cancelled": "Cancelled",
}  # fmt: skip
assert STATUS_WORDS.keys() == STATUSES.keys()
OFFERED = ("done", "running", "unconfirmed", "failed", "cancelled")
"""Of the statuses; what merely waits is among what runs, and can be typed."""
ORDERS = {"": "Newest first", "oldest": "Oldest first", "cost": "Most expensive first"}
assert set(ORDERS) == set(SORTS)
_MARKS = {"star": ("Starred", "star"), "pick": ("Picked", "flag")}
assert set(_MARKS) == set(MARKS)
NAMES_FOR = timedelta(seconds=20)
"""For how long what there is to choose from is not asked for again."""


def search_field() -> tuple[Query, tuple[Hint, ...]]:
    """What was typed, and what of it was not understood."""
    typed = st.text_input(
        t(words.SEARCH), key="q", type="search", live="300ms", bind="query-params", on_change=listing.anew,
        placeholder=t(words.SEARCH_HINT), max_chars=LONGEST, label_visibility="collapsed",
    )  # fmt: skip
    reading = resources.desk().search.read(typed or "")
    return reading.query, reading.hints


def fold(typed: Query) -> None:
    """On a narrow screen, the button that shows the row of filters; it says how many are set (`fold.js`)."""
    said = address.chosen()
    status, dated = _status_of(typed, said), bool(said.last or said.since or said.until)
    many = sum(map(bool, (status, said.model, said.by, dated, said.project, said.tag, said.star, said.pick)))
    label = t("Filters ({n})", n=many) if many else t("Filters")
    with st.container(width="content", key="fold_filters"):
        mount("fold", key="fold", data={"label": label}, on_event=_nothing)


def _nothing(act: str, name: str) -> None:
    """It tells Python nothing."""


def filter_row(typed: Query, person: str) -> Query:
    """Draws what can be chosen; gives the query that is meant."""
    said, there = address.chosen(), names()
    here = people_here(said.by, person)
    _status(typed, _status_of(typed, said))
    popover("model", t("Model"), [model_name(name) for name in said.model], lambda: _models(there, said))
    popover("by", t("Person"), [here[said.by]] if said.by else [], lambda: _by(here, said.by))
    popover("date", t("Date"), _dates(said), lambda: _date(said))
    if there.projects or said.project:
        mine = [project_name(key) for key in said.project]
        popover("project", t("Project"), mine, lambda: _projects(there.projects, said.project))
    if there.tags or said.tag:
        popover("tag", t("Tags"), said.tag, lambda: _tags(there.tags, said.tag))
    _mark("star", said.star)
    _mark("pick", said.pick)
    order = said.sort or typed.sort
    popover("sort", t("Order"), [t(ORDERS[order])] if order else [], lambda: _sort(typed, order))
    query = address.narrowed(typed, said)
    if query:
        st.button(t("Clear filters"), key="clear", type="tertiary", on_click=clear)
    return query


def clear() -> None:
    """Takes every filter off; the order stays, chosen or typed."""
    order = address.chosen().sort or resources.desk().search.read(st.session_state.get("q") or "").query.sort
    st.session_state["q"] = ""
    address.say_all({"sort": [order] if order else []})
    listing.anew()


def show(query: Query) -> None:
    """Fills the toolbar with this query."""
    st.session_state["q"], said = address.spread(query)
    address.say_all(said)
    listing.anew()


def _status_of(typed: Query, said: address.Chosen) -> str:
    """The one that is chosen; or the one that is typed alone, which is the same as its chip."""
    alone = typed.status.of if len(typed.status.of) == 1 and not typed.status.but else ("",)
    return said.status or alone[0]


def _status(typed: Query, said: str) -> None:
    key = key_of("status", said)
    options = dict.fromkeys(["", *OFFERED, said])
    st.segmented_control(
        t("Status"), list(options), key=key, required=True, on_change=_status_changed, args=[typed],
        format_func=lambda name: t(STATUS_WORDS[name]) if name else t("All"), label_visibility="collapsed",
    )  # fmt: skip


def _status_changed(typed: Query) -> None:
    """One choice is in force: what was typed of another one goes."""
    if typed.status:
        st.session_state["q"] = typed.lacking("status").text
    changed("status")


def _models(there: Names, said: address.Chosen) -> None:
    used = {model.casefold() for model in there.models}
    families = [one.family for one in catalog().models if one.id.casefold() in used]
    options = list(dict.fromkeys([*families, *sorted(used, key=model_name), *said.model]))
    key = key_of("model", list(said.model))
    st.pills(
        t("Models, or whole families"), options, selection_mode="multi", key=key,
        format_func=lambda name: formats.literal(model_name(name)), on_change=changed, args=["model"],
    )  # fmt: skip


def model_name(name: str) -> str:
    """What people read for an id, or for a whole family."""
    if name in words.FAMILIES:
        return t("All {family}", family=words.FAMILIES[name])
    spec = next((one for one in catalog().models if one.id.casefold() == name), None)
    return spec.label if spec else name


def people_here(said: str, me: str) -> dict[str, str]:
    """By the id that the address names, what people are called, also who is `said`; whoever looks comes first."""
    named = resources.desk().preferences.everybodys("name")
    others = {one: people.called(one, str(named.get(one) or "")) for one in names().people if one != me}
    many = Counter(others.values())
    others = {one: name if many[name] == 1 else f"{name} ({one})" for one, name in others.items()}
    found = {ME: t("Only mine")} | dict(sorted(others.items(), key=lambda each: each[1].casefold()))
    return found if not said or said in found else found | {said: said}


def _by(found: dict[str, str], said: str) -> None:
    key = key_of("by", said or None)
    st.selectbox(
        t("Who asked for it"), list(found), index=None, key=key, format_func=lambda one: found.get(one, one),
        placeholder=t("Anybody"), on_change=changed, args=["by"], width=260,
    )  # fmt: skip


def _tags(there: Sequence[str], said: Sequence[str]) -> None:
    key = key_of("tag", list(said))
    st.pills(
        t("Any of these tags"), list(dict.fromkeys([*there, *said])), selection_mode="multi", key=key,
        format_func=formats.literal, on_change=changed, args=["tag"],
    )  # fmt: skip


def _projects(there: Mapping[str, str], said: Sequence[str]) -> None:
    key = key_of("project", list(said))
    st.pills(
        t("Any of these projects"), list(dict.fromkeys([*there, NONE, *said])), selection_mode="multi", key=key,
        format_func=lambda name: formats.literal(project_name(name)), on_change=changed, args=["project"],
    )  # fmt: skip


def project_name(key: str) -> str:
    """What people read for a project's key, or for none."""
    return t("No project") if key == NONE else names().projects.get(key, key)


def _mark(name: str, said: bool) -> None:
    key = key_of(name, "yes" if said else None)
    label, icon = _MARKS[name]
    st.pills(
        t(label), ["yes"], key=key, format_func=lambda _: f":material/{icon}: {t(label)}",
        on_change=changed, args=[name], label_visibility="collapsed",
    )  # fmt: skip


def _sort(typed: Query, order: str) -> None:
    key = key_of("sort", order)
    st.radio(
        t("Order"), list(ORDERS), key=key, format_func=lambda name: t(ORDERS[name]), on_change=_sort_changed,
        args=[typed], label_visibility="collapsed",
    )  # fmt: skip


def _sort_changed(typed: Query) -> None:
    """One order is in force: what was typed of another one goes."""
    if typed.sort:
        st.session_state["q"] = replace(typed, sort="").text
    order = st.session_state[named("sort")]
    address.say(sort=[order] if order else [])
    listing.anew()


def _dates(said: address.Chosen) -> list[str]:
    if said.since or said.until:
        ends = (formats.full_date(one) if one else "…" for one in (said.since, said.until))
        return [" – ".join(dict.fromkeys(ends))]
    return [last_days(said.last)] if said.last else []


def last_days(days: str) -> str:
    """ "Last 7 days"."""
    return t("Last 12 months") if days == "365" else tn(int(days), "Last {n} day", "Last {n} days")


def _date(said: address.Chosen) -> None:
    key = key_of("last", said.last or None)
    st.pills(
        t("When"), address.LAST, key=key, format_func=last_days, on_change=_last_changed
    )  # fmt: skip
    days = tuple(one for one in (said.since, said.until) if one)
    # Seeded, and without a default: that would be warned of in the log. A tuple means two days.
    key = key_of("days", days)
    today = resources.now().date()
    first = resources.desk().search.began() or today
    st.date_input(
        t("Between two days (UTC)"), key=key, on_change=_days_changed, min_value=min((first, *days)),
        max_value=max((today, *days)), format="YYYY-MM-DD",
    )  # fmt: skip
    months = _months(first, today)
    st.selectbox(
        t("Jump to"), months, index=None, key="f_jump", placeholder=t("A month"),
        format_func=formats.month, on_change=_jump, persist_state=None,
    )  # fmt: skip


def _last_changed() -> None:
    last = st.session_state[named("last")]
    address.say(last=[last] if last else [], since=[], until=[])
    listing.anew()


def _days_changed() -> None:
    days = st.session_state[named("days")]
    if len(days) == 1:
        return  # the second end is still to come
    since, until = days if days else (None, None)
    address.say(since=[str(since)] if since else [], until=[str(until)] if until else [], last=[])
    listing.anew()


def _months(first: date, today: date) -> list[date]:
    """The first days of the months, newest first."""
    found = [today.replace(day=1)]
    while found[-1] > first.replace(day=1):
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def _jump() -> None:
    """To the last pictures of that month, or its first where the oldest come first; what was passed is a page back."""
    month, st.session_state["f_jump"] = st.session_state["f_jump"], None
    if month is None:
        return
    kept = listing.known()
    upwards = kept is not None and kept.query.sort == "oldest"
    if kept is not None and not upwards:  # a list by cost has no months
        show(replace(kept.query, sort=""))
    listing.anew()
    first = month if upwards else (month + timedelta(days=32)).replace(day=1)
    if (edge := resources.desk().search.since(first)) is not None:
        address.go(before=edge - 1 if upwards else edge)


@st.cache_data(ttl=NAMES_FOR, show_spinner=False)
def names() -> Names:
    """For everybody: who and what there is changes seldom, and each run wants it."""
    return resources.desk().search.names()


def names_changed() -> None:
    """There is a new tag or project: it is offered at once."""
    names.clear()
