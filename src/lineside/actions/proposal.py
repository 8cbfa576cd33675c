"""A proposal: its canonical bytes, the digest that an approval binds, and the one door that moves its state."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import rfc8785
from sqlalchemy import Connection, RowMapping, select, update

from lineside.actions.action import Risk
from lineside.actions.audit import Journal
from lineside.actions.policy import Case
from lineside.actions.tables import executions, proposals
from lineside.errors import NotFound, ProposalStale
from lineside.memory.moments import moment, stored
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity
from lineside.plant.records import Json

FORMAT = "lineside.proposal/2"


class State(StrEnum):
    """Where a proposal stands. Only `verified` is done."""

    PENDING = "pending"  # waits for somebody with the right
    APPROVED = "approved"  # waits for the executor
    EXECUTING = "executing"  # the intent is kept; the target may have been asked
    EXECUTED = "executed"  # the target says so; not yet come back through ingest
    UNKNOWN = "unknown"  # the target gave no answer; it is being read
    VERIFIED = "verified"  # came back through the target's own feed
    COMPENSATED = "compensated"  # verified, and taken back since by another proposal
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # by who asked
    REVOKED = "revoked"  # approved, then taken back or the right to it lost, before anything was sent
    EXPIRED = "expired"
    STALE = "stale"  # the world, or the policy, is no longer what it was proposed on
    FAILED = "failed"  # proved: no effect
    VERIFY_FAILED = "verify_failed"  # said to be done, never came back: a person must look
    NEEDS_HUMAN = "needs_human"  # neither an answer nor a way to read one


# Nobody may ask for the same again before these have ended; what needs a person ends when that person has said how.
OPEN = frozenset(
    {
        State.PENDING, State.APPROVED, State.EXECUTING, State.UNKNOWN, State.EXECUTED, State.VERIFY_FAILED,
        State.NEEDS_HUMAN,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a parameter's value came from. trusted: the asker's own words, or a system's structured record."""

    parameter: str
    origin: str
    label: str
    trusted: bool
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One action asked for. What an approver sees as fact comes from `bound`, whose SHA-256 is `digest`."""

    id: str
    digest: str
    bound: Mapping[str, Any]  # parsed canonical JSON
    state: State
    version: int
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    channel: str | None
    detail: str
    changed_at: datetime
    effect: str | None
    executed_at: datetime | None
    verify_by: datetime | None
    verified_at: datetime | None
    verified_record: str | None
    remembered_at: datetime | None
    undoes: str | None = None

    @property
    def action(self) -> str:
        return str(self.bound["action"]).partition("@")[0]

    @property
    def entity(self) -> Entity:
        return Entity.parse(self.bound["entity"])

    @property
    def system(self) -> str:
        return str(self.bound["system"])

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.bound["parameters"])

    @property
    def requester(self) -> str:
        return str(self.bound["requester"])

    @property
    def quorum(self) -> int:
        """How many people must approve; bound, so that a policy that asks for fewer can't lower it."""
        return int(self.bound.get("quorum", 1))

    @property
    def origins(self) -> tuple[Origin, ...]:
        return tuple(Origin(**origin) for origin in self.bound["origins"])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an approver must know of where the parameters come from."""
        return tuple(f"{o.parameter} comes from {o.label}" for o in self.origins if not o.trusted)

    @property
    def case(self) -> Case:
        amount = self.bound.get("amount")
        return Case(
            action=self.action,
            risk=Risk(self.bound["risk"]),
            site=self.bound["site"],
            amount=None if amount is None else Quantity(Decimal(amount["value"]), amount["unit"]),
            vouched=not self.warnings,
        )

    def to_json(self) -> dict[str, Json]:
        """Everything that a face shows; times RFC 3339 in UTC."""
        shown: dict[str, Json] = {
            name: self.bound.get(name)
            for name in (
                "action", "title", "entity", "system", "parameters", "requester", "risk", "undo", "changes", "facts",
                "evidence", "origins", "preconditions", "policy", "quorum", "reversal", "amount",
                "expects", "interface", "chain",
            )
        }  # fmt: skip
        return {
            "id": self.id,
            "state": self.state,
            "digest": self.digest,
            **shown,
            "warnings": list(self.warnings),
            "created_at": _written(self.created_at),
            "expires_at": _written(self.expires_at),
            "decided_by": self.decided_by,
            "decided_at": _written(self.decided_at),
            "channel": self.channel,
            "detail": self.detail,
            "effect": self.effect,
            "undoes": self.undoes,
            "executed_at": _written(self.executed_at),
            "verify_by": _written(self.verify_by),
            "verified_at": _written(self.verified_at),
            "verified_record": self.verified_record,
        }


def new_id() -> str:
    """A fresh id that people can read out: P- and ten hex digits."""
    return f"P-{secrets.token_hex(5).upper()}"


def digest(bound: bytes) -> str:
    return hashlib.sha256(bound).hexdigest()


def open_key(action: str, system: str, entity: Entity) -> str:
    """What at most one open proposal may have."""
    return f"{action}|{system}|{entity}"


def load(connection: Connection, proposal_id: str) -> Proposal:
    """The proposal as it stands. Raises NotFound; ProposalStale where its stored bytes are not what was bound."""
    found = select_where(connection, proposals.c.id == proposal_id)
    if not found:
        raise NotFound(f"there is no proposal {proposal_id}", proposal=proposal_id)
    return found[0]


def select_where(connection: Connection, *conditions: Any, limit: int | None = None) -> Sequence[Proposal]:
    """The proposals that meet SQL conditions, newest first."""
    wanted = (
        select(
            proposals,
            *(executions.c[n] for n in ("effect", "executed_at", "verify_by", "verified_at", "verified_record")),
        )
        .join(executions, executions.c.proposal_id == proposals.c.id, isouter=True)
        .where(*conditions)
        .order_by(proposals.c.created_at.desc(), proposals.c.id)
        .limit(limit)
    )
    return [_proposal(row) for row in connection.execute(wanted).mappings()]


def move(
    connection: Connection,
    journal: Journal,
    proposal: Proposal,
    to: State,
    *,
    at: datetime,
    actor: str,
    detail: str = "",
    data: Mapping[str, Json] | None = None,
    only_before_expiry: bool = False,
    kind: str = "",
    **columns: object,
) -> bool:
    """Whether the proposal went from the state and version in hand to `to`, its audit entry in the same transaction.

    kind: what the entry is called where the state stays. False: somebody was first, or it has expired; then nothing was
    written.
    """
    change = (
        update(proposals)
        .where(
            proposals.c.id == proposal.id,
            proposals.c.state == proposal.state,
            proposals.c.version == proposal.version,
            proposals.c.digest == proposal.digest,
        )
        .values(
            state=to,
            version=proposal.version + 1,
            detail=detail,
            changed_at=stored(at),
            open_key=open_key(proposal.action, proposal.system, proposal.entity) if to in OPEN else None,
            **columns,
        )
    )
    if only_before_expiry:
        change = change.where(proposals.c.expires_at > stored(at))
    if connection.execute(change).rowcount != 1:
        return False
    journal.append(
        connection,
        at=at,
        kind=kind or to,
        actor=actor,
        proposal=proposal.id,
        data={"from": proposal.state, "digest": proposal.digest, "detail": detail, **(data or {})},
    )
    return True


def _proposal(row: RowMapping) -> Proposal:
    content = bytes(row["bound"])
    if digest(content) != row["digest"]:
        raise ProposalStale(
            f"the stored bytes of {row['id']} are not what was proposed; run `lineside audit verify`",
            proposal=row["id"],
        )
    names = ("decided_by", "channel", "detail", "effect", "verified_record", "version", "id", "digest", "undoes")
    moments = (
        "created_at", "expires_at", "decided_at", "changed_at", "executed_at", "verify_by", "verified_at",
        "remembered_at",
    )  # fmt: skip
    return Proposal(
        bound=json.loads(content),
        state=State(row["state"]),
        **{name: row[name] for name in names},
        **{name: moment(row[name]) for name in moments},
    )


def canonical(value: Mapping[str, Json]) -> bytes:
    """The one byte form (RFC 8785) of a document. Raises rfc8785.CanonicalizationError where it has none."""
    return rfc8785.dumps(dict(value))


def _written(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat().replace("+00:00", "Z")
