"""Limits of accounts, what they have downloaded by day, and batches that wait for their turn."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("image_limit", sa.BigInteger(), nullable=True))
        account.add_column(sa.Column("daily_bytes_limit", sa.BigInteger(), nullable=True))
        account.add_column(sa.Column("queued_limit", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("batch") as batch:
        batch.add_column(sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "day_usage",
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("downloaded_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["root"], ["account.root"]),
        sa.PrimaryKeyConstraint("root", "day"),
    )


def downgrade() -> None:
    op.drop_table("day_usage")
    with op.batch_alter_table("batch") as batch:
        batch.drop_column("waiting_since")
    with op.batch_alter_table("account") as account:
        account.drop_column("queued_limit")
        account.drop_column("daily_bytes_limit")
        account.drop_column("image_limit")
