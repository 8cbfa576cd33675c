"""A stream: the topics that it reads, and how a message on them becomes rows with an id. Pure.

A row is the payload's object with what MQTT says beside it: `topic.all`, `topic.1` and so on, `mqtt.retained`, and the
publisher's own properties as `mqtt.NAME`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from lineside.connector import Aside, Options, SourceMessage, Translated, Unreadable
from lineside.connector.rows import RowStream, joined, read_stream
from lineside.errors import UnreadableMessage
from lineside.plant import row_values
from lineside.plant.exact_json import read_json
from lineside.plant.mapping import value_of
from lineside.plant.records import Json, Quality
from lineside.plant.row_values import Notation
from lineside_ingest.mqtt.session import Arrival
from lineside_ingest.mqtt.sparkplug_records import RULE_OPTIONS, Rule, read_rules

STREAM_OPTIONS = {
    "topic", "name", "payload", "id", "fixed", "mapping", "sequence_field", "metrics",
}  # fmt: skip
PAYLOADS = ("json", "text", "number", "sparkplug")
LARGEST_PAYLOAD = 8 << 20
_EMPTY = "mqtt.empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One configured stream. filters: topics with wildcards. own_id: the columns that name a message for good."""

    name: str
    filters: tuple[str, ...]
    payload: str
    rows: RowStream | None = None  # of all payloads but Sparkplug's
    own_id: tuple[str, ...] = ()
    sequence_field: str = ""
    rules: tuple[Rule, ...] = ()

    def matches(self, topic: str) -> bool:
        return any(matches(each, topic) for each in self.filters)


def read_streams(read: Options, *, source: str, notation: Notation) -> list[Stream]:
    """The streams in the option `streams`. Raises BadSettings."""
    streams = [_stream(each, source=source, notation=notation) for each in read.tables("streams", known=STREAM_OPTIONS)]
    if not streams:
        raise read.bad("streams", "is missing: a list of tables, each with a topic")
    if len({stream.name for stream in streams}) < len(streams):
        raise read.bad("streams", "has two streams of the same name; give each its own name")
    return streams


def matches(wanted: str, topic: str) -> bool:
    """Whether the filter (with `+` and `#`) takes the topic; `$` topics are taken only by name."""
    if topic.startswith("$") and not wanted.startswith("$"):
        return False
    return _covers(wanted.split("/"), topic.split("/"))


def widest(filters: Sequence[str]) -> list[str]:
    """The filters without those that another one covers, so that no message is sent for two of them."""
    every = list(dict.fromkeys(filters))
    return [
        each
        for each in every
        if not any(_covers(other.split("/"), each.split("/")) for other in every if other != each)
    ]


def rows_of(stream: Stream, arrival: Arrival) -> list[dict[str, Json]]:
    """The rows in the message. Raises ValueError with the reason where it can't be read as its stream says."""
    beside: dict[str, Json] = {"topic.all": arrival.topic, "mqtt.retained": arrival.retained}
    beside |= {f"topic.{place}": level for place, level in enumerate(arrival.topic.split("/"), 1)}
    beside |= {f"mqtt.{name}": value for name, value in arrival.properties}
    if not arrival.payload:
        return [{**beside, _EMPTY: True}]
    text = arrival.payload.decode("utf-8-sig")  # UnicodeDecodeError is a ValueError
    if stream.payload != "json":
        return [{"value": text.replace("\0", ""), **beside}]
    value = read_json(text)
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return [{**each, **beside} for each in value if isinstance(each, dict)]
    return [{**(value if isinstance(value, dict) else {"value": value}), **beside}]


def messages_of(
    stream: Stream, rows: RowStream, arrival: Arrival, count: Callable[[], int]
) -> list[SourceMessage | Unreadable]:
    """A message for each row. count: the next number of a message that has nothing else to name it."""
    try:
        if len(arrival.payload) > LARGEST_PAYLOAD:
            raise ValueError(f"the payload is larger than {LARGEST_PAYLOAD >> 20} MB; its beginning is kept")
        found = rows_of(stream, arrival)
    except ValueError as error:
        content = arrival.payload[: 64 << 10] if len(arrival.payload) > LARGEST_PAYLOAD else arrival.payload
        return [Unreadable(content=content, reason=str(error), origin=arrival.topic)]
    return [_message(stream, rows, arrival, row, count) for row in found]


