"""From the last piece to the truck: pallets, labels, order states, delivery notes, departures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import Fact, Log, amount, text_of
from lineside.simulator.orders import Sale, Truck
from lineside.simulator.quality import Quality
from lineside.simulator.stock import Stock
from lineside.simulator.world import World

PALLETS_SINCE = timedelta(days=6)
"""Older pallets are archived in WMS."""


@dataclass(slots=True, kw_only=True)
class Shipping:
    """What WMS and ERP said of today's orders, by order number. unlabelled: pallets without a label. taken: the truck
    that takes each order; promised: until when each is promised; departed: when each shipment leaves."""

    pallets: dict[str, list[Fact]] = field(default_factory=dict)
    unlabelled: dict[str, list[str]] = field(default_factory=dict)
    orders: dict[str, Fact] = field(default_factory=dict)
    lines: dict[str, Fact] = field(default_factory=dict)
    notes: dict[str, Fact] = field(default_factory=dict)
    trucks: dict[str, Fact] = field(default_factory=dict)
    taken: dict[str, Truck] = field(default_factory=dict)
    promised: dict[str, str] = field(default_factory=dict)
    departed: dict[str, datetime] = field(default_factory=dict)


def ship(world: World, sales: list[Sale], quality: Quality, stock: Stock, log: Log) -> Shipping:
    shipping = Shipping()
    rng = world.random("pallets")
    pallet = rng.randrange(10_000, 70_000)
    loads: dict[str, tuple[Truck, list[Sale]]] = {}
    trucks = sorted({sale.truck for sale in sales}, key=lambda truck: truck.departure)
    for sale in sales:
        _order(world, sale, log, shipping)
        pallet = _pack(world, sale, pallet, stock, shipping)
        truck = shipping.taken[sale.order] = _truck(sale, quality, trucks)
        loads.setdefault(truck.shipment, (truck, []))[1].append(sale)
    for truck, load in loads.values():
        _depart(world, truck, load, stock, shipping)
    return shipping


def _truck(sale: Sale, quality: Quality, trucks: list[Truck]) -> Truck:
    """The truck that was meant, or the first one after a hold's release."""
    earliest = quality.free.get(sale.run.lot, sale.truck.departure) + timedelta(hours=2)
    if earliest <= sale.truck.departure or sale.role:
        return sale.truck
    return next((truck for truck in trucks if truck.departure >= earliest), sale.truck)


def _order(world: World, sale: Sale, log: Log, shipping: Shipping) -> None:
    rng = world.random(f"order/{sale.order}")
    promised = shipping.promised[sale.order] = text_of(sale.truck.departure + timedelta(hours=rng.choice((20, 44))))
    shipping.orders[sale.order] = log.report(
        "erp", f"sales_order:{sale.order}", sale.created,
        customer=sale.buyer.id, status="released", promised_at=promised, priority=rng.choice((1, 2, 2, 3)), credit="ok",
        partial_allowed=sale.buyer.partial_allowed,
    )  # fmt: skip
    shipping.lines[sale.order] = log.report(
        "erp", f"sales_order_line:{sale.line}", sale.created,
        customer=sale.buyer.id, material=sale.run.product.id, quantity=amount(sale.quantity), status="released",
        promised_at=promised,
    )  # fmt: skip
    done = sale.run.completed + timedelta(minutes=50)
    status = "in_progress" if sale.role == "partial" else "complete"
    shipping.lines[sale.order] = log.report("erp", f"sales_order_line:{sale.line}", done, status=status)
    if sale.role == "credit":
        blocked = world.now - timedelta(minutes=rng.uniform(70, 200))
        shipping.orders[sale.order] = log.report("erp", f"sales_order:{sale.order}", blocked, credit="blocked")


