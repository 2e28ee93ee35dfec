"""The sentences of the Generate form that depend on what stands in it; the fixed ones are in `words.py`.

It draws nothing and reads no database.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from dashboard.components import formats
from dashboard.components.controls import joined
from dashboard.components.words import KEYS
from dashboard.language import t, tn
from data.catalog import ROADS
from data.requests import MAX_COUNT
from data.usual import Usual

_FIRST = re.compile(r".*?(?:[.](?=\s|$)|。)|.+", re.DOTALL)


def first_of(text: str) -> str:
    """The first sentence of several, with its full stop."""
    found = _FIRST.match(text)
    return found[0] if found else text


def gone(models: Sequence[str], instead: Sequence[str], *, halted: bool) -> str:
    """Beside the picker, where what was chosen has left the catalogue, and something else may cost something else."""
    names = {"models": joined(models), "instead": joined(instead)}
    if len(models) == 1:
        if halted:
            return t("{models} is not offered at the moment; chosen instead: {instead}.", **names)
        return t("{models} is not offered any more; chosen instead: {instead}.", **names)
    if halted:
        return t("{models} are not offered at the moment; chosen instead: {instead}.", **names)
    return t("{models} are not offered any more; chosen instead: {instead}.", **names)


def generate(count: int, estimate: str, *, again: bool = False) -> str:
    """The label of the one button that spends, short enough for one line of a phone. `count` is over all models."""
    said = {"count": count, "estimate": estimate}
    if not again:
        return t("Generate {count} · {estimate}", **said)
    if count > 1:
        return t("Generate {count} again · {estimate}", **said)
    return t("Generate again · {estimate}", **said)


def usually(waits: Sequence[Usual], *, all_known: bool) -> str:
    """How long it takes: "usually 18 s (9 of 10 under 41 s)"; of several models from the quickest to the slowest."""
    times = [one.seconds for one in waits]
    span = formats.span(min(times), max(times))
    if not all_known:
        return t("usually {span} where known", span=span)
    most = max(one.most or 0 for one in waits) if all(one.most for one in waits) else 0
    if most <= max(times) or formats.within(most) == span:
        return t("usually {span}", span=span)
    return t("usually {span} (9 of 10 under {most})", span=span, most=formats.within(most))


def loading(present: int) -> str:
    """Why nothing can be asked for, where so many references are there and the next is on its way."""
    return t("Image {number} is still loading", number=present + 1)


def slots(taken: int, most: int, users: str) -> str:
    """How many reference slots are used, and by whom."""
    if not most:
        return f"{taken} · {users}"
    return t("{taken} of {most} · {users}", taken=taken, most=most, users=users)


def users(takers: Sequence[str], models: Sequence[str]) -> str:
    """Which of the models use the references, as short as can be."""
    if not takers:
        why = text_alone(models).rstrip(".。")
        return t("{why}: take them out, or choose a model that edits", why=why)
    if len(takers) == 1:
        return t("{model} will use them", model=takers[0])
    without = [model for model in models if model not in takers]
    return t("all but {models} will use them", models=joined(without)) if without else t("all models will use them")


def over(most: int) -> str:
    """On a reference that finds no place."""
    return t("Too many: {most} at most", most=most) if most else t("Not used")


def free(count: int, roles: Sequence[str]) -> str:
    """In the place of those that may still be added; empty where none may."""
    if roles:
        return t("{roles}: free", roles=joined(roles))
    return t("room for {count} more", count=count) if count else ""


def with_references(count: int) -> str:
    """Beside the price: what is asked for is made from these."""
    return tn(count, "from {n} reference", "from {n} references")


def without_refused(count: int) -> str:
    """A warning: what was added and refused is no part of what a press asks for."""
    return tn(
        count,
        "One file that you added was refused (see References) and is not used.",
        "{n} files that you added were refused (see References) and are not used.",
    )


def in_order(roles: Sequence[str]) -> str:
    """Under the drop zone of a model that takes each picture for something else."""
    first, *others = [t(role) for role in roles]
    return t("{roles}, in this order.", roles=joined([first, *(role.lower() for role in others)]))


def text_alone(models: Sequence[str]) -> str:
    """Why nothing can be dropped for these models."""
    if len(models) == 1:
        return t("{model} draws from text alone.", model=models[0])
    return t("{models} draw from text alone.", models=joined(models))


def retired_on(day: date) -> str:
    """Beside a model that is gone."""
    return t("Retired on {day}", day=formats.full_date(day))


def retiring_on(day: date) -> str:
    """Beside a model that goes soon."""
    return t("Offered until {day}", day=formats.full_date(day))


def not_connected(road: str) -> str:
    """Beside a model whose road has no key."""
    return t("Not connected: needs {key}", key=KEYS.get(road) or t("a key"))


def unconnected(road: str) -> str:
    """Why a model whose road has no key cannot be asked, as a whole sentence."""
    return t(
        "{road} is not connected. Nothing was charged. "
        "An admin can set {key} and restart; until then choose another model.",
        road=t(ROADS.get(road, road)), key=KEYS.get(road) or t("its key"),
    )  # fmt: skip


def takes_up_to(names: Sequence[str], characters: int) -> str:
    """How long a prompt may be."""
    said = {"models": joined(names), "most": f"{characters:,}"}
    if len(names) == 1:
        return t("{models} takes up to {most} characters.", **said)
    return t("{models} take up to {most} characters.", **said)


def models(count: int) -> str:
    """ "3 models"."""
    return tn(count, "{n} model", "{n} models")


def full(count: int) -> str:
    """Why no further model can be added to those of one press, where `count` are asked for of each."""
    if count == 1:
        return t("One press makes at most {most}. To add a model, drop another.", most=MAX_COUNT)
    return t("One press makes at most {most}. To add a model, drop another, or choose fewer of each.", most=MAX_COUNT)


def left_out(refusals: Mapping[str, str]) -> list[str]:
    """Those of several models that will not be asked and why (a sentence, or the rest of one), each reason once.

    Nothing has been pressed, so nobody wonders about a charge.
    """
    reasons: dict[str, list[str]] = {}
    for model, why in refusals.items():
        reason = why.replace(" Nothing was charged.", "").replace(t("Nothing was charged."), "")
        reasons.setdefault(reason, []).append(model)
    return [_left_out(names, why) for why, names in reasons.items()]


def _left_out(names: Sequence[str], why: str) -> str:
    said = {"models": joined(names), "why": why}
    if why[:1].islower():  # the rest of an English sentence whose subject is the model
        return t("Left out: {models} {why}", **said) if len(names) == 1 else t("Left out: {models}. Each {why}", **said)
    return t("{models} is left out. {why}", **said) if len(names) == 1 else t("{models} are left out. {why}", **said)


def at_least(known: str, unknown: int) -> str:
    """The cost where some of several prices are unknown: "at least ≈ 12 credits, one price unknown"."""
    if unknown == 1:
        return t("at least {known}, one price unknown", known=known)
    return t("at least {known}, {unknown} prices unknown", known=known, unknown=unknown)


def too_many(total: int, most: int) -> tuple[str, str]:
    """Label and sentence where a press would make more than anybody should ask for without a second look."""
    sentence = t(
        "One press asks for at most {most}, over all models together; this would be {total}. "
        "Choose fewer of each, or fewer models.",
        most=most, total=total,
    )  # fmt: skip
    return t("{total} at once – at most {most}", total=total, most=most), sentence
