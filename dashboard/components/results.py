"""The results of a batch as a table of what varies in it: one browser component, and what is counted below each column.

Which axis stands where is the address's affair (`rows`, `cols`); what varies is found by `data.axes`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboard.components import differences, failed, formats, news, views, walk
from dashboard.components.actions import actions
from dashboard.components.batch_card import deeds, title
from dashboard.components.mount import mount
from dashboard.components.now import surroundings
from dashboard.language import spoken, t
from dashboard.resources import desk, picture_url
from data import axes
from data.axes import Asked, Axis, Grid
from data.catalog import catalog
from data.causes import REFUSED
from data.history import Card
from data.links import EVERYBODY
from data.results import Result, Results, Tally, tally
from data.status import ACTIVE, TaskStatus

MANY = 100
"""Cells of which a drawing is large: it waits until the news pause."""
_NARROWEST, _WIDEST = 0.75, 1.8
"""Width to height of the box that all pictures are fitted into."""
_TRIES = ("download_again", "retry", "show_deleted", "open")
"""What a cell that came to nothing offers, the free one first, or where it was tried again; all else stands in the
drawer."""
_NAMES = {axes.PROMPT: "Prompt", axes.MODEL: "Model", axes.RATIO: "Shape", axes.REPEAT: "Repeat"}
_WORDS: dict[str, Any] = {
    "rows": "Rows", "cols": "Columns", "swap": "Swap rows and columns", "table": "Results", "select": "Select",
    "lost": "This file does not come. Open the request to see why.", "selected": "{n} selected", "clear": "Clear",
    "compare": "Compare", "two": "Select up to six to compare them.", "bar": "What is selected",
    "none": "Not asked for",
}  # fmt: skip


def draw(batch_id: str, found: Results, on_event: Callable[[str, str], None]) -> None:
    """The whole view of a batch, with the axes that the address names."""
    table = axes.grid([Asked(one.asked.prompt, one.asked.model, one.asked.params) for one in found.results], *chosen())
    cards = [one.card for one in found.results]
    walk.through(tuple(
        cards[at].id for group in table.groups for each in group.lines for at in each.cells if at is not None
    ))  # fmt: skip
    in_vain = [card for card in cards if card.status == TaskStatus.FAILED]
    around = surroundings(in_vain)
    whole = tally(found.results)
    waiting = sum(one.asked.status == TaskStatus.QUEUED for one in found.results)
    shapes = [width / height for card in cards for width, height in [views.shape(card, catalog().get(card.model))]]
    titles = _Titles(found.results)
    left = desk().glances.failed_of([card.id for card in in_vain]) if in_vain else None
    practised = around.practice if found.practised is None else found.practised
    cells = [_cell(one, around, practice=practised) for one in found.results]
    data = {
        "id": batch_id, "title": title(found), "line": line(whole, practice=practised),
        "actions": deeds(batch_id, left, queued=waiting, practice=around.practice),
        "axes": [{"id": axis.name, "label": titles.axis(axis), "at": at} for axis, at in _placed(table)],
        "others": [titles.axis(axis) for axis in table.others],
        "columns": [titles.value(table.cols, value) for value in table.cols.values] if table.cols else [t("Results")],
        "groups": [
            {"title": titles.value(table.rows, group.value) if table.rows else "",
             "lines": [{"title": " · ".join(map(titles.value, table.others, each.values)),
                        "cells": [None if at is None else cells[at] for at in each.cells]} for each in group.lines]}
            for group in table.groups
        ],
        "foot": _foot(table, found.results, practice=practised),
        "box": max(_NARROWEST, min(_WIDEST, *shapes, _WIDEST)), "words": spoken(_WORDS),
    }  # fmt: skip
    mount("results", key="results", data=data, on_event=on_event)


def keep_true(found: Results | None, seen: int | None) -> None:
    """Has the fragment around it drawn anew when something of the batch moves. `seen`: how far the news were before."""
    cards = [one.card for one in found.results] if found else []
    people = {card.person for card in cards}
    active = any(card.status in ACTIVE for card in cards)
    news.keep_true(
        "results", people.pop() if len(people) == 1 else EVERYBODY, seen=seen, leisurely=len(cards) > MANY,
        every=news.SLOW_SECONDS if active else None,
    )  # fmt: skip


def chosen() -> tuple[str, str]:
    """The axes of rows and columns that the address names."""
    return st.query_params.get("rows", ""), st.query_params.get("cols", "")


def put(way: str, name: str, found: Results) -> None:
    """Puts the axis of that name onto the `rows` or the `cols`; where it stands on the other, both change places."""
    asked = [Asked(one.asked.prompt, one.asked.model, one.asked.params) for one in found.results]
    now = axes.grid(asked, *chosen())
    at = {"rows": now.rows.name if now.rows else "", "cols": now.cols.name if now.cols else ""}
    other = "cols" if way == "rows" else "rows"
    if way == "swap":
        at = {"rows": at["cols"], "cols": at["rows"]}
    else:
        at = {way: name, other: at[way] if at[other] == name else at[other]}
    usual = axes.grid(asked)
    plain = {"rows": usual.rows.name if usual.rows else "", "cols": usual.cols.name if usual.cols else ""}
    for each, said in at.items():
        if at == plain or not said:  # what goes without saying does not stand in the address
            st.query_params.pop(each, None)
        else:
            st.query_params[each] = said


def line(whole: Tally, *, practice: bool) -> str:
    """ "37 of 40 done · 2 refused · Spent 148 credits"."""
    parts = [
        t("{done} of {all} done", done=f"{whole.done:,}", all=f"{whole.count:,}"),
        t("{n} refused", n=whole.refused) if whole.refused else "",
        t("{n} failed", n=whole.failed) if whole.failed else "",
        t("{n} unconfirmed", n=whole.unconfirmed) if whole.unconfirmed else "",
        t("{n} cancelled", n=whole.cancelled) if whole.cancelled else "",
        t("{n} under way", n=whole.active) if whole.active else "",
        t("Spent {spent}", spent=formats.money(whole.spent_micro, practice=practice)),
    ]
    return " · ".join(filter(None, parts))


def _placed(table: Grid) -> list[tuple[Axis, str]]:
    every = [(table.rows, "rows"), (table.cols, "cols"), *((axis, "") for axis in table.others)]
    return [(axis, at) for axis, at in every if axis is not None]


class _Titles:
    """What axes and their values are called, by the models that were asked."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._specs = {one.asked.model: catalog().get(one.asked.model) for one in results}

    def axis(self, axis: Axis) -> str:
        name = axis.name
        labels = [param.label for spec in self._specs.values() if spec and (param := spec.param(name))]
        return t(_NAMES[name]) if name in _NAMES else t(next(iter(labels), name))

    def value(self, axis: Axis, value: Any) -> str:
        if axis.name == axes.PROMPT:
            return str(value)
        if axis.name == axes.REPEAT:
            return t("Repeat {n}", n=value)
        if axis.name == axes.MODEL:
            spec = self._specs[value]
            return spec.label if spec else str(value)
        name = axes.param(axis.name)
        knowing = [spec for spec in self._specs.values() if spec and spec.param(name)]
        return differences.setting(next(iter(knowing), None), name, value)


