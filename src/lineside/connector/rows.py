"""What sources made of rows have in common: a row's id and version, its message, and the records in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from hashlib import sha256
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineside.connector import Aside, SourceMessage, Translated, Unreadable
from lineside.connector.options import Options
from lineside.errors import UnreadableMessage
from lineside.plant import row_values
from lineside.plant.exact_json import read_json
from lineside.plant.mapping import RowMapping, read_mapping, records_from_row
from lineside.plant.records import Json, Provenance
from lineside.plant.row_values import Notation

NOTATION_OPTIONS = frozenset({"time_zone", "decimal_comma", "time_format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStream:
    """One table, view, collection or sheet of a source. immutable: rows never change, so the key alone is the id.

    fixed: every row has every column, so that a mapped column which is not there was renamed or removed.
    sparse_key: a part of the key may be an empty text, as a plant's stock has no supplier; not every part.
    """

    source: str
    name: str
    key: tuple[str, ...]
    mappings: tuple[RowMapping, ...]
    notation: Notation
    immutable: bool = False
    fixed: bool = False
    sparse_key: bool = False

    def concerns(self, row: Mapping[str, Json]) -> bool:
        """Whether any mapping speaks of the row; others are ignored by rule."""
        return any(mapping.concerns(row) for mapping in self.mappings)

    def lacking(self, row: Mapping[str, Json]) -> list[str]:
        """The columns that the mapping reads and the row does not have, by name."""
        wanted = {*self.key, *(column for mapping in self.mappings for column in mapping.columns())}
        return sorted(each for each in wanted if each not in row and each.partition(".")[0] not in row)

    def key_of(self, row: Mapping[str, Json]) -> str:
        """The row's key as text, see `joined`. Raises UnreadableMessage where a part of it is empty."""
        parts = [row_values.text(row.get(column)) for column in self.key]
        for column, part in zip(self.key, parts, strict=True):
            if not part and not (self.sparse_key and row.get(column) == "" and any(parts)):
                raise UnreadableMessage(f"the key column {column} is empty", field=column)
        return joined(parts)

    def message(
        self,
        row: Mapping[str, Json],
        *,
        version: str,
        received_at: datetime,
        reported_at: datetime | None = None,
        origin: str = "",
        key: str | None = None,
    ) -> SourceMessage | Unreadable:
        """The row as a message. version: what the source says changed; the content's digest tells the rest."""
        content = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
        try:
            own = self.key_of(row) if key is None else key
        except UnreadableMessage as error:
            return Unreadable(content=content, reason=error.message, origin=origin, content_type="application/json")
        return SourceMessage(
            source=self.source,
            source_id=f"{self.name}/{own}" if self.immutable else f"{self.name}/{own}@{version}~{digest(row)}",
            content=content,
            received_at=received_at,
            stream=self.name,
            key=own,
            origin=origin,
            reported_at=reported_at,
        )

    def records(self, message: SourceMessage) -> Translated:
        """The records in a row's message; it is held where a mapped column is gone from rows that have every column.

        Raises UnreadableMessage that names the column.
        """
        try:
            row = read_json(message.content.decode())
        except ValueError as error:
            raise UnreadableMessage(str(error)) from error
        if not isinstance(row, dict):
            raise UnreadableMessage("the message is no row")
        if self.fixed and (gone := self.lacking(row)):
            return Aside(reason=f"{self.name} has no column {', '.join(gone)} any more: mend its mapping", held=True)
        if not self.concerns(row):
            return Aside(reason="no mapping speaks of such rows")
        reported_at = message.reported_at or message.received_at
        provenance = Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=message.occurred_at or reported_at,
            reported_at=reported_at,
            recorded_at=message.received_at,
        )
        return records_from_row(self.mappings, row, provenance=provenance, notation=self.notation)


class Versions:
    """Counts the states of rows that carry no version of their own, so that a value which returns is news again."""

    def __init__(self, known: Json) -> None:
        self._known: dict[str, Json] = dict(known) if isinstance(known, dict) else {}

    def next(self, key: str, row: Mapping[str, Json]) -> str | None:
        """The row's new version; None where it is as it was."""
        match self._known.get(key):
            case [int(count), str(before)] if before == digest(row):
                return None
            case [int(count), str()]:
                pass
            case _:
                count = 0
        self._known[key] = [count + 1, digest(row)]
        return str(count + 1)

    def forget(self, key: str) -> None:
        """The row is gone; whatever comes back under its key is news."""
        match self._known.get(key):
            case [int(count), str()]:
                self._known[key] = [count, ""]

    def kept(self) -> dict[str, Json]:
        """The counts as a checkpoint holds them."""
        return dict(self._known)


def joined(parts: Sequence[str]) -> str:
    """One key of several parts; a slash within a part is written %2F, so that no two keys are written the same."""
    return parts[0] if len(parts) == 1 else "/".join(each.replace("%", "%25").replace("/", "%2F") for each in parts)


def split(key: str, parts: int) -> list[str]:
    """The parts of a joined key."""
    return [key] if parts == 1 else [each.replace("%2F", "/").replace("%25", "%") for each in key.split("/")]


def digest(row: Mapping[str, Json]) -> str:
    """Eight hexadecimal digits of the row's content."""
    return sha256(json.dumps(row, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:8]


def read_notation(options: Options, time_zone: tzinfo) -> Notation:
    """How the source writes, from its options; times in the plant's zone where they say nothing."""
    try:
        zone = ZoneInfo(options.text("time_zone")) if "time_zone" in options else time_zone
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise options.bad("time_zone", "is no time zone; write it as Europe/Berlin") from error
    return Notation(
        time_zone=zone,
        decimal_comma=options.flag("decimal_comma"),
        time_format=options.text("time_format") if "time_format" in options else None,
    )


def read_stream(
    options: Options, *, source: str, name: str, mapping: object, notation: Notation, key_needed: bool = True
) -> RowStream:
    """The stream that the options `key`, `immutable` and `mapping` describe. Raises BadSettings."""
    key = options.texts("key")
    if key_needed and not key:
        raise options.bad("key", "is missing: the columns that tell the rows apart")
    if mapping is None:
        raise options.bad("mapping", "is missing: what a row says")
    try:
        mappings = read_mapping(mapping)
    except ValueError as error:
        raise options.bad("mapping", str(error)) from error
    immutable = options.flag("immutable") if "immutable" in options else False
    return RowStream(source=source, name=name, key=key, mappings=mappings, notation=notation, immutable=immutable)
