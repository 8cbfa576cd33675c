"""The tables of the memory. Times are integers, microseconds since 1970 in UTC: they sort and compare alike everywhere.

Other parts of the store (the ledgers of actions and cases) attach their tables to the same `metadata`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# PostgreSQL would sort by the server's language; SQLite compares bytes. "C" makes both the same.
Words = Text().with_variant(Text(collation="C"), "postgresql")
Moment = BigInteger()
# SQLite counts up only on its own INTEGER type.
Serial = BigInteger().with_variant(Integer(), "sqlite")

messages = Table(
    "messages",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source", Words, nullable=False),
    Column("source_id", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("content_type", Words, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("occurred_at", Moment),
    Column("reported_at", Moment),
    # recorded, held, ignored or replaced; reason says why where it made no record.
    Column("standing", Words, nullable=False),
    Column("reason", Words),
    # Which version of the source's mapping read it last; empty where it has none.
    Column("mapping", Words, nullable=False),
    UniqueConstraint("source", "source_id", "digest"),
    Index(None, "source", "stream", "key"),
    Index(None, "source", "standing"),
)

message_log = Table(
    "message_log",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source", Words, nullable=False),
    Column("source_id", Words),
    Column("digest", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("size", Integer, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("reason", Words),
    Column("received_at", Moment, nullable=False),
    Column("kept_at", Moment, nullable=False),
    Column("latency_us", BigInteger, nullable=False),
    Column("mapping", Words, nullable=False),
    Index(None, "source", "outcome"),
    Index(None, "source", "kept_at"),
)

records = Table(
    "records",
    metadata,
    Column("id", Words, primary_key=True),
    Column("type", Words, nullable=False),
    Column("kind", Words),
    Column("source", Words, nullable=False),
    Column("source_id", Words, nullable=False),
    Column("part", Integer, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("reported_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("retracted_at", Moment),
    Column("quality", Words, nullable=False),
    Column("equipment", Words),
    # The sites it concerns, sorted, each between bars: |northfield|southfield|
    Column("sites", Words, nullable=False),
    # What a correction or deletion takes back; of a replacement, what it replaces.
    Column("target", Words),
    Column("body", Words, nullable=False),
    Column("text", Words, nullable=False),
    Index(None, "source", "source_id"),
    Index(None, "source", "target"),
    Index(None, "source", "reported_at"),
    Index(None, "type", "occurred_at"),
    Index(None, "kind", "occurred_at"),
    Index(None, "equipment", "occurred_at"),
)

record_entities = Table(
    "record_entities",
    metadata,
    Column("record_id", Words, ForeignKey("records.id"), primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("entity", Words, primary_key=True),
    Column("folded", Words, nullable=False),
    Index(None, "kind", "entity"),
    Index(None, "folded"),
)

record_words = Table(
    "record_words",
    metadata,
    Column("record_id", Words, ForeignKey("records.id"), primary_key=True),
    Column("word", Words, primary_key=True),
    Index(None, "word"),
)

statements = Table(
    "statements",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("record_id", Words, ForeignKey("records.id"), nullable=False),
    Column("source", Words, nullable=False),
    Column("source_id", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("entity", Words, nullable=False),
    Column("property", Words, nullable=False),
    Column("scope", Words),
    Column("value", Words, nullable=False),
    Column("quality", Words, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("reported_at", Moment, nullable=False),
    Column("retracted_at", Moment),
    Column("sites", Words, nullable=False),
    Index(None, "record_id"),
    # Covers the search for the latest word of each source without touching the rows.
    Index(
        "ix_statements_latest",
        *("kind", "entity", "property", "source", "scope", "occurred_at", "reported_at", "retracted_at", "sites"),
    ),
    Index(None, "kind", "property", "occurred_at"),
    Index(None, "retracted_at"),
)

# When each thing was last spoken of: the later of the times of the records about it.
things = Table(
    "things",
    metadata,
    Column("kind", Words, primary_key=True),
    Column("entity", Words, primary_key=True),
    Column("heard_at", Moment, nullable=False),
    Index(None, "kind", "heard_at"),
)

# Each source's last word on each property, whatever the time asked about: of two about one time that said later, `told`
# being the order among its source's ids.
last_words = Table(
    "last_words",
    metadata,
    Column("kind", Words, primary_key=True),
    Column("entity", Words, primary_key=True),
    Column("property", Words, primary_key=True),
    Column("source", Words, primary_key=True),
    Column("scope", Words, primary_key=True),
    Column("word", Words, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("reported_at", Moment, nullable=False),
    Column("told", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Index(None, "kind", "property", "word", "entity"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("record_id", Words, ForeignKey("records.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("thread", Words, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("header", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("author", Words),
    # Header and text as bare folded words between spaces; the lexical index reads these.
    Column("words", Words, nullable=False),
    Index(None, "record_id"),
    Index(None, "thread", "occurred_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source", Words, nullable=False),
    Column("source_id", Words),
    Column("digest", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("content_type", Words, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("occurred_at", Moment),
    Column("reported_at", Moment),
    Column("reason", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("status", Words, nullable=False),
    Column("closed_by", Words),
    Column("closed_because", Words),
    Index(None, "source", "status"),
    Index(None, "source", "source_id"),
    Index(None, "source", "digest"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("source", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("position", Words, nullable=False),
    Column("kept_at", Moment, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("source", Words, primary_key=True),
    Column("contact_at", Moment, nullable=False),
)

# Of `contacts` every stretch, so that a silence between two of them stays known.
contact_stretches = Table(
    "contact_stretches",
    metadata,
    Column("source", Words, primary_key=True),
    Column("since", Moment, primary_key=True),
    Column("until", Moment, nullable=False),
    Index(None, "source", "until"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Words, nullable=False),
    Column("kept_at", Moment, nullable=False),
    UniqueConstraint("source", "since", "until", "reason"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("closed_at", Moment),
    # source, stream and kind while it is open: an alert opens once, whoever looks.
    Column("open_key", Words),
    UniqueConstraint("open_key"),
    Index(None, "source", "opened_at"),
)

# What each field of a stream has looked like: what drift is told from.
shapes = Table(
    "shapes",
    metadata,
    Column("source", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("field", Words, primary_key=True),
    Column("types", Words, nullable=False),
    Column("values", Words, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

# Who reads a source now, so that no two processes do.
leases = Table(
    "leases",
    metadata,
    Column("source", Words, primary_key=True),
    Column("holder", Words, nullable=False),
    Column("until", Moment, nullable=False),
)

# How each source's reading stands, for every process to see.
feeds = Table(
    "feeds",
    metadata,
    Column("source", Words, primary_key=True),
    Column("state", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("failures", Integer, nullable=False),
    # Who paused it: it is read again once a person says so.
    Column("paused_by", Words),
    Column("reconciled_at", Moment),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Words, primary_key=True),
    Column("person", Words),
    Column("started_at", Moment, nullable=False),
)

conversation_turns = Table(
    "conversation_turns",
    metadata,
    Column("conversation_id", Words, ForeignKey("conversations.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("role", Words, nullable=False),
    Column("content", Words, nullable=False),
    Column("said_at", Moment, nullable=False),
)

# Which records an answer that somebody was given cites: what is taken back later is told to them.
citations = Table(
    "citations",
    metadata,
    Column("conversation_id", Words, ForeignKey("conversations.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("record_id", Words, primary_key=True),
    Column("as_of", Moment, nullable=False),
    Index(None, "record_id"),
)

# What somebody was told once and need not hear again. person: empty for the plant's own operator.
notices = Table(
    "notices",
    metadata,
    Column("person", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("told_at", Moment, nullable=False),
    # Since when it is no longer so; empty while it is.
    Column("over_at", Moment),
)

# What another system delivered to a face, so that a retry or a replay of it is worked on once, also after a restart.
deliveries = Table(
    "deliveries",
    metadata,
    Column("name", Words, primary_key=True),
    # Which process works on it.
    Column("holder", Words, nullable=False),
    # By the machine's clock, not the plant's: it is other machines that deliver.
    Column("begun_at", Moment, nullable=False),
    Column("done_at", Moment),
    # What was delivered, as long as the work on it is not done.
    Column("content", LargeBinary),
    Index(None, "done_at"),
)
