"""The lines' month: which job orders ran when, how fast, and where they stood still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

from lineside.simulator.hours import ZONE, local, slot_at
from lineside.simulator.runs import Run, Span, finish, minutes, run_through, whole
from lineside.simulator.world import Line, World

AHEAD = timedelta(hours=48)
"""How much of the future is thought out: what a live demo shows next."""

REASONS = (
    ("filler", "foam at nozzle", "F12"), ("capper", "cap feed empty", "C03"), ("labeler", "label web break", "L07"),
    ("packer", "carton magazine empty", "P02"), ("filler", "low level in tank", "F20"),
    ("packer", "glue temperature low", "P11"),
    ("capper", "torque out of range", "C15"), ("labeler", "label roll change", "L01"),
)  # fmt: skip
PRESS_REASONS = (
    ("dryer", "resin too moist", "D04"), ("mold", "mold cooling alarm", "M09"),
    ("takeout", "gripper vacuum low", "T02"),
)  # fmt: skip
RECURRING = (
    ("labeler", "label sensor fault", "L31"), ("capper", "cap chute jam", "C22"),
    ("packer", "case erector misfeed", "P19"),
    ("filler", "drip tray overflow", "F27"),
)  # fmt: skip
WORN = (
    ("filler", "spindle bearing", "bearing temperature high", "A71", "bottle tipped at infeed", "F41"),
    ("capper", "drive belt", "belt vibration high", "A64", "cap not seated", "C44"),
    ("packer", "gearbox bearing", "gearbox temperature high", "A83", "carton flap open", "P45"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """The stop that comes back. fixes: crew to (what it does, mean hours until the stop is back)."""

    unit: str
    reason: str
    code: str
    fixes: dict[str, tuple[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """This morning on the line that falls behind; the times of its causal chain, UTC."""

    run: Run
    unit: str
    part: str
    alarm: tuple[str, str]
    micro: tuple[str, str]
    shift_start: datetime
    staging_due: datetime
    staged: datetime
    changeover_planned_end: datetime
    changeover_end: datetime
    alarmed: datetime
    slow_from: datetime
    limit_pct: int


@dataclass(frozen=True, kw_only=True)
class Production:
    runs: tuple[Run, ...]
    recurring: Recurring
    behind: Behind

    def on(self, line: Line) -> list[Run]:
        return self._by_line[line.id]

    @cached_property
    def _by_line(self) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            found[run.line.id].append(run)
        return found

    def running(self, line: Line, at: datetime) -> Run | None:
        """The job order that the line is set up for or works on."""
        return next((run for run in self.on(line) if run.spans[0].start <= at < run.completed), None)


def produce(world: World) -> Production:
    """Every run from the first morning until AHEAD of now, in the order of its planned start."""
    recurring = _recurring(world)
    rng = world.random("numbers")
    number, lot = rng.randrange(3000, 6000), rng.randrange(20000, 60000)
    runs: list[Run] = []
    behind: Behind | None = None
    for line in world.lines:
        chance = world.random(f"line/{line.id}")
        at, sequence = world.start, 0
        stops = _Stops(world, line, recurring if line == world.recurring else None)
        morning = local(world.now.astimezone(ZONE).date(), 6)
        while at < world.now + AHEAD:
            sequence += 1
            if line == world.behind and behind is None:
                run = _fitting(stops, chance, at, sequence, morning - timedelta(minutes=20))
                if run is None:
                    behind = _fall_behind(world, line, morning, sequence)
                    run = behind.run
            else:
                run = _run(stops, chance, at, sequence, chance.randrange(8, 13))
            runs.append(run)
            at = run.completed + minutes(chance, 3, 12)
    if behind is None:
        raise AssertionError("the line that falls behind never came to its morning")
    runs.sort(key=lambda run: (run.planned_start, run.line.id))
    for run in runs:
        number += rng.randrange(1, 4)
        lot += rng.randrange(1, 9)
        run.id, run.lot = f"WO-{number}", f"L-{lot}"
    return Production(runs=tuple(runs), recurring=recurring, behind=behind)


class _Stops:
    """When a line stands still next. The recurring stop keeps its own clock across runs."""

    def __init__(self, world: World, line: Line, recurring: Recurring | None) -> None:
        self.world, self.line, self._recurring = world, line, recurring
        self._chance = world.random(f"stops/{line.id}")
        self._back = world.start + minutes(self._chance, 60, 240)

    def from_(self, start: datetime) -> Iterator[tuple[datetime, timedelta, str, str, str]]:
        reasons = REASONS if "packing" in self.line.id else PRESS_REASONS
        at = start
        while True:
            at = whole(at + timedelta(minutes=4 + self._chance.expovariate(1 / 170)))
            while self._recurring and self._back <= at:
                when = max(self._back, start + timedelta(seconds=30))
                yield self._again(self._recurring, when)
            unit, reason, code = self._chance.choice(reasons)
            lasting = minutes(self._chance, 2, 21)
            yield at, lasting, unit, reason, code
            at += lasting

    def _again(self, recurring: Recurring, when: datetime) -> tuple[datetime, timedelta, str, str, str]:
        _, mean = recurring.fixes[self.world.crew(slot_at(when))]
        thorough = mean > 20
        lasting = minutes(self._chance, 22, 34) if thorough else minutes(self._chance, 5, 11)
        gap = self._chance.uniform(0.5, 1.5) * mean
        self._back = whole(when + lasting + timedelta(hours=gap))
        return when, lasting, recurring.unit, recurring.reason, recurring.code


def _run(stops: _Stops, rng: Random, at: datetime, sequence: int, pallets: int) -> Run:
    world, line = stops.world, stops.line
    product = world.material(line.products[sequence % len(line.products)])
    if "molding" in line.id:
        pallets = max(3, pallets - 3)
    quantity = pallets * product.pallet
    changeover = minutes(rng, 18, 42)
    run = Run(
        id="",
        line=line,
        product=product,
        quantity=quantity,
        lot="",
        sequence=sequence * 10,
        reject_share=round(rng.uniform(0.004, 0.016), 4),
        planned_start=at,
        planned_end=whole(at + timedelta(minutes=30, hours=quantity / line.rate / 0.9)),
    )
    run.spans.append(Span(start=at, end=at + changeover, state="setup"))
    rate = round(line.rate * rng.uniform(0.94, 0.985))
    run_through(run, at + changeover, rate, stops.from_(at + changeover))
    return run


def _fitting(stops: _Stops, rng: Random, at: datetime, sequence: int, until: datetime) -> Run | None:
    """The next run that is over by `until`, smaller where it must be; None where none fits."""
    line, pallets = stops.line, rng.randrange(7, 12)
    product = stops.world.material(line.products[sequence % len(line.products)])
    room = (until - at).total_seconds() / 3600 - 1.6
    most = int(room * line.rate * 0.9 / product.pallet)
    return _run(stops, rng, at, sequence, min(pallets, most)) if most >= 2 else None


def _fall_behind(world: World, line: Line, morning: datetime, sequence: int) -> Behind:
    """Late staging, then a changeover that overran, then slow running on a worn part, then micro-stops."""
    rng = world.random("behind")
    unit, part, *codes = rng.choice(WORN)
    due = morning - timedelta(minutes=10)
    staged = due + minutes(rng, 44, 66)
    planned_end = morning + timedelta(minutes=35)
    changeover_end = staged + minutes(rng, 24, 33)
    slow_from = morning + minutes(rng, 155, 190)
    limit = rng.choice((75, 80, 85))
    product = world.material(line.products[sequence % len(line.products)])
    run = Run(
        id="",
        line=line,
        product=product,
        quantity=round(line.rate * 14 / product.pallet) * product.pallet,
        lot="",
        sequence=sequence * 10,
        reject_share=round(rng.uniform(0.012, 0.021), 4),
        planned_start=morning,
        planned_end=planned_end + timedelta(hours=15, minutes=20),
    )
    run.spans += [
        Span(start=morning, end=changeover_end, state="setup"),
        Span(start=changeover_end, end=slow_from, state="running", rate=round(line.rate * 0.97)),
    ]
    at = slow_from
    slow_rate = line.rate * limit // 100
    pause = 26.0
    inspected = False
    while True:
        until = at + minutes(rng, pause * 0.7, pause * 1.2)
        last = finish(run, slow_rate, at)
        if until >= last.end:
            run.spans.append(Span(start=at, end=last.end, state="running", rate=slow_rate, slow=True))
            break
        run.spans.append(Span(start=at, end=until, state="running", rate=slow_rate, slow=True))
        if not inspected and until > slow_from + timedelta(minutes=40):
            inspected, lasting, reason, code = True, minutes(rng, 13, 19), f"{part} inspection", "M01"
        else:
            lasting, reason, code = minutes(rng, 1.5, 4.5), codes[2], codes[3]
        at = until + lasting
        run.spans.append(Span(start=until, end=at, state="stopped", unit=unit, reason=reason, code=code))
        pause = max(11.0, pause * 0.97)
    return Behind(
        run=run,
        unit=f"{line.id}/{unit}",
        part=part,
        alarm=(codes[0], codes[1]),
        micro=(codes[2], codes[3]),
        shift_start=morning,
        staging_due=due,
        staged=staged,
        changeover_planned_end=planned_end,
        changeover_end=changeover_end,
        alarmed=slow_from - minutes(rng, 8, 14),
        slow_from=slow_from,
        limit_pct=limit,
    )


def _recurring(world: World) -> Recurring:
    rng = world.random("recurring")
    unit, reason, code = rng.choice(RECURRING)
    quick, medium, thorough = rng.sample(("crew-a", "crew-b", "crew-c"), 3)
    return Recurring(
        unit=unit,
        reason=reason,
        code=code,
        fixes={
            quick: ("wiped it clean and restarted", 2.6),
            medium: ("readjusted the bracket", 9.0),
            thorough: ("replaced the worn guide and checked the gap", 38.0),
        },
    )
