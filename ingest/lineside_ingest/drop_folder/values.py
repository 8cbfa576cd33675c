"""What the formats of a drop folder have in common: units, quantities, times, and records in parts. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from lineside.errors import UnreadableMessage
from lineside.plant import quantities, row_values
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Json, Provenance, Quality, Record
from lineside.plant.row_values import Moment, Notation


@cache
def codes(name: str) -> dict[str, Any]:
    """A code list of this package, as in `units.toml`."""
    text = files("lineside_ingest.drop_folder").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def unit(code: str) -> str:
    """Our spelling of a unit; one that is not known stays as it came."""
    known: str = codes("units.toml")["units"].get(code.strip().upper(), "")
    return known or quantities.unit(code)


def quantity(value: str, code: str, notation: Notation) -> Json:
    """`{value, unit}`, or the bare number where no unit is given. Raises UnreadableMessage."""
    try:
        amount = row_values.number(value, notation)
    except ValueError as error:
        raise UnreadableMessage(f"a quantity: {error}") from error
    return {"value": amount, "unit": unit(code)} if code.strip() else amount


def moment(value: str, notation: Notation) -> Moment:
    """The time; without an offset, in the notation's zone. Raises UnreadableMessage."""
    try:
        return row_values.moment(value, notation)
    except (ValueError, OverflowError) as error:
        raise UnreadableMessage(f"a time: {error}") from error


@dataclass(slots=True)
class Saying:
    """The records of one message as they are gathered, each a part of its own."""

    whole: Provenance
    notation: Notation
    records: list[Record] = field(default_factory=list)

    def add(self, record_type: str, data: Mapping[str, Json], *, at: Moment | None = None) -> None:
        """One more record; fields without a value are left out. Raises UnreadableMessage."""
        filled = {name: value for name, value in data.items() if value not in (None, "", [], {})}
        own = replace(self.whole, part=len(self.records))
        if at is not None:
            own = replace(own, occurred_at=at.at, quality=own.quality if at.certain else Quality.UNCERTAIN)
        self.records.append(record_from_data(record_type, filled, own))

    def report(
        self, entity: str, properties: Mapping[str, Json], *, at: Moment | None = None, scope: str | None = None
    ) -> None:
        """A report, where it says anything."""
        filled: dict[str, Json] = {name: value for name, value in properties.items() if value not in (None, "", [], {})}
        if filled:
            self.add("report", {"entity": entity, "properties": filled, "scope": scope}, at=at)

    def time(self, written: str) -> str | None:
        """The time as a property holds it."""
        return moment(written, self.notation).at.isoformat() if written else None


def stamped(whole: Provenance, *, occurred_at: datetime | None, reported_at: datetime | None) -> Provenance:
    """The provenance with the times that the message itself names."""
    said = reported_at or whole.reported_at
    return replace(whole, reported_at=said, occurred_at=occurred_at or said)
