"""Handovers: what was signed off, what people added, what was acknowledged"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0007"
down_revision = "m0006"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("signed_by", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_handovers"),
        sa.UniqueConstraint("key", name="uq_handovers_key"),
    )
    op.create_table(
        "handover_lines",
        sa.Column("handover", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("body", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["handover"], ["handovers.number"], name="fk_handover_lines_handover"),
        sa.PrimaryKeyConstraint("handover", "item", name="pk_handover_lines"),
    )
    op.create_table(
        "handover_entries",
        sa.Column("handover", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("about", WORDS, nullable=True),
        sa.Column("section", WORDS, nullable=False),
        sa.Column("text", WORDS, nullable=False),
        sa.Column("by", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["handover"], ["handovers.number"], name="fk_handover_entries_handover"),
        sa.PrimaryKeyConstraint("handover", "number", name="pk_handover_entries"),
        sa.UniqueConstraint("handover", "key", name="uq_handover_entries_handover_key"),
    )
    op.create_table(
        "handover_acknowledgements",
        sa.Column("handover", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("by", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["handover"], ["handovers.number"], name="fk_handover_acknowledgements_handover"),
        sa.PrimaryKeyConstraint("handover", "item", "digest", name="pk_handover_acknowledgements"),
    )
