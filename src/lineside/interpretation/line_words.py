"""What is said of one line: its answer in a sentence, its gates, its gaps and who should do what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from lineside.interpretation.assessment import LineReadiness
from lineside.interpretation.facts import Facts, spoken
from lineside.interpretation.gates import Passage, Stand
from lineside.interpretation.links import customer_of
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, clock
from lineside.interpretation.shared_states import meaning
from lineside.plant.quantities import plain
from lineside.plant.records import Json

_TOLD = 3  # gates that a verdict speaks of; it only names further ones


def line_verdict(facts: Facts, each: LineReadiness) -> str:
    """The line's answer in one sentence."""
    name, buckets = each.line.id, each.buckets
    if buckets is None:
        return f"Whether {name} can ship is not known: no source states its quantity."
    if buckets.shipped >= buckets.wanted > 0:
        return f"{name} has left: {each.amount(buckets.shipped)}."
    wanted = each.amount(buckets.wanted)
    if each.ready:
        return f"{name} is shippable: all {wanted} pass every gate."
    why = "; ".join(_brief(g) if place < _TOLD else g.gate.value for place, g in enumerate(each.closed))
    unknown = ", ".join(g.gate.value for g in each.unknown)
    if not each.closed:
        return (
            f"{name} is not confirmed as shippable: {each.amount(buckets.on_record)} of {wanted} pass every gate on "
            f"record, but nothing is on record for {unknown}."
        )
    if buckets.shippable:
        may = part_may_leave(facts, each)
        alone = {True: ", and that part may leave alone", False: ", but a part may not leave alone", None: ""}[may]
        head = f"{name} is shippable in part: {each.amount(buckets.shippable)} of {wanted}{alone}"
    elif buckets.on_record and unknown:
        part = each.amount(buckets.on_record)
        head = f"{name} is not shippable as a whole: {part} of {wanted} pass every gate on record"
    else:
        head = f"{name} is not shippable: 0 of {wanted}".rstrip()
    when = _soon(facts, each)
    tail = f"; not on record: {unknown}" if unknown else ""
    return f"{head}; {why}{when}{tail}."


def line_findings(facts: Facts, each: LineReadiness) -> Iterator[Finding]:
    """The buckets, each gate that has records, and the terms for a part."""
    name, buckets = each.line.id, each.buckets
    said = list(facts.words(each.line, "status"))
    if each.line.parent:
        said += facts.words(each.line.parent, "status")
    for word in said:
        yield Finding(
            text=f"{word.entity.id}: {spoken(word, facts.view)}.",
            kind=Kind.FACT,
            cites=(word.record_id,),
            data={"property": "status", "value": word.value},
        )
    inputs = tuple(dict.fromkeys((*each.cites, *(c for g in each.gates for c in g.cites))))
    if buckets is not None and inputs:
        parts = [
            (buckets.shipped, "shipped"),
            (buckets.shippable, "shippable now"),
            (buckets.at_risk, "at risk"),
            (buckets.blocked, "blocked"),
            (buckets.not_made, "not made"),
        ]
        shown = ", ".join(f"{each.amount(v)} {word}" for v, word in parts if v) or "nothing"
        yield Finding(
            text=f"{name}, {each.amount(buckets.wanted)} wanted: {shown}.",
            kind=Kind.DERIVED,
            cites=inputs,
            data=line_data(each),
        )
    for gate in each.gates:
        if gate.cites:
            yield _gate_finding(facts, each, gate)
    yield from _soonest_findings(facts, each)
    yield from _part_terms(facts, each)


def line_gaps(each: LineReadiness) -> Iterator[str]:
    """The gates that no record speaks of, and what could not be read."""
    if each.buckets is None:
        yield f"No source states the quantity of {each.line.id}."
    for gate in each.unknown:
        owner = f"; {gate.owner} would know" if gate.owner else ""
        yield f"{each.line.id}, {gate.gate.value}: {gate.text}{owner}."
    yield from each.question.supply.missing


def line_steps(each: LineReadiness) -> Iterator[str]:
    """What would open each closed gate, and by whom."""
    for gate in each.closed:
        yield f"Ask {gate.owner or 'whoever keeps it'} for {gate.opens_with} ({each.line.id})."


def line_data(each: LineReadiness) -> dict[str, Json]:
    """The figures of one line."""
    found: dict[str, Json] = {
        "line": each.line.id,
        "unit": each.unit,
        "shippable": each.ready,
        "gates": [
            {
                "gate": g.gate.value,
                "stand": g.stand.value,
                "passed": plain(g.passed),
                "owner": g.owner,
                "earliest": each.soonest[g.gate].at.isoformat() if g.gate in each.soonest else None,
                "guessed": g.gate in each.soonest and each.soonest[g.gate].kind is Kind.GUESSED,
            }
            for g in each.gates
        ],
        "made": plain(each.question.supply.made),
        "earliest": each.earliest.at.isoformat() if each.earliest else None,
    }
    if each.buckets is not None:
        names = ("wanted", "shippable", "at_risk", "blocked", "not_made", "shipped", "on_record")
        found["buckets"] = {name: plain(getattr(each.buckets, name)) for name in names}
    return found


