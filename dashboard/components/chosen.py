"""Which models are chosen: names in the session state, held against the catalogue as it is now."""

import streamlit as st

from dashboard import resources
from dashboard.components import standing
from data.catalog import Catalog, Choice, ModelSpec, catalog


def choice_of(models: Catalog, model_id: str | None) -> Choice | None:
    """The choice that offers this model, if any still does."""
    return next((choice for choice in models.choices if model_id and model_id in (choice.text, choice.edit)), None)


def chosen(models: Catalog) -> list[Choice]:
    """The chosen models, those that have left the catalogue aside; never empty."""
    names = st.session_state["chosen"]
    found = [choice for choice in models.choices if choice.name in names]
    return found or [standing.first_usable(models, resources.now().date())]


def gone(models: Catalog) -> list[str]:
    """What the person had chosen, or wants to use again, and the catalogue no longer has; until they choose anew."""
    offered = {choice.name for choice in models.choices}
    wanted = [*st.session_state["chosen"], st.session_state["wanted_model"]]
    return [name for name in wanted if isinstance(name, str) and name not in offered]


def choose(names: list[str], *, several: bool | None = None) -> None:
    """These models are the person's choice now: by their names, in this order. `several`: whether they are compared."""
    state, models = st.session_state, catalog()
    state["chosen"], state["wanted_model"] = names, None
    if several is not None:
        state["several"] = several
    used = {models.spec_of(choice).family: choice.name for choice in models.choices if choice.name in names}
    state["last_of"] = state.get("last_of", {}) | used


def last_of(family: str) -> str | None:
    """The model of this family that the person chose last, in this session or before it."""
    found: str | None = st.session_state.get("last_of", {}).get(family)
    return found


def spec_for(models: Catalog, choice: Choice) -> ModelSpec:
    """The model that would be used: the choice's edit model as soon as there are references."""
    return models.require(choice.model_id(with_references=bool(st.session_state["references"])))
