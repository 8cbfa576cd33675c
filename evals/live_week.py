"""A week of the demo plant lived through fast: its own servers read by the product's own loops while its clock is put
forward, and then the ledger of exceptions held against the simulator's truth. `python -m evals.live_week --seed 2`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from lineside.app import Lineside, open_lineside
from lineside.cases import Case, Cases, State, Transition
from lineside.cases.case import MOVED
from lineside.memory.supervising import Intake
from lineside.memory.watchdog import Watchdog
from lineside.serve.case_watch import CaseWatch
from lineside.simulator.hours import slot_at
from lineside.simulator.live import RunningPlant, running
from lineside.simulator.simulation import Simulation

STEP, WHOLE = timedelta(minutes=15), timedelta(hours=2)
PATIENCE_S = 120.0
SAMPLED_MS = 20  # the controllers' gateway publishes so often, so that nobody waits for it


@dataclass(frozen=True, slots=True)
class Lived:
    """What is left of it: the installation, its clock at the anchor, since when and in what steps it was lived."""

    lineside: Lineside
    simulation: Simulation
    since: datetime
    step: timedelta


@dataclass(slots=True)
class Clock:
    """The plant's, which stands until it is put forward."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def passed(self) -> float:
        return self.now.timestamp()


class Rounds:
    """The pauses between two reads: each ends when the plant's clock was put forward."""

    def __init__(self) -> None:
        self._next = asyncio.Event()
        self._rest = asyncio.Condition()
        self._resting = 0

    async def pause(self, _: float) -> None:
        until = self._next
        async with self._rest:
            self._resting += 1
            self._rest.notify_all()
        await until.wait()

    async def all_rest(self, count: int) -> None:
        async with self._rest:
            await self._rest.wait_for(lambda: self._resting >= count)

    def go_on(self) -> None:
        over, self._next, self._resting = self._next, asyncio.Event(), 0
        over.set()


@contextlib.asynccontextmanager
async def lived(folder: Path, *, seed: int, days: float, step: timedelta = STEP) -> AsyncIterator[Lived]:
    """The last days before the anchor have passed, read as they passed. Raises TimeoutError where a source hangs."""
    simulation = Simulation(seed, 14)
    since = simulation.now - timedelta(days=days)
    clock = Clock(since)
    home = folder / "home"
    home.mkdir()
    async with running(simulation, folder / "plant", clock=clock) as plant:
        (home / "plant.toml").write_text(plant.plant_toml, encoding="utf-8")
        settings = plant.lineside_toml.replace("sampling_ms = 1000", f"sampling_ms = {SAMPLED_MS}")
        (home / "lineside.toml").write_text(settings, encoding="utf-8")
        lineside = open_lineside(home)
        lineside.clock = clock
        try:
            await _live(lineside, plant, clock, simulation.now, step)
            yield Lived(lineside, simulation, since, step)
        finally:
            lineside.close()


async def _live(lineside: Lineside, plant: RunningPlant, clock: Clock, until: datetime, step: timedelta) -> None:
    readings, rounds = lineside.readings(), Rounds()
    polled = [name for name in readings if not lineside.streams(name)]
    streamed = [name for name in readings if lineside.streams(name)]
    intake = Intake(lineside.memory, readings, sleep=rounds.pause)
    watchdog = Watchdog(lineside.memory, {source: each.life_s for source, each in readings.items()})
    watch = CaseWatch(lineside, passed=clock.passed, whole_s=WHOLE.total_seconds())
    reading = asyncio.create_task(intake.run())
    told = await plant.catch_up() + len(_nodes(lineside, streamed))
    try:
        while True:
            async with asyncio.timeout(PATIENCE_S):
                await rounds.all_rest(len(polled))
                while sum(each.total.received for each in intake.status() if each.source in streamed) < told:  # noqa: ASYNC110 - a stream tells nobody when it was kept
                    await asyncio.sleep(0.005)
            await asyncio.to_thread(watchdog.look)
            await asyncio.to_thread(watch.step)
            if clock.now >= until:
                break
            clock.now = min(clock.now + step, until)
            told += await plant.catch_up()
            rounds.go_on()
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        await asyncio.to_thread(watch.leave)


