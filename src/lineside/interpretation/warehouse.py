"""A whole warehouse's differing figures at once: each bridged, ranked by what it endangers, told by cause, and which
to count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from lineside.interpretation.differences import bridged, differing
from lineside.interpretation.endangered import Danger, Need, Stand, gravest, needs, stands
from lineside.interpretation.facts import Facts, doubts
from lineside.interpretation.past import Past
from lineside.interpretation.purposes import Purpose
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.reconcile import Usable, usable_for
from lineside.interpretation.reconciliation_policy import Warehouse, policy
from lineside.interpretation.steps import Bridge, Step, cites_of, in_one_line
from lineside.interpretation.stock import Stock, restricted
from lineside.interpretation.wording import bounded, counted, listed
from lineside.memory import SourceState, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import Json, quantity

_UNEXPLAINED = "an unexplained rest"
# Steps that pass by themselves or tell of another scope: nothing is to be set right for them.
_NOT_WRONG = ("cut-off", "late data", "movement in flight", "stock at the line", "another place", "another scope")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing whose figures differ, and what that endangers. worth: the widest difference in money, where the plant
    gives what one is worth. why_count: why the records are too thin to settle it; empty where they aren't."""

    stock: Stock
    bridges: tuple[Bridge, ...]
    stands: tuple[Stand, ...]
    use: Usable | None
    worth: Decimal | None
    worth_cite: str | None
    why_count: str

    @property
    def widest(self) -> Decimal:
        values = [f.value for f in self.stock.whole]
        return max(values) - min(values)

    @property
    def rest(self) -> Decimal:
        return sum((abs(b.rest) for b in self.bridges), Decimal(0))

    @property
    def worst(self) -> Stand | None:
        return gravest(self.stands)

    def rank(self) -> tuple[int, float, Decimal, Decimal, str]:
        """The gravest danger first, then the earliest, the dearest and the widest in parts of what there is."""
        worst = self.worst
        most = max((abs(f.value) for f in self.stock.whole), default=Decimal(0)) or Decimal(1)
        return (
            worst.danger if worst else len(Danger),
            worst.need.due.timestamp() if worst and worst.need.due else float("inf"),
            -(self.worth or Decimal(0)),
            -max(self.rest, self.widest) / most,
            str(self.stock.about),
        )


def warehouse(view: View, location: str | None = None) -> Reading:
    """All materials, places and lots on whose quantity sources differ, ranked by what they endanger, by cause, and
    which of them to count. location: only what lies there."""
    facts, rules = Facts(view), policy().warehouse
    past = Past(facts, floor=view.as_of - timedelta(days=rules.look_back_days))
    stocks, compared, gaps = differing(facts, location)
    where = f" at {location}" if location else ""
    if not compared:
        return Reading(
            verdict=f"No two sources state the stock of one material or lot{where}.",
            missing=(f"A second source's figures of the stock{where}.",),
            data={"differences": 0, "compared": 0},
        )
    wanted = needs(facts, rules)
    rows = sorted((_row(past, rules, wanted, *pair) for pair in bridged(past, stocks)), key=Row.rank)
    late = doubts(facts, [p.statement for row in rows for f in row.stock.whole for p in f.parts])
    if not rows:
        agreeing = f"{counted(compared, 'material or lot', 'materials and lots')}{where}"
        return Reading(
            verdict=f"All figures agree: {agreeing} of which two sources state the stock.",
            findings=tuple(_agreement(facts, compared, location)),
            missing=tuple(gaps),
            data={"differences": 0, "compared": compared},
        )
    causes = _causes(rows)
    old = [row.stock.about.id for row in rows if past.floor and any(f.at < past.floor for f in row.stock.whole)]
    if old:
        gaps.append(
            f"What moved more than {rules.look_back_days:g} days ago was not looked at, and figures of {listed(old)} "
            f"are older: ask for each by itself."
        )
    return Reading(
        verdict=_verdict(facts, rows, compared, causes, where),
        findings=(*causes, *(_row_finding(facts, row) for row in rows[: rules.shown]), *_rest(rows[rules.shown :])),
        against=late,
        missing=tuple(dict.fromkeys(gaps)),
        next_steps=tuple(_steps(facts, rows, rules.shown)),
        data={
            "differences": len(rows),
            "compared": compared,
            "causes": [dict(f.data) for f in causes],
            "rows": [_row_data(row) for row in rows],
            "counts": [{"entity": str(r.stock.about), "why": r.why_count} for r in rows if r.why_count],
        },
    )


