"""Index hints for SQLite, which keeps no statistics: SQLAlchemy leaves `Select.with_hint` out there, and we need it."""

from sqlalchemy import FromClause
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler


class WithHints(SQLiteCompiler):
    """Writes the hint behind the table: INDEXED BY an index, or NOT INDEXED."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:  # noqa: ARG002
        return text
