"""How often what can repeat was called what, and where: told by the database, so that of all cases those alone are read
that a text may mean."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import log

from lineside.interpretation import shared_states
from lineside.interpretation.occurrences import (
    CALLED,
    KINDS,
    LATE,
    Occurrence,
    called,
    happened,
    late,
    lost,
    place_of,
    words_of,
)
from lineside.interpretation.stops import OPENS, Loss, opened_as
from lineside.interpretation.wording import words
from lineside.memory import View, latest
from lineside.memory.picked import alike
from lineside.plant.entities import EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Quality

_LOST = (Loss.STOP, Loss.SLOW)


@dataclass(frozen=True, slots=True)
class Called:
    """What some records of something that can repeat call it, and where. As many as there are records: several may be
    of one case."""

    kind: str
    label: str
    text: str
    equipment: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, " ".join(self.label.lower().split()), self.equipment)

    @property
    def words(self) -> frozenset[str]:
        return words_of(self.kind, self.label, self.text, self.equipment)


class Census:
    """All that can repeat and was told by a view's `as_of`, by what it is called; cases are read when asked for."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._lost: dict[str, list[Occurrence]] = {}
        self._happened: dict[tuple[str, str], list[Occurrence]] = {}

    @cached_property
    def told(self) -> Counter[Called]:
        """How many records call something so; deliveries that were late are not among them."""
        events, states = self._events(), self._states()
        # What events tell states show as well: where both do, a loss is one case.
        heard = {one.equipment for one in events if one.kind in _LOST}
        shown = {one: 1 if one.equipment in heard else times for one, times in states.items() if one not in events}
        return events + Counter(shown)

    @cached_property
    def late(self) -> list[Occurrence]:
        return late(self.view)

    def rarity(self, text: str) -> Rarity:
        return Rarity(self, words(text))

    def cases(self, of: Called) -> list[Occurrence]:
        """Every case at its place of its kind, whatever it is called; what was made there is not said of any."""
        if of.kind == LATE:
            return self.late
        if of.kind in _LOST:
            place = self._read_at(of.equipment)
            if place not in self._lost:
                self._lost[place] = lost(self.view, place, ran=_unasked)
            return self._lost[place]
        place = of.equipment if "/" in of.equipment else ""
        if (of.kind, place) not in self._happened:
            self._happened[of.kind, place] = happened(self.view, (of.kind,), place or None, ran=_unasked)
        return self._happened[of.kind, place]

    def _read_at(self, place: str) -> str:
        """Where to read for what is lost at a place: a line where one of its units and it, or a unit and what lies
        below, may tell the same."""
        near = (other for other in self._losing.get(work_center(place), ()) if other != place)
        crowded = any(within(other, place) or within(place, other) for other in near)
        return work_center(place) if crowded else place

    @cached_property
    def _losing(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in self.told:
            if each.kind in _LOST:
                found.setdefault(work_center(each.equipment), set()).add(each.equipment)
        return found

    def _events(self) -> Counter[Called]:
        opening = tuple(kind for kind, loss in OPENS.items() if loss in _LOST)
        found: Counter[Called] = Counter()
        rows = alike(self.view, (*KINDS, *opening), CALLED, without_equipment=("material",))
        for kind, equipment, quality, words_said, number in rows:
            told = json.loads(words_said)
            material = told.pop() if equipment is None else None
            if kind not in opening:
                found[Called(kind, called(told), told[0] or "", place_of(equipment, material))] += number
            elif equipment and quality != Quality.BAD and not self.view.plant.elsewhere(equipment):
                loss, why = opened_as(kind, told[1], told[2], told[0] or "")
                if loss in _LOST:
                    found[Called(loss, why, told[0] or "", equipment)] += number
        return found

    def _states(self) -> Counter[Called]:
        found: Counter[Called] = Counter()
        for said in self.view.statements(kind=EntityKind.EQUIPMENT, properties=("state", "reason")):
            place = said.entity.id
            if said.quality is Quality.BAD or self.view.plant.elsewhere(place) or said.occurred_at > self.view.as_of:
                continue
            if said.property == "reason" and said.text:
                found[Called(Loss.STOP, said.text, "", place)] += 1
            elif shared_states.state_of(EntityKind.EQUIPMENT, "state", said.value) == "stopped":
                found[Called(Loss.STOP, "", "", place)] += 1
        return found


class Rarity:
    """How much of what a text could share with a case another shares, each word the more the rarer it is: 0 to 1."""

    def __init__(self, census: Census, asked: frozenset[str]) -> None:
        self.asked, self._census = asked, census
        told = census.told
        self._late = [Called(c.kind, c.label, c.text, c.equipment) for c in census.late] if self._may_be_late() else []
        number: Counter[str] = Counter()
        for one, times in (*told.items(), *((each, 1) for each in self._late)):
            number.update(dict.fromkeys(asked & one.words, times))
        total = told.total() + len(self._late)
        self._weights = {word: log(1 + total / times) for word, times in number.items()}
        self._most = sum(self._weights.values())

    def of(self, said: frozenset[str]) -> float:
        return sum(self._weights[word] for word in self.asked & said if word in self._weights) / (self._most or 1.0)

    def called(self) -> list[tuple[float, Called]]:
        """What shares words with the text, with how much, the most first."""
        known = dict.fromkeys([*self._census.told, *self._late])
        found = [(self.of(one.words), one) for one in known]
        return sorted(((s, one) for s, one in found if s > 0), key=lambda each: (-each[0], each[1].key, each[1].text))

    def _may_be_late(self) -> bool:
        """Whether a late delivery could share a word: by what it is called, by an id, or by where trucks leave from."""
        view, known = self._census.view, frozenset().union(*(one.words for one in self._census.told))
        with view.read() as connection:
            docks = latest.words(connection, EntityKind.SHIPMENT, "dock")
        could = words_of(LATE, "", "", " ".join(docks))
        return any(word in could or (word not in known and any(c.isdigit() for c in word)) for word in self.asked)


def _unasked(_: str, __: object) -> None:
    return None
