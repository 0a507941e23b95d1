"""When the sweep tries a media again, until when a run holds a batch, and where the sums of a batch are sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LEASED = sa.text("leased_by IS NOT NULL")
WAITING = sa.text("retry_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("batch_callback_url", sa.String(), nullable=True))
    with op.batch_alter_table("batch") as batch:
        batch.add_column(sa.Column("batch_callback_url", sa.String(), nullable=True))
        batch.add_column(sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("retry", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("media") as media:
        media.add_column(sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True))
        media.add_column(sa.Column("retries", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_media_leased", "media", ["leased_by"], sqlite_where=LEASED, postgresql_where=LEASED)
    op.create_index("ix_media_retry", "media", ["retry_at"], sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    op.drop_index("ix_media_retry", "media")
    op.drop_index("ix_media_leased", "media")
    with op.batch_alter_table("media") as media:
        media.drop_column("retries")
        media.drop_column("retry_at")
    with op.batch_alter_table("batch") as batch:
        batch.drop_column("retry")
        batch.drop_column("held_until")
        batch.drop_column("batch_callback_url")
    with op.batch_alter_table("account") as account:
        account.drop_column("batch_callback_url")
