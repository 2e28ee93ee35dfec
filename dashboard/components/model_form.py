"""Draws the settings of any model, or what several have in common, out of their entries in the catalogue.

It knows no model by name: next month's is drawn from its entry. What a model lacks is shown disabled with the reason,
and holds what the person wanted until a model comes that knows it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from dashboard.components import formats, words
from dashboard.components.controls import OWN_DEFAULTS, SHAPE, Control, Value, has_no, joined, named, ratio
from dashboard.components.form import Form, key_of, wish


def main_settings(shown: Sequence[Control], form: Form) -> None:
    """The shape, the pixels that come of it, and whatever else decides the size or the price."""
    for control in shown:
        if control.name == SHAPE:
            _shape(control, form)
        elif control.weighty:
            draw(control, form)


def more_settings(shown: Sequence[Control], form: Form) -> None:
    """Everything else, folded away; last what none of the models has."""
    rest = [control for control in shown if control.name != SHAPE and not control.weighty]
    with st.expander(words.ADVANCED, key="advanced"):
        for control in rest:
            if control.live:
                draw(control, form)
        if dead := [control for control in rest if not control.live]:
            with st.grid("auto", min_column_width=140, key="dead"):
                for control in dead:
                    _dead(control)
            st.caption(formats.literal(" ".join(_reasons(dead, form))))


def _reasons(dead: Sequence[Control], form: Form) -> Iterator[str]:
    """Why these cannot be set, as few sentences as say it."""
    shared: dict[str, list[str]] = {}
    for control in dead:
        if not control.absent:
            shared.setdefault(control.reason, []).append(control.label)
    yield from (f"{joined(labels)}: {reason}" for reason, labels in shared.items())
    if shared:
        yield OWN_DEFAULTS
    if absent := [control.label for control in dead if control.absent]:
        yield has_no([ask.spec for ask in form.asks], absent)


def draw(control: Control, form: Form) -> None:
    """One setting as the widget that fits it; disabled with the reason where it cannot be set."""
    if not control.live:
        _dead(control)
        st.caption(formats.literal(" ".join(_reasons([control], form))))
        return
    common: dict[str, Any] = {
        "key": key_of(control.name), "help": formats.literal(control.help) or None, "on_change": wish,
        "args": (control.name,),
    }  # fmt: skip
    label = formats.literal(control.label)
    if control.type == "bool":
        st.toggle(label, **common)
    elif control.type == "choice":
        st.segmented_control(
            label, list(control.options), required=not control.optional, format_func=formats.literal, **common
        )
    else:
        bound = int if control.type == "int" else float
        low, high = (None if end is None else bound(end) for end in (control.low, control.high))
        step = 1 if control.type == "int" else None
        placeholder = "The model chooses" if control.optional else None
        st.number_input(
            label, min_value=low, max_value=high, value=None, step=step, placeholder=placeholder,
            **common,
        )  # fmt: skip


def _dead(control: Control) -> None:
    """A setting out of use. It shows what it will be when a model comes that has it."""
    kept: Value = st.session_state["wanted"].get(control.name)
    said = {True: "on", False: "off"}.get(kept, kept) if isinstance(kept, bool) else kept
    st.text_input(
        formats.literal(control.label), value="" if said is None else str(said), placeholder=control.brief,
        disabled=True, key=f"none_{control.name}_{said}",
    )  # fmt: skip


def _shape(control: Control, form: Form) -> None:
    if not control.live:
        draw(control, form)
        return
    st.pills(
        words.SHAPE, sorted(control.options, key=_square_then_tall_then_wide), key=key_of(SHAPE),
        required=not control.optional, format_func=lambda value: f"{_glyph(value)} {formats.literal(value)}",
        on_change=wish, args=(SHAPE,), help=formats.literal(control.help) or None,
    )  # fmt: skip
    st.caption(formats.literal(pixels(form)))


def pixels(form: Form) -> str:
    """The real pixels that will come: "2848 × 1600 pixels", with the models' names where they differ."""
    sizes: dict[tuple[int, int] | None, list[str]] = {}
    for ask in form.asks:
        sizes.setdefault(ask.spec.output_size(ask.params), []).append(named(ask.spec))
    said = {size: f"{size[0]} × {size[1]} pixels" if size else words.MODEL_CHOOSES_SIZE for size in sizes}
    if len(sizes) == 1:
        return next(iter(said.values()))
    return " · ".join(f"{joined(models)}: {said[size]}" for size, models in sizes.items())


def _square_then_tall_then_wide(value: str) -> tuple[int, float]:
    wide = ratio(value)
    return (3, 0) if not wide else (0, 0) if wide == 1 else (1, -wide) if wide < 1 else (2, wide)


def _glyph(value: str) -> str:
    wide = ratio(value)
    steps = ((0.6, "crop_9_16"), (0.99, "crop_portrait"), (1.01, "crop_square"), (1.3, "crop_5_4"), (1.6, "crop_3_2"))
    name = next((name for most, name in steps if wide <= most), "crop_16_9") if wide else "auto_awesome"
    return f":material/{name}:"