def _row(past: Past, rules: Warehouse, wanted: dict[str, list[Need]], stock: Stock, bridges: tuple[Bridge, ...]) -> Row:
    facts = past.facts
    kept = sum((r.value for r in restricted(facts, stock, past.holds)), Decimal(0))
    free = [f.value if f.covers == "available" else f.value - kept for f in stock.whole]
    mine = wanted.get(stock.material.casefold(), ())
    found = stands(facts, mine, stock.unit, min(free), max(free))
    if stock.about.kind != EntityKind.MATERIAL:  # a part of what there is tells nothing of the whole
        found = [Stand(need=s.need, until_then=s.until_then, danger=Danger.UNKNOWN) for s in found]
    each = _worth(facts, rules, stock)
    values = [f.value for f in stock.whole]
    return Row(
        stock=stock,
        bridges=bridges,
        stands=tuple(found),
        use=usable_for(past, stock, Purpose.SHIP),
        worth=None if each is None else each[0] * (max(values) - min(values)),
        worth_cite=None if each is None else each[1],
        why_count=_why_count(facts, stock, bridges),
    )


def _worth(facts: Facts, rules: Warehouse, stock: Stock) -> tuple[Decimal, str] | None:
    """What one of the stock's unit is worth, and the record that says so."""
    if not stock.material:
        return None
    facts.load(EntityKind.MATERIAL, *rules.value)
    for name in rules.value:
        said = facts.best(Entity(EntityKind.MATERIAL, stock.material), name)
        amount = None if said is None else said.quantity or quantity(said.value)
        if said is not None and amount is not None:
            return amount.value, said.record_id
    return None


def _why_count(facts: Facts, stock: Stock, bridges: Sequence[Bridge]) -> str:
    rest = sum((abs(b.rest) for b in bridges), Decimal(0))
    if rest:
        return f"{plain(rest)} {stock.unit}".rstrip() + " unexplained by records"
    if guessed := [s for b in bridges for s in b.steps if s.kind is Kind.GUESSED]:
        return f"the {guessed[0].name} is a guess"
    silent = {h.source for h in facts.health if h.state is SourceState.SILENT}
    quiet = sorted({f.source for f in stock.whole} & silent)
    return f"{listed(quiet)} {'is' if len(quiet) == 1 else 'are'} silent" if quiet else ""


