"""The one action type: place a lot on hold in the quality system. What it takes, what it changes, what it rests on."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Json

if TYPE_CHECKING:
    from lineside.actions.executors import LotThere
    from lineside.memory import Statement, View

LONGEST_REASON = 500
ACTIVE, BLOCKED = "active", "blocked"
_FACTS = ("material", "quantity", "location", "job_order", "supplier")
_SYSTEM_KIND = "qms"


class Risk(StrEnum):
    """Decided here, never by who asks. high: a parameter came from free text, or from nobody knows where."""

    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing was proposed. code is stable; reason is for the person."""

    reason: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the difference that the action makes."""

    field: str
    before: str
    after: str

    def to_json(self) -> dict[str, Json]:
        return {"field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the target's records said when this was proposed; read again at the target before anything is sent.

    quality_status: None where the target never said it. basis: ids of the records that say so.
    """

    quality_status: str | None
    active_holds: tuple[str, ...]
    basis: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "quality_status": self.quality_status,
            "active_holds": list(self.active_holds),
            "basis": list(self.basis),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, resolved against the records."""

    entity: Entity
    system: str
    parameters: Mapping[str, str]
    snapshot: Snapshot
    changes: tuple[Change, ...]
    facts: tuple[str, ...]


class HoldLot:
    """Place a lot on hold, so that nobody uses or ships it before quality has looked."""

    name: ClassVar[str] = "hold_lot"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Place a lot on hold"
    parameters: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"lot": "the lot's id as its system writes it, as in L-77", "reason": "why, in a sentence or two"}
    )
    undo: ClassVar[str] = "quality releases the hold in its own system"

    def plan(self, parameters: Mapping[str, Json], *, view: View, systems: Collection[str]) -> Plan | Refusal:
        """The plan for these parameters, or why there is none. systems: where holds could be placed, if configured."""
        asked = self._asked(parameters)
        if isinstance(asked, Refusal):
            return asked
        lot_text, reason = asked
        lot = _the_lot(lot_text, view)
        if isinstance(lot, Refusal):
            return lot
        system = _the_system(lot, view, systems)
        if isinstance(system, Refusal):
            return system
        snapshot = _snapshot(lot, view, system)
        if snapshot.active_holds or snapshot.quality_status == BLOCKED:
            held = ", ".join(snapshot.active_holds) or "its quality status is blocked"
            return Refusal(reason=f"{lot} is already on hold in {system}: {held}", code="already_on_hold")
        status = snapshot.quality_status or f"not said by {system}"
        return Plan(
            entity=lot,
            system=system,
            parameters=MappingProxyType({"lot": lot.id, "reason": reason}),
            snapshot=snapshot,
            changes=(
                Change(field=f"quality status of {lot} in {system}", before=status, after=BLOCKED),
                Change(field=f"active holds on {lot} in {system}", before="none", after=f"one hold: {reason}"),
            ),
            facts=_facts(lot, view),
        )

    def differences(self, snapshot: Mapping[str, Any], found: LotThere) -> tuple[str, ...]:
        """How the target differs from what was proposed on; empty where it still holds."""
        expected, status = snapshot["quality_status"], found.quality_status.casefold()
        differences = []
        if status == BLOCKED or (expected is not None and status != expected.casefold()):
            differences.append(f"quality status was {expected or 'not said'}, is {status}")
        active = sorted(hold.hold for hold in found.holds if hold.status == ACTIVE)
        if active != snapshot["active_holds"]:
            differences.append(f"active holds now: {', '.join(active) or 'none'}")
        return tuple(differences)

    def payload(self, *, proposal: str, requester: str, plan: Plan) -> dict[str, Json]:
        """The body that goes to the target, but for `approved_by`, which the approval adds."""
        return {**plan.parameters, "proposal": proposal, "requested_by": requester}

    def _asked(self, parameters: Mapping[str, Json]) -> tuple[str, str] | Refusal:
        if unknown := sorted(set(parameters) - set(self.parameters)):
            return Refusal(reason=f"{self.name} takes no {', '.join(unknown)}", code="bad_parameters")
        texts = []
        for name, meaning in self.parameters.items():
            value = parameters.get(name)
            if not isinstance(value, str) or not value.strip():
                return Refusal(reason=f"{self.name} needs {name}: {meaning}", code="bad_parameters")
            if hidden := _hidden(value):
                return Refusal(reason=f"{name} holds the invisible character {hidden}", code="bad_parameters")
            texts.append(" ".join(value.split()))
        lot, reason = texts
        if len(reason) > LONGEST_REASON:
            return Refusal(
                reason=f"the reason is {len(reason)} characters long; {LONGEST_REASON} is the most",
                code="bad_parameters",
            )
        return lot, reason


ACTIONS: Mapping[str, HoldLot] = MappingProxyType({HoldLot.name: HoldLot()})


def active_holds(lot: Entity, view: View, system: str) -> dict[str, str]:
    """Each hold on the lot that is active as `system` says it, with the record that says so."""
    found: dict[str, str] = {}
    closed: set[str] = set()
    told: dict[str, dict[str, Statement]] = {}
    for said in view.said(kind=EntityKind.HOLD, properties=("subject", "status")):
        if said.source == system:
            told.setdefault(said.entity.id, {})[said.property] = said
    for hold, properties in told.items():
        subject, status = properties.get("subject"), properties.get("status")
        if subject is not None and names(subject.value, lot):
            if status is None or status.value == ACTIVE:
                found[hold] = (status or subject).record_id
            else:
                closed.add(hold)
    for event in view.events(kinds=("hold_placed", "hold_released"), about=lot):
        if event.provenance.source != system or not event.hold or event.hold in closed:
            continue
        if event.kind == "hold_placed":
            found.setdefault(event.hold, event.provenance.record_id)
        elif event.hold not in told:
            found.pop(event.hold, None)
    return dict(sorted(found.items()))


def names(value: Json, lot: Entity) -> bool:
    """Whether a hold's `subject` is this lot; a plain id counts."""
    return isinstance(value, str) and bool(value.strip()) and Entity.parse(value, kind=lot.kind) == lot


