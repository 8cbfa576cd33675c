"""What may not leave before somebody releases it: held, blocked or in inspection, without credit; and what hangs on
it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineside.interpretation.facts import Facts, doubts, spoken
from lineside.interpretation.holds import hold_finding, holds
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.stakes import Stakes, stakes
from lineside.interpretation.wording import counted, listed
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind

_SHOWN = 10
# What says that a kind of thing may not leave, and the words for it.
_WORDS = (
    ("lot", "quality_status", ("blocked", "inspection")),
    ("handling_unit", "quality_status", ("blocked", "inspection")),
    ("job_order", "status", ("blocked",)),
    ("shipment", "status", ("blocked",)),
    ("sales_order_line", "status", ("blocked",)),
    ("sales_order", "credit", ("blocked",)),
    ("sales_order_line", "credit", ("blocked",)),
)


@dataclass(frozen=True, slots=True)
class _Bound:
    """One thing that waits for a release: what says so, and who decides where that is known."""

    entity: Entity
    why: str
    finding: Finding
    stakes: Stakes


def held(view: View) -> Reading:
    """Everything that may not leave without a release, why, who decides, and which orders and trucks hang on it."""
    facts = Facts(view)
    bound = list(_bound(facts))
    open_ones = facts.view.entities(EntityKind.LOT)
    if not bound:
        looked = [facts.best(lot, "quality_status") for lot in open_ones]
        cites = tuple(dict.fromkeys(s.record_id for s in looked if s))
        verdict = (
            "Nothing on record waits for a release: no active hold, nothing blocked or in inspection, no credit stop."
        )
        if not cites:
            return Reading(verdict=verdict, missing=("Holds, quality states or credit states from any source.",))
        text = f"None of {counted(len(cites), 'lot')} with a quality state is blocked or in inspection."
        return Reading(verdict=verdict, findings=(Finding(text=text, kind=Kind.DERIVED, cites=cites[:20]),))
    bound.sort(key=lambda b: (b.stakes.soonest is None, b.stakes.soonest.timestamp() if b.stakes.soonest else 0.0))
    findings = list[Finding]()
    for each in bound[:_SHOWN]:
        touched = each.stakes.finding(facts)
        findings += [each.finding, *([touched] if touched else [])]
    more = f" and {len(bound) - 4} more" if len(bound) > 4 else ""
    said = [s for each in bound for s in facts.about(each.entity)]
    return Reading(
        verdict=f"{counted(len(bound), 'thing')} may not leave without a release: "
        f"{'; '.join(each.why for each in bound[:4])}{more}.",
        findings=tuple({f.text: f for f in findings}.values()),
        against=doubts(facts, said),
        missing=tuple(
            f"Who decides on {each.entity.id}." for each in bound[:_SHOWN] if each.finding.data.get("owner") is None
        ),
        next_steps=tuple(
            dict.fromkeys(
                f"Ask {each.finding.data['owner']} for the release of {each.entity.id}."
                for each in bound[:_SHOWN]
                if each.finding.data.get("owner")
            )
        ),
        data={"count": len(bound), "things": [str(each.entity) for each in bound]},
    )


def _bound(facts: Facts) -> Iterator[_Bound]:
    seen = set[Entity]()
    for hold in holds(facts):
        if hold.active and hold.subject is not None:
            seen.add(hold.subject)
            at_stake = stakes(facts, hold.subject)
            reason = f": {hold.reason}" if hold.reason else ""
            decides = f", {hold.owner} decides" if hold.owner else ", no owner on record"
            why = f"{hold.subject.id} (hold {hold.id}{reason}{decides}{_hanging(at_stake)})"
            yield _Bound(hold.subject, why, hold_finding(facts, hold), at_stake)
    for kind, name, states in _WORDS:
        for entity in facts.having(kind, name):
            said = facts.best(entity, name)
            if entity in seen or said is None or facts.state(entity, name) not in states:
                continue
            if entity.kind == EntityKind.SALES_ORDER_LINE and entity.parent in seen:
                continue
            seen.add(entity)
            at_stake = stakes(facts, entity)
            word = f"{name.replace('_', ' ')} {said.text}"
            why = f"{_called(entity)} ({word}{_hanging(at_stake)})"
            yield _Bound(entity, why, _said(facts, entity, name, said), at_stake)


def _said(facts: Facts, entity: Entity, name: str, said: Statement) -> Finding:
    card = facts.owner(entity.kind, name)
    owner = card.owner if card and card.owner else None
    tail = f"; owner {owner}" if owner else ""
    return Finding(
        text=f"{_called(entity)}, {name.replace('_', ' ')}: {spoken(said, facts.view)}{tail}.",
        kind=Kind.FACT,
        cites=(said.record_id,),
        data={"entity": str(entity), "owner": owner},
    )


def _hanging(at_stake: Stakes) -> str:
    orders = [e.id for e, _ in at_stake.orders if e != at_stake.about]
    return f"; {listed(orders, limit=3)} {'hangs' if len(orders) == 1 else 'hang'} on it" if orders else ""


def _called(entity: Entity) -> str:
    return entity.id if entity.kind == EntityKind.LOT else f"{entity.kind.replace('_', ' ')} {entity.id}"
