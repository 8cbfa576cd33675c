"""Numbers that count up without a hole: which were never there is a gap. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.connector import Gap
from lineside.plant.records import Json

_MOST_MISSING = 1000


@dataclass(slots=True)
class _Count:
    last: int
    at: datetime
    missing: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Counter:
    """What was counted under each name, over the rounds; within one round the order does not matter."""

    counts: dict[str, _Count] = field(default_factory=dict)
    _round: dict[str, dict[int, datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Json) -> Counter:
        counter = cls()
        for name, each in (kept if isinstance(kept, dict) else {}).items():
            match each:
                case {"last": int(last), "at": str(at), "missing": list(missing)}:
                    known = {number for number in missing if isinstance(number, int)}
                    counter.counts[name] = _Count(last, datetime.fromisoformat(at), known)
            match each:
                case {"came": dict(came)}:  # a round that was interrupted goes on
                    for number, when in came.items():
                        counter.count(name, number, datetime.fromisoformat(str(when)))
        return counter

    def kept(self) -> dict[str, Json]:
        found: dict[str, dict[str, Json]] = {}
        for name, each in self.counts.items():
            found[name] = {"last": each.last, "at": each.at.isoformat(), "missing": list[Json](sorted(each.missing))}
        for name, came in self._round.items():
            found.setdefault(name, {})["came"] = {str(number): at.isoformat() for number, at in came.items()}
        return dict(found)

    def count(self, name: str, written: str, at: datetime) -> None:
        """The number came. What is no number counts nothing."""
        if written.isdecimal() and written.isascii() and len(written) <= 18:
            self._round.setdefault(name, {})[int(written)] = at

    def finish(self, now: datetime) -> tuple[list[Gap], list[str]]:
        """(the gaps that this round showed, what began to count anew)."""
        gaps: list[Gap] = []
        anew: list[str] = []
        for name, came in self._round.items():
            known = self.counts.get(name)
            numbers = sorted(came)
            if known is not None:
                numbers = [number for number in numbers if number not in known.missing]
                known.missing -= came.keys()
                if numbers and numbers[0] <= known.last:
                    if numbers[0] != known.last:
                        anew.append(f"{name} counts from {numbers[0]} again, after {known.last}")
                    known = None
            if not numbers:
                continue
            last = numbers[0] - 1 if known is None else known.last
            holes = [
                (before + 1, after)
                for before, after in zip([last, *numbers], numbers, strict=False)
                if after > before + 1
            ]
            missing = set[int]() if known is None else known.missing
            for first, after in holes:
                since = known.at if known is not None else came[numbers[0]]
                until = min(came[after], now)
                gaps.append(
                    Gap(
                        since=min(since, until - timedelta(seconds=1)),
                        until=until,
                        reason=f"{name}: {_span(first, after - 1)} never came",
                    )
                )
                missing |= set(range(first, min(after, first + _MOST_MISSING)))
            self.counts[name] = _Count(numbers[-1], came[numbers[-1]], set(sorted(missing)[-_MOST_MISSING:]))
        self._round.clear()
        return gaps, anew


def _span(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"
