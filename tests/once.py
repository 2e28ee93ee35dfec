"""What each test would work out anew though it comes out the same each time: half of what the tests computed.

Every test has a database of its own, and so an engine of its own; each engine turns each statement into SQL once more.
And Streamlit's harness looks through all installed packages for components whenever a page is run.
"""

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from streamlit.components.v2 import manifest_scanner

from data import db

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


def _writes_the_same(self: DefaultDialect, other: DefaultDialect) -> bool:
    return type(self) is type(other) and self.statement_compiler is other.statement_compiler
