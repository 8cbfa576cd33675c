"""Complete is not shippable: which quantity of a line, an order or a shipment can leave now, and what stands before
the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from lineside.interpretation.assessment import LineReadiness, assess, read_ahead
from lineside.interpretation.facts import Facts, spoken
from lineside.interpretation.holds import holds
from lineside.interpretation.lead_times import LeadTimes
from lineside.interpretation.left_out import left_out
from lineside.interpretation.line_words import line_data, line_findings, line_gaps, line_steps, line_verdict
from lineside.interpretation.links import lines_of, lines_on, touched
from lineside.interpretation.outlook import Expected, outlook, outlook_finding
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.shared_states import meaning
from lineside.interpretation.stability import Flip, Watch, flip_findings
from lineside.interpretation.trucks import trucks_of
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind

_FLIPS = 6  # what a reader can keep in mind
_LOOKS_DONE = ("complete", "closed", "shippable", "shipped")


def readiness(view: View, entity: Entity) -> Reading:
    """Gates and buckets of a sales order line, of each line of a sales order or shipment, or of the lines that a lot
    or a job order serves."""
    facts = Facts(view)
    known = holds(facts)
    lines = _lines(facts, entity)
    if not lines:
        text = f"No record names a sales order line of {entity.id}" if view.knows(entity) else f"No record of {entity}"
        return Reading(verdict=f"{text}.", missing=(f"The lines of {entity.id}, and what was made for them.",))
    read_ahead(facts, lines)
    shipment = entity if entity.kind == EntityKind.SHIPMENT else None
    past = facts.once(LeadTimes)
    found = [assess(facts, known, line, on=shipment) for line in lines]
    watch = Watch(facts, known, found)
    flips = {each.line: watch.flips(each) for each in found}
    return Reading(
        verdict=_verdict(facts, entity, found),
        findings=tuple(
            f for each in found for f in (*line_findings(facts, each), *stability(facts, each, flips[each.line], past))
        ),
        against=tuple(_unrepeated(f for each in found for f in each.against)),
        missing=tuple(dict.fromkeys(m for each in found for m in line_gaps(each))),
        next_steps=tuple(dict.fromkeys(s for each in found for s in line_steps(each))),
        data={
            "entity": str(entity),
            "lines": [{**line_data(each), "flips": len(flips[each.line])} for each in found],
        },
    )


def stability(facts: Facts, each: LineReadiness, flips: Sequence[Flip], past: LeadTimes) -> Iterator[Finding]:
    """How the line stands to its last moment, and what would flip its gates, what is nearest first."""
    told = outlook(facts, each, flips, past)
    if told is not None and told.expected is not Expected.LEFT:
        yield outlook_finding(facts, told)
    yield from flip_findings(each, flips[:_FLIPS])


def looks_complete(view: View) -> Reading:
    """The lines that some source calls complete, released or shippable while a gate is closed, the largest first."""
    facts = Facts(view)
    known = holds(facts)
    found = list[tuple[LineReadiness, Finding]]()
    for kind in ("sales_order_line", "sales_order", "job_order"):
        facts.load(kind, "status")
    made_by = {s.entity for line in facts.live("sales_order_line") for s in _made_by(facts, line)}
    facts.fetch(made_by.difference(facts.live("job_order")))  # of the others the status is read by now
    done = {line: _done_words(facts, line) for line in facts.live(EntityKind.SALES_ORDER_LINE)}
    here = [line for line, said in done.items() if said and not any(t.gone for t in trucks_of(facts, line))]
    read_ahead(facts, here)
    for line in here:
        said = done[line]
        each = assess(facts, known, line)
        if not each.closed:
            continue
        gates = "; ".join(f"{g.gate.value}: {g.text}" for g in each.closed)
        words = "; ".join(f"{s.entity.id}: {spoken(s, view)}" for s in said)
        cites = tuple(dict.fromkeys((*(s.record_id for s in said), *(c for g in each.closed for c in g.cites))))
        text = f"{line.id} looks complete ({words}) but is not shippable: {gates}."
        found.append((each, Finding(text=text, kind=Kind.DERIVED, cites=cites, data=line_data(each))))
    found.sort(key=lambda pair: (-_open_quantity(pair[0]), pair[0].line))
    names = ", ".join(each.line.id for each, _ in found)
    many = len(found)
    return Reading(
        verdict=f"{many} {'line looks' if many == 1 else 'lines look'} complete but can't ship as they are: {names}."
        if found
        else "No line that a source calls complete has a closed gate on record.",
        findings=tuple(finding for _, finding in found),
        against=tuple(_unrepeated(f for each, _ in found for f in each.against)),
        missing=(
            *dict.fromkeys(m for each, _ in found for m in line_gaps(each)),
            *left_out(facts, [EntityKind.SALES_ORDER_LINE]),
        ),
        next_steps=tuple(dict.fromkeys(s for each, _ in found for s in line_steps(each))),
        data={"lines": [each.line.id for each, _ in found]},
    )


def _verdict(facts: Facts, entity: Entity, found: Sequence[LineReadiness]) -> str:
    """One line speaks for itself; of several, how many can go, and why the first others can't."""
    if len(found) == 1:
        return line_verdict(facts, found[0])
    waiting = [each for each in found if not each.ready]
    if not waiting:
        return f"{entity.id} is shippable: all {len(found)} lines pass every gate."
    shown = " ".join(line_verdict(facts, each) for each in waiting[:3])
    return f"{entity.id} is not shippable as a whole: {len(found) - len(waiting)} of {len(found)} lines are. {shown}"


def _lines(facts: Facts, entity: Entity) -> list[Entity]:
    if entity.kind == EntityKind.SALES_ORDER_LINE:
        return [entity] if facts.view.knows(entity) or trucks_of(facts, entity) else []
    if entity.kind == EntityKind.SALES_ORDER:
        # Some plants keep no lines: then the order itself carries the quantity.
        return lines_of(facts, entity) or ([entity] if facts.words(entity, "quantity") else [])
    if entity.kind == EntityKind.SHIPMENT:
        return lines_on(facts, entity)
    return sorted({x.entity for x in touched(facts, entity) if x.entity.kind == EntityKind.SALES_ORDER_LINE})


def _done_words(facts: Facts, line: Entity) -> list[Statement]:
    things = [(line, "status"), *([(line.parent, "status")] if line.parent else [])]
    things += [(s.entity, "status") for s in _made_by(facts, line)]
    words = [s for thing, name in things for s in facts.words(thing, name)]
    return [s for s in words if meaning(_word_list(s.entity.kind), s.value) in _LOOKS_DONE]


def _made_by(facts: Facts, line: Entity) -> list[Statement]:
    return facts.pointing("job_order", "sales_order_line", line)


def _word_list(kind: str) -> str:
    return "job_status" if kind == EntityKind.JOB_ORDER else "order_status"


def _open_quantity(each: LineReadiness) -> Decimal:
    return each.buckets.at_risk + each.buckets.blocked + each.buckets.not_made if each.buckets else Decimal(0)


def _unrepeated(findings: Iterator[Finding]) -> Iterator[Finding]:
    seen = set[str]()
    for finding in findings:
        if finding.text not in seen:
            seen.add(finding.text)
            yield finding
