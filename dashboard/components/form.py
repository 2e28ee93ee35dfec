"""The Generate form's state: what it starts with, and what it asks of each chosen model.

Plain session state holds what the person wants (`draft`, `chosen`, `wanted`, `references`); the widgets show what of
it the chosen models take, so that a value comes back with the model that knows it. Preferences keep it over reloads.
"""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import awaited, blanks, origin, project_choice, server, standing, words
from dashboard.components.chosen import choice_of, choose, chosen, spec_for
from dashboard.components.controls import SHAPE, Control, controls, fit, params_of, shown_value
from dashboard.components.mount import text_lost
from dashboard.components.server import About
from dashboard.components.trouble import DATABASE_ERRORS
from data.catalog import Catalog, Choice, ModelSpec, catalog
from data.errors import InvalidRequest
from data.images import StoredImage
from data.requests import MAX_COUNT, GenerationRequest, validate

COUNTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Fault:
    """Why a model would refuse what the form says: the field at fault, the whole sentence, and its code."""

    field: str
    sentence: str
    code: str = ""


@dataclass(frozen=True)
class Ask:
    """What one of the chosen models is asked for."""

    choice: Choice
    spec: ModelSpec
    params: Mapping[str, Any]
    price: int | None  # micro-credits for one call, or None where nobody knows
    fault: Fault | None


@dataclass(frozen=True)
class Form:
    """What the form says now. It always asks at least one model."""

    prompt: str
    references: tuple[StoredImage, ...]
    count: int
    asks: tuple[Ask, ...]
    practice: bool = False
    unfilled: tuple[str, ...] = ()  # blanks of a template in which nothing stands
    awaited: int = 0  # references that are still on their way

    @property
    def willing(self) -> tuple[Ask, ...]:
        """Those that would take it."""
        return tuple(ask for ask in self.asks if ask.fault is None)

    @property
    def refusing(self) -> tuple[Ask, ...]:
        """Those that would not, and are left out."""
        return tuple(ask for ask in self.asks if ask.fault is not None)

    @property
    def priced(self) -> tuple[Ask, ...]:
        """Those whose prices count: the willing, or all where none is."""
        return self.willing or self.asks

    @property
    def price(self) -> int | None:
        """Micro-credits for one call to each of the priced; None where one of the prices is unknown."""
        return None if self.unpriced else self.known_price

    @property
    def known_price(self) -> int:
        """The same of those whose price is known."""
        return sum(ask.price for ask in self.priced if ask.price is not None)

    @property
    def unpriced(self) -> int:
        """Of how many nobody knows the price."""
        return sum(ask.price is None for ask in self.priced)

    @property
    def total(self) -> int:
        """How many tasks a press makes."""
        return self.count * len(self.willing)

    @property
    def wants_words(self) -> bool:
        """Whether nothing but an empty prompt may be in the way."""
        needed = all(ask.spec.prompt_min > 0 for ask in self.asks)
        return needed or (not self.willing and any(ask.fault.field == "prompt" for ask in self.asks if ask.fault))

    @property
    def promise(self) -> tuple[object, ...]:
        """All that decides what a press costs and whom it pays. The button carries it, so that it buys this or nothing.

        The prompt is no part of it: the text that counts may come with the press. Where nobody knows a price, whatever
        is asked for may decide it.
        """
        calls = [
            (ask.spec.provider, ask.spec.id, ask.spec.sent_as, ask.price)
            + ((tuple(sorted(ask.params.items())), len(self.references)) if ask.price is None else ())
            for ask in self.willing
        ]
        return self.practice, self.count, *calls

    def requests(self) -> list[GenerationRequest]:
        """One request for each model that takes it. Raises InvalidRequest with a sentence."""
        today = resources.now().date()
        return [validate(ask.spec, self.prompt, ask.params, self.references, on=today) for ask in self.willing]


