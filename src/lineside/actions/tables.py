"""The tables of governed actions, in the memory's database, so that a state and its audit entry commit together."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table

from lineside.memory.tables import Moment, Words, metadata

proposals = Table(
    "proposals",
    metadata,
    Column("id", Words, primary_key=True),
    Column("action", Words, nullable=False),
    Column("system", Words, nullable=False),
    Column("entity", Words, nullable=False),
    Column("requester", Words, nullable=False),
    # The canonical bytes that the approval binds; everything a person is shown as fact is rendered from them.
    Column("bound", LargeBinary, nullable=False),
    Column("digest", Words, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("state", Words, nullable=False),
    Column("version", Integer, nullable=False),
    # Set while the proposal is open and empty afterwards: at most one open proposal per action and object.
    Column("open_key", Words, unique=True),
    Column("decided_by", Words),
    Column("decided_at", Moment),
    Column("channel", Words),
    Column("detail", Words, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("remembered_at", Moment),
    Index(None, "state", "expires_at"),
    Index(None, "requester", "state"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("proposal_id", Words, ForeignKey("proposals.id"), primary_key=True),
    Column("approver", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("rule", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("approved_at", Moment, nullable=False),
    Column("used_at", Moment),
)

executions = Table(
    "executions",
    metadata,
    # One row per proposal, and the proposal's id is the key that the target sees: at most one effect.
    Column("proposal_id", Words, ForeignKey("proposals.id"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("condition", Words),
    Column("intended_at", Moment, nullable=False),
    # The last message kept before the intent; only a later one can prove the effect.
    Column("heard_until", BigInteger, nullable=False),
    # Only the holder of the newest number may write down an outcome.
    Column("fence", Integer, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("effect", Words),
    Column("executed_at", Moment),
    Column("verify_by", Moment),
    Column("verified_at", Moment),
    Column("verified_record", Words),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("proposal", Words, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
    Column("hash", Words, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Words, nullable=False),
    Column("signature", Words, nullable=False),
)
