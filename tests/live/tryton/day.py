"""What happens on the plant's day: things are bought, inspected, made, sold, complained about, noted and deleted."""

import datetime as dt
from decimal import Decimal
from typing import Any

from .scenario import TODAY, Plant, Tryton


def buy(tryton: Tryton, plant: Plant) -> None:
    """50 kg of steel ordered and delivered as lot HEAT-7; its hardness fails, a concession lets it in."""
    ids, numbers = plant.ids, plant.numbers
    ids["control"] = tryton.create(
        "quality.control", name="Incoming steel", operations=["stock.shipment.in:receive"], product=ids["steel"],
        frequency=1.0, company=ids["company"],
        points=[["create", [_hardness()]]],
    )  # fmt: skip
    purchase = order(
        tryton,
        plant,
        "purchase.purchase",
        "Alloy Traders",
        product=ids["steel"],
        unit=ids["kg"],
        quantity=50.0,
        unit_price=Decimal("3.50"),
    )
    numbers["purchase"] = tryton.read("purchase.purchase", purchase, "number")
    [ordered] = tryton.read("purchase.purchase", purchase, "moves")
    ids["lot"] = tryton.create("stock.lot", number="HEAT-7", product=ids["steel"])
    shipment = tryton.create(
        "stock.shipment.in", supplier=ids["Alloy Traders"], company=ids["company"], warehouse=ids["warehouse"],
        warehouse_input=ids["input"], warehouse_storage=ids["storage"], incoming_moves=[["add", [ordered]]],
    )  # fmt: skip
    tryton.write("stock.move", ordered, lot=ids["lot"])
    gate = tryton.call("stock.shipment.in.receive", [shipment])  # answers with the wizard that must be gone through
    tryton.wizard(gate, "stock.shipment.in", [shipment], ({"points": {"hardness": 58.0}}, "save"))
    inspection = ids["inspection"] = tryton.find("quality.inspection", ["origin", "=", f"stock.shipment.in,{shipment}"])
    numbers["inspection"], numbers["inspected"] = (
        tryton.read("quality.inspection", inspection, name) for name in ("number", "state")
    )
    ids["receipt"] = shipment


def let_in(tryton: Tryton, plant: Plant) -> None:
    """The failed inspection is overruled, and the steel is received and put away."""
    ids = plant.ids
    tryton.call("quality.inspection.pass_", [ids["inspection"]])
    tryton.call("stock.shipment.in.receive", [ids["receipt"]])
    tryton.call("stock.shipment.in.do", [ids["receipt"]])
    plant.numbers["receipt"] = tryton.read("stock.shipment.in", ids["receipt"], "number")


def make(tryton: Tryton, plant: Plant) -> None:
    """Ten shafts are made of lot HEAT-7 in lot SH-A, five wait for steel, three are called off."""
    ids, numbers = plant.ids, plant.numbers
    price = {"unit_price": Decimal("11.25"), "currency": ids["currency"]}
    for name, quantity in (("done", 10.0), ("waiting", 40.0), ("cancelled", 3.0)):
        order = ids[name] = tryton.create(
            "production", product=ids["shaft"], bom=ids["bom"], unit=ids["unit"], quantity=quantity,
            company=ids["company"], warehouse=ids["warehouse"], location=ids["production"], planned_date=TODAY,
            planned_start_date=TODAY,
            inputs=[["create", [_move(plant, "steel", "kg", quantity * 2.5, "storage", "production")]]],
            outputs=[["create", [_move(plant, "shaft", "unit", quantity, "production", "storage") | price]]],
        )  # fmt: skip
        tryton.call("production.wait", [order])
    tryton.call("production.cancel", [ids["cancelled"]])
    order = ids["done"]
    made = ids["made"] = tryton.create("stock.lot", number="SH-A", product=ids["shaft"])
    moves = tryton.read("production", order, "inputs", "outputs")
    for each in moves["inputs"]:
        tryton.write("stock.move", each, lot=ids["lot"])
    tryton.call("production.assign_try", [order])
    work = tryton.create(
        "production.work", production=order, operation=ids["turning"], work_center=ids["lathe"], company=ids["company"]
    )
    tryton.call("production.run", [order])
    for each in moves["outputs"]:
        tryton.write("stock.move", each, lot=made)
    cycle = tryton.create("production.work.cycle", work=work)
    tryton.call("production.work.cycle.run", [cycle])
    tryton.write("production.work.cycle", cycle, duration=dt.timedelta(hours=1, minutes=15))
    tryton.call("production.work.cycle.do", [cycle])
    tryton.call("production.do", [order])
    for name in ("done", "waiting", "cancelled"):
        numbers[name] = tryton.read("production", ids[name], "number")


