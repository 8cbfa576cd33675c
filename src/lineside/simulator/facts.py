"""What the plant's systems recorded: facts in the open record format, each with its source's own id and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lineside.plant.records import SUBJECTS, Json, RecordType
from lineside.simulator.tables import table_of

LAG: Final[Mapping[str, timedelta]] = {
    "erp": timedelta(minutes=4),
    "cmms": timedelta(minutes=2),
    "mes": timedelta(seconds=15),
    "wms": timedelta(seconds=40),
    "qms": timedelta(minutes=3),
    "scada": timedelta(seconds=1),
    "tracker": timedelta(minutes=10),
    "notes": timedelta(minutes=1),
}
"""How long after the deed each system usually says so. Its keys are the plant's sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that one system recorded. `data` is as the open format has it.

    said_at: when the system really said it; `occurred_at` and `reported_at` are what its clock wrote.
    """

    source: str
    id: str
    type: RecordType
    occurred_at: datetime
    reported_at: datetime
    said_at: datetime
    data: Mapping[str, Json]

    @property
    def entity(self) -> str:
        """`kind:id` of what a report is about; empty for other facts."""
        return str(self.data.get("entity", ""))

    @property
    def kind(self) -> str:
        """An event's kind; the kind of a report's entity; empty for other facts."""
        return str(self.data.get("kind", "")) or self.entity.partition(":")[0]

    def cloud_event(self) -> dict[str, Json]:
        """The fact as one CloudEvents 1.0 object."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": f"lineside.{self.type}",
            "time": text_of(self.occurred_at),
            "reportedat": text_of(self.reported_at),
            "datacontenttype": "application/json",
            "data": dict(self.data),
        }


class Log:
    """The facts of the whole plant, in the order in which the simulation thought of them."""

    def __init__(self, *, clock_offset: Mapping[str, timedelta]) -> None:
        self.facts: list[Fact] = []
        self._clock_offset = clock_offset
        self._numbers: Counter[tuple[str, str]] = Counter()

    def event(
        self,
        source: str,
        kind: str,
        at: datetime,
        also: Mapping[str, Json] | None = None,
        *,
        text: str = "",
        reported: datetime | None = None,
        **about: Json,
    ) -> Fact:
        """An event; what `about` and `also` name beyond its subjects becomes an attribute."""
        about |= also or {}
        subjects = {name: about.pop(name) for name in SUBJECTS if name in about}
        data: dict[str, Json] = {"kind": kind, **subjects}
        if text:
            data["text"] = text
        if about:
            data["attributes"] = {name.rstrip("_"): value for name, value in about.items()}
        return self._add(source, RecordType.EVENT, at, data, reported)

    def report(
        self,
        source: str,
        entity: str,
        at: datetime,
        also: Mapping[str, Json] | None = None,
        *,
        scope: str | None = None,
        reported: datetime | None = None,
        **properties: Json,
    ) -> Fact:
        """What the source says of `kind:id`. A trailing underscore keeps Python's own words out of the way."""
        properties |= also or {}
        data: dict[str, Json] = {"entity": entity, "properties": {k.rstrip("_"): v for k, v in properties.items()}}
        if scope:
            data["scope"] = scope
        return self._add(source, RecordType.REPORT, at, data, reported)

    def note(
        self,
        at: datetime,
        text: str,
        *,
        author: str,
        channel: str = "shift-log",
        equipment: str | None = None,
        shift: str | None = None,
        reported: datetime | None = None,
    ) -> Fact:
        data: dict[str, Json] = {"text": text, "author": author, "channel": channel}
        data |= {name: value for name, value in (("equipment", equipment), ("shift", shift)) if value}
        return self._add("notes", RecordType.NOTE, at, data, reported)

    def decision(self, at: datetime, data: Mapping[str, Json]) -> Fact:
        return self._add("notes", RecordType.DECISION, at, data, None)

    def correct(self, fact: Fact, at: datetime, reason: str, replacement: Mapping[str, Json]) -> Fact:
        """The source takes `fact` back and says `replacement` in its place."""
        data: dict[str, Json] = {"corrects": fact.id, "reason": reason, "replacement": dict(replacement)}
        return self._add(fact.source, RecordType.CORRECTION, at, data, None)

    def delete(self, fact: Fact, at: datetime, reason: str) -> Fact:
        return self._add(fact.source, RecordType.DELETION, at, {"of": fact.id, "reason": reason}, None)

    def silence(self, source: str, since: datetime) -> None:
        """The source says nothing any more after `since`."""
        self.facts = [fact for fact in self.facts if fact.source != source or fact.said_at < since]

    def _add(
        self, source: str, record_type: RecordType, at: datetime, data: Mapping[str, Json], reported: datetime | None
    ) -> Fact:
        at = at.astimezone(UTC).replace(microsecond=0)
        said = at + LAG[source] if reported is None else reported.astimezone(UTC).replace(microsecond=0)
        offset = self._clock_offset.get(source, timedelta(0))
        table = table_of(source, record_type, data)
        self._numbers[source, table] += 1
        fact = Fact(
            source=source,
            id=f"{table}/{FIRST_NUMBER + self._numbers[source, table]}",
            type=record_type,
            occurred_at=at + offset,
            reported_at=said + offset,
            said_at=said,
            data=data,
        )
        self.facts.append(fact)
        return fact


FIRST_NUMBER: Final = 10_000


def text_of(moment: datetime) -> str:
    """RFC 3339, UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def amount(value: float, unit: str = "ea") -> dict[str, Json]:
    return {"value": value, "unit": unit}


def ids(facts: Sequence[Fact]) -> list[str]:
    return [fact.id for fact in facts]
