"""Whether a model can be asked now, and why not: paused, retired, or behind a road that nobody has connected."""

from dataclasses import dataclass
from datetime import date

from dashboard.components import form_words, server
from dashboard.components.server import About
from dashboard.language import t
from data.catalog import Catalog, Choice, ModelSpec


@dataclass(frozen=True)
class Standing:
    """`reason` says why it cannot be chosen, `warning` what to know when choosing it; both short, mostly empty."""

    reason: str = ""
    warning: str = ""


def standing(spec: ModelSpec, known: About, today: date) -> Standing:
    """How a model stands today, at a server that says this of itself."""
    if spec.retires is not None and spec.retired(today):
        return Standing(reason=form_words.retired_on(spec.retires))
    if spec.paused:
        return Standing(reason=t(spec.paused))
    if not _connected(spec, known):
        return Standing(reason=form_words.not_connected(spec.provider))
    soon = spec.retires is not None and bool(spec.retiring(today))
    return Standing(warning=form_words.retiring_on(spec.retires) if soon and spec.retires else "")


def unconnected(spec: ModelSpec, known: About) -> str:
    """Why nothing can be asked by this model's road, as a whole sentence; empty where it can."""
    return "" if _connected(spec, known) else form_words.unconnected(spec.provider)


def first_usable(models: Catalog, today: date) -> Choice:
    """The first choice that can be asked; the very first where none can."""
    known = server.about()
    usable = (choice for choice in models.choices if not standing(models.spec_of(choice), known, today).reason)
    return next(usable, models.choices[0])


def _connected(spec: ModelSpec, known: About) -> bool:
    """Whether an account serves this road. A server that has not spoken yet is given the benefit of the doubt."""
    return known.practice or not known.connected or (spec.provider, spec.family) in known.connected