def sell(tryton: Tryton, plant: Plant) -> None:
    """Four shafts are sold and shipped; the customer complains; somebody writes down why."""
    ids, numbers = plant.ids, plant.numbers
    sale = ids["sale"] = order(
        tryton,
        plant,
        "sale.sale",
        "Hill Motors",
        product=ids["shaft"],
        unit=ids["unit"],
        quantity=4.0,
        unit_price=Decimal(20),
    )
    numbers["sale"] = tryton.read("sale.sale", sale, "number")
    [shipment] = tryton.read("sale.sale", sale, "shipments")
    ids["shipment"] = shipment
    for each in tryton.read("stock.shipment.out", shipment, "inventory_moves"):
        tryton.write("stock.move", each, lot=ids["made"])
    tryton.call("stock.shipment.out.assign_try", [shipment])
    for step in ("pick", "pack", "do"):
        tryton.call(f"stock.shipment.out.{step}", [shipment])
    numbers["shipment"] = tryton.read("stock.shipment.out", shipment, "number")
    sales = tryton.find("ir.model", ["name", "=", "sale.sale"])
    kind = tryton.create("sale.complaint.type", name="Defect", origin=sales)
    ids["complaint"] = tryton.create(
        "sale.complaint", customer=ids["Hill Motors"], company=ids["company"], type=kind, origin=f"sale.sale,{sale}",
        description="Two shafts are scored near the bearing seat", date=TODAY,
    )  # fmt: skip
    note(tryton, f"production,{ids['done']}", "Tool chipped on the seventh shaft, changed the insert")
    tryton.create(
        "sale.opportunity", party=ids["Hill Motors"], company=ids["company"], description="Shafts for the new drive",
        start_date=TODAY,
    )  # fmt: skip


def note(tryton: Tryton, resource: str, message: str) -> int:
    return tryton.create("ir.note", resource=resource, message=message)


def mislay(tryton: Tryton, plant: Plant) -> None:
    """A production order that was a mistake, and is deleted below."""
    ids = plant.ids
    ids["mistake"] = tryton.create(
        "production", product=ids["shaft"], bom=ids["bom"], unit=ids["unit"], quantity=1.0, company=ids["company"],
        warehouse=ids["warehouse"], location=ids["production"],
    )  # fmt: skip
    tryton.call("production.wait", [ids["mistake"]])
    plant.numbers["mistake"] = tryton.read("production", ids["mistake"], "number")


def delete_mistake(tryton: Tryton, plant: Plant) -> None:
    tryton.call("production.cancel", [plant.ids["mistake"]])
    tryton.call("production.delete", [plant.ids["mistake"]])


def order(tryton: Tryton, plant: Plant, model: str, party: str, **line: Any) -> int:
    ids = plant.ids
    [address] = tryton.read("party.party", ids[party], "addresses")
    more: dict[str, Any] = {"shipment_address": address} if model == "sale.sale" else {}
    order = tryton.create(
        model, party=ids[party], company=ids["company"], warehouse=ids["warehouse"], invoice_method="manual",
        currency=ids["currency"], invoice_address=address,
        lines=[["create", [line | {"type": "line"}]]], **more,
    )  # fmt: skip
    for step in ("quote", "confirm", "process"):
        tryton.call(f"{model}.{step}", [order])
    return order


def _hardness() -> dict[str, Any]:
    return {
        "name": "hardness", "string": "Hardness", "type_": "float", "digits": 1, "tolerance_lower": 60.0,
        "tolerance_upper": 64.0,
    }  # fmt: skip


def _move(plant: Plant, product: str, unit: str, quantity: float, *way: str) -> dict[str, Any]:
    ids = plant.ids
    return {
        "product": ids[product], "unit": ids[unit], "quantity": quantity, "from_location": ids[way[0]],
        "to_location": ids[way[1]], "company": ids["company"],
    }  # fmt: skip
