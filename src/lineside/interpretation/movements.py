"""Material movements as several systems saw them: equal document numbers are one movement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.past import INTO, OUT_OF, WITHIN, Past
from lineside.interpretation.stock import Figure, Stock, related
from lineside.plant.quantities import Quantity
from lineside.plant.records import Event, Quality, quantity

# Two systems that stamp one movement without a document do so within this time; beyond it they are two.
_SAME_MOMENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One source's record of a movement. value: in the stock's unit, unsigned; for a count, what was counted.

    written: as the source wrote it; equipment: where it says that the movement belongs.
    """

    source: str
    kind: str
    value: Decimal
    at: datetime
    reported_at: datetime
    start: str
    end: str
    lot: str
    document: str
    item: str
    equipment: str
    written: Quantity
    record_id: str

    @property
    def twin(self) -> tuple[object, ...]:
        """Equal for two records of one posting within one source."""
        return (self.source, self.document, self.kind, self.value, self.lot, self.start, self.end, self.item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement: each source's postings of it, repetitions apart. document: empty where none is named."""

    document: str
    postings: Mapping[str, tuple[Posting, ...]]
    doubled: Mapping[str, tuple[Posting, ...]]

    @property
    def first(self) -> Posting:
        return min((p for ps in self.postings.values() for p in ps), key=lambda p: (p.at, p.record_id))

    @property
    def cites(self) -> tuple[str, ...]:
        return tuple(p.record_id for source in sorted(self.postings) for p in self.postings[source])


def movements(
    past: Past, stock: Stock, since: datetime
) -> tuple[list[Movement], dict[tuple[str, str], datetime], list[str]]:
    """The movements of the stock since then, oldest first; since when each source posts each kind of movement, of
    whatever material; and in words what could not be read."""
    lots = {lot.id for lot in stock.lots}
    names = [(stock.about.kind, stock.about.id), ("material", stock.material), *(("lot", lot) for lot in lots)]
    factors = past.facts.factors(stock.material)
    postings, missing = list[Posting](), list[str]()
    for event in past.movements(since, [(kind, name.casefold()) for kind, name in names]):
        if not _concerns(event, stock, lots) or event.provenance.quality is Quality.BAD:
            continue
        amount = quantity(event.attributes.get("counted" if event.kind == "count" else "quantity"), _unit_of(event))
        if amount is None:
            missing.append(
                f"{event.provenance.source} gives no quantity for its {event.kind} {_name(event)}".rstrip() + "."
            )
            continue
        converted = amount.to(stock.unit, factors) if amount.unit else amount
        if converted is None:
            missing.append(f"No factor from {amount.unit} to {stock.unit}: {event.kind} {_name(event)} is left out.")
            continue
        postings.append(_posting(event, converted, amount))
    return _grouped(postings), past.habits(since), list(dict.fromkeys(missing))


def effect(posting: Posting, figure: Figure, stock: Stock) -> Decimal:
    """By how much the posting changes the figure.

    A named place decides before the movement's kind: what leaves the figure's place lowers it, what comes raises it,
    what happens at another place that the figure's source tells apart leaves it. Two systems name their places in two
    ways, so another source's places decide nothing.
    """
    here = [p.location for p in figure.parts if p.location]
    if here:
        leaves = any(related(posting.start, place) for place in here)
        comes = any(related(posting.end, place) for place in here)
        if leaves or comes:
            return posting.value * (int(comes) - int(leaves))
        told = {p.location for f in (*stock.whole, *stock.parts) if f.source == figure.source for p in f.parts}
        if any(related(named, place) for named in (posting.start, posting.end) for place in told):
            return Decimal(0)
    if posting.kind in INTO:
        return posting.value
    if posting.kind in OUT_OF:
        return -posting.value
    if posting.kind == "staged" and figure.covers == "line_side":
        return posting.value
    if posting.kind == "staged" and figure.covers in ("physical", "available"):
        return -posting.value
    return Decimal(0)


def family(kind: str) -> tuple[str, ...]:
    """The kinds that a source which posts this one would post too."""
    return next((group for group in (INTO, OUT_OF, WITHIN) if kind in group), (kind,))


def _concerns(event: Event, stock: Stock, lots: set[str]) -> bool:
    if stock.about.kind in ("material", "inventory"):
        named = event.material or event.attributes.get("material")
        if named is None:
            return bool(event.lot and event.lot in lots)
        return str(named).casefold() == stock.material.casefold()
    if stock.about.kind == "job_order" and event.job_order == stock.about.id:
        # A job order's components are consumed by it; what it makes is another material.
        named = event.material or event.attributes.get("material")
        return event.kind != "consumption" and (named is None or not stock.material or named == stock.material)
    return bool(event.lot and event.lot in lots)


def _unit_of(event: Event) -> str:
    return str(event.attributes.get("unit") or "")


def _name(event: Event) -> str:
    return str(event.attributes.get("document") or event.provenance.source_id)


def _posting(event: Event, amount: Quantity, written: Quantity) -> Posting:
    given = event.attributes
    start, end = str(given.get("from") or ""), str(given.get("to") or "")
    value = amount.value
    if value < 0 and event.kind != "count":  # a reversal is written as a negative movement by some systems
        start, end = (end, start) if event.kind in WITHIN else (start, end)
        value = -value if event.kind in WITHIN else value
    return Posting(
        source=event.provenance.source,
        kind=event.kind,
        value=value,
        at=event.provenance.occurred_at,
        reported_at=event.provenance.reported_at,
        start=start,
        end=end,
        lot=event.lot or str(given.get("lot") or ""),
        document=str(given.get("document") or "").strip(),
        item=str(given.get("item") or given.get("line") or ""),
        equipment=event.equipment or "",
        written=written,
        record_id=event.provenance.record_id,
    )


def _grouped(postings: Sequence[Posting]) -> list[Movement]:
    ordered = sorted(postings, key=lambda p: (p.at, p.record_id))
    documented: dict[str, list[Posting]] = defaultdict(list)
    groups = list[list[Posting]]()
    for posting in ordered:
        if posting.document:
            documented[posting.document.casefold()].append(posting)
    groups += documented.values()
    for posting in (p for p in ordered if not p.document):
        twin = next((g for g in groups if _same(g, posting)), None)
        if twin is None:
            groups.append([posting])
        else:
            twin.append(posting)
    return sorted((_movement(g) for g in groups), key=lambda m: (m.first.at, m.first.record_id))


def _same(group: Sequence[Posting], posting: Posting) -> bool:
    """Whether a posting without a document is another source's word on the group's only movement."""
    if any(p.source == posting.source for p in group) or len({p.twin[3:] for p in group}) > 1:
        return False
    return all(
        p.value == posting.value
        and family(p.kind) == family(posting.kind)
        and (not p.lot or not posting.lot or p.lot == posting.lot)
        and abs(p.at - posting.at) <= _SAME_MOMENT
        for p in group
    )


def _movement(group: Sequence[Posting]) -> Movement:
    kept: dict[str, list[Posting]] = defaultdict(list)
    doubled: dict[str, list[Posting]] = defaultdict(list)
    seen = set[tuple[object, ...]]()
    for posting in sorted(group, key=lambda p: (p.at, p.record_id)):
        again = posting.document and posting.twin in seen
        (doubled if again else kept)[posting.source].append(posting)
        seen.add(posting.twin)
    return Movement(
        document=next((p.document for p in group if p.document), ""),
        postings={source: tuple(found) for source, found in kept.items()},
        doubled={source: tuple(found) for source, found in doubled.items()},
    )


def title(move: Movement) -> str:
    """`document LA-77`, or `the goods issue`."""
    return f"document {move.document}" if move.document else f"the {move.first.kind.replace('_', ' ')}"


def held(posting: Posting, figure: Figure) -> bool:
    """Whether a figure can hold a posting of its own source: moved and told before the figure was."""
    return posting.at <= figure.at and posting.reported_at <= figure.reported_at
