"""Which case of the ledger is which disturbance of the records, though late or corrected records name it anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineside.cases.case import Case
from lineside.cases.episode import Episode


@dataclass(frozen=True, slots=True)
class Pairs:
    """of: an episode's key to its cases, the one that goes on first; more than one where the records now tell one
    disturbance of what was two. alone: the cases that no episode is of."""

    of: Mapping[str, Sequence[Case]]
    alone: Sequence[Case]


def matched(found: Sequence[Episode], known: Sequence[Case], damping: Mapping[str, timedelta]) -> Pairs:
    """Each case goes to at most one episode: by its key, else by a record that opened it, else by subject and time."""
    left = {case.number: case for case in known}
    of: dict[str, list[Case]] = defaultdict(list)

    def take(episode: Episode, case: Case) -> None:
        of[episode.key].append(left.pop(case.number))

    by_key = {case.key: case for case in known}
    for episode in found:
        if (case := by_key.get(episode.key)) is not None and case.number in left:
            take(episode, case)
    by_record = _by_record(known)
    for episode in found:
        near = damping.get(episode.case_class, timedelta())
        named = (c for r in (*episode.opened_by, *episode.evidence) for c in by_record.get((episode.case_class, r), ()))
        for case in named:
            # Records tell of neighbours too; those of a time of their own are another disturbance.
            if case.number in left and _close(episode, case, near):
                take(episode, case)
    for episode in found:
        alike = (c for c in known if c.number in left and _alike(episode, c)) if not of.get(episode.key) else iter(())
        if (case := min(alike, key=lambda c: c.number, default=None)) is not None:
            take(episode, case)
    ordered = {key: sorted(cases, key=lambda c: (c.key != key, c.number)) for key, cases in of.items()}
    return Pairs(ordered, sorted(left.values(), key=lambda c: c.number))


def _close(episode: Episode, case: Case, damping: timedelta) -> bool:
    before = episode.ended is not None and case.began > episode.ended + damping
    after = case.ended is not None and case.ended + damping < episode.began
    return not before and not after


def _by_record(known: Sequence[Case]) -> dict[tuple[str, str], list[Case]]:
    found: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in known:
        for record in case.opened_records:
            found[case.case_class, record].append(case)
    return found


def _alike(episode: Episode, case: Case) -> bool:
    """Whether they are of one thing at one time."""
    if case.case_class != episode.case_class or case.subject != episode.subject:
        return False
    before = episode.ended is not None and case.began > episode.ended
    after = case.ended is not None and case.ended < episode.began
    return not before and not after
