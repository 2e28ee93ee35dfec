"""What a person looked through before a batch was started: its name, and where its rows came from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from data.schema import Batch

LONGEST_NAME = 80
"""Characters; more does not fit on a card."""


@dataclass(frozen=True)
class Plan:
    """A batch that screens show as one."""

    name: str
    origin: Literal["lines", "file", "retry"]
    cap_micro: int | None = None  # micro-credits that it may cost at most, to its very end

    def row(self, batch_id: str, person: str, *, size: int, now: datetime) -> Batch:
        """As it is kept."""
        name = " ".join(self.name.split())
        name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        return Batch(id=batch_id, person=person, name=name, origin=self.origin, size=size, cap_micro=self.cap_micro,
                     created_at=now)  # fmt: skip


def plan_of_retry(session: Session, batch_id: str) -> Plan | None:
    """What was shown as one is shown as one when its failed are asked for again; None where it was not.

    The cap of the first is not the cap of the second: whoever retries has read a new price.
    """
    batch = session.get(Batch, batch_id)
    return Plan(batch.name, "retry") if batch is not None else None