def start(person: str) -> None:
    """Seeds the form from the person's last visit, then lets a waiting `fill` overwrite it. Call before any widget."""
    state = st.session_state
    if "form_of" not in state:
        kept = resources.desk().preferences.all(person)
        state["form_of"] = person
        state["references"], state["refused"] = _kept_references(kept.get("references")), []
        state["awaited"] = awaited.kept(kept.get("awaited"))
        choice = kept.get("choice") or []
        state["chosen"] = [choice] if isinstance(choice, str) else choice if isinstance(choice, list) else []
        choose([name for name in state["chosen"] if isinstance(name, str)], several=len(state["chosen"]) > 1)
        state["count"] = kept["count"] if kept.get("count") in COUNTS else COUNTS[0]
        state["wanted"] = kept["settings"] if isinstance(kept.get("settings"), dict) else {}
        state["draft"] = str(kept.get("draft") or "")
        blanks.start(kept.get("template"))
        project_choice.start(kept.get("project"))
        origin.start(kept.get("origin"))
    if awaited.take_up():
        keep_references()
    if wanted := state.pop("fill", None):
        origin.before_filling(wanted)
        _fill(wanted)
    elif (lost := text_lost("typed", state["draft"])) is not None:
        _keep_draft(person, lost)
    if state.get("prompt") != state["draft"]:  # a page that is left while it is drawn takes the widget's value along
        state["prompt"] = state["draft"]


def _fill(wanted: Mapping[str, Any]) -> None:
    state, models = st.session_state, catalog()
    state["filled"] = secrets.token_hex(4)
    _keep_draft(state["form_of"], wanted["prompt"])
    template = wanted.get("template")
    blanks.take(template)
    project_choice.take(wanted.get("project"))
    if template is not None:
        _settle(template.settings)
    if wanted["references"] is not None:  # a whole request: what it left unsaid goes back to the default
        state["references"], state["wanted"] = list(wanted["references"]), {}
        state["refused"], state["awaited"], state["address_refused"] = [], [], ("", "")
        keep_references()
    choice = choice_of(models, wanted.get("model"))
    if choice is None:
        state["wanted_model"] = wanted.get("model")
    else:
        choose([choice.name], several=False)
    spec = models.get(wanted.get("model") or "")
    for name, value in wanted["params"].items():
        param = spec.param(name) if spec else None
        state["wanted"] = state["wanted"] | {name: shown_value(param, value) if param else value}


def _settle(settings: Mapping[str, Any]) -> None:
    """The settings of a template, those that are still offered."""
    offered = {choice.name for choice in catalog().choices}
    if names := [name for name in settings.get("choice") or [] if name in offered]:
        choose(names, several=len(names) > 1)
    if settings.get("count") in COUNTS:
        st.session_state["count"] = settings["count"]
    if isinstance(settings.get("wanted"), dict):
        st.session_state["wanted"] = settings["wanted"]


def lay_out(specs: Iterable[ModelSpec], models: Catalog) -> list[Control]:
    """The controls for these models, their widgets set to what of the person's wishes they can show.

    To be called before the widgets are drawn.
    """
    specs, state = list(specs), st.session_state
    count = state.get("count") or COUNTS[0]  # told at each drawing: with another label it would forget what was chosen
    state["count"] = count if count in counts(len(specs)) else counts(len(specs))[-1]
    kind = specs[0].kind
    shown = controls(specs, [spec for spec in models.models if spec.kind == kind])
    for control in shown:
        if control.live:
            state[key_of(control.name)] = fit(control, state["wanted"].get(control.name))
    return shown


def counts(models: int) -> tuple[int, ...]:
    """How many of each may be asked for at once, of so many models; at least one."""
    return tuple(one for one in COUNTS if one * models <= MAX_COUNT) or COUNTS[:1]


def key_of(name: str) -> str:
    """The key of a setting's widget."""
    return "shape" if name == SHAPE else f"set_{name}"


