"""How a task came of another one: asked again, edited, varied, remixed. A task has one parent at most."""

from dataclasses import dataclass
from enum import StrEnum


class Relation(StrEnum):
    """What was done with the parent."""

    RETRY = "retry"  # the same once more, perhaps of another model, after it had come to nothing
    EDIT = "edit"  # a picture of it is a reference of this one
    VARIATION = "variation"  # the same with another seed or another model
    REMIX = "remix"  # its prompt or its settings were the beginning, and were changed


@dataclass(frozen=True)
class Parent:
    """The task that a new one comes of."""

    task_id: str
    relation: Relation
