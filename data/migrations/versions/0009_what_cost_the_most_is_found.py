"""what cost the most is found without putting all tasks in order."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_task_cost', 'task', ['booked_micro', 'seq', 'status', 'person', 'model'], unique=False,
    sqlite_where=sa.text('deleted_at IS NULL'), postgresql_where=sa.text('deleted_at IS NULL'))


def downgrade() -> None:
    op.drop_index('ix_task_cost', table_name='task')
