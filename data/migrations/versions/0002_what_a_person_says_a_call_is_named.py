"""what a person says a call is named there."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('submission', sa.Column('named_as', sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column('submission', 'named_as')