def wish(name: str) -> None:
    """A widget's callback: what it says now is what the person wants, whichever model is chosen next."""
    st.session_state["wanted"] = st.session_state["wanted"] | {name: st.session_state[key_of(name)]}


def read(*, unseen: bool = False, empty: bool = False) -> Form:
    """The form as the widgets hold it. Valid after `start`.

    `unseen`: the prompt we have is not the one in the field; of that we know only whether it is `empty`. Whether a
    model takes it is then judged when it comes. An empty one likewise, since what else stands in the way may be said
    before anybody has written a word; but where one model needs no words, it is what the others would refuse.
    """
    state, models = st.session_state, catalog()
    choices = chosen(models)
    specs = [spec_for(models, choice) for choice in choices]
    shown = controls(specs)
    values = {one.name: fit(one, state.get(key_of(one.name), state["wanted"].get(one.name))) for one in shown}
    typed, references = state.get("prompt") or "", tuple(state["references"])
    prompt = blanks.asked(typed)
    text = prompt if not unseen else "" if empty else None
    if text is not None and not text.strip() and all(spec.prompt_min > 0 for spec in specs):
        text = None
    known = server.about()
    asks = [
        _ask(choice, spec, params_of(spec, shown, values), references, text=text, known=known)
        for choice, spec in zip(choices, specs, strict=True)
    ]
    unfilled = () if unseen else blanks.unfilled(typed)
    on_their_way = len(awaited.waiting())
    return Form(prompt, references, state.get("count") or 1, tuple(asks), known.practice, unfilled, on_their_way)


def _ask(
    choice: Choice, spec: ModelSpec, params: Mapping[str, Any], references: tuple[StoredImage, ...], *,
    text: str | None, known: About,
) -> Ask:  # fmt: skip
    """`text` is the prompt; with None any that the model takes stands in for it."""
    today, fault = resources.now().date(), None
    try:
        validate(spec, "." * spec.prompt_min if text is None else text, params, references, on=today)
        if unconnected := standing.unconnected(spec, known):
            fault = Fault("model", unconnected)
    except InvalidRequest as error:
        fault = Fault(error.field, error.sentence, error.code)
    return Ask(choice, spec, params, spec.estimate(params, on=today, references=len(references)), fault)


def price_of(spec: ModelSpec) -> int | None:
    """What this model alone would cost with what the person wants, in micro-credits; None: unknown."""
    state, shown = st.session_state, controls([spec])
    params = params_of(spec, shown, {one.name: fit(one, state["wanted"].get(one.name)) for one in shown})
    return spec.estimate(params, on=resources.now().date(), references=len(state["references"]))


def keep_draft(person: str) -> None:
    """Remembers the text at each commit, so that a reload does not cost a long prompt.

    On the way back from another page it is no person who speaks: a page that was left while it was drawn may have its
    field emptied by the browser.
    """
    if st.session_state["page"] == words.GENERATE:
        _keep_draft(person, st.session_state["prompt"] or "")


def _keep_draft(person: str, text: str) -> None:
    st.session_state["draft"] = text
    with suppress(*DATABASE_ERRORS):  # a draft that is not kept must not stop whoever is writing it
        resources.desk().preferences.remember(person, draft=text)


def keep_references() -> None:
    """Remembers which pictures are in the slots, stored already, and which are on their way."""
    images = [asdict(image) for image in st.session_state["references"]]
    with suppress(*DATABASE_ERRORS):
        resources.desk().preferences.remember(st.session_state["form_of"], references=images, awaited=awaited.waiting())


def keep_all() -> None:
    """Remembers the whole of what a person wrote, after something else than their typing has changed it."""
    keep_draft(st.session_state["form_of"])
    for keep in (keep_references, blanks.keep, project_choice.keep, origin.keep):
        keep()


def _kept_references(kept: Any) -> list[StoredImage]:
    try:
        return [StoredImage(**image) for image in kept or []]
    except TypeError:  # written by another version
        return []
