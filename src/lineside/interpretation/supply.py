"""What was made for a sales order line, batch by batch: each with what its quality, holds and packing say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from lineside.interpretation import shared_states
from lineside.interpretation.deadlines import deadline
from lineside.interpretation.facts import Facts, moment, owner_of
from lineside.interpretation.holds import Hold, binding
from lineside.interpretation.reading import clock
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity
from lineside.plant.records import quantity

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether a batch passes one gate. passes: None where no record says. stops: whether somebody must decide."""

    passes: bool | None
    why: str
    cites: tuple[str, ...] = ()
    source: str | None = None
    owner: str | None = None
    stops: bool = False
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One handling unit's share. packed, labelled: None where no record says."""

    unit: Entity
    value: Decimal
    packed: bool | None
    labelled: bool | None
    held: bool
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A quantity made for the line: a lot, or what a job order made without naming a lot."""

    subject: Entity
    value: Decimal
    cites: tuple[str, ...]
    quality: Check
    holds: tuple[Hold, ...]
    packs: tuple[Pack, ...]

    def packed(self) -> Decimal:
        """How much of it is packed for certain; never more than was made."""
        return self._sum(p for p in self.packs if p.packed)

    def labelled(self) -> Decimal:
        return self._sum(p for p in self.packs if p.labelled)

    def ready(self) -> Decimal:
        """Packed and labelled, in units that no hold binds."""
        return self._sum(p for p in self.packs if p.packed and p.labelled and not p.held)

    def not_ruled_out(self) -> Decimal:
        """What no record says is unpacked, unlabelled or held; where nothing is on record, all of it."""
        if not self.packs:
            return self.value
        return self._sum(p for p in self.packs if p.packed is not False and p.labelled is not False and not p.held)

    def held(self) -> Decimal:
        return self.value if self.holds else self._sum(p for p in self.packs if p.held)

    def _sum(self, packs: Iterable[Pack]) -> Decimal:
        return min(self.value, sum((p.value for p in packs), Decimal(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Everything made for one line. job_orders: those that make it; missing: what could not be read, in words."""

    batches: tuple[Made, ...]
    job_orders: tuple[Entity, ...]
    lots: tuple[Entity, ...]
    said: tuple[Statement, ...]
    missing: tuple[str, ...]

    @property
    def made(self) -> Decimal:
        return sum((b.value for b in self.batches), Decimal(0))


