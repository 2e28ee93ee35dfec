"""A short murder on each database: what `tests/murder.py` does for long by hand."""

from pathlib import Path

import pytest
from databases import Databases
from murder import murder


@pytest.mark.processes
def test_sidecars_killed_under_load_pay_nothing_twice_and_lose_nothing(databases: Databases, tmp_path: Path) -> None:
    sidecars = 2 if databases.kind == "postgresql" else 1
    toll = murder(databases.kind, sidecars, 3, 7, tmp_path, settings={"UNCONFIRMED_MINUTES": "0.4"})
    assert toll.clean, toll.lines()
    assert toll.charges >= 5, toll.lines()
