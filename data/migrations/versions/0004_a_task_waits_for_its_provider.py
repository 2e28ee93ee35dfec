"""a task waits for its provider."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

SENDS = sa.text("status = 'queued' AND NOT awaits_upload")
HANDOVERS = sa.text("status = 'queued' AND awaits_upload")


def upgrade() -> None:
    op.drop_index('ix_task_sends', table_name='task')
    op.create_index('ix_task_sends', 'task', ['provider', 'family', 'person', 'priority', 'seq'], unique=False, sqlite_where=SENDS, postgresql_where=SENDS)
    op.drop_index('ix_task_handovers', table_name='task')
    op.create_index('ix_task_handovers', 'task', ['provider', 'family', 'seq'], unique=False, sqlite_where=HANDOVERS, postgresql_where=HANDOVERS)


def downgrade() -> None:
    op.drop_index('ix_task_handovers', table_name='task')
    op.create_index('ix_task_handovers', 'task', ['family', 'seq'], unique=False, sqlite_where=HANDOVERS, postgresql_where=HANDOVERS)
    op.drop_index('ix_task_sends', table_name='task')
    op.create_index('ix_task_sends', 'task', ['family', 'person', 'priority', 'seq'], unique=False, sqlite_where=SENDS, postgresql_where=SENDS)