def _causes(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """One sentence for each kind of step: in how many differences it is, whose it is and where, the commonest first."""
    within: dict[str, dict[str, list[Step]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for each in row.bridges:
            for step in each.steps:
                within[step.name][str(row.stock.about)].append(step)
            if each.rest:
                within[_UNEXPLAINED].setdefault(str(row.stock.about), [])
    records = {str(row.stock.about): row for row in rows}
    order = sorted(within.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return tuple(_cause(name, found, records) for name, found in order)


def _cause(name: str, found: dict[str, list[Step]], rows: dict[str, Row]) -> Finding:
    """All of one kind, and what most of them share."""
    whose = Counter(who for steps in found.values() for who in {s.at_fault for s in steps if s.at_fault})
    where = Counter(place for steps in found.values() for place in {_place(s.where) for s in steps if s.where})
    text = f"{len(found)} of {counted(len(rows), 'difference')}: {name}"
    shared: dict[str, Json] = {}
    for key, told, common in (("at_fault", "in", whose), ("where", "at", where)):
        most = max(common.values(), default=0)
        if most * 2 > len(found):
            share = "" if most == len(found) else f", {most} of them"
            shared[key] = " and ".join(sorted(each for each, count in common.items() if count == most))
            text += f"{share} {told} {shared[key]}"
    things = list(found)
    text += f" ({listed([thing.partition(':')[2] for thing in things], limit=4)})."
    cites = [c for thing, steps in found.items() for s in steps or () for c in s.cites[:2]]
    cites += [c for thing in things if not found[thing] for b in rows[thing].bridges for c in b.start.cites[:1]]
    cites += [c for thing in things if not found[thing] for b in rows[thing].bridges for c in b.end.cites[:1]]
    data: dict[str, Json] = {"cause": name, "count": len(found), "of": len(rows), "things": list(things), **shared}
    return Finding(text=text, kind=Kind.DERIVED, cites=bounded(dict.fromkeys(cites)), data=data)


def _place(where: str) -> str:
    """The line that equipment belongs to; a place as it is."""
    return work_center(where) if "/" in where else where


def _verdict(facts: Facts, rows: Sequence[Row], compared: int, causes: Sequence[Finding], where: str) -> str:
    first = rows[0]
    of = counted(compared, "material or lot", "materials and lots")
    head = f"{len(rows)} of {of}{where} {'differs' if len(rows) == 1 else 'differ'} between sources"
    by = [f"{f.data['count']} with {f.data['cause']}" for f in causes[:3]]
    worst = first.worst
    told = f"; {worst.told(facts, first.stock.unit)}, {_words(first, worst)}" if worst else ""
    counts = [row.stock.about.id for row in rows if row.why_count]
    tail = f" Count {listed(counts, limit=4)}." if counts else ""
    return f"{head} ({', '.join(by)}); first {first.stock.about.id}{told}.{tail}"


def _words(row: Row, stand: Stand) -> str:
    match stand.danger:
        case Danger.DEPENDS:
            enough = [f.source for f in row.stock.whole if f.value >= (stand.until_then or 0)]
            short = [f.source for f in row.stock.whole if f.source not in enough]
            if short and enough:
                return f"which is there by {listed(enough)} and not by {listed(short)}"
            return "which is not there by every figure once blocked stock is left out"
        case Danger.SHORT:
            return "which is not there by any figure"
        case Danger.UNKNOWN:
            return "of which this is a part" if row.stock.about.kind != EntityKind.MATERIAL else "in another unit"
        case Danger.COVERED:
            return "which is there by every figure"


def _row_finding(facts: Facts, row: Row) -> Finding:
    lines = "; then ".join(in_one_line(b) for b in row.bridges)
    text = f"{row.stock.about.id}: {lines}."
    cites = [c for b in row.bridges for c in cites_of(b)]
    if (worst := row.worst) is not None:
        others = sum(s.danger <= worst.danger for s in row.stands) - 1
        text += f" {worst.told(facts, row.stock.unit)}, {_words(row, worst)}"
        text += f"; so do {others} more." if others > 0 else "."
        cites += worst.need.cites
    if row.use is not None:
        text += f" For shipping use {Quantity(row.use.value, row.stock.unit)} ({row.use.figure.source})."
    if row.worth is not None and row.worth_cite is not None:
        text += f" The difference is worth {plain(row.worth)}."
        cites.append(row.worth_cite)
    kept = bounded(dict.fromkeys(cites))
    return Finding(text=text, kind=Kind.DERIVED, cites=kept, data=_row_data(row))


def _row_data(row: Row) -> dict[str, Json]:
    worst = row.worst
    return {
        "entity": str(row.stock.about),
        "unit": row.stock.unit,
        "figures": {f"{f.source}:{f.scope}" if f.scope else f.source: plain(f.value) for f in row.stock.whole},
        "steps": [
            {"name": s.name, "value": plain(s.value), "at_fault": s.at_fault, "where": s.where}
            for b in row.bridges
            for s in b.steps
        ],
        "rest": plain(row.rest),
        "danger": worst.danger.name.lower() if worst else "none",
        "endangers": [str(s.need.thing) for s in row.stands if worst and s.danger == worst.danger],
        "due": worst.need.due.isoformat() if worst and worst.need.due else None,
        "use": plain(row.use.value) if row.use else None,
        "worth": plain(row.worth) if row.worth is not None else None,
        "count": row.why_count,
    }


def _rest(rows: Sequence[Row]) -> Iterator[Finding]:
    if rows:
        cites = bounded(c for row in rows for b in row.bridges for c in b.start.cites[:1])
        names = listed([row.stock.about.id for row in rows])
        yield Finding(text=f"And {len(rows)} more, which endanger less: {names}.", kind=Kind.DERIVED, cites=cites)


def _steps(facts: Facts, rows: Sequence[Row], shown: int) -> Iterator[str]:
    for row in [row for row in rows if row.why_count][:shown]:
        places = list(dict.fromkeys(p.location for f in row.stock.whole for p in f.parts if p.location))
        at = f" at {listed(places, limit=4)}" if places and row.stock.about.kind == EntityKind.MATERIAL else ""
        worst = row.worst
        why = f"; {worst.told(facts, row.stock.unit)}" if worst and worst.danger is not Danger.COVERED else ""
        yield f"Count {row.stock.about.id}{at}: {row.why_count}{why}."
    owed = Counter(
        (s.at_fault, s.name) for row in rows for b in row.bridges for s in b.steps if s.books_lack and s.at_fault
    )
    for (source, name), times in owed.most_common():
        if name not in _NOT_WRONG:
            yield f"Have {source} set right: {counted(times, name)}."


def _agreement(facts: Facts, compared: int, location: str | None) -> Iterator[Finding]:
    said = [s for m in facts.stocked() for s in facts.positions(m) if not location or location in s.entity.id]
    if cites := bounded(s.record_id for s in said):
        text = f"{counted(compared, 'material or lot', 'materials and lots')} were compared."
        yield Finding(text=text, kind=Kind.DERIVED, cites=cites)
