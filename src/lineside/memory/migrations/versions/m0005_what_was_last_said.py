"""When each thing was last spoken of, and each source's last word on it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from lineside.memory import latest

revision = "m0005"
down_revision = "m0004"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "things",
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("entity", WORDS, nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "entity", name="pk_things"),
    )
    op.create_table(
        "last_words",
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("entity", WORDS, nullable=False),
        sa.Column("property", WORDS, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("scope", WORDS, nullable=False),
        sa.Column("word", WORDS, nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("told", WORDS, nullable=False),
        sa.Column("record_id", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("kind", "entity", "property", "source", "scope", name="pk_last_words"),
    )
    op.create_index("ix_statements_retracted_at", "statements", ["retracted_at"])
    op.create_index("ix_things_kind_heard_at", "things", ["kind", "heard_at"])
    op.create_index("ix_last_words_kind_property_word_entity", "last_words", ["kind", "property", "word", "entity"])
    latest.fill(op.get_bind())
