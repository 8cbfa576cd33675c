"""What everybody may know of a target: its source, what it offers and within what, and what approvals are bound to.

No credential comes here, and nothing that could write: any process may have it.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

from lineside.actions.action import Draft, Refusal, Terms
from lineside.actions.executors.allowlist import AllowList, Setpoint
from lineside.actions.executors.interface import Interface
from lineside.actions.executors.pinned import Pinned
from lineside.actions.types.setpoint import STATE, WRITE_SETPOINT
from lineside.plant.quantities import plain, unit


class HttpKnown:
    """A system behind a described interface."""

    def __init__(self, url: str, *, source: str, interface: Interface, read_url: str = "") -> None:
        self.source = source
        self.url, self.read_url = url.rstrip("/"), (read_url or url).rstrip("/")
        self.described = interface
        of = interface.described
        self.interface = bound_to(of.name, of.version, interface.digest, f"{self.url}\n{self.read_url}")

    @property
    def offers(self) -> frozenset[str]:
        return self.described.offers


class OpcUaKnown:
    """A server with an allow-list of setpoints. home: where the certificates are. Raises BadSettings."""

    def __init__(self, url: str, *, source: str, allowed: AllowList, home: Path) -> None:
        self.source, self.url, self.allowed = source, url, allowed
        of = allowed.described
        self.pinned = None if of.server.insecure else Pinned.load(of.server, home)
        both = "" if self.pinned is None else self.pinned.digest
        self.interface = bound_to(of.name, of.version, allowed.digest, f"{url}\n{both}")

    @property
    def offers(self) -> frozenset[str]:
        return frozenset({WRITE_SETPOINT.name})

    def terms(self, draft: Draft) -> Terms | Refusal:
        """The row's bounds for the approver, or why it would never be written; the server is not asked."""
        name = draft.written["parameter"]
        row = self.allowed.row(draft.subject.id, name)
        if row is None:
            listed = ", ".join(each.parameter for each in self.allowed.rows(draft.subject.id)) or "none"
            return Refusal(
                reason=f"{name!r} of {draft.subject.id} is not in the allow-list of {self.source}; there are: {listed}",
                code="not_listed",
            )
        value, told, state = Decimal(draft.written["value"]), draft.told.get(name), draft.told.get(STATE)
        now = None if told is None or told.quantity is None else told.quantity
        why = row.outside(value)
        if not why and now is not None and now.unit == unit(row.unit):
            why = row.too_far(value, now.value)
        if why:
            return Refusal(reason=why, code="out_of_bounds")
        if state is not None and state.text not in row.states:
            return Refusal(reason=not_now(row, state.text), code="in_the_way")
        return Terms(
            unit=unit(row.unit), tolerance=plain(row.tolerance) if row.tolerance else "",
            facts=(*row.facts(), self._channel()),
        )  # fmt: skip

    def _channel(self) -> str:
        server = self.allowed.described.server
        if self.pinned is None:
            return f"INSECURE, for a laboratory only: the channel to {server.uri} is neither signed nor encrypted"
        return (
            f"server {server.uri}, {server.policy}, signed and encrypted, its certificate pinned "
            f"(SHA-256 {self.pinned.fingerprint})"
        )


def bound_to(name: str, version: str, digest: str, where: str) -> str:
    """What a proposal and an arming are bound to: the interface file's bytes, and where it is spoken to."""
    return f"{name}@{version} {digest[:12]} {hashlib.sha256(where.encode()).hexdigest()[:12]}"


def not_now(row: Setpoint, state: str | None) -> str:
    only = " or ".join(row.states)
    return (
        f"{row.equipment} is {state or 'in no state that it says'}; {row.parameter} is written only while it is {only}"
    )
