"""The first tables: account, preset, batch, batch_item, media, thumb, delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("root", sa.String(50), nullable=False),
        sa.Column("approx", sa.Integer(), nullable=False),
        sa.Column("layout", sa.String(16), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("webhook_secret", sa.String(), nullable=False),
        sa.Column("media_callback_url", sa.String(), nullable=True),
        sa.Column("thumb_callback_url", sa.String(), nullable=True),
        sa.Column("callback_mode", sa.String(16), nullable=False),
        sa.Column("default_presets", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("root"),
    )
    op.create_table(
        "preset",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("recipe", sa.String(12), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "recipe"),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("lane", sa.String(16), nullable=False),
        sa.Column("presets", sa.JSON(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("media_callback_url", sa.String(), nullable=True),
        sa.Column("thumb_callback_url", sa.String(), nullable=True),
        sa.Column("manifest", sa.String(), nullable=True),
        sa.Column("marking", sa.String(16), nullable=False),
        sa.Column("filled", sa.Boolean(), nullable=False),
        sa.Column("submitted", sa.Integer(), nullable=False),
        sa.Column("flow_run_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["root"], ["account.root"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_batch_marking", "batch", ["marking"], unique=False)
    op.create_index("ix_batch_root", "batch", ["root"], unique=False)
    op.create_index("ix_batch_flow_run_id", "batch", ["flow_run_id"], unique=False)
    op.create_table(
        "media",
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=True),
        sa.Column("marking", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("mime_type", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("checksum", sa.String(64), nullable=True),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("blurhash", sa.String(), nullable=True),
        sa.Column("phash", sa.String(), nullable=True),
        sa.Column("colors", sa.JSON(), nullable=True),
        sa.Column("exif", sa.JSON(), nullable=True),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("leased_by", sa.String(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["root"], ["account.root"]),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_media_path", "media", ["path"], unique=False)
    op.create_index("ix_media_root_marking", "media", ["root", "marking"], unique=False)
    op.create_table(
        "batch_item",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(16), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("marking", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"]),
        sa.ForeignKeyConstraint(["code"], ["media.code"]),
        sa.PrimaryKeyConstraint("batch_id", "position"),
    )
    op.create_index("ix_batch_item_code", "batch_item", ["code", "marking"], unique=False)
    op.create_index("ix_batch_item_marking", "batch_item", ["batch_id", "marking"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("marking", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"]),
        sa.ForeignKeyConstraint(["root"], ["account.root"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("batch_id", "kind", "subject", name="uq_delivery_subject"),
    )
    op.create_index("ix_delivery_due", "delivery", ["marking", "due_at"], unique=False)
    op.create_table(
        "thumb",
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("preset", sa.String(32), nullable=False),
        sa.Column("marking", sa.String(16), nullable=False),
        sa.Column("recipe", sa.String(12), nullable=True),
        sa.Column("mime_type", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["media.code"]),
        sa.PrimaryKeyConstraint("code", "preset"),
    )
    op.create_index("ix_thumb_marking", "thumb", ["marking"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_thumb_marking", table_name="thumb")
    op.drop_table("thumb")
    op.drop_index("ix_delivery_due", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_batch_item_marking", table_name="batch_item")
    op.drop_index("ix_batch_item_code", table_name="batch_item")
    op.drop_table("batch_item")
    op.drop_index("ix_media_root_marking", table_name="media")
    op.drop_index("ix_media_path", table_name="media")
    op.drop_table("media")
    op.drop_index("ix_batch_flow_run_id", table_name="batch")
    op.drop_index("ix_batch_root", table_name="batch")
    op.drop_index("ix_batch_marking", table_name="batch")
    op.drop_table("batch")
    op.drop_table("preset")
    op.drop_table("account")
