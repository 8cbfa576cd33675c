"""What figures are made of: each countable thing with its moment, its place, its class and what stands behind it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from lineside.cases.case import Case
from lineside.cases.kpis.definitions import KpiPack, kpi_pack
from lineside.cases.kpis.governed import Governed
from lineside.cases.kpis.taking import Taken
from lineside.interpretation.pack_files import under
from lineside.plant.records import Event

_MICRO = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing counted. amount: 1, microseconds of a time, minutes or money. ref: the exception, proposal or record
    that it is. case_class: empty for what is of no class. currency: of money."""

    at: datetime
    amount: float
    case_class: str
    place: str
    ref: str
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something that was to come, from when to when it waited for it; None where it waits still."""

    since: datetime
    until: datetime | None
    case_class: str
    place: str
    ref: str


class Elements:
    """The entries of every element of what was taken. Those of `open` and `age` depend on the moment looked at."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self._packs: dict[str, KpiPack] = {}

    def of(self, element: str, starts: Sequence[datetime], ends: Sequence[datetime]) -> list[list[Entry]]:
        """The entries of that element in each of the stretches, which follow one another; what stands is told at the
        end of each."""
        found: list[list[Entry]] = [[] for _ in ends]
        if element in ("open", "age"):
            for case in self.taken.cases:
                for n in _lasting(case.began, case.closed_at, ends):
                    aged = (ends[n] - case.began) / _MICRO if element == "age" else 1
                    found[n].append(_entry(case, ends[n], aged))
            return found
        for entry in self._flows.get(element, ()):
            n = bisect_right(starts, entry.at) - 1
            if n >= 0 and entry.at < ends[n]:
                found[n].append(entry)
        return found

    def waits(self, element: str, ends: Sequence[datetime]) -> list[list[Waiting]]:
        """What waits at each of these moments for what the element counts, whether it came later or not."""
        found: list[list[Waiting]] = [[] for _ in ends]
        for each in self.waiting(element):
            for n in _lasting(each.since, each.until, ends):
                found[n].append(each)
        return found

    def waiting(self, element: str) -> Sequence[Waiting]:
        """What waits for what the element counts, whether it came later or not."""
        if element == "approved":
            return [
                Waiting(since=p.asked_at, until=p.over_at, case_class="", place=p.place, ref=p.id)
                for p in self.taken.proposals
            ]
        moments = {"acknowledged": "acknowledged_at", "contained": "contained_at", "closed": "closed_at"}
        if element not in (*moments, "decided"):
            return ()
        found = []
        for case in self.taken.cases:
            reached = self._decided_at(case) if element == "decided" else getattr(case, moments[element])
            ends = [each for each in (reached, case.closed_at) if each is not None]
            until = min(ends, default=None)
            found.append(
                Waiting(
                    since=case.began, until=until, case_class=case.case_class, place=case.place, ref=case.id
                )
            )  # fmt: skip
        return found

    def pack_at(self, place: str) -> KpiPack:
        """What the packs of the site say: each site has its own rates."""
        plant = self.taken.calendar.plant
        site = place.partition("/")[0] or plant.site
        if site not in self._packs:
            with under(plant.packs_at(site)):
                self._packs[site] = kpi_pack()
        return self._packs[site]

    def lacks_rates(self, element: str) -> bool:
        """Whether no site's pack gives a rate for the element."""
        plant = self.taken.calendar.plant
        packs = [self.pack_at(site) for site in dict.fromkeys((plant.site, *plant.packs_by_site))]
        return not any(pack.cost_per_hour if element == "cost" else pack.minutes_saved for pack in packs)

    def _decided_at(self, case: Case) -> datetime | None:
        told = self.taken.decided.get(case.number)
        return told[0] if told else None

    @cached_property
    def _flows(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for case in self.taken.cases:
            for element, entry in self._of_case(case):
                found.setdefault(element, []).append(entry)
        for each in self.taken.proposals:
            for element, entry in _of_proposal(each):
                found.setdefault(element, []).append(entry)
        rework = self.taken.pack.events["rework"]
        for name, events in self.taken.events.items():
            element = "lots_disposed" if name == "disposed" else name
            for event in events:
                found.setdefault(element, []).append(_of_event(event))
                if name == "disposed" and _said(event) & rework:
                    found.setdefault("lots_reworked", []).append(_of_event(event))
        return found

    def _of_case(self, case: Case) -> Iterator[tuple[str, Entry]]:
        pack, kind = self.pack_at(case.place), case.case_class
        if (at := case.acknowledged_at) is not None:
            yield from _measured("acknowledged", "acknowledge_time", case, case.clock_from, at)
        if (at := case.contained_at) is not None:
            yield from _measured("contained", "contain_time", case, case.began, at)
            if (rate := pack.cost_per_hour.get(kind)) is not None:
                yield "rated_contained", _entry(case, at, 1)
                money = _entry(case, at, rate * _between(case.began, at) / _HOUR_US)
                yield "cost", replace(money, currency=pack.currency)
        if (at := self._decided_at(case)) is not None:
            yield from _measured("decided", "decide_time", case, case.began, at)
        if (at := case.closed_at) is not None:
            yield from _measured("closed", "open_time", case, case.began, at)
            if case.number in self.taken.reopened:
                yield "closed_again", _entry(case, at, 1)
            if case.number not in self.taken.touched:
                yield "closed_untouched", _entry(case, at, 1)
                if (rate := pack.minutes_saved.get(kind)) is not None:
                    yield "rated_untouched", _entry(case, at, 1)
                    yield "effort_saved", _entry(case, at, rate)


def _lasting(since: datetime, until: datetime | None, ends: Sequence[datetime]) -> range:
    """The places of those moments at which it lasts: after it began, and not after it was over."""
    return range(bisect_right(ends, since), len(ends) if until is None else bisect_right(ends, until))


def _measured(count: str, time: str, case: Case, since: datetime, at: datetime) -> Iterator[tuple[str, Entry]]:
    yield count, _entry(case, at, 1)
    yield time, _entry(case, at, _between(since, at))


def _between(since: datetime, until: datetime) -> int:
    """In microseconds; nothing where two systems' clocks tell them the other way round."""
    return max(0, (until - since) // _MICRO)


def _entry(case: Case, at: datetime, amount: float) -> Entry:
    return Entry(at=at, amount=amount, case_class=case.case_class, place=case.place, ref=case.id)


def _of_proposal(each: Governed) -> Iterator[tuple[str, Entry]]:
    if (at := each.approved_at) is not None:
        yield "approved", Entry(at=at, amount=1, case_class="", place=each.place, ref=each.id)
        took = _between(each.asked_at, at)
        yield "approve_time", Entry(at=at, amount=took, case_class="", place=each.place, ref=each.id)


def _of_event(event: Event) -> Entry:
    said = event.provenance
    return Entry(at=said.occurred_at, amount=1, case_class="", place=event.equipment or "", ref=said.record_id)


def _said(event: Event) -> frozenset[str]:
    """The words of its attributes, as a disposition's result is told."""
    return frozenset(str(value).casefold().replace("_", " ") for value in event.attributes.values())
