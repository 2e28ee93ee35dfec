"""Alembic runs this file for each command. It works on the connection it is handed and inside its transaction."""

from typing import Any, Literal

from alembic import context
from sqlmodel.sql.sqltypes import AutoString

from data.fulltext import is_ours
from data.schema import Table


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Plain SQL types in the revisions: they must outlive the library that wrote them."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


def _compared(name: str | None, kind: str, _parents: Any) -> bool:
    """All but the full-text index, which no table of the code describes."""
    return not (kind == "table" and name is not None and is_ours(name))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_render,
    include_name=_compared,
    transaction_per_migration=False,
)
context.run_migrations()