class Gathering:
    """Collects one line's supply in the unit of the line."""

    def __init__(self, facts: Facts, known: Sequence[Hold], line: Entity, unit: str) -> None:
        self.facts, self.known, self.line, self.unit = facts, known, line, unit
        self.said: list[Statement] = []
        self.missing: list[str] = []
        self.counted = False  # whether a job order's output is on record
        self.job_orders = _unique(
            [s.entity for s in facts.pointing("job_order", line.kind, line)],
            [e for e, _ in facts.linked(line, "job_order")],
        )
        named = facts.best(line, "material") or next(
            (s for order in self.job_orders if (s := facts.best(order, "material"))), None
        )
        self.material = named.text if named else ""
        self.units = _unique([s.entity for s in facts.pointing("handling_unit", line.kind, line)])

    def supply(self) -> Supply:
        batches, lots = list[Made](), list[Entity]()
        for order in self.job_orders:
            own = _unique([s.entity for s in self.facts.pointing("lot", "job_order", order)])
            lots += own
            batches += self._of_order(order, own)
        direct = _unique(
            [s.entity for s in self.facts.pointing("lot", self.line.kind, self.line)],
            [e for e, _ in self.facts.linked(self.line, "lot")],
        )
        for lot in (each for each in direct if each not in lots):
            value, cites = self._stated(lot, "quantity")
            lots.append(lot)
            if value is not None:
                batches.append(self._batch(lot, value, cites))
        for lot in _unique([e for unit in self.units for e, _ in self.facts.linked(unit, "lot")]):
            if lot not in lots:
                lots.append(lot)
                batches.append(self._from_stock(lot))
        batches = self._spread([b for b in batches if b.value > 0])
        return Supply(
            batches=tuple(batches),
            job_orders=tuple(self.job_orders),
            lots=tuple(lots),
            said=tuple(self.said),
            missing=tuple(dict.fromkeys(self.missing)),
        )

    def _spread(self, batches: Sequence[Made]) -> list[Made]:
        """Units that name no lot stand for the batches with room left, the usable ones first."""
        loose = [u for u in self.units if not self.facts.linked(u, "lot") and not self.facts.linked(u, "job_order")]
        if not batches and self.counted:
            return []  # nothing was made, whatever units are announced
        if not batches:
            stated = [(u, self._stated(u, "quantity")) for u in loose]
            return [self._batch(u, value, cites) for u, (value, cites) in stated if value]
        room = {b.subject: b.value - sum((p.value for p in b.packs), Decimal(0)) for b in batches}
        packs: dict[Entity, list[Pack]] = {b.subject: list(b.packs) for b in batches}
        for whole in (p for u in loose for p in self._packs(u) if p.unit == u):
            left = whole.value
            for batch in sorted(batches, key=lambda b: (bool(b.holds), b.quality.passes is not True, str(b.subject))):
                share = min(left, max(room[batch.subject], Decimal(0)))
                if share > 0:
                    packs[batch.subject].append(replace(whole, value=share))
                    room[batch.subject] -= share
                    left -= share
        if loose and len(batches) > 1:
            self.missing.append(f"No source says which lot is in {', '.join(u.id for u in loose[:3])}.")
        return [replace(b, packs=tuple(packs[b.subject])) for b in batches]

    def _of_order(self, order: Entity, lots: Sequence[Entity]) -> list[Made]:
        """The order's lots, together never more than it made; what they don't cover stands as a batch of its own."""
        good, cites = self._good(order)
        self.counted |= good is not None
        left, found = good, list[Made]()
        for lot in lots:
            value, told = self._stated(lot, "quantity")
            if value is None:
                if good is None or len(lots) > 1:
                    self.missing.append(f"No source states the quantity of lot {lot.id}.")
                    continue
                value, told = good, cites
            value = max(Decimal(0), value - self._for_others(lot))
            share = value if left is None else min(value, left)
            left = None if left is None else left - share
            found.append(self._batch(lot, share, _unique(told, cites)))
        if left:
            found.append(self._batch(order, left, tuple(cites)))
        return found

    def _good(self, order: Entity) -> tuple[Decimal | None, Sequence[str]]:
        words = self.facts.words(order, "quantity_good")
        owner = owner_of(self.facts.plant, "job_order", "quantity_good")
        on_floor = [s for s in words if self.facts.plant.source(s.source).kind == "mes"]
        chosen = next((s for s in (*(w for w in words if owner and w.source == owner.name), *on_floor, *words)), None)
        if chosen is not None:
            self.said.append(chosen)
            return self._converted(chosen.quantity, chosen.source, order), [chosen.record_id]
        totals: dict[str, tuple[Decimal, list[str]]] = {}
        for event in self.facts.view.events(kinds=("production",), about=order):
            amount = quantity(event.attributes.get("quantity"), str(event.attributes.get("unit") or ""))
            value = self._converted(amount, event.provenance.source, order)
            if value is not None:
                total, cites = totals.get(event.provenance.source, (Decimal(0), []))
                totals[event.provenance.source] = total + value, [*cites, event.provenance.record_id]
        # Several systems may each tell of the same production: their words are not added up.
        return max(totals.values(), key=lambda t: t[0], default=(None, []))

    def _from_stock(self, lot: Entity) -> Made:
        """A lot of which only what is packed for this line counts."""
        value, cites = Decimal(0), list[str]()
        for unit in self.units:
            if lot in [e for e, _ in self.facts.linked(unit, "lot")]:
                amount, told = self._stated(unit, "quantity")
                value, cites = value + (amount or Decimal(0)), [*cites, *told]
        return self._batch(lot, value, cites)

    def _for_others(self, lot: Entity) -> Decimal:
        """What of the lot is packed for other lines."""
        total = Decimal(0)
        for said in self.facts.pointing("handling_unit", "lot", lot):
            lines = [e for e, _ in self.facts.linked(said.entity, self.line.kind)]
            if lines and self.line not in lines:
                total += self._stated(said.entity, "quantity")[0] or Decimal(0)
        return total

    def _batch(self, subject: Entity, value: Decimal, cites: Iterable[str]) -> Made:
        facts = self.facts
        bearers = [subject]
        bearers += [e for name in ("material", "job_order") for e, _ in facts.linked(subject, name)]
        if self.material:
            bearers.append(Entity("material", self.material))
        return Made(
            subject=subject,
            value=value,
            cites=tuple(dict.fromkeys(cites)),
            quality=self._quality(subject),
            holds=tuple(binding(self.known, bearers)),
            packs=tuple(self._packs(subject)),
        )

    def _quality(self, subject: Entity) -> Check:
        """What quality says; whatever it says, an expired lot passes nothing."""
        end = expires(self.facts, subject)
        if end is None or end[0] > self.facts.view.as_of:
            return self._judged(subject)
        when = clock(end[0], self.facts.plant, relative_to=self.facts.view.as_of)
        self.said.append(end[1])
        return Check(
            passes=False,
            why=f"{subject.id} expired at {when}",
            cites=(end[1].record_id,),
            source=end[1].source,
            stops=True,
        )

    def _judged(self, subject: Entity) -> Check:
        facts = self.facts
        words = facts.words(subject, "quality_status") if subject.kind == "lot" else []
        owner = owner_of(facts.plant, "lot", "quality_status")
        deciding = [w for w in words if owner and w.source == owner.name] or words
        self.said += words
        order = {"blocked": 0, "inspection": 1, None: 2, "unrestricted": 3}
        states = [(shared_states.state_of("lot", "quality_status", w.value), w) for w in deciding]
        strict = min(states, key=lambda pair: order[pair[0]], default=None)
        checks = [c for c in self._inspections(subject) if not c.passes]
        if strict is not None and strict[0] in ("blocked", "inspection"):
            state, word = strict
            due = max((c.due for c in checks if c.due), default=None)
            cites = tuple(dict.fromkeys((word.record_id, *(i for c in checks for i in c.cites))))
            why = f"{subject.id}: {word.source} says {word.text}" + "".join(f"; {c.why}" for c in checks)
            return Check(passes=False, why=why, cites=cites, source=word.source, stops=state == "blocked", due=due)
        if checks:
            return min(checks, key=lambda c: (not c.stops, c.passes is None))
        if strict is not None and strict[0] == "unrestricted":
            word = strict[1]
            return Check(
                passes=True,
                why=f"{subject.id}: {word.source} says {word.text}",
                cites=(word.record_id,),
                source=word.source,
            )
        done = self._inspections(subject)
        if done:
            cites = tuple(c for d in done for c in d.cites)
            return Check(passes=True, why=f"{subject.id}: every inspection passed", cites=cites, source=done[0].source)
        said = f": {strict[1].source}'s word {strict[1].text!r} is not known" if strict else ""
        return Check(passes=None, why=f"no record of {subject.id}'s quality{said}")

    def _inspections(self, subject: Entity) -> list[Check]:
        found = list[Check]()
        for named in _unique([s.entity for s in self.facts.pointing("inspection", subject.kind, subject)]):
            result = self.facts.best(named, "result")
            due = self.facts.best(named, "due_at")
            what = self.facts.best(named, "characteristic")
            by = moment(due.value) if due else None
            state = self.facts.state(named, "result")
            title = f"inspection {named.id}" + (f" ({what.text})" if what else "")
            cites = tuple(dict.fromkeys(s.record_id for s in (result, due) if s))
            if result is None:
                said = self.facts.about(named)[0]
                found.append(
                    Check(
                        passes=False, why=f"{title} has no result", cites=(said.record_id,), source=said.source, due=by
                    )
                )
                continue
            self.said.append(result)
            found.append(
                Check(
                    passes=state == "passed",
                    why=f"{title}: {result.source} says {result.text}",
                    cites=cites,
                    source=result.source,
                    stops=state == "failed",
                    due=by,
                )
            )
        return found or self._results(subject)

    def _results(self, subject: Entity) -> list[Check]:
        """The newest result of each characteristic that events tell, where no inspection is reported."""
        newest = {}
        for event in self.facts.view.events(kinds=("inspection_result",), about=subject):
            newest[event.provenance.source, str(event.attributes.get("characteristic") or "")] = event
        found = []
        for (source, what), event in sorted(newest.items()):
            text = str(event.attributes.get("result") or event.text)
            state = shared_states.meaning("inspection_result", text)
            found.append(
                Check(
                    passes=state == "passed",
                    why=f"{what or 'inspection'} of {subject.id}: {source} says {text}",
                    cites=(event.provenance.record_id,),
                    source=source,
                    stops=state == "failed",
                )
            )
        return found

    def _packs(self, subject: Entity) -> list[Pack]:
        facts = self.facts
        named = [s.entity for s in facts.pointing("handling_unit", subject.kind, subject)]
        if subject.kind == "handling_unit":
            named.append(subject)
        facts.fetch(named)
        found = []
        for unit in _unique(named):
            lines = [e for e, _ in facts.linked(unit, self.line.kind)]
            if lines and self.line not in lines:
                continue
            value, cites = self._stated(unit, "quantity")
            flags = {name: facts.best(unit, name) for name in ("packed", "labelled")}
            said = [s for s in flags.values() if s]
            self.said += said
            found.append(
                Pack(
                    unit=unit,
                    value=value or Decimal(0),
                    packed=flag(flags["packed"]),
                    labelled=flag(flags["labelled"]),
                    held=bool(binding(self.known, [unit])),
                    cites=tuple(dict.fromkeys((*(s.record_id for s in said), *cites))),
                )
            )
        return found

    def _stated(self, entity: Entity, name: str) -> tuple[Decimal | None, Sequence[str]]:
        said = self.facts.best(entity, name)
        if said is None:
            return None, []
        self.said.append(said)
        return self._converted(said.quantity, said.source, entity), [said.record_id]

    def _converted(self, amount: Quantity | None, source: str, entity: Entity) -> Decimal | None:
        if amount is None or not amount.unit or not self.unit:
            return None if amount is None else max(amount.value, Decimal(0))
        converted = amount.to(self.unit, self.facts.factors(self.material))
        if converted is None:
            self.missing.append(
                f"No factor from {amount.unit} to {self.unit} is on record: "
                f"{source}'s {amount} for {entity.id} can't be used."
            )
            return None
        return max(converted.value, Decimal(0))


def expires(facts: Facts, lot: Entity) -> tuple[datetime, Statement] | None:
    """When the lot is no longer good, and who says so; a bare day counts to its end."""
    said = facts.best(lot, "expires_at") if lot.kind == "lot" else None
    if said is None:
        return None
    end = moment(said.value) or deadline(said.text, said_at=said.occurred_at, view=facts.view)
    return None if end is None else (end, said)


def flag(said: Statement | None) -> bool | None:
    """Yes or no, as the packs' words mean it; None where nothing or something else is said."""
    if said is None:
        return None
    word = shared_states.meaning("flag", said.value)
    return None if word is None else word == "yes"


def _unique(*many: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(item for items in many for item in items))
