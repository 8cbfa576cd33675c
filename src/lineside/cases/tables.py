"""The tables of the cases' ledger, in the memory's database, so that a case and its transitions commit together."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from lineside.memory.tables import Moment, Words, metadata

cases = Table(
    "cases",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # One disturbance is one case: its class, its subject and the record that opened it.
    Column("key", Words, nullable=False, unique=True),
    Column("case_class", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("place", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("is_open", Integer, nullable=False),
    Column("began", Moment, nullable=False),
    Column("ended", Moment),
    Column("opened_at", Moment, nullable=False),
    # When it stopped being work: closed, or withdrawn; empty while it is open.
    Column("over_at", Moment),
    Column("owner", Words),
    # How many transitions it has; whoever adds one says which he saw last.
    Column("version", Integer, nullable=False),
    Index(None, "is_open", "began"),
    Index(None, "began"),
)

case_transitions = Table(
    "case_transitions",
    metadata,
    Column("case_number", Integer, ForeignKey("cases.number"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Words, nullable=False),
    Column("move", Words, nullable=False),
    Column("before", Words),
    Column("after", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("plant_at", Moment, nullable=False),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("cites", Words, nullable=False),
    Column("changes", Words, nullable=False),
    Index(None, "at"),
)

case_evidence = Table(
    "case_evidence",
    metadata,
    Column("case_number", Integer, ForeignKey("cases.number"), primary_key=True, autoincrement=False),
    Column("record_id", Words, primary_key=True),
    # opened, closed or beside
    Column("part", Words, nullable=False),
    Column("added_at", Moment, nullable=False),
    Index(None, "record_id"),
)

case_looks = Table(
    "case_looks",
    metadata,
    # Up to when each detector has looked, so that a run that was overtaken changes nothing.
    Column("detector", Words, primary_key=True),
    Column("looked_at", BigInteger, nullable=False),
)
