"""One run: what the records tell of disturbances, brought into the ledger in one transaction. Idempotent.

Whenever it runs, however often, and wherever it was killed before, the ledger ends up with the same cases: a case is
one disturbance in the plant's time, not one look at it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from lineside.cases import ledger
from lineside.cases.case import Case
from lineside.cases.classes import CasePack, Severity, case_pack
from lineside.cases.criteria import Proven, proven
from lineside.cases.detection import episodes
from lineside.cases.episode import Episode
from lineside.cases.following import Cause, causes
from lineside.cases.grading import severity
from lineside.cases.look import Look
from lineside.cases.matching import matched
from lineside.cases.story import Teller
from lineside.interpretation.pack_files import follow
from lineside.memory import Memory
from lineside.plant.windows import Window

log = structlog.get_logger()

_MARGIN = timedelta(hours=2)  # around the oldest open case, so that what opened it is in the window


@dataclass(frozen=True, slots=True)
class Run:
    """What a run changed, by the numbers of the cases. overtaken: whether a later look was in the ledger already."""

    opened: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    withdrawn: tuple[int, ...] = ()
    overtaken: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nothing changed."""
        return not (self.opened or self.changed or self.closed or self.withdrawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look tells, before the ledger is asked."""

    look: Look
    pack: CasePack
    found: Sequence[Episode]
    proofs: Mapping[str, Proven]
    causes: Mapping[str, Cause]
    grades: Mapping[str, tuple[Severity, str]]


def run(
    memory: Memory,
    as_of: datetime | None = None,
    *,
    detectors: Collection[str] | None = None,
    look_back: timedelta | None = None,
) -> Run:
    """The ledger says what the records tell as of then, by default now. detectors: only these look. look_back: how far,
    by default as the pack says; open cases are always looked at whole."""
    view = memory.view(as_of=as_of or memory.clock())
    follow(memory.plant)
    pack = case_pack()
    wanted = {of.detector for of in pack.classes.values() if detectors is None or of.detector in detectors} - {""}
    with memory.read() as connection:
        oldest = ledger.earliest_open(connection, [key for key, of in pack.classes.items() if of.detector in wanted])
    start = view.as_of - (look_back or pack.look_back)
    start = min(start, oldest - _MARGIN) if oldest else start
    seen = see(Look(view=view, window=Window(start=start, end=view.as_of)), pack, detectors)
    with memory.write() as connection:
        fresh = ledger.looked(connection, sorted(wanted), view.as_of)
        if fresh != wanted:
            return Run(overtaken=True)
        teller = Teller(connection, look=seen.look, pack=pack)
        _tell(teller, seen, ledger.standing(connection, start), fresh)
        done = Run(
            opened=tuple(teller.opened),
            changed=tuple(n for n in teller.changed if n not in teller.opened),
            closed=tuple(teller.closed),
            withdrawn=tuple(teller.withdrawn),
        )
    if not done.quiet:
        log.info("cases_reconciled", opened=len(done.opened), changed=len(done.changed), closed=len(done.closed))
    return done


def see(look: Look, pack: CasePack, detectors: Collection[str] | None = None) -> Seen:
    """What the records of the look tell of disturbances, their proofs, causes and severity. Pure."""
    found = episodes(look, pack, detectors)
    standing = [e for e in found if e.ended is None]
    return Seen(
        look=look,
        pack=pack,
        found=found,
        proofs={e.key: proven(look, pack.classes[e.case_class], e) for e in found},
        causes=causes(pack, found),
        grades={e.key: severity(look, pack.classes[e.case_class], e) for e in standing},
    )


def _tell(teller: Teller, seen: Seen, known: Sequence[Case], detectors: Collection[str]) -> None:
    mine = [c for c in known if seen.pack.classes[c.case_class].detector in detectors]
    pairs = matched(seen.found, mine, {key: of.damping for key, of in seen.pack.classes.items()})
    numbers: dict[str, int] = {}
    for episode in seen.found:
        same = pairs.of.get(episode.key, ())
        before = same[0] if same else None
        case = teller.tell(episode, before, proofs=seen.proofs[episode.key], grade=seen.grades.get(episode.key))
        numbers[episode.key] = case.number
        for other in same[1:]:
            teller.withdraw(other, f"it is the same disturbance as {case.id}")
    for episode in seen.found:
        if (cause := seen.causes.get(episode.key)) is not None:
            teller.link(numbers[episode.key], numbers[cause.episode.key], cause)
    for case in pairs.alone:
        _alone(teller, seen, case)
    for case in known:
        teller.keep_clock(case)


def _alone(teller: Teller, seen: Seen, case: Case) -> None:
    """A case of which the records tell no episode: opened by hand, over meanwhile, or taken back."""
    if case.opened_by != "records" or not case.opened_records:
        return
    if case.ended is not None and case.ended < seen.look.window.start and not case.is_open:
        return
    if case.began < seen.look.window.start and not case.is_open:
        return
    there = seen.look.view.records(case.opened_records)
    gone = [r for r in case.opened_records if r not in there]
    why = "the records that opened it were taken back" if gone else "by what was recorded since, it was none"
    teller.withdraw(case, why)