def _cell(one: Result, around: views.Surroundings, *, practice: bool) -> dict[str, Any]:
    card, spec = one.card, catalog().get(one.card.model)
    word, tone = views.state(card, views.waiting_cause(card, spec, around))
    first = card.pictures[0] if card.pictures else None
    cost = formats.money_short(one.spent_micro, practice=practice) if one.spent_micro else ""
    in_vain = card.status == TaskStatus.FAILED
    cause = failed.name(card.error_code) if in_vain else ""
    refused = in_vain and card.error_code in REFUSED  # then its cause says so itself
    return {
        "id": card.id, "of": one.asked.id, "tone": tone,
        "word": cause if refused else t(word), "cause": "" if refused else cause,
        "picture": picture_url(first.sha256, "320") if first else None,
        "video": views.video_mark(first), "more": str(len(card.pictures)) if len(card.pictures) > 1 else "",
        "line": " · ".join(filter(None, [cost, formats.seconds(one.seconds) if one.seconds is not None else ""])),
        "say": views.sentence(card, spec, around) if in_vain else "",
        "again": _again(card, around) if in_vain else None,
    }  # fmt: skip


def _again(card: Card, around: views.Surroundings) -> dict[str, Any] | None:
    offered = {each.get("act"): each for each in actions(card, around)}
    return next((offered[act] for act in _TRIES if act in offered), None)


def _foot(table: Grid, results: Sequence[Result], *, practice: bool) -> list[dict[str, Any]]:
    """What is counted below each column; a row that is nothing in all of them is left out."""
    columns = [
        tally(results[at] for group in table.groups for each in group.lines if (at := each.cells[column]) is not None)
        for column in range(table.width)
    ]  # fmt: skip

    def money(micro: int) -> str:
        return formats.money_short(micro, practice=practice)

    def row(name: str, say: Callable[[Tally], str]) -> dict[str, Any]:
        return {"name": name, "values": [say(each) for each in columns]}

    def some(name: str, count: Callable[[Tally], int]) -> list[dict[str, Any]]:
        return [row(name, lambda each: f"{count(each):,}")] if any(map(count, columns)) else []

    return [
        row(t("Done"), lambda each: t("{n} of {all}", n=f"{each.done:,}", all=f"{each.count:,}")),
        row(t("Refused"), lambda each: f"{each.refused:,}"),
        *some(t("Failed"), lambda each: each.failed), *some(t("Unconfirmed"), lambda each: each.unconfirmed),
        *some(t("Cancelled"), lambda each: each.cancelled), *some(t("Under way"), lambda each: each.active),
        row(t("Cost"), lambda each: money(each.spent_micro)),
        row(t("Cost of a picture"), lambda each: _or_none(each.each_micro, money)),
        row(t("Median time"), lambda each: _or_none(each.seconds, formats.seconds)),
    ]  # fmt: skip


def _or_none(value: Any, say: Callable[[Any], str]) -> str:
    return "–" if value is None else say(value)
