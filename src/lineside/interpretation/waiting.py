"""Which of the losses are no fault of the equipment that stood: it waited, and the records say for what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, texts, wrong
from lineside.interpretation.stops import Interval, Loss
from lineside.interpretation.wording import at, rid
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event
from lineside.plant.windows import Window

FILE = "waiting.toml"
OTHERS = "others"
_LISTS = ("says", "is", "may")
_BEFORE = timedelta(hours=24)  # a late pick or a hold of longer ago is told by the chain, not by the loss tree
_GRACE = timedelta(minutes=30)  # what was staged this long before a stop is at the machine
_TOGETHER = timedelta(minutes=2)
_LONGEST = timedelta(days=30)
_INSTANT = timedelta(microseconds=1)
_WORK = ("started", "changeover_start", "completed")
_KINDS = ("pick_late", "staged", "hold_placed", "hold_released", *_WORK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the pack says of one thing that equipment waits for, as patterns."""

    says: tuple[re.Pattern[str], ...]
    exact: frozenset[str]
    may: tuple[re.Pattern[str], ...]


def told(view: View, losses: Sequence[Interval]) -> list[Interval]:
    """The same losses, in their order; those that were waiting say for what, and which records beside them show it."""
    return _Evidence(view, losses).read()


def meant(text: str) -> tuple[str, bool]:
    """What the words say that is waited for, empty if nothing; and whether they only may say so."""
    plain = " ".join(text.casefold().split())
    if not plain:
        return "", False
    for what, words in _pack().items():
        if plain.strip(" .!") in words.exact or any(p.search(plain) for p in words.says):
            return what, False
    for what, words in _pack().items():
        if any(p.search(plain) for p in words.may):
            return what, True
    return "", False


@dataclass(frozen=True)
class _Evidence:
    """What is known around the losses, read at once where a loss asks for it."""

    view: View
    losses: Sequence[Interval]

    def read(self) -> list[Interval]:
        return [self._one(i) for i in self.losses]

    def _one(self, interval: Interval) -> Interval:
        if interval.loss not in (Loss.STOP, Loss.IDLE) or interval.waits_for:
            return interval
        what, unsure = next((m for t in (interval.reason, interval.text) if (m := meant(t))[0]), ("", False))
        if what and not unsure:
            return replace(interval, waits_for=what)
        if what and (records := self._lacking(interval)):
            return replace(interval, waits_for=what, shown_by=records)
        if interval.loss is Loss.IDLE and not interval.why:
            return self._unsaid(interval)
        return interval

    def _unsaid(self, interval: Interval) -> Interval:
        """An idle stretch that says no reason: what else the records show of it."""
        if other := self._neighbour(interval):
            text = f"while {other.equipment} stood"
            return replace(interval, waits_for=OTHERS, inferred=True, text=text, shown_by=other.records[:1])
        for what, find in (("material", self._lacking), ("release", self._held), ("orders", self._without_order)):
            shown = find(interval)
            if shown:
                return replace(interval, waits_for=what, inferred=True, shown_by=shown)
        return interval

    def _neighbour(self, interval: Interval) -> Interval | None:
        """The stop of another unit of the line that began with this one or before, and lasted nearly as long."""
        line = work_center(interval.equipment)
        for other in self.losses:
            beside = within(other.equipment, line) and not _same_place(other.equipment, interval.equipment)
            if not beside or other.loss is not Loss.STOP or other.start > interval.start + _TOGETHER:
                continue
            if other.end is None or (interval.end is not None and other.end >= interval.end - 2 * _TOGETHER):
                return other
        return None

    def _lacking(self, interval: Interval) -> tuple[str, ...]:
        """Records that show material to be lacking there then: a late pick not yet staged, a component not staged."""
        line, jobs = work_center(interval.equipment), self._jobs(interval)
        picks = [e for e in self._of("pick_late") if _fits(e, line, jobs, interval.material)]
        for pick in picks:
            if not interval.start - _BEFORE <= at(pick) <= interval.start + _GRACE:
                continue
            staged = [e for e in self._of("staged") if _same_thing(e, pick) and at(pick) <= at(e)]
            if not any(at(e) < interval.start - _GRACE for e in staged):
                return (rid(pick), *(rid(e) for e in staged[:1]))
        for job in jobs:
            said = [s for s in self.components.get(job, ()) if s.occurred_at <= interval.start][-1:]
            rows = said[0].value if said else None
            if isinstance(rows, list) and any(isinstance(row, dict) and row.get("staged") is False for row in rows):
                return (said[0].record_id,)
        return (interval.records[0],) if interval.material and interval.records else ()

    def _held(self, interval: Interval) -> tuple[str, ...]:
        jobs = self._jobs(interval)
        for hold in self._of("hold_placed"):
            if not interval.start - _BEFORE <= at(hold) <= interval.start + _TOGETHER or not hold.job_order:
                continue
            free = [e for e in self._of("hold_released") if e.hold == hold.hold and at(hold) <= at(e) <= interval.start]
            if hold.job_order in jobs and not free:
                return (rid(hold),)
        return ()

    def _without_order(self, interval: Interval) -> tuple[str, ...]:
        """The end of the last job order on the line, where nothing began there since."""
        line = work_center(interval.equipment)
        signs = [e for kind in _WORK for e in self._of(kind) if e.equipment and within(e.equipment, line)]
        past = [e for e in signs if at(e) <= interval.start + _TOGETHER]
        last = max(past, key=lambda e: (at(e), e.kind == "completed"), default=None)
        return (rid(last),) if last is not None and last.kind == "completed" else ()

    def _jobs(self, interval: Interval) -> frozenset[str]:
        """The job orders that are then on the equipment, by its own word or its line's."""
        if interval.job_order:
            return frozenset((interval.job_order,))
        for place in dict.fromkeys((interval.equipment, work_center(interval.equipment))):
            said = [s for s in self.running.get(place, ()) if s.occurred_at <= interval.start and s.text]
            if said:
                return frozenset((said[-1].text,))
        return frozenset()

    @cached_property
    def running(self) -> dict[str, list[Statement]]:
        """What was said of the job order on each piece of equipment, oldest first."""
        near = Window(start=self.first - _LONGEST, end=self.view.as_of + _INSTANT)
        found: dict[str, list[Statement]] = {}
        for said in self.view.statements(kind=EntityKind.EQUIPMENT, properties=("job_order",), within=near):
            found.setdefault(said.entity.id, []).append(said)
        return found

    @cached_property
    def components(self) -> dict[str, list[Statement]]:
        """What was said of the components of the job orders that ran meanwhile, oldest first."""
        jobs = {i.job_order for i in self.losses if i.job_order}
        jobs |= {s.text for said in self.running.values() for s in said if s.text}
        found: dict[str, list[Statement]] = {}
        orders = [Entity(EntityKind.JOB_ORDER, job) for job in sorted(jobs)]
        for said in self.view.statements(entities=orders, properties=("components",)) if orders else ():
            found.setdefault(said.entity.id, []).append(said)
        return found

    @property
    def first(self) -> datetime:
        return min((i.start for i in self.losses), default=self.view.as_of)

    @cached_property
    def events(self) -> dict[str, list[Event]]:
        """What makes equipment wait, by kind, oldest first."""
        near = Window(start=min(self.first, self.view.as_of) - _BEFORE, end=self.view.as_of + _INSTANT)
        found: dict[str, list[Event]] = {}
        for event in self.view.events(kinds=_KINDS, within=near):
            found.setdefault(event.kind, []).append(event)
        return found

    def _of(self, kind: str) -> list[Event]:
        return self.events.get(kind, [])


