"""What the monthly budgets say to the form: how much is left, and when a press would pass one of them.

It only foretells. The budget is kept in the transaction that creates the tasks, whatever a screen believed.
"""

from dataclasses import dataclass

from dashboard import resources
from dashboard.components import formats, people, server
from dashboard.language import t, tn
from data.ledger import EVERYBODY, TEAM, Standing

AMBER = 0.8


@dataclass(frozen=True)
class Left:
    """The tighter of the two budgets in force. Money in micro-credits."""

    standing: Standing
    price: int | None  # of one call to each chosen model
    calls: int = 1  # how many that are

    @property
    def team(self) -> bool:
        """Whether it is the team's, or the person's own."""
        return self.standing.scope == TEAM

    @property
    def micro(self) -> int:
        """What may still be asked for."""
        return self.standing.left or 0

    @property
    def short(self) -> bool:
        """Whether a person should know before it stops them."""
        return self.standing.used >= AMBER or not self.micro or self.pictures == 0

    @property
    def pictures(self) -> int | None:
        """For how many pictures at this price it suffices; None where that cannot be said."""
        return self.micro // self.price * self.calls if self.price else None


def _used_up(left: Left, name: str, person: str) -> str:
    """Says who can lift it: whoever set it."""
    scopes = (left.standing.scope, EVERYBODY)  # one's own goes before everybody's
    setters = {row.scope: row.set_by for row in resources.desk().ledger.budgets()}
    who = next((setters[scope] for scope in scopes if scope in setters), person)
    if who == person:
        return t("{budget} is spent – raise it in Settings", budget=name)
    return t("{budget} is spent – {who} can raise it", budget=name, who=people.name_of(who, person))


def left(person: str, price: int | None, calls: int = 1) -> Left | None:
    """The budget that would be passed first by a press at this price; None where none is in force, as in practice."""
    if server.about().practice:
        return None
    in_force = [standing for standing in resources.desk().ledger.standing(person) if standing.left is not None]
    tightest = min(in_force, key=lambda standing: standing.left or 0, default=None)
    return Left(tightest, price, calls) if tightest else None


def line(left: Left, kind: str) -> str:
    """What stands in the price line."""
    has = formats.money(left.micro)
    text = t(
        "Team budget: {credits} left this month" if left.team else "Your budget: {credits} left this month",
        credits=has,
    )
    if not left.short or left.pictures is None:
        return text
    if not left.pictures:
        return t("{budget}: too little for one more", budget=text)
    many = (tn(left.pictures, "{n} video", "{n} videos") if kind == "video"
            else tn(left.pictures, "{n} picture", "{n} pictures"))  # fmt: skip
    return t("{budget}, {many}", budget=text, many=many)


def obstacle(left: Left, count: int, person: str) -> tuple[str, str]:
    """Label and sentence where a press of `count` pictures would pass the budget; both empty where it would not.

    Nobody has pressed yet, so nothing is said of a charge.
    """
    if left.price is None:
        why = t(
            "{budget} cannot be kept, because nobody knows this price. Choose another model, or lift it in Settings.",
            budget=t("The team’s budget") if left.team else t("Your budget"),
        )
        return t("Price unknown – no budget allows it"), why
    needed = left.price * count
    if needed <= left.micro:
        return "", ""
    sentence = t(
        "{budget} for this month has {credits} left, and this needs {needed}. It can be raised in Settings.",
        budget=t("The team’s budget") if left.team else t("Your budget"),
        credits=formats.money(left.micro),
        needed=formats.money(needed),
    )
    return _label(left, person), sentence


def _label(left: Left, person: str) -> str:
    name = t("Team budget") if left.team else t("Your budget")
    if not left.micro:
        return _used_up(left, name, person)
    if left.pictures:
        return t("{budget} allows {n} – choose fewer", budget=name, n=left.pictures)
    if left.calls > 1:
        return t("{budget} is too small for all {n} models", budget=name, n=left.calls)
    return t("{budget} is too small for this", budget=name)
