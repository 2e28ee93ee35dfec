"""a request may belong to a project, and the team marks what it picks."""

import sqlalchemy as sa
from alembic import op

import data.schema

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

_KEPT = sa.text('deleted_at IS NULL')


def upgrade() -> None:
    op.create_table('project',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_project'))
    )
    op.create_table('pick',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['seq'], ['task.seq'], name=op.f('fk_pick_seq_task')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_pick'))
    )
    op.add_column('task', sa.Column('project', sa.String(), nullable=True))
    op.create_index('ix_task_project_seq', 'task', ['project', 'seq'], unique=False,
    sqlite_where=_KEPT, postgresql_where=_KEPT)
    op.drop_index('ix_task_cost', table_name='task')
    columns = ['booked_micro', 'seq', 'status', 'person', 'model', 'project']
    op.create_index('ix_task_cost', 'task', columns, unique=False,
    sqlite_where=_KEPT, postgresql_where=_KEPT)


def downgrade() -> None:
    op.drop_index('ix_task_cost', table_name='task')
    op.create_index('ix_task_cost', 'task', ['booked_micro', 'seq', 'status', 'person', 'model'], unique=False,
    sqlite_where=_KEPT, postgresql_where=_KEPT)
    op.drop_index('ix_task_project_seq', table_name='task')
    op.drop_column('task', 'project')
    op.drop_table('pick')
    op.drop_table('project')
