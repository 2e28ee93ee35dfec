"""The family strip of the drawer: what a task came of, itself, and what came of it, each with its cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.components import formats, views
from dashboard.language import t, tn
from dashboard.resources import desk, picture_url
from data.history import Kin
from data.relation import Relation

ELDERS, CHILDREN = 3, 6
"""How many ancestors and children are seen at once; the others are folded away."""


def strip(task_id: str) -> dict[str, Any] | None:
    """Ready to draw; None where the task is alone. Raises NotFound."""
    family = desk().history.family(task_id)
    if len(family) < 2:
        return None
    elders = [kin for kin in family if kin.depth < 0]
    (me,) = [kin for kin in family if kin.depth == 0]
    children = [kin for kin in family if kin.depth == 1]
    practised = desk().glances.practised([kin.card.id for kin in family])
    return {
        "title": t("Family"),
        "elders": [_node(kin, family, practised) for kin in elders],
        "me": _node(me, family, practised) | {"here": t("this one")},
        "children": [_node(kin, family, practised) for kin in children],
        "fold": {"elders": max(0, len(elders) - ELDERS), "children": max(0, len(children) - CHILDREN)},
        "more_elders": tn(len(elders) - ELDERS, "Show {n} more before", "Show {n} more before"),
        "more_children": tn(len(children) - CHILDREN, "Show {n} more after", "Show {n} more after"),
    }  # fmt: skip


def parent_of(family: dict[str, Any] | None) -> str | None:
    """The id of the parent in the strip, if both have a picture to compare."""
    if family is None or not family["elders"] or not family["me"]["src"]:
        return None
    nearest = family["elders"][-1]  # not the parent where that one was deleted
    return str(nearest["id"]) if nearest["src"] and nearest["id"] == family["me"]["of"] else None


def _node(kin: Kin, family: Sequence[Kin], practised: Mapping[str, bool]) -> dict[str, Any]:
    card = kin.card
    first = card.pictures[0] if card.pictures else None
    word, tone = views.settled(card)
    came = sum(other.parent is not None and other.parent.task_id == card.id for other in family)
    practice = practised.get(card.id, False)
    cost = formats.money_short(card.charged_micro, practice=practice) if card.charged_micro else ""
    name = relation_word(kin.parent.relation if kin.parent else None)
    return {
        "id": card.id, "src": picture_url(first.sha256, "320") if first else None, "tone": tone, "relation": name,
        "of": kin.parent.task_id if kin.parent else None, "cost": cost, "came": came if kin.depth > 0 else 0,
        "name": ". ".join(filter(None, [name, card.prompt[:120], t(word), cost])),
    }  # fmt: skip


def relation_word(relation: Relation | None) -> str:
    """How a task came of its parent, in a word."""
    return {
        None: t("Original"), Relation.RETRY: t("Retry"), Relation.EDIT: t("Edit"),
        Relation.VARIATION: t("Variation"), Relation.REMIX: t("Remix"),
    }[relation]  # fmt: skip


def relation_of(relation: Relation) -> str:
    """The same in front of the parent."""
    return {
        Relation.RETRY: t("Retry of"), Relation.EDIT: t("Edit of"),
        Relation.VARIATION: t("Variation of"), Relation.REMIX: t("Remix of"),
    }[relation]  # fmt: skip
