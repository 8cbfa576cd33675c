"""What one request brought: CloudEvents in any mode, JSON or a form, as rows, each with what names it. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs, unquote

from lineside.plant.exact_json import read_array, read_json
from lineside.plant.mapping import value_of
from lineside.plant.records import Json
from lineside.plant.row_values import text

EVENT, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_FORM = "application/x-www-form-urlencoded"
# What an event's own attributes are called in a row; its data stands beside them.
_PREFIX = "ce."


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One row of a request. id: of the event, or of the delivery with the row's place; empty where nothing names it.

    unreadable: why it is none; `content` is then what came.
    """

    content: bytes
    row: Mapping[str, Json]
    id: str = ""
    unreadable: str = ""


def rows_of(body: bytes, headers: Mapping[str, str], *, kept: Mapping[str, str], delivery: str) -> Iterator[Delivered]:
    """Everything in a request, what can't be read with the reason. headers: lower-case names. kept: beside each row."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    beside: dict[str, Json] = {f"header.{name}": value for name, value in kept.items()}
    try:
        written = body.decode("utf-8-sig")
        if kind == EVENT:
            yield _event(read_json(written), body, beside)
        elif kind == BATCH:
            for one, value in read_array(written):
                yield _event(value, one.encode(), beside)
        elif "ce-specversion" in headers:
            attributes: dict[str, Json] = {
                name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")
            }
            yield _event({**attributes, "data": read_json(written) if written.strip() else None}, body, beside)
        else:
            yield from _plain(written, kind, beside, delivery)
    except ValueError as error:  # UnicodeDecodeError is one
        yield Delivered(content=body, row={}, unreadable=str(error))


def _plain(written: str, kind: str, beside: Mapping[str, Json], delivery: str) -> Iterator[Delivered]:
    value = _form(written) if kind == _FORM else read_json(written)
    rows = value if isinstance(value, list) else [value]
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            content = json.dumps(row, ensure_ascii=False).encode()
            yield Delivered(content=content, row={}, unreadable="a JSON object is expected, or a list of them")
            continue
        whole = {**row, **beside}
        content = json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()
        name = delivery if len(rows) == 1 or not delivery else f"{delivery}[{place}]"
        yield Delivered(content=content, row=whole, id=name)


def _event(event: Json, content: bytes, beside: Mapping[str, Json]) -> Delivered:
    if not isinstance(event, dict):
        return Delivered(content=content, row={}, unreadable="not an event: a JSON object is expected")
    lacking = [name for name in ("id", "source", "type") if not text(event.get(name))]
    if event.get("specversion") != "1.0" or lacking:
        why = f"{lacking[0]} is missing" if lacking else f"specversion is {event.get('specversion')!r}, not 1.0"
        return Delivered(content=content, row={}, unreadable=why)
    data = event.get("data")
    if "data_base64" in event:
        try:
            data = read_json(base64.b64decode(str(event["data_base64"]), validate=True).decode())
        except (binascii.Error, ValueError) as error:
            return Delivered(content=content, row={}, unreadable=f"data_base64 holds no JSON: {error}")
    attributes = {_PREFIX + name: value for name, value in event.items() if name not in {"data", "data_base64"}}
    row = {**(data if isinstance(data, dict) else {"data": data}), **attributes, **beside}
    whole = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
    return Delivered(content=whole, row=row, id=f"{text(event['source'])}#{text(event['id'])}")


def _form(written: str) -> Json:
    """A form's fields; of one that only wraps JSON in a field `payload`, that."""
    fields = parse_qs(written, keep_blank_values=True, strict_parsing=True)
    if list(fields) == ["payload"]:
        return read_json(fields["payload"][0])
    return {name: values[0] if len(values) == 1 else list(values) for name, values in fields.items()}


def named(row: Mapping[str, Json], columns: tuple[str, ...]) -> list[str]:
    """The row's own id, column by column; an empty part where it has none."""
    return [text(value_of(row, column)) for column in columns]


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:24]