def _nodes(lineside: Lineside, streamed: list[str]) -> list[Any]:
    """What the streaming sources are asked to watch: each tells its value at first."""
    options = [source.options for source in lineside.settings.sources if source.name in streamed]
    return [node for each in options for node in each["nodes"]]


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger has of what was planted. wrong: every difference, in words. false: cases that are none."""

    planted: int
    cases: int
    false: tuple[str, ...]
    reopened: int
    wrong: tuple[str, ...]


def held_against_the_truth(week: Lived) -> Held:
    """Each planted disturbance is one case with class, subject, times, owners, cause and closure; where not, it is
    said."""
    cases = Cases(week.lineside.memory)
    listed = cases.list()
    histories = cases.histories(listed)
    standing = [c for c in listed if c.state is not State.WITHDRAWN]
    of = {d["name"]: [c for c in standing if _is_of(c, d, week.step)] for d in _planted(week.simulation)}
    known = {c.number for got in of.values() for c in got}
    mine = [c for c in standing if c.ended is None or c.ended >= week.since]
    wrong = [f"{c.id} {c.title} since {_told(c.began)}: none planted" for c in mine if c.number not in known]
    planted = [d for d in _planted(week.simulation) if d["to"] is None or _at(d["to"]) >= week.since]
    for each in planted:
        got = [c for c in of[each["name"]] if c in mine]
        if len(got) != 1 and not (not got and _brief(each, week.step)):
            wrong.append(f"{each['name']}: {len(got)} cases of it")
        for case in got[:1]:
            cause = of[each["cause"]][0].number if of.get(each["cause"]) else None
            said = [
                *_told_of(case, each, cause, week.step),
                *_owned(week.simulation, case, histories[case.number], each),
            ]
            wrong += [f"{each['name']}: {case.id} has {one}" for one in said]
    wrong += [f"{c.id} {c.title}: {said}" for c in listed for said in _unproven(cases, histories[c.number])]
    false = [f"{c.id} {c.title}: {histories[c.number][-1].why}" for c in listed if c.state is State.WITHDRAWN]
    again = sum(t.kind == MOVED and t.move == "reopen" for c in listed for t in histories[c.number])
    return Held(len(planted), len(mine), tuple(false), again, tuple(wrong))


def _planted(simulation: Simulation) -> list[dict[str, Any]]:
    truth: Mapping[str, Any] = simulation.truth()
    return [*(each for each in truth["disturbances"] if each["class"] != "silent_feed"), *truth["silences"]]


def _told_of(case: Case, planted: Mapping[str, Any], cause: int | None, step: timedelta) -> Iterator[str]:
    """What it says otherwise."""
    for name, our, their in (("role", case.role, planted["role"]), ("cause", case.caused_by, cause)):
        if our != their:
            yield f"{name} {our}, not {their}"
    for name, ours, theirs in (("end", case.ended, planted["to"]), ("closing", case.closed_at, planted["done"])):
        if not _same(ours, theirs, case.case_class, step):
            yield f"{name} {_told(ours)}, not {theirs}"


def _owned(
    simulation: Simulation, case: Case, history: Sequence[Transition], planted: Mapping[str, Any]
) -> Iterator[str]:
    """Whom it was given to otherwise, at first and by its end."""
    first = [one.id for one in simulation.world.staff if one.role == planted["role"]]
    last = first
    if planted["role"] == "supervisor" and planted["class"] == "downtime":
        ended = _at(planted["to"]) if planted["to"] else simulation.now
        first, last = [planted["supervisor"]], [simulation.world.supervisor(slot_at(ended)).id]
    for when, owner, wanted in (("first", history[0].changes["owner"], first), ("last", case.owner, last)):
        if owner not in wanted:
            yield f"owner {owner} at {when}, not {' or '.join(wanted)}"


def _unproven(cases: Cases, history: Sequence[Transition]) -> Iterator[str]:
    """Closings that cite no record of the memory, or that came before what closes it."""
    for move in history:
        if move.kind != MOVED or move.move != "close":
            continue
        if not move.cites or set(cases.view().records(move.cites)) != set(move.cites):
            yield f"closed at {_told(move.at)} by the records {', '.join(move.cites) or 'none'}"
        if move.plant_at > move.at:
            yield f"closed at {_told(move.at)}, before {_told(move.plant_at)}"


def _brief(planted: Mapping[str, Any], step: timedelta) -> bool:
    """Whether it may pass unnoticed: nothing came for a little longer than may be, between two looks."""
    return (
        bool(planted["class"] == "silent_feed" and planted["to"]) and _at(planted["to"]) - _at(planted["from"]) < step
    )


def _is_of(case: Case, planted: Mapping[str, Any], step: timedelta) -> bool:
    """Whether it is the case of what was planted. When two figures that differ began to, nobody knows."""
    if (case.case_class, str(case.subject)) != (planted["class"], planted["subject"]):
        return False
    return planted["class"] == "stock_difference" or _same(case.began, planted["from"], planted["class"], step)


def _same(ours: datetime | None, planted: str | None, case_class: str, step: timedelta) -> bool:
    """Whether it is the same moment; that nothing comes is noticed when the feeds are looked at."""
    if ours is None or planted is None or case_class != "silent_feed":
        return _told(ours) == planted
    return timedelta() <= ours - _at(planted) <= step


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


async def _run(chosen: argparse.Namespace) -> int:
    began, step = monotonic(), timedelta(minutes=chosen.minutes)
    with tempfile.TemporaryDirectory() as folder:
        async with lived(Path(folder), seed=chosen.seed, days=chosen.days, step=step) as week:
            held = held_against_the_truth(week)
    took = f"{monotonic() - began:.0f} s"
    sys.stdout.write(
        f"seed {chosen.seed}, {chosen.days:g} days in {took}: {held.planted} planted, {held.cases} cases, "
        f"{len(held.wrong)} differences, {len(held.false)} withdrawn, {held.reopened} reopened\n"
    )
    sys.stdout.writelines(f"  {each}\n" for each in (*held.wrong, *(f"withdrawn: {one}" for one in held.false)))
    return 1 if held.wrong else 0


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m evals.live_week", description="A week lived through fast.")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--days", type=float, default=7)
    options.add_argument("--minutes", type=float, default=STEP / timedelta(minutes=1), help="of one step")
    chosen = options.parse_args()
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    return asyncio.run(_run(chosen))


if __name__ == "__main__":
    raise SystemExit(main())
