"""The two ledgers compared: what the sandbox charged, and what our database has to show for it.

Every engine and every desk is audited before it stops. The totals of a whole run stand in pytest's summary.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from local import local
from sqlmodel import select

from data.db import Database
from data.history import History
from data.schema import Submission

TOTALS = "PICTURE_DESK_AUDIT"
"""Environment variable: the file that all workers of one run add their audits to."""


def audit(sandbox_url: str, db: Database, timeout: float = 80) -> None:
    """Fails unless every charge belongs to a call of ours, to the credit, and that call has a picture or a failure."""
    deadline = time.monotonic() + timeout
    while True:
        charges = local.get(f"{sandbox_url}/sandbox/ledger").raise_for_status().json()["charges"]
        unsettled = [row for row in charges if not _settled(row, db)]
        if not unsettled:
            break
        assert time.monotonic() < deadline, f"charged, and nothing to show for it: {unsettled}"
        time.sleep(0.2)
    with db.read() as session:
        ours = sum(call.charged_micro or 0 for call in session.exec(select(Submission)))
    theirs = sum(_micro(row) for row in charges)
    assert ours == theirs, f"we count {ours} micro-credits, the sandbox charged {theirs}"
    if path := os.environ.get(TOTALS):
        with Path(path).open("a") as file:
            file.write(json.dumps({"charges": len(charges), "micro": theirs}) + "\n")


def _settled(row: dict[str, Any], db: Database) -> bool:
    with db.read() as session:
        call = session.exec(select(Submission).where(Submission.provider_task_id == row["taskId"])).one_or_none()
    if call is None or call.charged_micro != _micro(row):
        return False
    card = History(db).card(call.task_id)
    return bool(card.pictures or (card.finished_at and card.error_code))


def _micro(row: dict[str, Any]) -> int:
    return round(row["credits"] * 1_000_000)


def totals(path: str) -> str:
    """One line about all audits of a run."""
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    charges, micro = sum(row["charges"] for row in rows), sum(row["micro"] for row in rows)
    return (
        f"ledgers: {len(rows)} compared · {charges} charges, {micro / 1e6:g} credits · each with a picture or a failure"
    )
