"""prompts with blanks are kept under a name."""

import sqlalchemy as sa
from alembic import op

import data.schema

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('template',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('team', sa.Boolean(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('prompt', sa.Text(), nullable=False),
    sa.Column('settings', sa.JSON(), nullable=False),
    sa.Column('uses', sa.Integer(), nullable=False),
    sa.Column('created_at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.Column('changed_at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', data.schema.UTCDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_template'))
    )


def downgrade() -> None:
    op.drop_table('template')
