"""Receivers of webhooks, and on each delivery its receiver and the time after which it is given up."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "receiver",
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("succeeded_at", TIME, nullable=True),
        sa.Column("told_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["root"], ["account.root"]),
        sa.PrimaryKeyConstraint("root", "address"),
    )
    op.drop_index("ix_delivery_due", table_name="delivery")
    with op.batch_alter_table("delivery") as delivery:
        delivery.add_column(sa.Column("receiver", sa.String(), nullable=True))
        delivery.add_column(sa.Column("expires_at", TIME, nullable=True))
    _fill()
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("receiver", existing_type=sa.String(), nullable=False)
        delivery.alter_column("expires_at", existing_type=TIME, nullable=False)
    op.create_index("ix_delivery_due", "delivery", ["marking", "root", "receiver", "due_at"])
    op.create_index("ix_delivery_batch", "delivery", ["batch_id", "marking"])


def _fill() -> None:
    """What waits has a day from now."""
    delivery = sa.table(
        "delivery", sa.column("url", sa.String()), sa.column("receiver", sa.String()), sa.column("expires_at", TIME)
    )
    connection = op.get_bind()
    for (url,) in connection.execute(sa.select(delivery.c.url).distinct()).fetchall():
        parts = urlsplit(url)
        receiver = f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}"
        connection.execute(sa.update(delivery).where(delivery.c.url == url).values(receiver=receiver))
    connection.execute(sa.update(delivery).values(expires_at=datetime.now(UTC) + timedelta(days=1)))


def downgrade() -> None:
    op.drop_index("ix_delivery_batch", table_name="delivery")
    op.drop_index("ix_delivery_due", table_name="delivery")
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_column("expires_at")
        delivery.drop_column("receiver")
    op.create_index("ix_delivery_due", "delivery", ["marking", "due_at"])
    op.drop_table("receiver")
