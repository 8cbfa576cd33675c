"""How near each gate of a line is to flipping, and what would flip it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation import shared_states
from lineside.interpretation.assessment import LineReadiness
from lineside.interpretation.conflict import differ
from lineside.interpretation.facts import Facts, moment, recency, told
from lineside.interpretation.gates import Gate, Stand
from lineside.interpretation.holds import Hold
from lineside.interpretation.last_moments import promise
from lineside.interpretation.reading import Cite, Finding, Kind, clock
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.supply import expires
from lineside.interpretation.trucks import next_truck
from lineside.interpretation.wording import counted
from lineside.memory import SourceState, Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Event
from lineside.plant.timeline import duration
from lineside.plant.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """What would flip one gate. to: how the gate stands afterwards; at: when, where that is known; near: whether that
    is soon, or could be at any moment."""

    gate: Gate
    to: Stand
    text: str
    kind: Kind
    cites: tuple[Cite, ...]
    at: datetime | None = None
    near: bool = True

    @property
    def closes(self) -> bool:
        return self.to is not Stand.OPEN


class Watch:
    """What may flip the gates of many lines, read once for all of them."""

    def __init__(self, facts: Facts, known: Sequence[Hold], lines: Iterable[LineReadiness]) -> None:
        self.facts, self.known, self.policy = facts, known, shipping_policy().stability
        things = {thing for each in lines for thing in _behind(each)}
        self._changes = self._turns(things)
        now = facts.view.as_of
        ago = Window(start=now - timedelta(hours=self.policy.signs_h), end=now + timedelta(microseconds=1))
        self._signs = facts.view.events(kinds=self.policy.signs, within=ago) if things else []

    def flips(self, each: LineReadiness) -> tuple[Flip, ...]:
        """Everything on record that could flip a gate of the line, what is nearest first."""
        if each.buckets is not None and each.buckets.shipped >= each.buckets.wanted > 0:
            return ()  # it has left
        found = [
            *self._cut_off(each),
            *self._inspections(each),
            *self._shelf_life(each),
            *self._signals(each),
            *self._disputes(each),
            *self._silence(each),
            *self._moved(each),
            *self._papers(each),
        ]
        far = self.facts.view.as_of + timedelta(days=9999)
        return tuple(sorted(dict.fromkeys(found), key=lambda f: (not f.near, not f.closes, f.at or far, f.text)))

    def _cut_off(self, each: LineReadiness) -> Iterator[Flip]:
        truck = next_truck(each.question.trucks)
        last = None if truck is None else truck.cut_off or truck.departure
        if truck is None or last is None or last <= self._now or truck.departure is None:
            return
        slack = (last - self._now).total_seconds()
        word = "cut-off" if truck.cut_off else "departure"
        text = f"closes at the {word} of {truck.shipment.id}, {self._clock(last)}, in {duration(slack)}"
        near = slack <= self.policy.tight_min * 60
        yield self._flip(Gate.CARRIER, Stand.CLOSED, text, truck.cites, at=last, near=near)
        if truck.arrival and truck.arrival < self._now and self.facts.state(truck.shipment, "status") == "planned":
            text = (
                f"{truck.shipment.id} was due at the dock at {self._clock(truck.arrival)}; no record says that it came"
            )
            yield self._flip(Gate.CARRIER, Stand.CLOSED, text, truck.cites)

    def _inspections(self, each: LineReadiness) -> Iterator[Flip]:
        truck = next_truck(each.question.trucks)
        last = None if truck is None else truck.cut_off or truck.departure
        gate = next(g for g in each.gates if g.gate is Gate.INSPECTED)
        if gate.stand is not Stand.CLOSED or gate.stops:
            return
        for batch in each.question.supply.batches:
            check = batch.quality
            if check.passes is not False:
                continue
            head = f"opens when {batch.subject.id} passes ({check.why}), and would be blocked if it fails"
            if check.due and check.due <= self._now:
                late = duration((self._now - check.due).total_seconds())
                yield self._flip(Gate.INSPECTED, Stand.OPEN, f"{head}; the inspection is {late} overdue", check.cites)
            elif check.due:
                slack = None if last is None else (last - check.due).total_seconds()
                room = (
                    ""
                    if slack is None
                    else f", {duration(abs(slack))} {'before' if slack >= 0 else 'after'} the cut-off"
                )
                text = f"{head}; due at {self._clock(check.due)}{room}"
                near = slack is not None and slack <= self.policy.tight_min * 60
                yield self._flip(Gate.INSPECTED, Stand.OPEN, text, check.cites, at=check.due, near=near)
            else:
                yield self._flip(Gate.INSPECTED, Stand.OPEN, f"{head}; no due time is on record", check.cites)

    def _shelf_life(self, each: LineReadiness) -> Iterator[Flip]:
        """A lot that expires before the goods arrive, or shortly after."""
        truck, said = next_truck(each.question.trucks), promise(self.facts, each.line)
        promised = moment(said.value) if said else None
        arrives = (truck.due or promised or truck.departure) if truck else promised
        for lot in each.question.supply.lots:
            end = expires(self.facts, lot)
            if end is None or end[0] <= self._now:
                continue
            margin = None if arrives is None else (end[0] - arrives).total_seconds()
            if margin is None or margin > self.policy.expiry_margin_h * 3600:
                continue
            cites = (end[1].record_id, *(truck.cites if truck else ()), *((said.record_id,) if said else ()))
            side = "before" if margin < 0 else "after"
            text = f"{lot.id} expires at {self._clock(end[0])}, {duration(abs(margin))} {side} the goods arrive"
            yield self._flip(Gate.INSPECTED, Stand.CLOSED, text, cites, at=end[0])

    def _signals(self, each: LineReadiness) -> Iterator[Flip]:
        """What was noticed on the line's lots since they were made and has led to no hold."""
        supply = each.question.supply
        lots = {lot.id for lot in supply.lots}
        jobs = {job.id for job in supply.job_orders}
        held = {hold.subject for hold in self.known}
        for event in self._signs:
            if event.lot in lots and Entity("lot", str(event.lot)) not in held:
                subject = f"lot {event.lot}"
            elif event.job_order in jobs:
                subject = f"job order {event.job_order}"
            else:
                continue
            when = self._clock(event.provenance.occurred_at)
            text = f"{_spaced(event.kind)} on {subject} at {when}{_why(event)} may lead to a hold; none is on record"
            yield self._flip(Gate.HOLD_FREE, Stand.CLOSED, text, (event.provenance.record_id,), kind=Kind.GUESSED)

    def _disputes(self, each: LineReadiness) -> Iterator[Flip]:
        """A gate that another source's word would flip."""
        supply = each.question.supply
        things = [(lot, "quality_status", Gate.INSPECTED) for lot in supply.lots]
        bearers = [each.line, *([each.line.parent] if each.line.parent else [])]
        things += [(bearer, "credit", Gate.CREDIT) for bearer in bearers]
        for thing, name, gate in things:
            words = self.facts.words(thing, name)
            best = self.facts.best(thing, name)
            for other in words:
                if best is None or other.source == best.source or not differ(self.facts, best, other):
                    continue
                strict = shared_states.state_of(thing.kind, name, best.value) in ("unrestricted", "ok")
                text = (
                    f"{best.source} says {told(best, self.facts.view)} of {thing.id}, {other.source} says "
                    f"{told(other, self.facts.view)}: {other.source}'s word would {'close' if strict else 'open'} it"
                )
                to = Stand.CLOSED if strict else Stand.OPEN
                yield self._flip(gate, to, text, (best.record_id, other.record_id))
        for hold in (h for h in self.known if h.disputed and h.subject in {*supply.lots, *bearers}):
            words_said = "; ".join(f"{w.source} says {w.said}" for w in hold.words)
            text = f"hold {hold.id} is disputed ({words_said})"
            yield self._flip(Gate.HOLD_FREE, Stand.OPEN if hold.active else Stand.CLOSED, text, hold.cites)

    def _silence(self, each: LineReadiness) -> Iterator[Flip]:
        """A gate that rests on a source which no longer speaks."""
        quiet = {h.source: h for h in self.facts.health if h.state is not SourceState.LIVE}
        newest: dict[tuple[Gate, str], Statement] = {}
        for said in sorted((*each.question.supply.said, *each.question.used), key=recency):
            gate = _GATE_OF.get(said.property)
            if gate is not None and said.source in quiet:
                newest.setdefault((gate, said.source), said)
        for (gate, source), said in newest.items():
            health = quiet[source]
            heard = f", last heard at {self._clock(health.last_heard)}" if health.last_heard else ""
            text = f"rests on {source}, which is {health.state!s}{heard}; what changed since is not known"
            yield self._flip(gate, Stand.UNKNOWN, text, (said.record_id,))

    def _moved(self, each: LineReadiness) -> Iterator[Flip]:
        """What changed lately behind a gate: what turned before may turn again."""
        for thing in sorted(_behind(each)):
            for name, changes in sorted(self._changes.get(thing, {}).items()):
                gate = _GATE_OF.get(name) or Gate.CARRIER
                last = changes[-1]
                text = (
                    f"{_spaced(name)} of {thing.id} changed {counted(len(changes), 'time')} in the last "
                    f"{self.policy.watched_h:g} h, last to {told(last, self.facts.view)} "
                    f"at {self._clock(last.occurred_at)}"
                )
                again = len(changes) > 1
                cites = tuple(s.record_id for s in changes)
                yield self._flip(gate, Stand.CLOSED, text, cites, near=again)

    def _papers(self, each: LineReadiness) -> Iterator[Flip]:
        gate = next(g for g in each.gates if g.gate is Gate.DOCUMENTS)
        if gate.stand is Stand.CLOSED and gate.cites:
            text = f"opens once they are issued ({gate.text})"
            yield self._flip(Gate.DOCUMENTS, Stand.OPEN, text, gate.cites, near=False)

    def _turns(self, things: Iterable[Entity]) -> dict[Entity, dict[str, list[Statement]]]:
        """Each thing's changes within the watched hours, by property; one source's repeated word is none."""
        since = self._now - timedelta(hours=self.policy.watched_h)
        wanted = sorted(set(things))
        names = ("quality_status", "credit", "planned_departure", "eta")
        last: dict[tuple[Entity, str, str, str | None], Statement] = {}
        found: dict[Entity, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
        for said in self.facts.view.statements(entities=wanted, properties=names) if wanted else ():
            if said.occurred_at > self._now:
                continue
            key = (said.entity, said.property, said.source, said.scope)
            before = last.get(key)
            if before is not None and before.value != said.value and said.occurred_at > since:
                found[said.entity][said.property].append(said)
            last[key] = said
        return found

    def _flip(
        self,
        gate: Gate,
        to: Stand,
        text: str,
        cites: Sequence[Cite],
        *,
        at: datetime | None = None,
        near: bool = True,
        kind: Kind = Kind.DERIVED,
    ) -> Flip:
        return Flip(gate=gate, to=to, text=text, kind=kind, cites=tuple(dict.fromkeys(cites)), at=at, near=near)

    @property
    def _now(self) -> datetime:
        return self.facts.view.as_of

    def _clock(self, when: datetime) -> str:
        return clock(when, self.facts.plant, relative_to=self._now)


def flip_findings(each: LineReadiness, flips: Iterable[Flip]) -> Iterator[Finding]:
    """One sentence for each thing that would flip a gate of the line."""
    for flip in flips:
        yield Finding(
            text=f"{each.line.id}, {flip.gate.value}: {flip.text}.",
            kind=flip.kind,
            cites=flip.cites,
            data={
                "line": each.line.id,
                "gate": flip.gate.value,
                "to": flip.to.value,
                "at": flip.at.isoformat() if flip.at else None,
                "near": flip.near,
            },
        )


def _behind(each: LineReadiness) -> set[Entity]:
    """What the line's gates rest on."""
    supply = each.question.supply
    above = [each.line.parent] if each.line.parent else []
    return {each.line, *above, *supply.lots, *(t.shipment for t in each.question.trucks if not t.gone)}


_GATE_OF = {
    "quantity_good": Gate.MADE,
    "quality_status": Gate.INSPECTED,
    "result": Gate.INSPECTED,
    "packed": Gate.PACKED,
    "labelled": Gate.LABELLED,
    "credit": Gate.CREDIT,
    "planned_departure": Gate.CARRIER,
    "eta": Gate.CARRIER,
}


def _why(event: Event) -> str:
    text = str(event.attributes.get("reason") or event.text or "").strip()
    return f" ({text[:80]})" if text else ""


def _spaced(name: str) -> str:
    return name.replace("_", " ")
