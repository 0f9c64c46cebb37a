"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Only add: the release before this one runs on the result."""
    ${upgrades if upgrades else "raise NotImplementedError"}
