"""The questions that the truth answers, one for each kind, with what a right answer holds and cites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineside.plant.records import Json
from lineside.simulator.world import World


def questions(world: World, truth: dict[str, Any]) -> Iterator[dict[str, Json]]:
    """Each: kind, text, language, says (words and numbers that must occur), cites (any one of them must be cited),
    window where one is meant, abstains where nothing is known."""
    orders = {order["role"]: order for order in reversed(truth["orders"])}
    stock, behind, recurring = truth["stock"], truth["behind"], truth["recurring"]
    decisions, windows = truth["decisions"], truth["windows"]
    line, often = _called(world, behind["line"]), _called(world, recurring["line"])
    figures = [str(stock["figures"][system]["quantity"]) for system in ("erp", "wms", "mes")]
    steps = [name for step in stock["bridge"] for name in step["ids"]]
    yield _ask(
        "reconcile", f"ERP, WMS and MES show different stock for {stock['material']}: which is right?", figures, steps
    )
    yield _ask(
        "reconcile",
        f"Warum zeigen ERP und WMS verschiedene Bestände für {stock['material']}?",
        figures[:2],
        steps,
        "de",
    )
    for role in ("hold", "ready", "labels", "coa", "credit", "partial"):
        order = orders[role]
        proof = [name for names in order["blockers"].values() for name in names] or order["ids"]
        says = [*order["holds"], *order["unlabelled"]]
        yield _ask("readiness", f"Is {order['sales_order']} really shippable?", says, proof)
    yield _ask("readiness", f"Kann {orders['hold']['sales_order']} heute raus?", orders["hold"]["holds"],
               orders["hold"]["blockers"]["hold"], "de")  # fmt: skip
    held = orders["hold"]
    blocked = held["blockers"]["hold"]
    yield _ask("state", "Which lots are blocked?", [held["lot"]], blocked)
    yield _ask("state", "Welche Lose sind gesperrt?", [held["lot"]], blocked, "de")
    yield _ask("state", "What is released in ERP but blocked in QMS?", [held["lot"], held["line"]], blocked)
    can_leave = [order["sales_order"] for order in truth["orders"] if order["shippable"] == "yes"]
    yield _ask("state", "Which sales orders are ready to ship?", can_leave, [])
    truck = truck_orders(truth)
    yield _ask("departure", "What can leave on the 15:00 truck?", truck["yes"], truth["truck"]["ids"])
    yield _ask(
        "looks_complete", "Which orders look complete but are not?", [*truck["no"]], orders["hold"]["blockers"]["hold"]
    )
    yield _ask("pace", f"Why is {line} falling behind?", [str(behind["good"])], behind["ids"])
    yield _ask("pace", f"Warum liegt {line} zurück?", [str(behind["good"])], behind["ids"], "de")
    yield _ask("contradiction", f"Which note contradicts the telemetry of {line}?", [], [behind["contradicted_note"]])
    did = truth["performance"][behind["line"]]
    night, day = did[windows["last night"]["shift"]], did[windows["current shift"]["shift"]]
    yield _ask("kpi", f"What was the availability of {line} last night?", [f"{night['availability']:.1%}"[:-1]], [],
               window=windows["last night"])  # fmt: skip
    yield _ask("kpi", f"Wie hoch ist die Verfügbarkeit von {line} heute seit 06:00?",
               [f"{day['availability']:.1%}"[:-1]], [], "de")  # fmt: skip
    stood = max(day["stopped_minutes"], key=lambda unit: day["stopped_minutes"][unit])
    yield _ask("bottleneck", f"Which machine is the bottleneck on {line}?", [stood.rpartition("/")[2]], [])
    fixes = [name for crew in recurring["crews"].values() for name in crew["notes"]]
    yield _ask(
        "patterns",
        f"Has the {recurring['reason']} on {often} happened before; what worked?",
        [str(recurring["stops"])],
        fixes,
    )
    for name, text in (
        ("resin_shortage", "What did we decide in the last resin shortage, and why?"),
        ("limit", f"Is the {behind['limit_pct']} % speed limit on {line} still in force?"),
    ):
        decision = decisions[name]
        yield _ask("decided", text, [], [decision["id"], *filter(None, [decision["outcome"]])])
    yield _ask("broken", "Which standing decisions rest on facts that changed?", [], decisions["repair"]["broken_by"])
    yield _ask("handover", "Give me the handover for the last night shift.", [], [], window=windows["last night"])
    yield _ask("changed", "What changed since 06:00?", [], [])
    yield _ask("trust", "Which feeds can I not trust today?", [truth["silent"]["source"]], [])
    yield _ask("tally", f"What was made in lot {truth['corrected']['lot']}?", [], [truth["corrected"]["by"]])
    yield _ask(
        "short", "Which jobs lack material for the next shift?", [truth["short"]["job_order"]], truth["short"]["ids"]
    )
    yield _ask("change", f"Did {truth['change']['engineering_change']} reach the floor?", [], truth["change"]["ids"])
    if windows["dst night"]:
        day = windows["dst night"]["shift"].partition(" ")[2]
        yield _ask(
            "dst", f"How many stops were there in the night shift of {day}?", [], [], window=windows["dst night"]
        )
    yield _ask("unknown", "What is the oil pressure of compressor 9?", [], [], abstains=True)


def truck_orders(truth: dict[str, Any]) -> dict[str, list[str]]:
    return {verdict: list(truth["truck"][verdict]) for verdict in ("yes", "part", "no")}


def _called(world: World, path: str) -> str:
    return next(line.name for line in world.lines if line.id == path)


def _ask(
    kind: str, text: str, says: list[str], cites: list[str], language: str = "en", *,
    window: dict[str, Json] | None = None, abstains: bool = False,
) -> dict[str, Json]:  # fmt: skip
    return {"kind": kind, "text": text, "language": language, "says": [*says], "cites": [*cites], "window": window,
            "abstains": abstains}  # fmt: skip
