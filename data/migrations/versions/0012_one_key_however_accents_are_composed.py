"""one project has one key, however a keyboard composed the accents of its name."""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

_PROJECT = sa.table('project', sa.column('key'), sa.column('name'))
_TASK = sa.table('task', sa.column('project'), sa.column('deleted_at'))


def upgrade() -> None:
    """Each move takes two steps, for the index of projects holds what is not deleted, and another what is."""
    connection = op.get_bind()
    names = dict(connection.execute(sa.select(_PROJECT.c.key, _PROJECT.c.name)).all())
    for old, name in names.items():
        key = normalize('NFC', normalize('NFC', name).casefold())
        if key == old:
            continue
        mine = sa.update(_TASK).where(_TASK.c.project == old).values(project=key)
        connection.execute(mine.where(_TASK.c.deleted_at.is_(None)))
        connection.execute(mine.where(_TASK.c.deleted_at.is_not(None)))
        taken = sa.select(_PROJECT.c.key).where(_PROJECT.c.key == key)
        if connection.execute(taken).first() is None:
            kept = {'key': key, 'name': normalize('NFC', name)}
            connection.execute(sa.update(_PROJECT).where(_PROJECT.c.key == old).values(kept))
        else:
            connection.execute(sa.delete(_PROJECT).where(_PROJECT.c.key == old))


def downgrade() -> None:
    """The older program wrote such keys too, for names that were composed."""
