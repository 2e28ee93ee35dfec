"""what a list leaves out is passed over in its index, and no row is read for it."""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_KEPT = sa.text('deleted_at IS NULL')


def upgrade() -> None:
    _anew('ix_task_person_seq', ['person', 'seq', 'project'], _KEPT)
    _anew('ix_task_model_seq', ['model', 'seq', 'project'], _KEPT)
    _anew('ix_task_person_model_seq', ['person', 'model', 'seq', 'project'], _KEPT)
    _anew('ix_task_status_seq', ['status', 'seq', 'deleted_at', 'project', 'error_code', 'booked_micro'])


def downgrade() -> None:
    _anew('ix_task_status_seq', ['status', 'seq'])
    _anew('ix_task_person_model_seq', ['person', 'model', 'seq'], _KEPT)
    _anew('ix_task_model_seq', ['model', 'seq'], _KEPT)
    _anew('ix_task_person_seq', ['person', 'seq'], _KEPT)


def _anew(name: str, columns: list[str], where: sa.TextClause | None = None) -> None:
    op.drop_index(name, table_name='task')
    op.create_index(name, 'task', columns, unique=False, sqlite_where=where, postgresql_where=where)
