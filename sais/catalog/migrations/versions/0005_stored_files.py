"""What the storages' listings had, and when each source was last asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("storage", sa.String(40), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("root", sa.String(50), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("marking", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checksum", sa.String(32), nullable=True),
        sa.Column("seen_in", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("storage", "path"),
    )
    op.create_index("ix_stored_file_directory", "stored_file", ["storage", "directory"], unique=False)
    with op.batch_alter_table("media") as media:
        media.add_column(sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
        media.add_column(sa.Column("source_reason", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("media") as media:
        media.drop_column("source_reason")
        media.drop_column("checked_at")
    op.drop_table("stored_file")
