"""a lost file is sought, and what comes in its place is known; a download knows since when it is asked for."""

import sqlalchemy as sa
from alembic import op

import data.schema

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('artifact', sa.Column('sought_at', data.schema.UTCDateTime(timezone=True), nullable=True))
    op.add_column('artifact', sa.Column('replaced_by', sa.String(), nullable=True))
    op.add_column('submission', sa.Column('fetch_since', data.schema.UTCDateTime(timezone=True), nullable=True))
    op.execute("UPDATE submission SET fetch_since = settled_at WHERE fetch_at IS NOT NULL")
    # Until now a deleted request that was brought back had an event of the same name.
    op.execute("UPDATE task_event SET kind = 'file_restored' WHERE kind = 'restored' AND submission_id IS NOT NULL")


def downgrade() -> None:
    op.execute("UPDATE task_event SET kind = 'restored' WHERE kind = 'file_restored'")
    op.drop_column('submission', 'fetch_since')
    op.drop_column('artifact', 'replaced_by')
    op.drop_column('artifact', 'sought_at')
