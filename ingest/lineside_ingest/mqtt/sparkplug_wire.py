"""Sparkplug B's payload as its specification describes it, built for protobuf in code and read into plain values. Pure.

protobuf is imported late. What a hostile payload may do is bounded: its nesting here, its size by who calls.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lineside.plant.records import Json

DEEPEST_TEMPLATE = 8
REBIRTH = "Node Control/Rebirth"

# Message name to its fields: name, number, type. `*` repeats, `?` is one of the `value` alternatives; a capital type
# is another message.
_FIELDS = {
    "PropertyValue": "type 1 uint32, is_null 2 bool, ?int_value 3 uint32, ?long_value 4 uint64, ?float_value 5 float,"
    "?double_value 6 double, ?boolean_value 7 bool, ?string_value 8 string",
    "PropertySet": "*keys 1 string, *values 2 PropertyValue",
    "Row": "*elements 1 Cell",
    "Cell": "?int_value 1 uint32, ?long_value 2 uint64, ?float_value 3 float, ?double_value 4 double,"
    "?boolean_value 5 bool, ?string_value 6 string",
    "DataSet": "num_of_columns 1 uint64, *columns 2 string, *types 3 uint32, *rows 4 Row",
    "Parameter": "name 1 string, type 2 uint32, ?int_value 3 uint32, ?long_value 4 uint64, ?float_value 5 float,"
    "?double_value 6 double, ?boolean_value 7 bool, ?string_value 8 string",
    "Template": "version 1 string, *metrics 2 Metric, *parameters 3 Parameter, template_ref 4 string,"
    "is_definition 5 bool",
    "Metric": "name 1 string, alias 2 uint64, timestamp 3 uint64, datatype 4 uint32, is_historical 5 bool,"
    "is_transient 6 bool, is_null 7 bool, properties 9 PropertySet, ?int_value 10 uint32, ?long_value 11 uint64,"
    "?float_value 12 float, ?double_value 13 double, ?boolean_value 14 bool, ?string_value 15 string,"
    "?bytes_value 16 bytes, ?dataset_value 17 DataSet, ?template_value 18 Template",
    "Payload": "timestamp 1 uint64, *metrics 2 Metric, seq 3 uint64, uuid 4 string, body 5 bytes",
}
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}  # datatype to bits
_DATETIME = 13
_UNSIGNED_BITS = {5: 8, 6: 16, 7: 32, 8: 64}
_ARRAYS = {22: "b", 23: "h", 24: "i", 25: "q", 26: "B", 27: "H", 28: "I", 29: "Q", 30: "f", 31: "d"}
_BOOLEANS, _STRINGS, _DATETIMES = 32, 33, 34
_UNIT_NAMES = ("engunit", "engineering unit", "engineering units", "unit", "units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One value. name: empty where only the alias stands for it, `/member` for a template's member then.
    at: aware, UTC; None where the edge gave none.

    quality: OPC's code from the metric's own properties, where it has them. unit: the same, of `engUnit`.
    """

    name: str
    alias: int | None
    at: datetime | None
    value: Json
    historical: bool = False
    unit: str = ""
    quality: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What one message of an edge holds. seq: 0 to 255; None where it has none. names: what its aliases stand for."""

    at: datetime | None
    seq: int | None
    metrics: tuple[Metric, ...]
    names: Mapping[int, str] = field(default_factory=dict)

    def of(self, name: str) -> Json:
        """The value of the metric of that name; None where there is none."""
        return next((metric.value for metric in self.metrics if metric.name == name), None)


def decode(content: bytes) -> Payload:
    """The payload in these bytes. Raises ValueError with a reason for people."""
    from google.protobuf.message import DecodeError

    read = _classes()["Payload"]()
    try:
        read.ParseFromString(content)
    except (DecodeError, RecursionError) as error:
        raise ValueError(f"no Sparkplug B payload: {error}") from error
    if read.HasField("seq") and read.seq > 255:
        raise ValueError(f"seq is {read.seq}, more than 255")
    return Payload(
        at=moment(read.timestamp) if read.HasField("timestamp") else None,
        seq=read.seq if read.HasField("seq") else None,
        metrics=tuple(_metrics(read.metrics)),
        names={each.alias: _clean(each.name) for each in read.metrics if each.HasField("alias") and each.name},
    )


def rebirth_request(now: datetime) -> bytes:
    """The command that asks an edge to tell its births again."""
    milliseconds = int(now.timestamp() * 1000)
    payload = _classes()["Payload"](timestamp=milliseconds)
    payload.metrics.add(name=REBIRTH, timestamp=milliseconds, datatype=11, boolean_value=True)
    encoded: bytes = payload.SerializeToString()
    return encoded


def moment(milliseconds: int) -> datetime | None:
    """The time of so many milliseconds since 1970; None where no clock shows it."""
    if not 0 < milliseconds < 253_402_300_800_000:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _metrics(found: Sequence[Any], prefix: str = "", depth: int = 0, outer: int | None = None) -> Iterator[Metric]:
    """Each metric; a template's members in its place, named `template/member`, under the template's alias."""
    for each in found:
        alias = each.alias if depth == 0 and each.HasField("alias") else outer
        at = moment(each.timestamp) if each.HasField("timestamp") else None
        kind = each.WhichOneof("value")
        name = prefix + _clean(each.name)
        if kind == "template_value" and not each.is_null:
            template = each.template_value
            if not template.is_definition and depth < DEEPEST_TEMPLATE:
                for one in template.parameters:
                    value = _scalar(one, one.type)
                    yield Metric(name=f"{name}/{_clean(one.name)}", alias=alias, at=at, value=value)
                yield from _metrics(template.metrics, f"{name}/", depth + 1, alias)
            continue
        properties = dict(zip((key.lower() for key in each.properties.keys), each.properties.values, strict=False))
        quality = properties.get("quality")
        yield Metric(
            name=name,
            alias=alias,
            at=at,
            value=None if each.is_null or kind is None else _value(each, kind, each.datatype),
            historical=each.is_historical,
            unit=_clean(next((properties[unit].string_value for unit in _UNIT_NAMES if unit in properties), "")),
            quality=None if quality is None else _code(quality),
        )


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()


def _code(value: Any) -> int | None:
    number = _scalar(value, value.type)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _value(metric: Any, kind: str, datatype: int) -> Json:
    if kind == "dataset_value":
        return _rows(metric.dataset_value)
    if kind == "bytes_value":
        return _array(metric.bytes_value, datatype)
    return _scalar(metric, datatype)


def _scalar(holder: Any, datatype: int) -> Json:
    """The value of a metric, cell, parameter or property, as its datatype wants it read."""
    kind = holder.WhichOneof("value")
    if kind is None:
        return None
    raw = getattr(holder, kind)
    if kind in {"int_value", "long_value"}:
        if bits := _SIGNED.get(datatype):
            raw &= (1 << bits) - 1
            return int(raw - (1 << bits) if raw >> (bits - 1) else raw)
        if datatype == _DATETIME:
            at = moment(raw)
            return None if at is None else at.isoformat()
        if bits := _UNSIGNED_BITS.get(datatype):
            return int(raw & ((1 << bits) - 1))
        return int(raw)
    if kind in {"float_value", "double_value"}:
        return (_shortest(raw) if kind == "float_value" else float(raw)) if math.isfinite(raw) else None
    if kind == "string_value":
        return _clean(raw)
    return bool(raw)


def _rows(dataset: Any) -> Json:
    columns = list(dataset.columns)
    types = list(dataset.types)
    rows: list[Json] = []
    for row in dataset.rows:
        cells = zip(columns, types, row.elements, strict=False)
        rows.append({name: _scalar(cell, datatype) for name, datatype, cell in cells})
    return rows


def _array(content: bytes, datatype: int) -> Json:
    if shape := _ARRAYS.get(datatype):
        whole = len(content) - len(content) % struct.calcsize(shape)
        numbers = struct.unpack(f"<{whole // struct.calcsize(shape)}{shape}", content[:whole])
        return [_finite(number, single=shape == "f") for number in numbers]
    if datatype == _DATETIMES:
        whole = len(content) - len(content) % 8
        moments = (moment(number) for number in struct.unpack(f"<{whole // 8}q", content[:whole]))
        return [None if each is None else each.isoformat() for each in moments]
    if datatype == _STRINGS:
        return [_clean(part.decode("utf-8", "replace")) for part in content.split(b"\0")[:-1]]
    if datatype == _BOOLEANS and len(content) >= 4:
        count = min(struct.unpack("<I", content[:4])[0], (len(content) - 4) * 8)
        return [bool(content[4 + place // 8] >> (7 - place % 8) & 1) for place in range(count)]
    return base64.b64encode(content).decode()


def _finite(number: float, *, single: bool) -> Json:
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return _shortest(number) if single else number


def _shortest(value: float) -> float:
    """The shortest decimal that is the same 32-bit number: 12.3, not 12.300000190734863."""
    packed = struct.pack("f", value)
    return next(
        (near for digits in range(6, 10) if struct.pack("f", near := float(f"{value:.{digits}g}")) == packed), value
    )


@cache
def _classes() -> dict[str, Any]:  # protobuf's message classes
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="lineside_sparkplug_b.proto", package="lineside", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        if "?" in fields:
            message.oneof_decl.add(name="value")
        for written in fields.split(","):
            field_name, number, kind = written.split()
            one = message.field.add(
                name=field_name.lstrip("*?"),
                number=int(number),
                label=kinds.LABEL_REPEATED if field_name[0] == "*" else kinds.LABEL_OPTIONAL,
            )
            if kind[0].isupper():
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".lineside.{kind}"
            else:
                one.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
            if field_name[0] == "?":
                one.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"lineside.{name}")) for name in _FIELDS}