def _fits(event: Event, line: str, jobs: frozenset[str], material: str | None) -> bool:
    if event.job_order:
        return event.job_order in jobs
    if material and event.material:
        return event.material == material
    return bool(event.equipment) and within(str(event.equipment), line)


def _same_thing(staged: Event, pick: Event) -> bool:
    pairs = [(staged.job_order, pick.job_order), (staged.material, pick.material), (staged.equipment, pick.equipment)]
    known = [one == other for one, other in pairs if one and other]
    return bool(known) and all(known)


def _same_place(one: str, other: str) -> bool:
    return within(one, other) or within(other, one)


@of_packs
def _pack() -> Mapping[str, Words]:
    return load(FILE, parse)


def parse(where: str, data: Mapping[str, Any]) -> Mapping[str, Words]:
    """The lists in a waiting.toml. Raises BadSettings where one is not made of words."""
    found = {}
    for what, given in data.items():
        if what == "version":
            continue
        lists = {name: texts(where, f"{what}.{name}", words) for name, words in table(where, what, given).items()}
        for name, words in lists.items():
            if name not in _LISTS:
                raise wrong(where, f"{what}.{name}", "is not a key here", _LISTS)
            if not all(word.strip() for word in words):
                raise wrong(where, f"{what}.{name}", "holds something that is no word")
        found[what] = Words(
            says=tuple(map(_pattern, lists.get("says", ()))),
            exact=frozenset(w.casefold() for w in lists.get("is", ())),
            may=tuple(map(_pattern, lists.get("may", ()))),
        )
    return found


def _pattern(words: str) -> re.Pattern[str]:
    stems = (re.escape(w[:-1]) + r"\w*" if w.endswith("*") else re.escape(w) for w in words.casefold().split())
    return re.compile(r"(?<!\w)" + r"[\s_-]+".join(stems) + r"(?!\w)")
