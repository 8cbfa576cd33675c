"""Everything that went wrong in the last week before the anchor, each once: what, where, from when to when, why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lineside.plant.records import Json
from lineside.simulator.facts import LAG, text_of
from lineside.simulator.hours import slot_at
from lineside.simulator.orders import Sale
from lineside.simulator.runs import Span
from lineside.simulator.stories import Stories
from lineside.simulator.world import Line, World

WEEK: Final = timedelta(days=7)
FLAPS: Final = timedelta(minutes=30)
"""The same fault at the same unit, back within this, is one disturbance."""
PAPERS: Final = timedelta(minutes=90)
"""So long before its truck leaves an order should have its papers."""
LABELS: Final = timedelta(minutes=90)
"""So long before its truck leaves every pallet should have its label."""
AHEAD: Final = timedelta(hours=8)
"""So long before a job order starts its material should be staged."""
PATIENCE: Final = timedelta(hours=4)
"""Four times the hour in which the tracker is expected to speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """kind: what sort of exception. name: its own, by which others name it as their cause. over: None while it lasts.
    done: when nothing more was to be done about it, where that is not when it was over.

    Of figures that differ, since is when all of them had been told: nobody knows when they began to.
    """

    kind: str
    name: str
    subject: str
    since: datetime
    over: datetime | None
    done: datetime | None = None
    cause: str | None = None
    role: str


def disturbances(world: World, stories: Stories) -> list[Json]:
    """Those that lasted in the week, oldest first, as they stand at the anchor."""
    found = [
        *_stops(world, stories), *_holds(world, stories), *_material(world, stories), *_papers(stories),
        *_kept_back(stories), *_carriers(world, stories), *_late_orders(world, stories), *_others(world, stories),
    ]  # fmt: skip
    kept = [each for each in found if each.since < world.now and (each.over is None or each.over >= world.now - WEEK)]
    return [_told(world, each) for each in sorted(kept, key=lambda each: (each.since, each.name))]


def silences(world: World, stories: Stories) -> list[Json]:
    """When in the week the tracker was silent, for who read it all the time; who reads it once afterwards sees only the
    last."""
    said = [fact.said_at for fact in stories.facts if fact.source == world.silent]
    found = [
        Disturbance(
            kind="silent_feed", name=f"silent {text_of(before)}", subject=f"interface:{world.silent}",
            since=before + PATIENCE, over=after if after and after <= world.now else None, role="supervisor",
        )
        for before, after in zip(said, (*said[1:], None), strict=True)
        if (after or world.now) - before > PATIENCE and (after or world.now) >= world.now - WEEK
    ]  # fmt: skip
    return [_told(world, each) for each in found]


def _told(world: World, each: Disturbance) -> Json:
    return {
        "class": each.kind,
        "name": each.name,
        "subject": each.subject,
        "from": text_of(each.since.replace(microsecond=0)),
        "to": text_of(each.over.replace(microsecond=0)) if each.over else None,
        "done": text_of((each.done or each.over).replace(microsecond=0)) if each.over else None,
        "cause": each.cause,
        "role": each.role,
        "supervisor": world.supervisor(slot_at(each.since)).id,
    }


def _by(world: World, moment: datetime | None, lag: timedelta = timedelta()) -> datetime | None:
    """The moment, where the plant's systems have told of it at the anchor."""
    return moment if moment is not None and moment + lag <= world.now else None


def _stops(world: World, stories: Stories) -> Iterator[Disturbance]:
    behind = stories.production.behind
    worn = {behind.micro[1], "M01"}
    works = _works(world, stories)
    for line in world.lines:
        spans = [span for run in stories.production.on(line) for span in run.spans if span.state == "stopped"]
        for unit in line.units:
            for code in sorted({span.code for span in spans if span.unit == unit}):
                mine = [span for span in spans if span.unit == unit and span.code == code]
                for group in _groups([span for span in mine if span.start < world.now]):
                    wear = line == behind.run.line and code in worn and group[0].start >= behind.alarmed
                    done = _checked(works.get(f"{line.id}/{unit}", []), group)
                    yield _stop(world, line, group, done=done, cause="alarm" if wear else None)


def _groups(spans: list[Span]) -> list[list[Span]]:
    found: list[list[Span]] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start - found[-1][-1].end <= FLAPS:
            found[-1].append(span)
        else:
            found.append([span])
    return found


def _works(world: World, stories: Stories) -> dict[str, list[tuple[datetime, bool]]]:
    """Of each unit, when a repair of it began (True) and when it was found good after one, as told at the anchor."""
    found: dict[str, list[tuple[datetime, bool]]] = {}
    for fact in stories.facts:
        if fact.said_at <= world.now and fact.kind in ("maintenance_started", "maintenance_finished", "restart_check"):
            at = fact.occurred_at, fact.kind == "maintenance_started"
            found.setdefault(str(fact.data["equipment"]), []).append(at)
    return found


def _checked(works: list[tuple[datetime, bool]], group: list[Span]) -> datetime | None:
    """When the unit that was repaired while it stood was found good; None where nobody repaired it."""
    since, over = group[0].start, group[-1].end
    begun = [at for at, begins in works if begins and since <= at <= over]
    return max(over, min(at for at, begins in works if not begins and at >= begun[-1])) if begun else None