def _pack(world: World, sale: Sale, pallet: int, stock: Stock, shipping: Shipping) -> int:
    log = stock.log
    run = sale.run
    rng = world.random(f"pack/{run.id}")
    packed, place = run.completed + timedelta(minutes=14), stock.places[run.product.id]
    stock.move(
        "goods_receipt", packed, run.product, run.quantity,
        systems=("erp", "wms"), lot=run.lot, job_order=run.id, to=place,
    )  # fmt: skip
    log.report("wms", f"lot:{run.lot}", packed, material=run.product.id, quantity=amount(run.quantity), location=place)
    about: dict[str, Json] = {"lot": run.lot, "sales_order": sale.order, "quantity": run.quantity, "unit": "ea"}
    log.event("wms", "packed", packed, about)
    labelled = packed + timedelta(minutes=rng.uniform(20, 60))
    missing = rng.randrange(2, 4) if sale.role == "labels" else 0
    if not missing:
        log.event("wms", "labelled", labelled, about)
    if run.completed < world.now - PALLETS_SINCE:
        return pallet
    count = -(-run.quantity // run.product.pallet)
    unlabelled = set(rng.sample(range(count), min(missing, count)))
    for index in range(count):
        pallet += 1
        fact = log.report(
            "wms", f"handling_unit:HU-{pallet}", labelled,
            lot=run.lot, quantity=amount(min(run.product.pallet, run.quantity - index * run.product.pallet)),
            sales_order_line=sale.line, packed=True, labelled=index not in unlabelled, location=place,
        )  # fmt: skip
        shipping.pallets.setdefault(sale.order, []).append(fact)
        if index in unlabelled:
            shipping.unlabelled.setdefault(sale.order, []).append(f"HU-{pallet}")
    return pallet


def _depart(world: World, truck: Truck, load: list[Sale], stock: Stock, shipping: Shipping) -> None:
    log = stock.log
    shipment = f"shipment:{truck.shipment}"
    rng = world.random(f"truck/{truck.shipment}")
    shipping.trucks[truck.shipment] = log.report(
        "erp", shipment, truck.departure - timedelta(hours=rng.uniform(5.5, 7)),
        lines=_lines(load), carrier=truck.carrier, dock=truck.dock,
        planned_departure=text_of(truck.departure), eta=text_of(truck.departure - timedelta(minutes=40)),
        status="planned",
    )  # fmt: skip
    gone = [sale for sale in load if sale.role in ("", "ready")]
    for sale in load:
        note = f"document:delivery_note/{sale.order}"
        issued = truck.departure - timedelta(minutes=rng.uniform(95, 150))
        status = "issued" if sale in gone or sale.role == "partial" else "draft"
        shipping.notes[sale.order] = log.report("erp", note, issued, subject=f"sales_order:{sale.order}", status=status)
        if status == "issued":
            log.event("erp", "document_issued", issued, sales_order=sale.order, document=note.partition(":")[2])
    log.event(
        "wms", "truck_arrived", truck.departure - timedelta(minutes=38), shipment=truck.shipment, equipment=truck.dock
    )
    log.report("erp", shipment, truck.departure - timedelta(minutes=35), status="loading")
    for sale in gone:
        loaded = truck.departure - timedelta(minutes=rng.uniform(8, 30))
        log.event("wms", "loaded", loaded, shipment=truck.shipment, sales_order=sale.order, lot=sale.run.lot)
        stock.move(
            "goods_issue", loaded, sale.run.product, sale.run.quantity, systems=("erp", "wms"),
            lot=sale.run.lot, sales_order=sale.order, shipment=truck.shipment,
        )  # fmt: skip
        log.report("erp", f"sales_order_line:{sale.line}", truck.departure, status="closed")
    left = shipping.departed[truck.shipment] = truck.departure + timedelta(minutes=rng.uniform(0, 6))
    log.event("erp", "departed", left, shipment=truck.shipment, equipment=truck.dock)
    log.report("erp", shipment, left, status="departed", lines=_lines(gone))


def _lines(load: list[Sale]) -> list[Json]:
    return [{"sales_order_line": sale.line, "quantity": amount(sale.quantity)} for sale in load]
