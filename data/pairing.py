"""Which pictures stand beside a picture, for whoever walks from one to the next. It changes nothing."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col, select

from data.db import Database
from data.history import Card
from data.schema import NOT_DELETED, Artifact, Task

MOST = 24
"""Tasks of the batch, and again of the same request: nobody walks further, and a program's batch may hold thousands."""


class Pairing:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def siblings(self, task_id: str) -> tuple[str, ...]:
        """Tasks with pictures: this one's batch in its order, itself included; then the same request, newest first."""
        with self._db.read() as session:
            task = session.exec(select(Task.batch_id, Task.digest).where(Task.id == task_id)).one_or_none()
            if task is None:
                return ()
            batch_id, digest = task
            batch = _with_pictures(session, col(Task.batch_id) == batch_id)
            again = _with_pictures(session, col(Task.digest) == digest, col(Task.batch_id) != batch_id, newest=True)
            return (*batch, *again)


def mates(cards: Iterable[Card]) -> dict[str, tuple[Card, ...]]:
    """By task, what the other models made of the same prompt in the same press: of each the one that counts as far.

    Only of what has a picture, and only among these cards: the first by one model stands beside the first by another.
    """
    made: dict[tuple[str, str], dict[str, list[Card]]] = defaultdict(lambda: defaultdict(list))
    for card in sorted(cards, key=lambda card: card.seq):
        made[card.batch_id, card.prompt][card.model].append(card)
    found: dict[str, tuple[Card, ...]] = {}
    for by_model in made.values():
        for model, own in by_model.items():
            for place, card in enumerate(own):
                others = [there[place] for name, there in by_model.items() if name != model and place < len(there)]
                if card.pictures and (pairs := tuple(other for other in others if other.pictures)):
                    found[card.id] = pairs
    return found


def _with_pictures(session: Session, *which: ColumnElement[bool], newest: bool = False) -> list[str]:
    output = select(Artifact.id).where(Artifact.task_id == Task.id, Artifact.role == "output")
    order = col(Task.seq).desc() if newest else col(Task.seq)
    return list(session.exec(select(Task.id).where(*which, NOT_DELETED, output.exists()).order_by(order).limit(MOST)))