def _stop(world: World, line: Line, group: list[Span], *, done: datetime | None, cause: str | None) -> Disturbance:
    first, last = group[0], group[-1]
    return Disturbance(
        kind="downtime",
        name=f"stop {line.key}/{first.unit} {first.code} {text_of(first.start)}",
        subject=f"equipment:{line.id}/{first.unit}",
        since=first.start,
        over=_by(world, last.end, LAG["scada"]),
        done=done,
        cause=cause,
        role="supervisor",
    )


def _holds(world: World, stories: Stories) -> Iterator[Disturbance]:
    for held in stories.quality.holds:
        if held.placed + LAG["qms"] <= world.now:
            over = _by(world, held.released, LAG["qms"])
            yield Disturbance(
                kind="quality_hold",
                name=held.id,
                subject=f"lot:{held.lot}",
                since=held.placed,
                over=over,
                role="quality",
            )


def _material(world: World, stories: Stories) -> Iterator[Disturbance]:
    behind = stories.production.behind
    yield Disturbance(
        kind="late_staging", name="late staging", subject=f"job_order:{behind.run.id}",
        since=behind.staging_due + timedelta(minutes=9), over=_by(world, behind.staged), role="shipping",
    )  # fmt: skip
    run, _, fact = stories.short_run
    since = max(fact.occurred_at, run.planned_start - AHEAD)
    yield Disturbance(
        kind="shortage", name="short run", subject=f"job_order:{run.id}", since=since, over=None, role="shipping"
    )


def _papers(stories: Stories) -> Iterator[Disturbance]:
    """The orders of today's first truck whose papers nobody issued."""
    for sale in stories.sales:
        wanted = sale.buyer.documents
        drafts = "delivery_note" in wanted and sale.role not in ("", "ready", "partial")
        coa = "coa" in wanted and sale.role in ("hold", "coa")
        if not drafts and not coa:
            continue
        since = sale.truck.departure - PAPERS
        held = [hold for hold in stories.quality.holds if hold.lot == sale.run.lot and hold.released is None]
        if held and coa:
            since = held[0].placed
        elif not coa:
            since = max(since, stories.shipping.notes[sale.order].occurred_at)
        yield Disturbance(
            kind="missing_document", name=f"papers {sale.order}", subject=f"sales_order_line:{sale.line}", since=since,
            over=None, cause=held[0].id if held else None, role="quality",
        )  # fmt: skip


def _kept_back(stories: Stories) -> Iterator[Disturbance]:
    """The orders of today's first truck whose credit is blocked, or that have pallets without a label."""
    for sale in stories.sales:
        if sale.role == "credit":
            yield Disturbance(
                kind="credit_block", name=f"credit {sale.order}", subject=f"sales_order:{sale.order}",
                since=stories.shipping.orders[sale.order].occurred_at, over=None, role="sales",
            )  # fmt: skip
        if stories.shipping.unlabelled.get(sale.order):
            told = min(fact.occurred_at for fact in stories.shipping.pallets[sale.order])
            yield Disturbance(
                kind="missing_label", name=f"labels {sale.order}", subject=f"sales_order_line:{sale.line}",
                since=max(told, sale.truck.departure - LABELS), over=None, role="shipping",
            )  # fmt: skip


def _carriers(world: World, stories: Stories) -> Iterator[Disturbance]:
    slips = {**stories.decided.slips, stories.wear.part_line: (stories.wear.slipped, None)}
    for order, (said, came) in slips.items():
        yield Disturbance(
            kind="late_carrier", name=f"slip {order}", subject=f"purchase_order_line:{order}", since=said,
            over=_by(world, came, LAG["erp"]), role="shipping",
        )  # fmt: skip


def _late_orders(world: World, stories: Stories) -> Iterator[Disturbance]:
    for sale in stories.sales:
        promised = datetime.fromisoformat(stories.shipping.promised[sale.order])
        left = _left(stories, sale)
        if promised < world.now and (left is None or left > promised):
            held = [hold for hold in stories.quality.holds if hold.lot == sale.run.lot]
            yield Disturbance(
                kind="late_order", name=f"late {sale.order}", subject=f"sales_order_line:{sale.line}", since=promised,
                over=_by(world, left, LAG["erp"]), cause=held[0].id if held else None, role="planner",
            )  # fmt: skip


def _left(stories: Stories, sale: Sale) -> datetime | None:
    """When its goods were first said to be gone: loaded, or its truck left."""
    return stories.shipping.taken[sale.order].departure if sale.role in ("", "ready") else None


def _others(world: World, stories: Stories) -> Iterator[Disturbance]:
    behind = stories.production.behind
    yield Disturbance(
        kind="excursion", name="alarm", subject=f"equipment:{behind.unit}", since=behind.alarmed, over=None,
        role="maintenance",
    )  # fmt: skip
    yield Disturbance(
        kind="silent_feed", name="silent", subject=f"interface:{world.silent}",
        since=_last(world, stories) + PATIENCE, over=None, role="supervisor",
    )  # fmt: skip
    odd = [fact for facts in stories.figures.said.values() for fact in facts]
    yield Disturbance(
        kind="stock_difference", name="figures", subject=f"material:{world.odd.id}",
        since=max(fact.occurred_at for fact in odd), over=None, role="shipping",
    )  # fmt: skip


def _last(world: World, stories: Stories) -> datetime:
    return [fact for fact in stories.facts if fact.source == world.silent][-1].said_at
