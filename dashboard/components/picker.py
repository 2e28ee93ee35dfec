"""The model picker: every model on offer, by family and road, with its price and usual time; one of them, or several.

It is a component of our own because Streamlit's lists can neither group, nor explain an entry that cannot be chosen.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import form_words, formats, server, standing, views, words
from dashboard.components.chosen import choose, chosen, spec_for
from dashboard.components.form import Form, price_of
from dashboard.components.mount import mount
from dashboard.components.server import About
from dashboard.language import t
from data.catalog import ROADS, Catalog, Choice, ModelSpec, catalog
from data.requests import MAX_COUNT


def picker(form: Form) -> None:
    """Draws the picker; what is picked is in the session state `chosen` before anything else is drawn."""
    models, known, today = catalog(), server.about(), resources.now().date()
    several = bool(st.session_state["several"])
    picked = {ask.choice.name: ask.price for ask in form.asks}
    full = form_words.full(form.count) if several and _full(len(form.asks), form.count) else ""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for choice in models.choices:
        spec = spec_for(models, choice)
        item = _item(choice, spec, known, today, picked) | _misfit(spec, form, several=several)
        item["full"] = bool(full) and not item["picked"]  # said once, so that no entry grows under the mouse
        groups.setdefault((spec.family, spec.provider), []).append(item)
    families = list(dict.fromkeys(family for family, _ in groups))  # its roads together, in the catalogue's order
    data = {
        "label": t(words.MODEL), "several": several,
        "words": {name: t(text) for name, text in words.PICKER.items()}, "full": full,
        "many": form_words.models(len(form.asks)),
        "picked": [
            {"name": views.bare(ask.choice.name, ask.spec), "road": t(ROADS[ask.spec.provider])} for ask in form.asks
        ],
        "groups": [
            {"title": words.FAMILIES[family], "road": t(ROADS[road]), "items": items}
            for (family, road), items in sorted(groups.items(), key=lambda group: families.index(group[0][0]))
        ],
    }  # fmt: skip
    mount("picker", key="picker", data=data, on_event=_act)


def _item(
    choice: Choice, spec: ModelSpec, known: About, today: date, picked: Mapping[str, int | None]
) -> dict[str, Any]:
    how = standing.standing(spec, known, today)
    price = picked[choice.name] if choice.name in picked else price_of(spec)
    typical = views.usual(spec)
    facts = [formats.about_short(price, practice=known.practice), formats.seconds(typical) if typical else ""]
    return {
        "name": choice.name, "shown": views.bare(choice.name, spec),
        "picked": choice.name in picked, "off": bool(how.reason),
        "facts": [] if how.reason else list(filter(None, facts)), "note": how.reason or how.warning,
    }  # fmt: skip


def _misfit(spec: ModelSpec, form: Form, *, several: bool) -> dict[str, Any]:
    """A video and a picture are not compared."""
    if not several or spec.kind == form.asks[0].spec.kind:
        return {}
    return {"off": True, "facts": [], "note": t(words.OTHER_KIND[spec.kind])}


def _full(models: int, count: int) -> bool:
    """Whether one more model would ask for more than one press may."""
    return (models + 1) * count > MAX_COUNT


def _act(act: str, name: str) -> None:
    models = catalog()
    picked = chosen(models)
    names = [choice.name for choice in picked]
    wanted = next((choice for choice in models.choices if choice.name == name), None)
    if act in ("pick", "add") and (wanted is None or not _on_offer(models, wanted)):
        return  # a page that is older than the catalogue still shows it
    if act == "pick":
        choose([name])
    elif act == "add" and wanted and name not in names and _may_join(models, wanted, picked):
        choose([*names, name])
    elif act == "drop" and len(names) > 1:
        choose([each for each in names if each != name])
    elif act in ("one", "several"):
        choose(names if act == "several" else names[:1], several=act == "several")


def _on_offer(models: Catalog, choice: Choice) -> bool:
    return not standing.standing(spec_for(models, choice), server.about(), resources.now().date()).reason


def _may_join(models: Catalog, wanted: Choice, picked: Sequence[Choice]) -> bool:
    alike = models.spec_of(wanted).kind == models.spec_of(picked[0]).kind
    return alike and not _full(len(picked), st.session_state.get("count") or 1)
