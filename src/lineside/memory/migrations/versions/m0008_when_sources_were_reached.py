"""When sources were reached, stretch by stretch"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0008"
down_revision = "m0007"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "contact_stretches",
        sa.Column("source", WORDS, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "since", name="pk_contact_stretches"),
    )
    op.create_index("ix_contact_stretches_source_until", "contact_stretches", ["source", "until"])
