"""history can be searched, marked and cleared; a task knows its parent."""

import sqlalchemy as sa
from alembic import op

import data.schema
from data import fulltext

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None



def index(name: str, columns: list[str], where: str) -> None:
    """An index of those rows alone."""
    op.create_index(name, 'task', columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    op.add_column('task', sa.Column('deleted_at', data.schema.UTCDateTime(timezone=True), nullable=True))
    op.add_column('task', sa.Column('deleted_by', sa.String(), nullable=True))
    op.add_column('task', sa.Column('parent_id', sa.String(), nullable=True))
    op.add_column('task', sa.Column('relation', sa.Enum('retry', 'edit', 'variation', 'remix', name='relation', native_enum=False, length=24), nullable=True))
    op.execute("UPDATE task SET parent_id = retry_of, relation = 'retry' WHERE retry_of IS NOT NULL")
    op.drop_index('ix_task_retry_of', table_name='task')
    op.drop_column('task', 'retry_of')
    index('ix_task_parent', ['parent_id'], 'parent_id IS NOT NULL')
    index('ix_task_deleted', ['deleted_at'], 'deleted_at IS NOT NULL')
    op.drop_index('ix_task_person_seq', table_name='task')
    index('ix_task_person_seq', ['person', 'seq'], 'deleted_at IS NULL')
    op.drop_index('ix_task_model_seq', table_name='task')
    index('ix_task_model_seq', ['model', 'seq'], 'deleted_at IS NULL')
    index('ix_task_person_model_seq', ['person', 'model', 'seq'], 'deleted_at IS NULL')
    op.create_table('star',
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['seq'], ['task.seq'], name=op.f('fk_star_seq_task')),
    sa.PrimaryKeyConstraint('person', 'seq', name=op.f('pk_star'))
    )
    op.create_index('ix_star_seq', 'star', ['seq'], unique=False)
    op.create_table('tag',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['seq'], ['task.seq'], name=op.f('fk_tag_seq_task')),
    sa.PrimaryKeyConstraint('name', 'seq', name=op.f('pk_tag'))
    )
    op.create_index('ix_tag_seq', 'tag', ['seq'], unique=False)
    # The index must hold what today's splitting gives, for that is what is looked for: so this calls it.
    fulltext.make(op.get_bind())
    fulltext.build(op.get_bind())


def downgrade() -> None:
    op.drop_table(fulltext.NAME)
    op.drop_table('tag')
    op.drop_table('star')
    op.drop_index('ix_task_person_model_seq', table_name='task')
    op.drop_index('ix_task_model_seq', table_name='task')
    op.create_index('ix_task_model_seq', 'task', ['model', 'seq'], unique=False)
    op.drop_index('ix_task_person_seq', table_name='task')
    op.create_index('ix_task_person_seq', 'task', ['person', 'seq'], unique=False)
    op.drop_index('ix_task_deleted', table_name='task')
    op.drop_index('ix_task_parent', table_name='task')
    op.add_column('task', sa.Column('retry_of', sa.String(), nullable=True))
    op.execute("UPDATE task SET retry_of = parent_id WHERE relation = 'retry'")
    index('ix_task_retry_of', ['retry_of'], 'retry_of IS NOT NULL')
    for column in ('relation', 'parent_id', 'deleted_by', 'deleted_at'):
        op.drop_column('task', column)
