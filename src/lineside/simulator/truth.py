"""What is so at the anchor: figures, verdicts, windows, and the ids of the records that prove them.

Computed from the simulation's own causes (spans, ledgers, roles), never by reading records back, and by no code that
the product uses: it must be able to prove the product wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median

from lineside.plant.records import Json
from lineside.simulator.counted import counted
from lineside.simulator.disturbances import disturbances, silences
from lineside.simulator.drifted import drifted
from lineside.simulator.facts import Fact, text_of
from lineside.simulator.hours import ZONE, Slot, slot_at, slots
from lineside.simulator.orders import Sale, twin
from lineside.simulator.outbound import outbound
from lineside.simulator.performance import performance
from lineside.simulator.questions import questions
from lineside.simulator.stories import Stories
from lineside.simulator.warehouse import warehouse
from lineside.simulator.world import World


def truth(world: World, stories: Stories) -> dict[str, Json]:
    """Ids are `source:id`, as in the open records. Times are UTC, quantities are in pieces."""
    found: dict[str, Json] = {
        "seed": world.seed,
        "anchor": text_of(world.now),
        "windows": _windows(world),
        "stock": _stock(world, stories),
        "orders": [_order(stories, sale) for sale in stories.sales if sale.role],
        "truck": _truck(stories),
        "behind": _behind(world, stories),
        "performance": performance(world, stories.production),
        "recurring": _recurring(world, stories),
        "decisions": _decisions(stories),
        "silent": _silent(world, stories),
        "corrected": _corrected(stories),
        "late": _late(stories),
        "injection": _injection(stories),
        "change": _change(stories),
        "short": _short(stories),
        "outbound": outbound(world, stories),
        "counted": counted(world, stories),
        "warehouse": warehouse(
            world,
            stories.production,
            stories.stock,
            stories.figures,
            dict(each.planned for each in stories.drift if each.planned),
        ),
        "drift": drifted(stories),
        "runs": _runs(world, stories),
        "disturbances": disturbances(world, stories),
        "silences": silences(world, stories),
        "clock_offsets": {name: int(offset.total_seconds()) for name, offset in world.clock_offset.items()},
    }
    return found | {"questions": list(questions(world, found))}


def names(facts: Iterable[Fact]) -> list[Json]:
    """`source:id` of each fact."""
    return [f"{fact.source}:{fact.id}" for fact in facts]


def _slot(slot: Slot) -> dict[str, Json]:
    return {"from": text_of(slot.start), "to": text_of(slot.end), "shift": slot.label,
            "hours": (slot.end - slot.start).total_seconds() / 3600}  # fmt: skip


def _windows(world: World) -> dict[str, Json]:
    current = slot_at(world.now)
    past = slots(world.start, world.now)
    night = [slot for slot in past if slot.name == "night" and slot.end <= world.now]
    long = next((slot for slot in night if slot.end - slot.start > timedelta(hours=8)), None)
    return {
        "current shift": _slot(current),
        "previous shift": _slot(slot_at(current.start - timedelta(minutes=1))),
        "last night": _slot(night[-1]),
        "dst night": _slot(long) if long else None,
    }


def _stock(world: World, stories: Stories) -> dict[str, Json]:
    figures = stories.figures
    said = {system: sum(_said(fact) for fact in facts) for system, facts in figures.said.items()}
    return {
        "material": world.odd.id,
        "case": world.odd.case,
        "figures": {system: {"quantity": said[system], "ids": names(facts)} for system, facts in figures.said.items()},
        "counted": names(figures.counted),
        "bridge": [
            {"from": step.here, "to": step.there, "cause": step.cause, "pieces": step.pieces, "document": step.document,
             "ids": names(step.facts)}
            for step in figures.steps
        ],
        "rest": {"erp to wms": figures.rest, "wms to mes": -figures.rest},
        "blocked_lot": figures.blocked_lot,
    }  # fmt: skip


def _said(fact: Fact) -> int:
    properties = fact.data["properties"]
    quantity = properties["quantity"] if isinstance(properties, dict) else None
    if not isinstance(quantity, dict):
        raise TypeError(f"{fact.id} states no quantity")
    return int(str(quantity["value"]))


def _order(stories: Stories, sale: Sale) -> dict[str, Json]:
    shipping, quality, lot = stories.shipping, stories.quality, sale.run.lot
    held = [hold for hold in quality.holds if hold.lot == lot and hold.released is None]
    gates: dict[str, list[Fact]] = {
        "hold": [fact for hold in held for fact in hold.facts],
        "documents": [],
        "labels": [
            fact for fact in shipping.pallets[sale.order] if _entity(fact) in shipping.unlabelled.get(sale.order, [])
        ],
        "credit": [shipping.orders[sale.order]] if sale.role == "credit" else [],
        "quantity": [shipping.lines[sale.order]] if sale.extra else [],
    }
    if "coa" in sale.buyer.documents and sale.role in ("hold", "coa"):
        gates["documents"].append(quality.coa[lot])
    if "delivery_note" in sale.buyer.documents and sale.role not in ("ready", "partial"):
        gates["documents"].append(shipping.notes[sale.order])
    unlabelled = sum(_said(fact) for fact in gates["labels"])
    usable = 0 if gates["hold"] else sale.run.quantity - unlabelled
    free = not (gates["hold"] or gates["documents"] or gates["credit"])
    partly = free and sale.buyer.partial_allowed and usable >= sale.buyer.partial_min_share * sale.quantity
    verdict = "yes" if free and usable == sale.quantity else "part" if partly else "no"
    return {
        "sales_order": sale.order,
        "line": sale.line,
        "twin": twin(sale.order),
        "role": sale.role,
        "shippable": verdict,
        "customer": sale.buyer.id,
        "quantity": sale.quantity,
        "made": sale.run.quantity,
        "usable": usable,
        "job_order": sale.run.id,
        "lot": lot,
        "holds": [hold.id for hold in held],
        "unlabelled": list(shipping.unlabelled.get(sale.order, [])),
        "blockers": {gate: names(facts) for gate, facts in gates.items() if facts},
        "ids": names((shipping.lines[sale.order], shipping.orders[sale.order], quality.status[lot])),
        "shipment": sale.truck.shipment,
    }


def _entity(fact: Fact) -> str:
    return fact.entity.partition(":")[2]


def _truck(stories: Stories) -> dict[str, Json]:
    orders = [(sale.order, _order(stories, sale)["shippable"]) for sale in stories.sales if sale.role]
    truck = next(sale.truck for sale in stories.sales if sale.role)
    return {
        "shipment": truck.shipment,
        "dock": truck.dock,
        "departure": text_of(truck.departure),
        "cut_off": text_of(truck.departure - timedelta(minutes=45)),
        **{verdict: [order for order, said in orders if said == verdict] for verdict in ("yes", "part", "no")},
        "ids": names([stories.shipping.trucks[truck.shipment]]),
    }


def _behind(world: World, stories: Stories) -> dict[str, Json]:
    behind, now = stories.production.behind, world.now
    run, rate = behind.run, behind.run.line.rate
    spans = [span for span in run.spans if span.start < now]

    def hours(start: datetime, end: datetime) -> float:
        return (min(end, now) - start).total_seconds() / 3600

    stops = [span for span in spans if span.state == "stopped"]
    target = rate * hours(behind.changeover_planned_end, now)
    stopped = sum(hours(span.start, span.end) for span in stops)
    slow = sum(hours(span.start, span.end) * (rate - span.rate) / rate for span in spans if span.slow)
    below = sum(
        hours(span.start, span.end) * (rate - span.rate) / rate
        for span in spans
        if span.state == "running" and not span.slow
    )
    overrun = (behind.changeover_end - behind.changeover_planned_end).total_seconds() / 3600
    return {
        "line": run.line.id,
        "job_order": run.id,
        "from": text_of(behind.shift_start),
        "target_rate": rate,
        "target": round(target, 1),
        "good": run.good(now),
        "rejects": run.rejects(now),
        "gap": round(target - run.good(now), 1),
        "minutes": {
            "changeover overrun": round(overrun * 60, 1), "stops": round(stopped * 60, 1), "slow": round(slow * 60, 1),
            "below target": round(below * 60, 1),
        },
        "stops": len(stops),
        "limit_pct": behind.limit_pct,
        "chain": [
            {"cause": cause, "at": text_of(at)}
            for cause, at in (
                ("late staging", behind.staging_due), ("changeover overrun", behind.changeover_planned_end),
                (behind.alarm[0], behind.alarmed), ("slow running", behind.slow_from),
                (behind.micro[0], next(span.start for span in stops if span.code == behind.micro[1])),
            )
        ],
        "ids": names([*stories.wear.chain, *stories.talk.behind]),
        "maintenance_order": stories.wear.order,
        "contradicted_note": names([stories.talk.claim])[0],
    }  # fmt: skip


def _recurring(world: World, stories: Stories) -> dict[str, Json]:
    recurring = stories.production.recurring
    told = [(crew, span, note) for crew, span, note in stories.talk.fixes if span.start <= world.now]
    starts = [span.start for _, span, _ in told]
    worked = [slot for slot in slots(world.start, world.now) if slot.end <= world.now and slot.start >= world.start]
    crews: dict[str, Json] = {}
    for crew, (what, _) in recurring.fixes.items():
        mine = [index for index, (one, _, _) in enumerate(told) if one == crew]
        back = [
            (starts[index + 1] - told[index][1].end).total_seconds() / 3600 for index in mine if index + 1 < len(told)
        ]
        shifts = sum(world.crew(slot) == crew for slot in worked)
        crews[crew] = {
            "fix": what,
            "stops": len(mine),
            "shifts": shifts,
            "minutes": round(sum(told[index][1].seconds for index in mine) / 60, 1),
            "median_hours_until_back": round(median(back), 1) if back else None,
            "notes": names(told[index][2] for index in mine),
        }
    return {
        "line": world.recurring.id,
        "unit": recurring.unit,
        "reason": recurring.reason,
        "code": recurring.code,
        "stops": len(told),
        "from": text_of(world.start),
        "crews": crews,
    }


def _decisions(stories: Stories) -> dict[str, Json]:
    decided, broken = stories.decided, names(stories.wear.slip)
    return {
        name: {
            "id": names([fact])[0],
            "choice": decided.choice(name),
            "decided_by": fact.data["decided_by"],
            "outcome": names([decided.outcomes[name]])[0] if name in decided.outcomes else None,
            "in_force": name in ("limit", "repair", "wait"),
            "broken_by": broken if name == "repair" else [],
            "broken_at": text_of(stories.wear.slipped) if name == "repair" else None,
            "came": decided.came.get(name),
        }
        for name, fact in decided.facts.items()
    }


def _silent(world: World, stories: Stories) -> dict[str, Json]:
    last = [fact for fact in stories.facts if fact.source == world.silent][-1]
    return {"source": world.silent, "last_said": text_of(last.said_at), "id": names([last])[0]}


def _corrected(stories: Stories) -> dict[str, Json]:
    mended = stories.mended
    return {
        "job_order": mended.run.id, "lot": mended.run.lot, "right": mended.right, "wrong": names([mended.wrong])[0],
        "by": names([mended.correction])[0], "at": text_of(mended.correction.said_at),
        "deleted": names([mended.deleted])[0], "deleted_by": names([mended.deletion])[0],
    }  # fmt: skip


def _late(stories: Stories) -> dict[str, Json]:
    buffered = stories.floor.buffered
    return {
        "line": buffered.line, "from": text_of(buffered.start), "to": text_of(buffered.end),
        "said": text_of(buffered.said), "ids": names(stories.floor.late),
    }  # fmt: skip


def _injection(stories: Stories) -> dict[str, Json]:
    return {"id": names([stories.talk.injection])[0], "at": stories.talk.injection.said_at.astimezone(ZONE).isoformat()}


def _change(stories: Stories) -> dict[str, Json]:
    change = stories.change
    return {
        "engineering_change": change.id, "material": change.material, "in_erp": change.revision,
        "on_the_floor": change.old,
        "ids": names(change.facts),
    }  # fmt: skip


def _short(stories: Stories) -> dict[str, Json]:
    run, material, fact = stories.short_run
    return {"job_order": run.id, "line": run.line.id, "material": material, "ids": names([fact])}


def _runs(world: World, stories: Stories) -> list[Json]:
    """When the job orders of the last three days, and those that run now, were set up and are done."""
    since = world.now - timedelta(days=3)
    return [
        {"job_order": run.id, "line": run.line.id, "from": text_of(run.spans[0].start), "to": text_of(run.completed)}
        for run in stories.production.runs
        if run.completed > since and run.spans[0].start <= world.now
    ]
