"""What a trader's books are about."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; books from before are claimed by the first node that opens them."""
    op.create_table(
        "unified_claims",
        sa.Column("trader_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("claim", sa.String(), nullable=False),
        sa.Column("ts_claimed", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("trader_id", "subject"),
    )
