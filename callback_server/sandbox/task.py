"""What the books hold: a task of any road and a callback that waits. Plain values; nothing here reads or writes."""

import sqlite3
from dataclasses import dataclass
from json import loads
from typing import Any, Self

ROADS = {"jobs": "kie", "playground": "kie", "veo": "kie", "gemini": "gemini", "ark": "ark"}
"""The provider of each road; kie has three, which mean the same and differ in their words."""
MILLI = 1000  # credits are kept in thousandths, so that prices like 3.24 add up; a token's price is a fraction of one


@dataclass(frozen=True)
class Task:
    """One task as the books have it; credits are plain numbers here."""

    id: str
    model: str
    input: dict[str, Any]
    callback_url: str | None
    road: str
    base_url: str
    created_ms: int
    due_ms: int | None
    faults: dict[str, str]
    ended_ms: int | None = None
    outcome: str | None = None
    urls: tuple[str, ...] = ()
    fail_code: str | None = None
    fail_words: str | None = None
    charged: float = 0

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        """Read a row of the books."""
        values = dict(row)
        for name in ("input", "faults", "urls"):
            values[name] = loads(values[name])
        return cls(**(values | {"urls": tuple(values["urls"]), "charged": to_credits(values["charged"])}))

    @property
    def provider(self) -> str:
        """Whose road it came by."""
        return ROADS[self.road]

    @property
    def playground(self) -> bool:
        """Tell whether it came by the older path that writes `message`."""
        return self.road == "playground"

    def state(self, now_ms: int) -> str:
        """Return the documented state at `now_ms`: a short wait, a short queue, then drawing until it is settled."""
        if self.outcome is not None:
            return self.outcome
        elapsed = now_ms - self.created_ms
        whole = 20_000 if self.due_ms is None else max(self.due_ms - self.created_ms, 1)
        if elapsed < whole * 0.08:
            return "waiting"
        return "queuing" if elapsed < whole * 0.2 else "generating"


@dataclass(frozen=True)
class Callback:
    """One callback that waits to be sent, or to be sent again."""

    id: int
    task_id: str
    due_ms: int
    attempts: int


def to_credits(milli: float) -> float:
    """Turn thousandths into the number the wire shows: whole where it is whole."""
    return milli // MILLI if milli % MILLI == 0 else round(milli / MILLI, 6)
