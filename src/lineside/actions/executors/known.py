"""What everybody may know of a target: its source, what it offers and within what, and what approvals are bound to.

No credential comes here, and nothing that could write: any process may have it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from lineside.actions.action import Draft, Refusal, Terms
from lineside.actions.executors.allowlist import AllowList, Setpoint
from lineside.actions.executors.interface import Interface
from lineside.actions.executors.pinned import Pinned
from lineside.actions.types.setpoint import STATE, WRITE_SETPOINT
from lineside.errors import BadSettings
from lineside.plant.quantities import plain, unit


class HttpKnown:
    """A system behind a described interface."""

    def __init__(
        self,
        url: str,
        *,
        source: str,
        interface: Interface,
        read_url: str = "",
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.source = source
        self.url, self.read_url = url.rstrip("/"), (read_url or url).rstrip("/")
        self.described, self.options = interface, dict(options)
        of = interface.described
        need(of.options, options, source=source, interface=of.name)
        where = "\n".join((self.url, self.read_url, *(f"{name}={options[name]}" for name in sorted(options))))
        self.interface = bound_to(of.name, of.version, interface.digest, where)

    @property
    def offers(self) -> frozenset[str]:
        return self.described.offers

    def terms(self, draft: Draft) -> Terms | Refusal:
        """Nothing beside; or why the system could not be asked for exactly this, which is not asked now."""
        action = draft.action
        if self.described.reading(action, draft.subject) is None:
            kind = draft.subject.kind.replace("_", " ")
            return Refusal(reason=f"the interface of {self.source} has no way to read a {kind}", code="not_offered")
        for name in self.described.rounded(action):
            if name in draft.written and datetime.fromisoformat(draft.written[name]).time() != time():
                reason = f"{self.source} knows days only: {name} is a day's 00:00, not {draft.written[name]}"
                return Refusal(reason=reason, code="bad_parameters")
        return Terms()


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


def need(wanted: Mapping[str, str], options: Mapping[str, str], *, source: str, interface: str) -> None:
    """The options are those that the interface asks for. Raises BadSettings."""
    lacking, unknown = sorted(wanted.keys() - options.keys()), sorted(options.keys() - wanted.keys())
    if lacking or unknown:
        said = f"lacks {lacking[0]}: {wanted[lacking[0]]}" if lacking else f"has no {unknown[0]}"
        raise BadSettings(f"targets, options of {source}: the interface {interface} {said}", key="options")


def bound_to(name: str, version: str, digest: str, where: str) -> str:
    """What a proposal and an arming are bound to: the interface file's bytes, and where it is spoken to."""
    return f"{name}@{version} {digest[:12]} {hashlib.sha256(where.encode()).hexdigest()[:12]}"


def not_now(row: Setpoint, state: str | None) -> str:
    only = " or ".join(row.states)
    return (
        f"{row.equipment} is {state or 'in no state that it says'}; {row.parameter} is written only while it is {only}"
    )
