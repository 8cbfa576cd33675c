"""The tables of handovers: what was signed off, what people added, what the incoming shift acknowledged."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, UniqueConstraint

from lineside.memory.tables import Moment, Words, metadata

handovers = Table(
    "handovers",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The site, the shift's day and name, and the place: one document for each.
    Column("key", Words, nullable=False, unique=True),
    Column("opened_at", Moment, nullable=False),
    Column("signed_at", Moment),
    Column("signed_by", Words),
)

handover_lines = Table(
    "handover_lines",
    metadata,
    # What the document said when it was signed off.
    Column("handover", Integer, ForeignKey("handovers.number"), primary_key=True, autoincrement=False),
    Column("item", Words, primary_key=True),
    Column("digest", Words, nullable=False),
    Column("body", Words, nullable=False),
)

handover_entries = Table(
    "handover_entries",
    metadata,
    Column("handover", Integer, ForeignKey("handovers.number"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The same words by the same person are one entry, however often they are sent.
    Column("key", Words, nullable=False),
    # The item that it comments on, `` for the whole document; empty for an item of its own.
    Column("about", Words),
    Column("section", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("handover", "key"),
)

handover_acknowledgements = Table(
    "handover_acknowledgements",
    metadata,
    Column("handover", Integer, ForeignKey("handovers.number"), primary_key=True, autoincrement=False),
    Column("item", Words, primary_key=True),
    # What it said then: what has changed since is not acknowledged by it.
    Column("digest", Words, primary_key=True),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
)