def _soonest_findings(facts: Facts, each: LineReadiness) -> Iterator[Finding]:
    """The forecasts, each apart from what records say."""
    for gate, last in each.soonest.items():
        if last.kind is Kind.GUESSED:
            when = clock(last.at, facts.plant, relative_to=facts.view.as_of)
            yield Finding(
                text=f"{each.line.id}, {gate.value}: by forecast open at {when} at the soonest; {last.basis}.",
                kind=Kind.GUESSED,
                cites=last.cites,
                data={"gate": gate.value, "earliest": last.at.isoformat()},
            )


def part_may_leave(facts: Facts, each: LineReadiness) -> bool | None:
    """Whether what can ship may leave without the rest: a `no` of the order binds, then the customer's terms."""
    if each.buckets is None or not each.buckets.wanted:
        return None
    said = [facts.best(bearer, "partial_allowed") for bearer in (each.line, each.line.parent) if bearer]
    words = [meaning("flag", s.value) for s in said if s]
    customer = customer_of(facts, each.line)
    terms = facts.plant.customer(customer[0]) if customer else None
    declared = terms.partial_allowed if terms else None
    if "no" in words[:1] or (declared is False and "yes" not in words[:1]):
        return False
    if declared is None and not words:
        return None
    share = (each.buckets.shippable or each.buckets.on_record) / each.buckets.wanted
    least = terms.partial_min_share if terms else None
    return share > 0 and share >= Decimal(str(least or 0))


def _soon(facts: Facts, each: LineReadiness) -> str:
    """`; earliest 14:00`, told as a forecast where it is one."""
    last = each.earliest
    if last is None:
        return ""
    word = "by forecast not before" if last.kind is Kind.GUESSED else "earliest"
    return f"; {word} {clock(last.at, facts.plant, relative_to=facts.view.as_of)}"


def _brief(gate: Passage) -> str:
    """What closes the gate, without times and causes: those stand in its finding."""
    return f"{gate.gate.value}: {re.sub(r' [(][^)]*[)]', '', gate.text).partition(';')[0]}"


def _gate_finding(facts: Facts, each: LineReadiness, gate: Passage) -> Finding:
    who = f"; owner {gate.owner}" if gate.owner and gate.stand is not Stand.OPEN else ""
    opens = f"; opens with {gate.opens_with}" if gate.opens_with else ""
    last = each.soonest.get(gate.gate)
    soon = last.at if last and last.kind is Kind.DERIVED else None
    when = f"; earliest {clock(soon, facts.plant, relative_to=facts.view.as_of)}" if soon else ""
    when += f" ({last.basis})" if soon and last else ""
    if gate.stand is Stand.CLOSED and last is None:
        when = "; somebody must decide first" if gate.stops else "; no record says how long that takes"
    return Finding(
        text=f"{each.line.id}, {gate.gate.value}: {gate.stand.value}; {gate.text}{who}{opens}{when}.",
        kind=Kind.DERIVED,
        cites=tuple(dict.fromkeys((*gate.cites, *(last.cites if last and soon else ())))),
        data={
            "gate": gate.gate.value,
            "stand": gate.stand.value,
            "passed": plain(gate.passed),
            "unit": each.unit,
            "owner": gate.owner,
            "earliest": soon.isoformat() if soon else None,
        },
    )


def _part_terms(facts: Facts, each: LineReadiness) -> Iterator[Finding]:
    """Whether the part that can leave may leave alone."""
    if each.buckets is None or not each.buckets.wanted or each.ready:
        return
    possible = each.buckets.shippable or each.buckets.on_record
    share = possible / each.buckets.wanted
    for bearer in (each.line, each.line.parent):
        said = facts.best(bearer, "partial_allowed") if bearer else None
        if said is not None and meaning("flag", said.value):
            allowed = meaning("flag", said.value) == "yes"
            yield Finding(
                text=f"A partial shipment of {each.line.id} is {'allowed' if allowed else 'not allowed'}: "
                f"{spoken(said, facts.view)}.",
                kind=Kind.FACT,
                cites=(said.record_id,),
                data={"partial_allowed": allowed},
            )
            break
    customer = customer_of(facts, each.line)
    terms = facts.plant.customer(customer[0]) if customer else None
    if terms is None or customer is None or terms.partial_allowed is None:
        return
    least = terms.partial_min_share
    rule = "allows partial shipments" if terms.partial_allowed else "allows no partial shipment"
    rule += f" of at least {least:.0%}" if terms.partial_allowed and least else ""
    fits = terms.partial_allowed and share >= Decimal(str(least or 0)) and possible > 0
    text = f"{terms.id} {rule}; {each.amount(possible)} of {each.amount(each.buckets.wanted)} is {_percent(share)}, so "
    text += "the part may leave alone." if fits else "the part may not leave alone."
    cites: tuple[Cite, ...] = (
        PlantFact(f"customers.{terms.id}", f"{terms.id} {rule}"),
        customer[1].record_id,
        *each.cites,
        *(c for g in each.gates for c in g.cites),
    )
    yield Finding(
        text=text,
        kind=Kind.DERIVED,
        cites=tuple(dict.fromkeys(cites)),
        data={"partial_allowed": terms.partial_allowed, "share": str(share), "may_leave": fits},
    )


def _percent(share: Decimal) -> str:
    return f"{plain((share * 100).quantize(Decimal('0.1')))} %"
