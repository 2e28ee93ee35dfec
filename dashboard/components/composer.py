"""The left side of Generate: the form, from prompt to button, drawn from the catalogue for the chosen models."""

from functools import partial

import streamlit as st

from dashboard import resources
from dashboard.components import (
    awaited,
    batch,
    blanks,
    budget,
    chosen,
    credit,
    families,
    form,
    form_words,
    formats,
    picker,
    press,
    project_choice,
    server,
    templates,
    views,
    words,
)
from dashboard.components.controls import named
from dashboard.components.filled import filled, way
from dashboard.components.form import Form
from dashboard.components.model_form import main_settings, more_settings
from dashboard.components.mount import field_now, mount_composer
from dashboard.components.recall import recall
from dashboard.components.references import references
from dashboard.components.twin import twin
from dashboard.language import t
from data.catalog import catalog
from data.relation import Relation


def composer(person: str) -> None:
    """Draws the whole form. `form.start` must have run."""
    models = catalog()
    shown = form.lay_out([chosen.spec_for(models, choice) for choice in chosen.chosen(models)], models)
    committed = st.session_state["prompt"] or ""
    empty, edited = field_now("typed", committed)
    now = form.read(unseen=edited, empty=empty)  # a text that is not committed yet is judged by the press
    filled(now)
    _prompt(person, now)
    families.families(now)
    model, count = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with model:
        picker.picker(now)
    with count:
        _count(now)
    left = budget.left(person, now.price, calls=len(now.priced))
    _about(now, left)
    main_settings(shown, now)
    references(now, person)
    more_settings(shown, now)
    key = press.key(now.promise)
    _button(person, now, left, key, empty=empty, edited=edited)
    mount_composer(
        key="typed", field="prompt", committed=committed, person=person,
        button={"button": key, "heard": press.heard(), "heard_text": press.shown(press.pressed_text()),
                "form": press.beside_the_prompt(now), "shortcut": not _is_covered(), "asks": t(words.ADD_PROMPT)},
        on_pressed=partial(press.unheard, person),
    )  # fmt: skip


def _prompt(person: str, now: Form) -> None:
    limits: dict[int, list[str]] = {}
    for ask in now.asks:
        limits.setdefault(ask.spec.prompt_max, []).append(named(ask.spec))
    said = " ".join(form_words.takes_up_to(models, most) for most, models in sorted(limits.items()))
    if now.practice:
        said += " " + t(words.FAULTS)
    st.text_area(
        t(words.PROMPT), key="prompt", height=124, placeholder=t(words.PROMPT_HINT),
        on_change=form.keep_draft, args=(person,), help=formats.literal(said),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="beginnings"):
        st.pills(
            t("Examples"), list(words.EXAMPLES), key="example", label_visibility="collapsed", format_func=t,
            on_change=_take_example, args=(person,),
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            recall("prompt", person)  # these three wrap together
            templates.button()
            project_choice.button()
    templates.fields(person)
    templates.dialog_if_open(person)


def _count(now: Form) -> None:
    labels = words.COUNTS_EACH if len(now.asks) > 1 else words.COUNTS
    options = form.counts(len(now.asks))
    st.segmented_control(
        t(labels[now.asks[0].spec.kind]), list(options), key="count", required=True, width="stretch",
        persist_state="session", help=t(words.AT_MOST) if options != form.COUNTS else None,
    )  # fmt: skip


def _take_example(person: str) -> None:
    chosen = st.session_state["example"]
    if chosen:
        st.session_state["prompt"] = t(words.EXAMPLES[chosen])
        st.session_state["example"] = None  # it fills the form; it is no choice that stays
        blanks.take(None)
        form.keep_draft(person)


def _about(now: Form, left: budget.Left | None) -> None:
    """The line that answers "which model?" at the moment of choice, and what is left to spend."""
    practice = now.practice
    each = t("{price} each", price="{price}") if len(now.asks) == 1 else t("{price} for one of each", price="{price}")
    parts = [_estimate(now, 1, each)]
    if practice:
        parts = [t("{price}, nothing is charged", price=parts[0])]
    if waits := [known for ask in now.asks if (known := views.wait(ask.spec))]:
        parts.append(form_words.usually(waits, all_known=len(waits) == len(now.asks)))
    names, halted = [ask.choice.name for ask in now.asks], bool(server.about().halt)
    warnings = [form_words.gone(missing, names, halted=halted)] if (missing := chosen.gone(catalog())) else []
    warnings += [t(ask.spec.retiring(resources.now().date())) for ask in now.willing]
    if now.references:
        parts.append(form_words.with_references(len(now.references)))
    if refused := len(st.session_state["refused"]) + any(awaited.refused_address()):
        warnings.append(form_words.without_refused(refused))
    if left:
        (warnings if left.short else parts).append(budget.line(left, now.asks[0].spec.kind))
    accounts = [] if practice else credit.held(now)
    for one in accounts:
        (warnings if one.short else parts).append(
            credit.warning(one) if one.short else credit.line(one, alone=len(accounts) == 1)
        )
    with st.container(gap="small", key="about"):
        st.caption(formats.literal(" · ".join(parts)))
        for warning in filter(None, warnings):  # not as a caption: that would fade the colour
            st.markdown(f":small[:orange[:material/warning: {formats.literal(warning)}]]")


def _estimate(now: Form, times: int, each: str = "{price}") -> str:
    """What so many of each will cost, as far as anybody knows; `each` says of how many a known price is."""
    price = formats.about(now.known_price, times=times, practice=now.practice)
    known = each.format(price=price)
    if not now.unpriced:
        return known
    return formats.about(None) if now.unpriced == len(now.priced) else form_words.at_least(known, now.unpriced)


def _button(person: str, now: Form, left: budget.Left | None, key: str, *, empty: bool, edited: bool) -> None:
    """Draws it, and what must be said beside it."""
    label, sentence = press.obstacle(now, left, person, empty=empty)
    meant = label or edited or way(now) == Relation.VARIATION  # whoever varies wants the same once more
    same = None if meant else press.same_as(now)
    text = form_words.generate(now.total, _estimate(now, now.count), again=same is not None)
    _left_out(now)
    shortcut = None if label or _is_covered() else "Ctrl+Enter"
    refusal = press.refusal(now, edited=edited)
    with st.container(gap="small", key="press"):
        if sentence or refusal:  # above the button, which is always in sight: below it nobody would see it
            st.error(formats.literal(refusal or sentence), icon=":material/error:")
        with st.container(horizontal=True, gap="small", key="press_row"):
            with st.container(key="generate"):
                st.button(
                    formats.literal(label or text), key=key, type="primary", width="stretch", shortcut=shortcut,
                    disabled=bool(label), on_click=press.press, args=(person, press.number(), now.promise),
                )  # fmt: skip
            batch.button(person, now)
    if same is not None and not (sentence or refusal):
        twin(same, person)


def _is_covered() -> bool:
    """Whether a dialog or the drawer stands before the form: keys are theirs, and nothing behind them is bought."""
    return "task" in st.query_params or any(map(st.session_state.get, ("batch_open", "templating", "choosing")))


def _left_out(now: Form) -> None:
    """Which of several models will not be asked, and why: before anything is spent."""
    if len(now.asks) == 1 or not now.refusing:
        return
    why = {
        ask.choice.name: t(ask.fault.sentence).removeprefix(f"{ask.spec.label} ") for ask in now.refusing if ask.fault
    }
    lines = form_words.left_out(why)
    st.warning("\n\n".join(map(formats.literal, lines)), icon=":material/block:")
