"""Cases, their transitions and evidence, and up to when each detector has looked"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0006"
down_revision = "m0005"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("case_class", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("place", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("is_open", sa.Integer(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.Column("owner", WORDS, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_cases"),
        sa.UniqueConstraint("key", name="uq_cases_key"),
    )
    op.create_index("ix_cases_is_open_began", "cases", ["is_open", "began"])
    op.create_index("ix_cases_began", "cases", ["began"])
    op.create_table(
        "case_transitions",
        sa.Column("case_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("move", WORDS, nullable=False),
        sa.Column("before", WORDS, nullable=True),
        sa.Column("after", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("plant_at", sa.BigInteger(), nullable=False),
        sa.Column("by", WORDS, nullable=False),
        sa.Column("why", WORDS, nullable=False),
        sa.Column("cites", WORDS, nullable=False),
        sa.Column("changes", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_case_transitions_case_number"),
        sa.PrimaryKeyConstraint("case_number", "number", name="pk_case_transitions"),
    )
    op.create_index("ix_case_transitions_at", "case_transitions", ["at"])
    op.create_table(
        "case_evidence",
        sa.Column("case_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", WORDS, nullable=False),
        sa.Column("part", WORDS, nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_case_evidence_case_number"),
        sa.PrimaryKeyConstraint("case_number", "record_id", name="pk_case_evidence"),
    )
    op.create_index("ix_case_evidence_record_id", "case_evidence", ["record_id"])
    op.create_table(
        "case_looks",
        sa.Column("detector", WORDS, nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("detector", name="pk_case_looks"),
    )
