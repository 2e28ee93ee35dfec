"""What stands in the batch dialog, kept beside its widgets: they forget when it closes, and it may close by accident.

The text survives a reload as well, as the form's prompt does.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import server
from dashboard.components.batch_rows import Beside, Review, review
from dashboard.components.controls import SHAPE, shown_value
from dashboard.components.trouble import DATABASE_ERRORS
from data.batch_text import Lines, pasted, table
from data.catalog import Catalog, catalog
from data.money import MICRO
from data.plan import Plan

LONGEST_KEPT = 100_000
"""Characters of a list that are remembered for another day."""
LINES, FILE = "lines", "file"


@dataclass
class Kept:
    """All of it. `models` and `shapes` are None until somebody chooses: then they follow the form."""

    origin: str = LINES
    text: str = ""
    before: str = ""  # the list that the form's lines took the place of
    taken: str = ""  # the form's prompt, as it was taken over
    file: str = ""  # what was uploaded, as text
    file_name: str = ""
    file_fault: str = ""
    models: list[str] | None = None
    shapes: list[str] | None = None
    repeat: int = 1
    references: bool = True
    name: str = ""
    cap: float | None = None  # credits
    whole: bool = False  # every row is shown, not the first alone
    typed: int = 0  # counts the times that we put another text into the field
    refused: str = ""  # why the last press was refused, a sentence
    form_models: list[str] = field(default_factory=list)


def kept() -> Kept:
    """This session's."""
    found: Kept = st.session_state.setdefault("batch", Kept())
    return found


def open_with(person: str, models: list[str], prompt: str) -> None:
    """Opens the dialog as it was left, or with the lines of the form's prompt where these are new. A callback."""
    here = kept()
    if not here.text and not here.file:
        with suppress(*DATABASE_ERRORS):
            remembered = resources.desk().preferences.all(person).get("batch")
            here.text = remembered if isinstance(remembered, str) else ""
    if several(prompt) and prompt != here.taken:
        here.before = here.text if here.text != prompt else ""
        here.text, here.taken, here.origin = prompt, prompt, LINES
    here.typed += 1
    here.whole = False
    here.form_models = models
    st.session_state["batch_open"] = True


def swap() -> None:
    """Back to the list that stood there before the form's lines came, or to these again."""
    here = kept()
    here.text, here.before, here.refused = here.before, here.text, ""
    here.typed += 1


def several(prompt: str) -> int:
    """How many lines a prompt has, where that is more than one."""
    count = sum(bool(line.strip()) for line in prompt.splitlines())
    return count if count > 1 else 0


def remember(person: str) -> None:
    """Keeps the text for the next visit."""
    with suppress(*DATABASE_ERRORS):  # what is not kept must not stop whoever is writing it
        text = kept().text
        resources.desk().preferences.remember(person, batch=text if len(text) <= LONGEST_KEPT else "")


def models_of(here: Kept, models: Catalog) -> list[str]:
    """The names of the models in force."""
    offered = {choice.name for choice in models.choices}
    return [name for name in (here.form_models if here.models is None else here.models) if name in offered]


def shapes_on_offer(here: Kept, models: Catalog) -> list[str]:
    """What people read for every shape that one of the models has."""
    found: dict[str, None] = {}
    for choice in models.choices:
        if choice.name in models_of(here, models):
            for model_id in filter(None, (choice.text, choice.edit)):
                param = models.require(model_id).param(SHAPE)
                found |= dict.fromkeys(str(shown_value(param, value)) for value in param.allowed) if param else {}
    return list(found)


def lines_of(here: Kept, models: Catalog) -> Lines:
    """The lines that are pasted, or those of the file."""
    if here.origin == LINES:
        return pasted(here.text)
    settings = {param.name for spec in models.models for param in spec.params}
    return table(here.file, settings) if here.file else Lines()


def reviewed(here: Kept) -> Review:
    """The batch as it would be started now."""
    state, models = st.session_state, catalog()
    references = tuple(state.get("references") or ()) if here.references else ()
    offered = shapes_on_offer(here, models)
    beside = Beside(
        tuple(models_of(here, models)), tuple(one for one in here.shapes or () if one in offered), here.repeat,
        dict(state.get("wanted") or {}), references,
    )  # fmt: skip
    return review(lines_of(here, models), beside, models, server.about(), resources.now().date())


def cap_micro(here: Kept) -> int | None:
    """What the person says it may cost, in micro-credits."""
    return None if here.cap is None else round(here.cap * MICRO)


def plan_of(here: Kept, found: Review) -> Plan:
    """What the batch is called: as it was named, or like its file, or by its first prompt."""
    named: Any = here.name.strip() or (here.origin == FILE and here.file_name.rpartition(".")[0])
    return Plan(named or found.good[0].prompt, "file" if here.origin == FILE else "lines", cap_micro(here))
