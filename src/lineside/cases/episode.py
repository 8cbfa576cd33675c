"""A disturbance as the records tell it: what, where, from when to when; those that flap are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lineside.plant.entities import Entity
from lineside.plant.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One disturbance, the same whenever and however often one looks.

    lane: within it, episodes that follow one another closely are one. opened_by: the records that tell of it, the
    first in time first; closed_by: those that prove its end. starts: when each of its merged parts began. touches: what
    it hangs together with, for causes and stakes. owner: whom the records name. due: by when it matters.
    """

    case_class: str
    subject: Entity
    title: str
    began: datetime
    ended: datetime | None
    opened_by: tuple[str, ...]
    closed_by: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    place: str = ""
    lane: str = ""
    reason: str = ""
    touches: frozenset[Entity] = frozenset()
    owner: str | None = None
    due: datetime | None = None
    starts: tuple[datetime, ...] = ()
    data: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names the disturbance for good: its class, its subject and the record that opened it."""
        opening = self.opened_by[0] if self.opened_by else self.began.isoformat()
        return f"{self.case_class} {self.subject} {opening}"

    @property
    def records(self) -> tuple[str, ...]:
        """Every record that tells of it, once."""
        return tuple(dict.fromkeys((*self.opened_by, *self.evidence, *self.closed_by)))


def merged(found: Iterable[Episode], damping: Mapping[str, timedelta]) -> list[Episode]:
    """The episodes, oldest first; those of one lane that overlap, or follow within the class's damping, are one."""
    lanes: dict[tuple[str, str], list[Episode]] = {}
    for each in sorted(found, key=lambda e: (e.began, e.key)):
        lane = lanes.setdefault((each.case_class, each.lane or str(each.subject)), [])
        if lane and _follows(lane[-1], each, damping.get(each.case_class, timedelta())):
            lane[-1] = _joined(lane[-1], each)
        else:
            lane.append(replace(each, starts=each.starts or (each.began,)))
    return sorted((e for lane in lanes.values() for e in lane), key=lambda e: (e.began, e.key))


def _follows(before: Episode, after: Episode, damping: timedelta) -> bool:
    return before.ended is None or after.began <= before.ended + damping


def _joined(one: Episode, other: Episode) -> Episode:
    """Both as one, under the name of the first."""
    over = one.ended is not None and other.ended is not None
    last = max((one, other), key=lambda e: (e.ended is None, e.ended or e.began))
    dues = [due for due in (one.due, other.due) if due]
    return replace(
        one,
        ended=max(one.ended, other.ended) if over and one.ended and other.ended else None,
        opened_by=tuple(dict.fromkeys((*one.opened_by, *other.opened_by))),
        closed_by=last.closed_by,
        evidence=tuple(dict.fromkeys((*one.evidence, *one.closed_by, *other.evidence))),
        reason=one.reason or other.reason,
        touches=one.touches | other.touches,
        owner=one.owner or other.owner,
        due=min(dues, default=None),
        starts=tuple(sorted({*one.starts, one.began, *other.starts, other.began})),
        data={**other.data, **one.data},
    )