def records_of(rows: RowStream, message: SourceMessage) -> Translated:
    """The records in a row's message. What was retained says nothing of when, so without a time it is uncertain."""
    row = read_json(message.content.decode())
    if not isinstance(row, dict):
        raise UnreadableMessage("the message is no row")
    if row.get(_EMPTY):
        return Aside(reason="an empty payload only clears what the broker retained")
    records = rows.records(message)
    timed = any(mapping.occurred_at or mapping.reported_at for mapping in rows.mappings)
    if isinstance(records, Aside) or timed or not row.get("mqtt.retained"):
        return records
    return [replace(record, provenance=replace(record.provenance, quality=Quality.UNCERTAIN)) for record in records]


def _message(
    stream: Stream, rows: RowStream, arrival: Arrival, row: Mapping[str, Json], count: Callable[[], int]
) -> SourceMessage | Unreadable:
    content = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
    digest = sha256(content).hexdigest()[:12]
    own = [row_values.text(value_of(row, column)) for column in stream.own_id]
    if _EMPTY in row:
        own = []
    elif not all(own):
        empty = ", ".join(column for column, each in zip(stream.own_id, own, strict=True) if not each)
        return Unreadable(content=content, reason=f"its id is empty: {empty}", origin=arrival.topic)
    if own:
        source_id = f"{stream.name}/{joined(own)}"
    elif at := _moment(rows, row):
        source_id = f"{arrival.topic}@{at.isoformat()}~{digest}"
    elif arrival.retained:
        source_id = f"{arrival.topic}@retained~{digest}"
    else:
        source_id = f"{arrival.topic}@{arrival.at.isoformat()}#{count()}"
    return SourceMessage(
        source=rows.source,
        source_id=source_id,
        content=content,
        received_at=arrival.at,
        stream=stream.name,
        origin=arrival.topic,
    )


def _moment(rows: RowStream, row: Mapping[str, Json]) -> datetime | None:
    """The first of the row's own times that any mapping reads; None where it has none that can be read."""
    for mapping in rows.mappings:
        for column in (*mapping.occurred_at, *mapping.reported_at):
            value = value_of(row, column)
            try:
                if value is not None and "{" not in column:
                    return row_values.moment(value, rows.notation).at
            except ValueError:  # translating the message says so
                return None
    return None


def sequence_of(stream: Stream, arrival: Arrival) -> int | None:
    """The publisher's own number in the message; None where it has none."""
    try:
        row = rows_of(stream, arrival)[-1] if stream.sequence_field else {}
    except ValueError:
        return None
    value = value_of(row, stream.sequence_field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _stream(options: Options, *, source: str, notation: Notation) -> Stream:
    filters = options.texts("topic")
    if not filters:
        raise options.bad("topic", "is missing: what to subscribe to, as in plant/+/state")
    for each in filters:
        levels = each.split("/")
        if "#" in levels[:-1] or any(len(level) > 1 and ("+" in level or "#" in level) for level in levels):
            raise options.bad("topic", f"is no topic filter: {each!r}; + stands for a level, # for the rest")
        if each.startswith("$share"):
            raise options.bad("topic", "can't be shared: one reader must see everything")
    name = options.text("name", filters[0])
    payload = options.text("payload", "json", choices=PAYLOADS)
    if payload == "sparkplug":
        for wrong in ("id", "fixed", "sequence_field"):
            if wrong in options:
                raise options.bad(wrong, "is not for Sparkplug, which has its own")
        rules = read_rules(options.tables("metrics", known=RULE_OPTIONS))
        return Stream(name=name, filters=filters, payload=payload, rules=rules)
    if "metrics" in options:
        raise options.bad("metrics", 'is for payload = "sparkplug" only')
    rows = read_stream(
        options, source=source, name=name, mapping=options.raw("mapping"), notation=notation, key_needed=False
    )
    return Stream(
        name=name,
        filters=filters,
        payload=payload,
        rows=replace(rows, fixed=options.flag("fixed")),
        own_id=options.texts("id"),
        sequence_field=options.text("sequence_field", ""),
    )


def _covers(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Whether everything that the narrow filter (or topic) takes is taken by the wide one."""
    match wide, narrow:
        case ["#"], _:
            return True
        case [first, *_], ["#"]:
            return False
        case [first, *more], [other, *others] if first == other or (first == "+" and other != "#"):
            return _covers(more, others) if more or others else True
        case ["#", *_], []:
            return True
        case [], []:
            return True
    return False