def _the_lot(text: str, view: View) -> Entity | Refusal:
    wanted = text.removeprefix(f"{EntityKind.LOT}:").strip()
    found = [entity for entity in view.find(wanted) if entity.kind == EntityKind.LOT] if wanted else []
    exact = [entity for entity in found if entity.id == wanted]
    match exact or found:
        case [lot]:
            return lot
        case []:
            return Refusal(reason=f"no record names a lot {wanted!r}", code="unknown_lot")
        case several:
            listed = ", ".join(sorted(str(entity) for entity in several))
            return Refusal(reason=f"{wanted!r} could be {listed}; say which", code="ambiguous_lot")


def _the_system(lot: Entity, view: View, systems: Collection[str]) -> str | Refusal:
    """Where holds are kept: the configured target, what the plant file calls a QMS, or who has spoken of holds."""
    spoken = {s.source for s in view.said(entity=lot, properties=("quality_status",))}
    cards = {card.name for card in view.plant.sources if card.kind == _SYSTEM_KIND}
    for candidates in (set(systems), cards):
        if len(candidates & spoken) == 1:
            return next(iter(candidates & spoken))
        if len(candidates) == 1:
            return next(iter(candidates))
        if candidates:
            return Refusal(
                reason=f"{lot} could be held in {', '.join(sorted(candidates))}; no record says which keeps it",
                code="ambiguous_system",
            )
    keepers = {s.source for s in view.said(kind=EntityKind.HOLD)} or spoken
    if len(keepers) == 1:
        return next(iter(keepers))
    return Refusal(reason="no source is known to keep holds; name a qms in plant.toml", code="no_system")


def _snapshot(lot: Entity, view: View, system: str) -> Snapshot:
    told = [s for s in view.said(entity=lot, properties=("quality_status",)) if s.source == system]
    status = max(told, key=lambda said: (said.occurred_at, said.reported_at), default=None)
    holds = active_holds(lot, view, system)
    basis = [*holds.values(), *([status.record_id] if status else [])]
    return Snapshot(
        quality_status=status.text if status else None,
        active_holds=tuple(holds),
        basis=tuple(dict.fromkeys(basis)),
    )


def _facts(lot: Entity, view: View) -> tuple[str, ...]:
    said = view.said(entity=lot, properties=_FACTS)
    return tuple(f"{s.property.replace('_', ' ')}: {s.text} ({s.source}{_scope(s)})" for s in said)


def _scope(said: Statement) -> str:
    return f", {said.scope}" if said.scope else ""


def _hidden(text: str) -> str:
    """The first character that would make the text look other than it is: control, reordering, half a pair."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and character not in "\n\t\r":
            return f"U+{ord(character):04X}"
    return ""
