"""The sentences of the Generate form that depend on what stands in it; the fixed ones are in `words.py`.

It draws nothing and reads no database.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from dashboard.components.controls import joined
from dashboard.components.words import KEYS
from data.catalog import ROADS
from data.requests import MAX_COUNT


def gone(models: Sequence[str], instead: Sequence[str], *, halted: bool) -> str:
    """Beside the picker, where what was chosen has left the catalogue, and something else may cost something else."""
    when = "at the moment" if halted else "any more"
    return (
        f"{joined(models)} {'is' if len(models) == 1 else 'are'} not offered {when}; chosen instead: {joined(instead)}."
    )


def generate(count: int, estimate: str, *, again: bool = False, models: int = 1) -> str:
    """The label of the one button that spends. `count` is over all models together."""
    many = f"{count} again" if count > 1 else "again"
    by = f" by {models} models" if models > 1 else ""
    return f"Generate {many if again else count}{by} · {estimate}"


def slots(taken: int, most: int, users: str) -> str:
    """How many reference slots are used, and by whom."""
    return f"{taken} of {most} · {users}" if most else f"{taken} · {users}"


def users(takers: Sequence[str], models: Sequence[str]) -> str:
    """Which of the models use the references, as short as can be."""
    if not takers:
        return f"{text_alone(models).removesuffix('.')}: take them out, or choose a model that edits"
    if len(takers) == 1:
        return f"{takers[0]} will use them"
    without = [model for model in models if model not in takers]
    return f"all but {joined(without)} will use them" if without else "all models will use them"


def over(most: int) -> str:
    """On a reference that finds no place."""
    return f"Too many: {most} at most" if most else "Not used"


def free(count: int, roles: Sequence[str]) -> str:
    """In the place of those that may still be added; empty where none may."""
    return f"{joined(roles)}: free" if roles else f"{count} free" if count else ""


def in_order(roles: Sequence[str]) -> str:
    """Under the drop zone of a model that takes each picture for something else."""
    return f"{joined([role.lower() for role in roles]).capitalize()}, in this order."


def text_alone(models: Sequence[str]) -> str:
    """Why nothing can be dropped for these models."""
    return f"{joined(models)} {'draws' if len(models) == 1 else 'draw'} from text alone."


def retired_on(day: date) -> str:
    """Beside a model that is gone."""
    return f"Retired on {day.day} {day:%B %Y}"


def retiring_on(day: date) -> str:
    """Beside a model that goes soon."""
    return f"Offered until {day.day} {day:%B %Y}"


def not_connected(road: str) -> str:
    """Beside a model whose road has no key."""
    return f"Not connected: needs {KEYS.get(road, 'a key')}"


def unconnected(road: str) -> str:
    """Why a model whose road has no key cannot be asked, as a whole sentence."""
    return (
        f"{ROADS.get(road, road)} is not connected. Nothing was charged. "
        f"An admin can set {KEYS.get(road, 'its key')} and restart; until then choose another model."
    )


def takes_up_to(names: Sequence[str], characters: int) -> str:
    """How long a prompt may be."""
    return f"{joined(names)} {'takes' if len(names) == 1 else 'take'} up to {characters:,} characters."


def models(count: int) -> str:
    """ "3 models"."""
    return f"{count} models"


def full(count: int) -> str:
    """Why no further model can be added to those of one press, where `count` are asked for of each."""
    fewer = "" if count == 1 else ", or choose fewer of each"
    return f"One press makes at most {MAX_COUNT}. To add a model, drop another{fewer}."


def left_out(refusals: Mapping[str, str]) -> list[str]:
    """Those of several models that will not be asked and why (a sentence, or the rest of one), each reason once.

    Nothing has been pressed, so nobody wonders about a charge.
    """
    reasons: dict[str, list[str]] = {}
    for model, why in refusals.items():
        reasons.setdefault(why.replace(" Nothing was charged.", ""), []).append(model)
    return [_left_out(names, why) for why, names in reasons.items()]


def _left_out(names: Sequence[str], why: str) -> str:
    if why[:1].islower():  # the rest of a sentence whose subject is the model
        return f"Left out: {names[0]} {why}" if len(names) == 1 else f"Left out: {joined(names)}. Each {why}"
    return f"{joined(names)} {'is' if len(names) == 1 else 'are'} left out. {why}"


def at_least(known: str, unknown: int) -> str:
    """The cost where some of several prices are unknown: "at least ≈ 12 credits, one price unknown"."""
    return f"at least {known}, {'one price' if unknown == 1 else f'{unknown} prices'} unknown"


def too_many(total: int, most: int) -> tuple[str, str]:
    """Label and sentence where a press would make more than anybody should ask for without a second look."""
    sentence = (
        f"One press asks for at most {most}, over all models together; this would be {total}. "
        "Choose fewer of each, or fewer models."
    )
    return f"{total} at once – at most {most}", sentence
