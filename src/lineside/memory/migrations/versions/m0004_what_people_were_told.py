"""Which records the answers that people were given cite, and what each of them was told once"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "m0004"
down_revision = "m0003"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    cited = op.create_table(
        "citations",
        sa.Column("conversation_id", WORDS, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("record_id", WORDS, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "position", "record_id", name="pk_citations"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_citations_conversation_id"),
    )
    op.create_index("ix_citations_record_id", "citations", ["record_id"])
    op.create_table(
        "notices",
        sa.Column("person", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("person", "kind", "key", name="pk_notices"),
    )
    index_answers(op.get_bind(), cited)


def index_answers(connection: sa.Connection, cited: sa.Table) -> None:
    """Answers that were given before count as well."""
    query = sa.text("SELECT conversation_id, position, content FROM conversation_turns WHERE role = 'lineside'")
    for turn in connection.execute(query).all():
        rows = [
            {"conversation_id": turn.conversation_id, "position": turn.position, "record_id": each, "as_of": as_of}
            for each, as_of in _cited(turn.content)
        ]
        if rows:
            connection.execute(sa.insert(cited), rows)


def _cited(content: str) -> list[tuple[str, int]]:
    match json.loads(content):
        case {"answer": {"as_of": str(as_of), "citations": list(citations)}}:
            since = (datetime.fromisoformat(as_of) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            return [(each, since) for each in dict.fromkeys(_records(citations))]
    return []


def _records(citations: list[Any]) -> list[str]:
    return [c["record_id"] for c in citations if isinstance(c, dict) and c.get("source") != "plant"]
