"""What each test would work out anew though it comes out the same each time: half of what the tests computed.

Every test has a database of its own, and so an engine of its own; each engine turns each statement into SQL once more.
It has a folder of its own too, in which an admin might have put a catalogue: so ours is read once more. Streamlit's
harness looks through all installed packages for components whenever a page is run, and a thousand times a second
whether the page is done.
"""

from functools import cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import local_script_runner

from data import catalog, db
from data.catalog_file import Catalog, load_catalog

STATEMENTS = 4000


def work_out_once() -> None:
    """From now on, in this process. Engines and pages that exist already are left as they are."""
    statements: LRUCache[Any, Any] = LRUCache(STATEMENTS)

    def create_engine(*args: Any, **kwargs: Any) -> sa.Engine:
        engine = sa.create_engine(*args, **kwargs)
        engine._compiled_cache = statements
        return engine

    # The dialect is part of a statement's key in there; those of all our engines of a kind write the same SQL.
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    DefaultDialect.__eq__ = _writes_the_same  # type: ignore[method-assign,assignment]
    db.create_engine = create_engine
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
    local_script_runner.require_widgets_deltas = _waits_for_the_page
    catalog.load_catalog = _load_catalog


def _writes_the_same(self: DefaultDialect, other: DefaultDialect) -> bool:
    return type(self) is type(other) and self.statement_compiler is other.statement_compiler


_ended_in_time = local_script_runner.require_widgets_deltas


def _waits_for_the_page(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
    runner._script_thread.join(timeout)
    _ended_in_time(runner, 1)


_OURS = Path(catalog.__file__).with_name("catalog.toml")
_our_catalog = cache(partial(load_catalog, _OURS))


def _load_catalog(source: str | Path, over: Path | None = None) -> Catalog:
    return _our_catalog() if source == _OURS and over is None else load_catalog(source, over)
