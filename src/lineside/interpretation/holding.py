"""What a figure holds of the movements that others recorded, by rules that look at records only.

In this order, for one figure and one movement:
1. its source posted it: the figure holds what was posted before it, and lacks what came or was told later;
2. the movement is younger than the figure: cut-off, it lacks it;
3. the place was counted after the movement: the figure holds it;
4. its source posts movements of this kind, and not this one: it lacks it;
5. its source never posts this kind: its own statements tell. A change that no own posting explains and that is
   exactly the movement, or all such movements together, shows it; no such change shows that it lacks it;
6. nothing tells: a book lacks it; a figure nearer to the goods than the one whose source recorded it holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from lineside.interpretation.facts import moment
from lineside.interpretation.movements import Movement, Posting, effect, held
from lineside.interpretation.past import Past
from lineside.interpretation.stock import Figure, Stock
from lineside.interpretation.timeline import Total

_ON_THE_FLOOR = ("mes", "scada")


class Why(StrEnum):
    """Why a figure holds a movement, or lacks it."""

    HELD = "held"
    TAKEN = "taken"
    SHOWN = "shown"
    CUT_OFF = "cut-off"
    LATE = "late"
    UNPOSTED = "unposted"
    UNFED = "unfed"

    @property
    def lacks(self) -> bool:
        return self not in (Why.HELD, Why.TAKEN, Why.SHOWN)


@dataclass(frozen=True, slots=True)
class Share:
    """What a figure holds of one movement. sure: false where only rule 6 speaks."""

    value: Decimal
    why: Why
    sure: bool = True


class Holding:
    """One figure, and what it holds."""

    def __init__(
        self,
        past: Past,
        stock: Stock,
        figure: Figure,
        moves: Sequence[Movement],
        habits: Mapping[tuple[str, str], datetime],
        *,
        history: list[Total],
    ) -> None:
        self.facts, self.stock, self.figure, self._moves, self._habits = past.facts, stock, figure, moves, habits
        self.history = history
        self._shown, self._absent = self._by_changes()

    def share(self, move: Movement, other: Figure) -> Share:
        """What the figure holds of the movement, told against the figure that it is compared with."""
        figure = self.figure
        if own := move.postings.get(figure.source):
            value = sum((self.worth(p) for p in own if held(p, figure)), Decimal(0))
            if all(held(p, figure) for p in own):
                return Share(value, Why.HELD)
            return Share(value, Why.CUT_OFF if any(p.at > figure.at for p in own) else Why.LATE)
        seen = self._seen(move, other.source)
        value = sum((self.worth(p) for p in seen), Decimal(0))
        if not value and move.first.kind != "count":
            return Share(value, Why.HELD)  # it moves within what the figure covers, or outside: nothing is lacking
        if any(p.at > figure.at for p in seen):
            return Share(Decimal(0), Why.CUT_OFF)
        if self._counted_since(seen):
            return Share(value, Why.TAKEN)
        if since := self._habits.get((figure.source, seen[0].kind)):
            # What moved before its postings begin may stand in its figure: that isn't held against it.
            return Share(Decimal(0), Why.UNPOSTED) if seen[0].at >= since else Share(value, Why.TAKEN)
        if move in self._shown:
            return Share(value, Why.SHOWN)
        if move in self._absent:
            return Share(Decimal(0), Why.UNFED)
        nearer = self._nearness(figure) > self._nearness(other)
        if figure.covers != "books" and (nearer or other.source not in move.postings):
            return Share(value, Why.TAKEN, sure=False)
        return Share(Decimal(0), Why.UNFED, sure=False)

    def other_way(self, move: Movement, other: Figure, share: Share) -> Share:
        """The same movement held where `share` says that it is lacking, and lacking where it says held."""
        if not share.why.lacks:
            return Share(Decimal(0), Why.UNFED, sure=False)
        value = sum((self.worth(p) for p in self._seen(move, other.source)), Decimal(0))
        return Share(value, Why.TAKEN, sure=False)

    def worth(self, posting: Posting) -> Decimal:
        """By how much the posting changes the figure; a count by what it found beyond the source's own postings."""
        if posting.kind != "count":
            return effect(posting, self.figure, self.stock)
        before = [t for t in self.history if t.at < posting.at]
        if posting.source != self.figure.source or not before:
            return Decimal(0)
        between = (
            effect(p, self.figure, self.stock)
            for m in self._moves
            for p in m.postings.get(self.figure.source, ())
            if before[-1].at < p.at < posting.at and p.kind != "count"
        )
        return posting.value - before[-1].value - sum(between, Decimal(0))

    def _seen(self, move: Movement, preferred: str) -> tuple[Posting, ...]:
        return move.postings[preferred if preferred in move.postings else min(move.postings)]

    def _counted_since(self, seen: Sequence[Posting]) -> bool:
        counts = [self.facts.words(p.statement.entity, "as_counted_at") for p in self.figure.parts]
        times = [moment(s.value) for said in counts for s in said if s.source == self.figure.source]
        counted = [t for t in times if t is not None and t <= self.figure.at]
        return len(counted) == len(self.figure.parts) and all(p.at <= min(counted) for p in seen)

    def _nearness(self, figure: Figure) -> int:
        if figure.covers == "books":
            return 0
        on_the_floor = self.facts.plant.source(figure.source).kind in _ON_THE_FLOOR
        return 2 if figure.covers == "line_side" or on_the_floor else 1

    def _by_changes(self) -> tuple[list[Movement], list[Movement]]:
        """The movements of others that the figure's changes show, and those that they show to be absent."""
        if len(self.history) < 2:
            return [], []
        source, first = self.figure.source, self.history[0]
        own = [p for m in self._moves for ps in (m.postings, m.doubled) for p in ps.get(source, ())]
        changes = list[tuple[datetime, datetime, Decimal]]()
        for before, after in pairwise(self.history):
            fresh = [p for p in own if _in(p, after) and not _in(p, before)]
            known = sum((self.worth(p) for p in fresh), Decimal(0))
            changes.append((before.at, after.at, after.value - before.value - known))
        open_moves = list[tuple[Movement, Decimal, datetime]]()
        for move in self._moves:
            if source not in move.postings and first.at < move.first.at <= self.figure.at:
                value = sum((self.worth(p) for p in self._seen(move, "")), Decimal(0))
                open_moves += [(move, value, move.first.at)] if value else []
        shown = list[Movement]()
        for move, value, at in open_moves:
            match = next((c for c in changes if c[2] == value and c[1] >= at), None)
            if match is not None:
                shown.append(move)
                changes[changes.index(match)] = (match[0], match[1], Decimal(0))
        for place, (start, end, change) in enumerate(changes):
            within = [(m, v) for m, v, at in open_moves if start < at <= end and m not in shown]
            if change and sum((v for _, v in within), Decimal(0)) == change:
                shown += [m for m, _ in within]
                changes[place] = (start, end, Decimal(0))
        absent = [m for m, _, at in open_moves if m not in shown and not any(c for _, end, c in changes if end >= at)]
        return shown, absent


def _in(posting: Posting, total: Total) -> bool:
    return posting.at <= total.at and posting.reported_at <= total.reported_at
