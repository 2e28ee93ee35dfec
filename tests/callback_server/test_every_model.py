"""Every model that can be asked now, by the task API: the file, its size, its format and its price are what was said.

`tests/roads.py` shows the same as a table, with a person's clicks beside it.
"""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import Databases
from engine import Engine
from offers import TOKEN, Program, offers

from data.catalog import catalog


@pytest.mark.processes
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_every_model_makes_what_was_asked_of_it_in_both_modes(databases: Databases, tmp_path: Path) -> None:
    every = sorted(offers(), key=lambda offer: offer.spec.kind, reverse=True)  # videos first: they take longest
    url = databases.fresh(tmp_path / "var")
    with (
        Engine(tmp_path, url, {"API_TOKENS": TOKEN, "PER_PERSON": "100"}) as engine,
        closing(Program(engine.url, engine.sandbox_url)) as program,
    ):
        asked = [offer.thrifty("9:16") for offer in every]
        ids = [program.asks(offer, f"a red kite, {offer.mode}", asked_for)
               for offer, asked_for in zip(every, asked, strict=True)]  # fmt: skip
        records, charges = program.ended(ids), program.charges()
        wrong = {}
        for offer, asked_for, task_id in zip(every, asked, ids, strict=True):
            if faults := program.judges(offer, asked_for, records[task_id], charges).faults:
                wrong[f"{offer.spec.id}, {offer.mode}"] = faults
        assert wrong == {}
        assert len(charges) == len(every)


def test_a_proof_leaves_no_model_out() -> None:
    today = datetime.now(UTC).date()
    usable = {spec.id for spec in catalog().models if not spec.paused and not spec.retired(today)}
    assert usable == {offer.spec.id for offer in offers()}
