"""The key-value table with the first bad bots, the former webhook secret of an account, the request id of a batch."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What scanners ask for and no client of SAIS does: the extensions of thumbs follow their bytes, none is a program.
PROBE_PATHS = (
    "*.asp",
    "*.aspx",
    "*.cgi",
    "*.jsp",
    "*.php",
    "*.sql",
    "*/.aws/*",
    "*/.env*",
    "*/.git/*",
    "*/.ssh/*",
    "*/.svn/*",
    "*/phpmyadmin*",
    "*/wp-admin*",
    "*/wp-content*",
    "*/wp-includes*",
    "/actuator*",
    "/boaform*",
    "/cgi-bin*",
    "/hnap1*",
    "/owa/*",
    "/server-status*",
    "/solr/*",
    "/vendor/*",
)
SCANNERS = (
    "dirbuster",
    "gobuster",
    "masscan",
    "nikto",
    "nuclei",
    "sqlmap",
    "wpscan",
    "zgrab",
)


def upgrade() -> None:
    key_value = op.create_table(
        "key_value",
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    now = datetime.now(UTC)
    rows = [*(("bots.path", path) for path in PROBE_PATHS), *(("bots.agent", agent) for agent in SCANNERS)]
    op.bulk_insert(
        key_value, [{"scope": scope, "key": key, "value": "default", "created_at": now} for scope, key in rows]
    )
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("former_webhook_secret", sa.String(), nullable=True))
        account.add_column(sa.Column("former_secret_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("batch") as batch:
        batch.add_column(sa.Column("request_id", sa.String(64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("batch") as batch:
        batch.drop_column("request_id")
    with op.batch_alter_table("account") as account:
        account.drop_column("former_secret_until")
        account.drop_column("former_webhook_secret")
    op.drop_table("key_value")
