"""The first tables of the memory"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0001"
down_revision = None
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("source", WORDS, nullable=False),
        sa.Column("stream", WORDS, nullable=False),
        sa.Column("position", WORDS, nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stream", name="pk_checkpoints"),
    )
    op.create_table(
        "contacts",
        sa.Column("source", WORDS, nullable=False),
        sa.Column("contact_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_contacts"),
    )
    op.create_table(
        "conversations",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("person", WORDS, nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("source_id", WORDS, nullable=True),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("stream", WORDS, nullable=False),
        sa.Column("origin", WORDS, nullable=False),
        sa.Column("content_type", WORDS, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", WORDS, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("status", WORDS, nullable=False),
        sa.Column("closed_by", WORDS, nullable=True),
        sa.Column("closed_because", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
    )
    op.create_index("ix_dead_letters_source_digest", "dead_letters", ["source", "digest"])
    op.create_index("ix_dead_letters_source_source_id", "dead_letters", ["source", "source_id"])
    op.create_index("ix_dead_letters_source_status", "dead_letters", ["source", "status"])

    op.create_table(
        "gaps",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
        sa.UniqueConstraint("source", "since", "until", "reason", name="uq_gaps_source_since_until_reason"),
    )
    op.create_table(
        "message_log",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("source_id", WORDS, nullable=True),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("stream", WORDS, nullable=False),
        sa.Column("origin", WORDS, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("outcome", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.Column("latency_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message_log"),
    )
    op.create_index("ix_message_log_source_outcome", "message_log", ["source", "outcome"])

    op.create_table(
        "messages",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("source_id", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("stream", WORDS, nullable=False),
        sa.Column("origin", WORDS, nullable=False),
        sa.Column("content_type", WORDS, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("source", "source_id", "digest", name="uq_messages_source_source_id_digest"),
    )
    op.create_table(
        "records",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("type", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=True),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("source_id", WORDS, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("retracted_at", sa.BigInteger(), nullable=True),
        sa.Column("quality", WORDS, nullable=False),
        sa.Column("equipment", WORDS, nullable=True),
        sa.Column("sites", WORDS, nullable=False),
        sa.Column("target", WORDS, nullable=True),
        sa.Column("body", WORDS, nullable=False),
        sa.Column("text", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
    )
    op.create_index("ix_records_equipment_occurred_at", "records", ["equipment", "occurred_at"])
    op.create_index("ix_records_kind_occurred_at", "records", ["kind", "occurred_at"])
    op.create_index("ix_records_source_reported_at", "records", ["source", "reported_at"])
    op.create_index("ix_records_source_source_id", "records", ["source", "source_id"])
    op.create_index("ix_records_source_target", "records", ["source", "target"])
    op.create_index("ix_records_type_occurred_at", "records", ["type", "occurred_at"])

    op.create_table(
        "conversation_turns",
        sa.Column("conversation_id", WORDS, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", WORDS, nullable=False),
        sa.Column("content", WORDS, nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_conversation_turns_conversation_id"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "position", name="pk_conversation_turns"),
    )
    op.create_table(
        "passages",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("record_id", WORDS, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("thread", WORDS, nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("header", WORDS, nullable=False),
        sa.Column("text", WORDS, nullable=False),
        sa.Column("author", WORDS, nullable=True),
        sa.Column("words", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_passages_record_id"),
        sa.PrimaryKeyConstraint("id", name="pk_passages"),
    )
    op.create_index("ix_passages_record_id", "passages", ["record_id"])
    op.create_index("ix_passages_thread_occurred_at", "passages", ["thread", "occurred_at"])

    op.create_table(
        "record_entities",
        sa.Column("record_id", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("entity", WORDS, nullable=False),
        sa.Column("folded", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_record_entities_record_id"),
        sa.PrimaryKeyConstraint("record_id", "kind", "entity", name="pk_record_entities"),
    )
    op.create_index("ix_record_entities_folded", "record_entities", ["folded"])
    op.create_index("ix_record_entities_kind_entity", "record_entities", ["kind", "entity"])

    op.create_table(
        "record_words",
        sa.Column("record_id", WORDS, nullable=False),
        sa.Column("word", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_record_words_record_id"),
        sa.PrimaryKeyConstraint("record_id", "word", name="pk_record_words"),
    )
    op.create_index("ix_record_words_word", "record_words", ["word"])

    op.create_table(
        "statements",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("record_id", WORDS, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("source_id", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("entity", WORDS, nullable=False),
        sa.Column("property", WORDS, nullable=False),
        sa.Column("scope", WORDS, nullable=True),
        sa.Column("value", WORDS, nullable=False),
        sa.Column("quality", WORDS, nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("retracted_at", sa.BigInteger(), nullable=True),
        sa.Column("sites", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_statements_record_id"),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
    )
    op.create_index(
        "ix_statements_latest",
        "statements",
        ["kind", "entity", "property", "source", "scope", "occurred_at", "reported_at", "retracted_at", "sites"],
    )
    op.create_index("ix_statements_kind_property_occurred_at", "statements", ["kind", "property", "occurred_at"])
    op.create_index("ix_statements_record_id", "statements", ["record_id"])
    if op.get_bind().dialect.name == "sqlite":
        # The words stay in `passages`; Porter's rules fold English endings and leave German words as they are.
        op.execute(
            "CREATE VIRTUAL TABLE passage_words USING fts5("
            "words, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2')"
        )
    else:
        op.execute("CREATE INDEX ix_passages_words ON passages USING gin (to_tsvector('english', words))")
