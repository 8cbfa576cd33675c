"""Messages by their key and standing, alerts, the shapes of streams, who reads a source, and how its reading stands"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0003"
down_revision = "m0002"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table, name, default in (
        ("messages", "key", ""),
        ("messages", "standing", "recorded"),
        ("messages", "mapping", ""),
        ("message_log", "mapping", ""),
        ("dead_letters", "key", ""),
    ):
        op.add_column(table, sa.Column(name, WORDS, nullable=False, server_default=default))
    op.add_column("messages", sa.Column("reason", WORDS, nullable=True))
    op.create_index("ix_messages_source_stream_key", "messages", ["source", "stream", "key"])
    op.create_index("ix_messages_source_standing", "messages", ["source", "standing"])
    op.create_index("ix_message_log_source_kept_at", "message_log", ["source", "kept_at"])
    op.create_table(
        "alerts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("stream", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("open_key", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("open_key", name="uq_alerts_open_key"),
    )
    op.create_index("ix_alerts_source_opened_at", "alerts", ["source", "opened_at"])
    op.create_table(
        "shapes",
        sa.Column("source", WORDS, nullable=False),
        sa.Column("stream", WORDS, nullable=False),
        sa.Column("field", WORDS, nullable=False),
        sa.Column("types", WORDS, nullable=False),
        sa.Column("values", WORDS, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stream", "field", name="pk_shapes"),
    )
    op.create_table(
        "leases",
        sa.Column("source", WORDS, nullable=False),
        sa.Column("holder", WORDS, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_leases"),
    )
    op.create_table(
        "feeds",
        sa.Column("source", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_by", WORDS, nullable=True),
        sa.Column("reconciled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("source", name="pk_feeds"),
    )
