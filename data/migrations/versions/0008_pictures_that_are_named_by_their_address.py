"""pictures that are named by their address."""

import sqlalchemy as sa
from alembic import op

import data.schema

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('linked_picture',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('max_bytes', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('max_pixels', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('asked_at', data.schema.UTCDateTime(timezone=True), nullable=False),
    sa.Column('due_at', data.schema.UTCDateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('settled_at', data.schema.UTCDateTime(timezone=True), nullable=True),
    sa.Column('image', sa.JSON(), nullable=True),
    sa.Column('refusal', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_linked_picture'))
    )
    op.create_index('ix_linked_picture_asked', 'linked_picture', ['asked_at'])
    op.create_index('ix_linked_picture_person', 'linked_picture', ['person', 'id'])
    op.create_index('ix_linked_picture_due', 'linked_picture', ['due_at'], sqlite_where=sa.text('due_at IS NOT NULL'), postgresql_where=sa.text('due_at IS NOT NULL'))
    op.create_index('ix_linked_picture_settled', 'linked_picture', ['settled_at'], sqlite_where=sa.text('settled_at IS NOT NULL'), postgresql_where=sa.text('settled_at IS NOT NULL'))


def downgrade() -> None:
    op.drop_table('linked_picture')
