"""Draws the settings of any model, or what several have in common, out of their entries in the catalogue.

It knows no model by name: next month's is drawn from its entry. What a model lacks is shown disabled with the reason,
and holds what the person wanted until a model comes that knows it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import streamlit as st

from dashboard.components import formats, words
from dashboard.components.controls import SHAPE, Control, Value, has_no, joined, ratio
from dashboard.components.form import Form, key_of, wish
from dashboard.language import language, t


def main_settings(shown: Sequence[Control], form: Form) -> None:
    """The shape, the pixels that come of it, and whatever else decides the size or the price.

    Of several models each stands in a line of its own with what it will be asked for.
    """
    several = len(form.asks) > 1
    for control in shown:
        if several and not control.live:
            continue
        if control.name == SHAPE:
            _shape(control, form)
        elif control.weighty:
            draw(control)
    if several:
        with st.container(key="each"):
            st.markdown(_table([t(head) for head in words.EACH], _lines(shown, form)))


def more_settings(shown: Sequence[Control], form: Form) -> None:
    """Everything else, folded away; last what none of the models has."""
    several = len(form.asks) > 1
    with st.expander(t(words.ADVANCED), key="advanced"):
        for control in shown:
            if control.live and not control.weighty and control.name != SHAPE:
                draw(control)
        dead = [control for control in shown if not control.live and (several or control.name != SHAPE)]
        if dead and not several:
            with st.grid("auto", min_column_width=140, key="dead"):
                for control in dead:
                    _dead(control)
        for said in _reasons(dead, form):
            st.caption(formats.literal(said))


def _reasons(dead: Sequence[Control], form: Form) -> Iterator[str]:
    """Why these cannot be set, each reason once."""
    if own := [_in_a_sentence(control.label) for control in dead if not control.absent]:
        yield t("{reason}: {settings}.", reason=t(words.EACH_ITS_OWN), settings=joined(own))
    if absent := [_in_a_sentence(control.label) for control in dead if control.absent]:
        yield t(has_no([ask.spec for ask in form.asks], absent))


def _in_a_sentence(label: str) -> str:
    return label.lower() if language() == "en" else t(label)


def _lines(shown: Sequence[Control], form: Form) -> Iterator[tuple[str, str, str]]:
    """What each of several models will be asked for, and what one costs."""
    own = [control for control in shown if control.weighty and not control.live]
    for ask in form.asks:
        size = ask.spec.output_size(ask.params)
        params = [(control.label, param) for control in own if (param := ask.spec.param(control.name)) is not None]
        values = [
            f"{t(label)} {t(param.value_label(param.default))}" for label, param in params if param.default is not None
        ]
        asked = " · ".join([f"{size[0]} × {size[1]}" if size else t(words.MODEL_CHOOSES_SIZE), *values])
        yield (
            ask.choice.name,
            *(
                (t(words.LEFT_OUT), "–")
                if ask.fault
                else (asked, formats.about_short(ask.price, practice=form.practice))
            ),
        )


def _table(head: Sequence[str], rows: Iterable[tuple[str, str, str]]) -> str:
    """As Markdown, the last column to the right."""
    lines = [head, *rows]
    written = [f"| {' | '.join(formats.literal(cell) for cell in line)} |" for line in lines]
    return "\n".join([written[0], "| :-- | :-- | --: |", *written[1:]])


def draw(control: Control) -> None:
    """One setting as the widget that fits it; disabled with the reason where it cannot be set."""
    if not control.live:
        _dead(control)
        st.caption(formats.literal(t(control.reason)))
        return
    common: dict[str, Any] = {
        "key": key_of(control.name), "help": formats.literal(t(control.help)) or None, "on_change": wish,
        "args": (control.name,),
    }  # fmt: skip
    label = formats.literal(t(control.label))
    if control.type == "bool":
        st.toggle(label, **common)
    elif control.type == "choice":
        st.segmented_control(label, list(control.options), required=not control.optional, format_func=_shown, **common)
    else:
        bound = int if control.type == "int" else float
        low, high = (None if end is None else bound(end) for end in (control.low, control.high))
        step = 1 if control.type == "int" else None
        placeholder = t("The model chooses") if control.optional else None
        st.number_input(
            label, min_value=low, max_value=high, value=None, step=step, placeholder=placeholder,
            **common,
        )  # fmt: skip


def _dead(control: Control) -> None:
    """A setting out of use. It shows what it will be when a model comes that has it."""
    kept: Value = st.session_state["wanted"].get(control.name)
    said = (t("on") if kept else t("off")) if isinstance(kept, bool) else "" if kept is None else t(str(kept))
    st.text_input(
        formats.literal(t(control.label)), value=said, placeholder=t("not offered"), disabled=True,
        key=f"none_{control.name}_{kept}",
    )  # fmt: skip


def _shown(value: str) -> str:
    return formats.literal(t(value))


def _shape(control: Control, form: Form) -> None:
    if not control.live:
        draw(control)
        return
    st.pills(
        t(words.SHAPE), sorted(control.options, key=_square_then_tall_then_wide), key=key_of(SHAPE),
        required=not control.optional, format_func=lambda value: f"{_glyph(value)} {_shown(value)}",
        on_change=wish, args=(SHAPE,), help=formats.literal(t(control.help)) or None,
    )  # fmt: skip
    if len(form.asks) == 1:
        size = form.asks[0].spec.output_size(form.asks[0].params)
        pixels = t("{width} × {height} pixels", width=size[0], height=size[1]) if size else ""
        st.caption(pixels or t(words.MODEL_CHOOSES_SIZE))
    elif any(label not in control.options for label in _shapes(form)):
        st.caption(t(words.SHAPES_OF_BOTH if len(form.asks) == 2 else words.SHAPES_OF_ALL))


def _shapes(form: Form) -> Iterator[str]:
    """What any of the models offers, as people read it."""
    for ask in form.asks:
        if (param := ask.spec.param(SHAPE)) is not None:
            yield from (param.value_label(value) for value in param.allowed)


def _square_then_tall_then_wide(value: str) -> tuple[int, float]:
    wide = ratio(value)
    return (3, 0) if not wide else (0, 0) if wide == 1 else (1, -wide) if wide < 1 else (2, wide)


def _glyph(value: str) -> str:
    wide = ratio(value)
    steps = ((0.6, "crop_9_16"), (0.99, "crop_portrait"), (1.01, "crop_square"), (1.3, "crop_5_4"), (1.6, "crop_3_2"))
    name = next((name for most, name in steps if wide <= most), "crop_16_9") if wide else "auto_awesome"
    return f":material/{name}:"
