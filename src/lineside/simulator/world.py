"""Who and what there is in northfield. The seed moves lots, numbers, rates and which line, material or person a story
takes, so that no answer can be learnt by heart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from lineside.simulator.hours import ANCHOR, Slot, slot_at, week

SITE = "northfield"
CREWS = ("crew-a", "crew-b", "crew-c")


@dataclass(frozen=True, slots=True)
class Material:
    """case, pallet: how many pieces (or kg) one holds; 0 where it isn't packed so."""

    id: str
    description: str
    unit: str
    case: int
    pallet: int


@dataclass(frozen=True, slots=True)
class Line:
    """rate: pieces per hour at full speed. products and components by material id; use: pieces of each per piece."""

    id: str
    name: str
    units: tuple[str, ...]
    rate: int
    products: tuple[str, ...]
    components: tuple[tuple[str, float], ...]

    @property
    def key(self) -> str:
        """The end of the path, as in line-3."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Buyer:
    id: str
    name: str
    partial_allowed: bool
    partial_min_share: float
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Staff:
    id: str
    name: str
    role: str
    speaks: str = "en"


_PEOPLE = (
    ("plant-1", "plant_manager"), ("planner-1", "planner"), ("quality-1", "quality"), ("quality-2", "quality"),
    ("shipping-1", "shipping"), ("maint-1", "maintenance"), ("it-1", "it"), ("sales-1", "sales"),
    ("super-a", "supervisor"), ("super-b", "supervisor"), ("super-c", "supervisor"),
)  # fmt: skip
_NAMES = (
    "Maya Lindqvist", "Tom Okafor", "Ines Bauer", "Sam Whitaker", "Rosa Delgado", "Jürgen Kramer", "Priya Nair",
    "Leon Fischer", "Hannah Cole", "Victor Osei", "Anna Schmid", "Derek Olson", "Mina Farah", "Paul Novak",
)  # fmt: skip
_BUYERS = ("Brightwater Retail", "Halden Stores", "Corvin Foods", "Pike & Sons", "Alder Home", "Sunrise Markets")
_GOODS = ("Glass cleaner", "Hand soap", "Dish liquid", "Floor care", "Descaler", "Laundry gel", "Surface spray")


class World:
    """The plant's fixed furniture. Everything is a pure function of seed, days and anchor. start, now: UTC.

    upset: whether stock and feeds go astray beyond what the demo has.
    """

    def __init__(self, *, seed: int, days: int, anchor: datetime = ANCHOR, upset: bool = False) -> None:
        if days < 14:
            raise ValueError(f"the plant's stories need at least 14 days of history, not {days}")
        self.seed = seed
        self.days = days
        self.upset = upset
        self.now = anchor.astimezone(UTC)
        self.start = _morning(anchor, days)
        rng = self.random("world")
        names = rng.sample(_NAMES, len(_PEOPLE))
        self.staff = tuple(
            Staff(person, name, role, "de" if person == "super-c" else "en")
            for (person, role), name in zip(_PEOPLE, names, strict=True)
        )
        self.goods = tuple(
            Material(f"FG-{number}", f"{what} {size} mL", "ea", rng.choice((10, 12, 15)), 0)
            for number, what, size in zip(
                rng.sample(range(110, 890), 6),
                rng.sample(_GOODS, 6),
                (rng.choice((250, 500, 750)) for _ in range(6)),
                strict=True,
            )
        )
        self.goods = tuple(Material(m.id, m.description, m.unit, m.case, m.case * 40) for m in self.goods)
        number = rng.randrange(100, 300)
        self.resin = Material(f"RES-{number}", "PET resin", "kg", 25, 1000)
        self.bottle = Material(f"BOT-{number + rng.randrange(7, 60)}", "Bottle", "ea", 150, 3000)
        self.cap = Material(f"CAP-{rng.randrange(10, 99)}", "Screw cap", "ea", 500, 12000)
        self.label = Material(f"LBL-{rng.randrange(300, 700)}", "Front label", "ea", 1000, 20000)
        self.carton = Material(f"CTN-{rng.randrange(10, 99)}", "Shipping carton", "ea", 50, 1200)
        # The odd one out of three figures is a slow mover, so that single records matter.
        self.odd = Material(
            *rng.choice(
                (("PMP", "Trigger pump"), ("DSP", "Dosing cap"), ("SLV", "Gift sleeve"), ("TRY", "Display tray"))
            ),
            "ea", rng.choice((6, 8, 12, 18, 24)), 0,
        )  # fmt: skip
        self.odd = Material(f"{self.odd.id}-{rng.randrange(100, 980)}", *_rest(self.odd))
        self.lines = self._lines(rng)
        packing = list(self.lines[:3])
        rng.shuffle(packing)
        self.behind, self.recurring, self.calm = packing
        self.press = self.lines[3]
        base = rng.randrange(200, 600)
        self.buyers = tuple(
            Buyer(f"C-{base + 7 * index}", name, partial, share, documents)
            for index, (name, partial, share, documents) in enumerate(
                zip(
                    rng.sample(_BUYERS, 5),
                    (True, False, True, False, True),
                    (rng.choice((0.8, 0.85)), 1.0, 0.9, 1.0, 0.75),
                    (
                        ("coa", "delivery_note"),
                        ("coa", "delivery_note"),
                        ("delivery_note",),
                        ("coa", "delivery_note"),
                        (),
                    ),
                    strict=True,
                )
            )
        )
        docks = rng.sample(range(1, 9), 2)
        self.dock, self.late_dock = (f"{SITE}/warehouse/dock-{number}" for number in docks)
        self.silent = "tracker"
        self.silent_since = self.now - timedelta(minutes=rng.randrange(370, 520))
        self.clock_offset = {"wms": timedelta(seconds=rng.choice((-240, -180, 120, 180)))}
        self.crew_order = tuple(rng.sample(CREWS, 3))

    def random(self, topic: str) -> Random:
        """A stream of chance of its own, so that one story's change moves no other."""
        return Random(f"northfield/{self.seed}/{topic}")

    def person(self, role: str) -> Staff:
        return next(one for one in self.staff if one.role == role)

    def crew(self, slot: Slot) -> str:
        """Crews rotate backwards by week: who had days has nights next."""
        return self.crew_on(slot.name, slot.day)

    def crew_on(self, shift: str, day: date) -> str:
        turn = int(week(day)[-2:]) + ("day", "evening", "night").index(shift)
        return self.crew_order[turn % 3]

    def supervisor(self, slot: Slot) -> Staff:
        return next(one for one in self.staff if one.id == f"super-{self.crew(slot)[-1]}")

    @property
    def supervisor_now(self) -> Staff:
        return self.supervisor(slot_at(self.now))

    @property
    def components(self) -> tuple[Material, ...]:
        return (self.resin, self.bottle, self.cap, self.label, self.carton, self.odd)

    @property
    def materials(self) -> tuple[Material, ...]:
        return (*self.goods, *self.components)

    def material(self, material_id: str) -> Material:
        return next(one for one in self.materials if one.id == material_id)

    def _lines(self, rng: Random) -> tuple[Line, ...]:
        units = ("filler", "capper", "labeler", "packer")
        numbers = sorted(rng.sample(range(1, 8), 3))
        made = [goods.id for goods in self.goods]
        lines = [
            Line(
                id=f"{SITE}/packing/line-{number}",
                name=f"Line {number}",
                units=units,
                rate=rng.randrange(52, 84) * 10,
                products=tuple(made[2 * index : 2 * index + 2]),
                components=((self.bottle.id, 1.0), (closing.id, 1.0)),
            )
            for index, (number, closing) in enumerate(zip(numbers, (self.cap, self.label, self.carton), strict=True))
        ]
        press = Line(
            id=f"{SITE}/molding/press-{rng.randrange(1, 6)}",
            name="",
            units=("dryer", "mold", "takeout"),
            rate=rng.randrange(210, 260) * 10,
            products=(self.bottle.id,),
            components=((self.resin.id, 0.03),),
        )
        named = Line(press.id, f"Press {press.id[-1]}", press.units, press.rate, press.products, press.components)
        return (*lines, named)


def _rest(material: Material) -> tuple[str, str, int, int]:
    return material.description, material.unit, material.case, material.pallet


def _morning(anchor: datetime, days: int) -> datetime:
    first = (anchor - timedelta(days=days)).replace(hour=6, minute=0, second=0, microsecond=0)
    return first.astimezone(UTC)
