"""Accounts that are being deleted; webhooks that belong to no batch, or outlive it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("batch_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM delivery WHERE batch_id IS NULL")
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("batch_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("account") as account:
        account.drop_column("deleted_at")
