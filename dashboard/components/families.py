"""The first choice of all: one of the two families, or both at once, each with its price and its usual time.

It stands above the list of models, which stays the place for everything finer. What it picks is the model of that
family that this person used last, else the first that can be asked.
"""

from collections.abc import Sequence
from typing import Any

from dashboard import resources
from dashboard.components import formats, server, standing, views, words
from dashboard.components.chosen import choose, last_of, spec_for
from dashboard.components.form import Form, price_of
from dashboard.components.mount import mount
from dashboard.language import t
from data.catalog import Catalog, Choice, ModelSpec, catalog

FAMILIES = ("seedream", "nano-banana")
BOTH = "both"


def families(form: Form) -> None:
    """Draws the choice; what is picked is in the session state before anything else is drawn."""
    models = catalog()
    ways = {family: _model_of(models, family) for family in FAMILIES}
    picked = [ask.choice for ask in form.asks]
    items = [_item(models, family, words.FAMILIES[family], [choice] if choice else [], picked)
             for family, choice in ways.items()]  # fmt: skip
    items.append(_item(models, BOTH, t("Both"), [choice for choice in ways.values() if choice], picked))
    data = {"label": t("Which family draws"), "items": items}
    mount("families", key="families", data=data, on_event=_act)


def _item(
    models: Catalog, name: str, title: str, choices: Sequence[Choice], picked: Sequence[Choice]
) -> dict[str, Any]:
    specs = [spec_for(models, choice) for choice in choices]
    off = len(specs) < (len(FAMILIES) if name == BOTH else 1)
    return {
        "id": name, "name": title, "off": off, "picked": not off and _is(models, name, picked),
        "facts": [t("not available now")] if off else _facts(specs),
        "models": " + ".join(choice.name for choice in choices),
    }  # fmt: skip


def _facts(specs: Sequence[ModelSpec]) -> list[str]:
    prices, waits = [price_of(spec) for spec in specs], [views.usual(spec) for spec in specs]
    known = [price for price in prices if price is not None]
    price = formats.about_short(sum(known) if len(known) == len(prices) else None, practice=server.about().practice)
    times = [seconds for seconds in waits if seconds]
    return [price, formats.span(min(times), max(times))] if len(times) == len(waits) else [price]


def _is(models: Catalog, name: str, picked: Sequence[Choice]) -> bool:
    """Whether what is picked is this: one model of the family, or one of each."""
    chosen = sorted(models.spec_of(choice).family for choice in picked)
    return chosen == (sorted(FAMILIES) if name == BOTH else [name])


def _model_of(models: Catalog, family: str) -> Choice | None:
    """The model that stands for a family; None where none of it can be asked."""
    known, today = server.about(), resources.now().date()
    mine = [choice for choice in models.choices if models.spec_of(choice).family == family]
    usable = [one for one in mine if not standing.standing(spec_for(models, one), known, today).reason]
    return next((one for one in usable if one.name == last_of(family)), next(iter(usable), None))


def _act(act: str, name: str) -> None:
    models = catalog()
    wanted = [_model_of(models, family) for family in (FAMILIES if name == BOTH else (name,))]
    if act == "family" and all(wanted):  # a page that is older than the catalogue may ask for more
        choose([choice.name for choice in wanted if choice], several=name == BOTH)
