"""northfield's plant.toml: what no system knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from lineside.plant.records import Json
from lineside.simulator.hours import ZONE, week
from lineside.simulator.production import AHEAD
from lineside.simulator.world import SITE, Line, World

CADENCE_S = {
    "erp": 3600, "cmms": 7200, "mes": 3600, "wms": 3600, "qms": 10800, "scada": 600, "tracker": 3600, "notes": 28800,
}  # fmt: skip
_KINDS = {"tracker": "spreadsheet"}
_OWNERS = {
    "erp": "planner", "cmms": "maintenance", "mes": "planner", "wms": "shipping", "qms": "quality", "scada": "it",
    "tracker": "supervisor", "notes": "supervisor",
}  # fmt: skip
_OWNS: dict[str, tuple[str, ...]] = {
    "erp": (
        "inventory.quantity:book", "sales_order_line.status", "sales_order.credit", "shipment.status",
        "job_order.quantity",
    ),
    "wms": ("inventory.quantity:on_hand", "handling_unit.packed", "handling_unit.labelled", "lot.location"),
    "mes": ("job_order.status", "job_order.quantity_good", "operation.status"),
    "qms": ("lot.quality_status", "hold.status", "inspection.result", "document.status"),
    "cmms": ("maintenance_order.status",),
    "scada": ("equipment.state", "equipment.rate"),
}  # fmt: skip
_WORDS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven"}


def plant_toml(world: World) -> str:
    """The text of the plant file."""
    parts = [
        _table(
            "", enterprise=f"{SITE}-group", site=SITE, name="Northfield Works", time_zone=str(ZONE),
            holidays=["2026-11-26"],
        ),
        *(part for line in world.lines for part in _equipment(line)),
        *(
            _table("equipment", id=dock, name=f"Dock {dock[-1]}", aliases=[f"D{dock[-1]}"])
            for dock in (world.dock, world.late_dock)
        ),
        _table("shifts", name="day", start="06:00", end="14:00", aliases=["first shift", "Frühschicht"]),
        _table("shifts", name="evening", start="14:00", end="22:00", aliases=["second shift", "Spätschicht"]),
        _table("shifts", name="night", start="22:00", end="06:00", aliases=["third shift", "Nachtschicht"]),
        *_roster(world),
        *(
            _table(
                "people", id=one.id, name=one.name, roles=[one.role], sites=[SITE],
                slack=f"U0{one.id.replace('-', '').upper()}", email=f"{one.id}@northfield.example",
                **({"crew": f"crew-{one.id[-1]}"} if one.role == "supervisor" else {}),
            )
            for one in world.staff
        ),
        *(_source(world, name) for name in CADENCE_S),
        _table("cut_offs", dock=world.dock, departure="15:00", cut_off="14:15"),
        _table("cut_offs", dock=world.late_dock, departure="18:30", cut_off="17:45"),
        *(
            _table(
                "customers", id=buyer.id, name=buyer.name, partial_allowed=buyer.partial_allowed,
                partial_min_share=buyer.partial_min_share, documents=list(buyer.documents),
            )
            for buyer in world.buyers
        ),
        *(
            _table("contacts", partner=buyer.id, name="Goods inward", email=f"goods-in@{buyer.id.lower()}.example")
            for buyer in world.buyers
        ),
    ]  # fmt: skip
    return "\n".join(parts)


def _equipment(line: Line) -> Iterable[str]:
    number = line.key[-1]
    short = "L" if line.key.startswith("line") else "P"
    yield _table(
        "equipment",
        id=line.id,
        name=line.name,
        aliases=[f"{short}{number}", f"{line.name.split()[0].lower()} {_WORDS[number]}"],
    )
    for unit in line.units:
        yield _table(
            "equipment", id=f"{line.id}/{unit}",
            name=f"{unit.capitalize()} {number}" if short == "L" else f"{unit.capitalize()} of {line.name}",
            aliases=[f"{short}{number} {unit}", f"the {unit} on {_WORDS[number]}"],
        )  # fmt: skip


def _roster(world: World) -> Iterable[str]:
    day, seen = world.start.astimezone(ZONE).date() - timedelta(days=7), set[str]()
    while day <= (world.now + AHEAD).astimezone(ZONE).date() + timedelta(days=7):
        if week(day) not in seen:
            seen.add(week(day))
            yield _table(
                "roster", week=week(day), **{shift: world.crew_on(shift, day) for shift in ("day", "evening", "night")}
            )
        day += timedelta(days=1)


def _source(world: World, name: str) -> str:
    owner = next(one.id for one in world.staff if one.role == _OWNERS[name])
    offset = world.clock_offset.get(name, timedelta(0)).total_seconds()
    return _table(
        "sources", name=name, kind=_KINDS.get(name, name), owner=owner,
        cadence_s=CADENCE_S[name], clock_offset_s=int(offset), owns=list(_OWNS.get(name, ())),
    )  # fmt: skip


def _table(table: str, /, **values: Json) -> str:
    head = [f"[[{table}]]"] if table else []
    return "\n".join([*head, *(f"{key} = {literal(value)}" for key, value in values.items()), ""])


def literal(value: object) -> str:
    """The value as TOML writes it; tables inline."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case date():
            return value.isoformat()
        case list() | tuple():
            return "[" + ", ".join(literal(each) for each in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{_key(str(key))} = {literal(each)}" for key, each in value.items()) + " }"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else literal(key)
