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
    # What limits add up; empty where the action has no amount.
    Column("amount", Words),
    Column("amount_unit", Words),
    # The proposal whose effect this one takes back.
    Column("undoes", Words),
    Index(None, "action", "decided_at"),
    Index(None, "state", "expires_at"),
    Index(None, "requester", "state"),
)

approvals = Table(
    "approvals",
    metadata,
    # One row per person who approved; the quorum counts humans, not rows.
    Column("proposal_id", Words, ForeignKey("proposals.id"), primary_key=True),
    Column("approver", Words, primary_key=True),
    # Whose right it was, where somebody was deputy.
    Column("on_behalf", Words),
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
    # The subject as it was right before the call, as JSON: what differs afterwards may be ours.
    Column("before", Words, nullable=False, server_default='{"values": {}, "effects": []}'),
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

delegations = Table(
    "delegations",
    metadata,
    Column("id", Words, primary_key=True),
    Column("giver", Words, nullable=False),
    Column("taker", Words, nullable=False, index=True),
    # The action that it covers; * for all that the giver may decide.
    Column("action", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Words, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

switches = Table(
    "switches",
    metadata,
    # One row per target, and one (*) for all of them: off until two people have switched it on.
    Column("target", Words, primary_key=True),
    # What was armed: another interface or address under the same name is not.
    Column("armed_for", Words),
    Column("first_by", Words),
    Column("first_at", Moment),
    Column("armed_by", Words),
    Column("armed_at", Moment),
    Column("stopped_by", Words),
    Column("stopped_at", Moment),
    Column("reason", Words, nullable=False),
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
