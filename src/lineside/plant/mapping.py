"""How a row of a business system becomes records, as data: templates, code tables, units. Pure.

A mapping is one table, or several for a row that says several things. A text in it is a template over the row's
columns (`lot:{LotNo}`); a table reads one column: `{field, codes, type, unit, default}`, or a list of objects:
`{each, item}`. `occurred_at` and `reported_at` name a column, several (the first filled one counts), or a template.
`when` keeps the mapping to rows with certain values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lineside.errors import UnreadableMessage
from lineside.plant import row_values
from lineside.plant.open_format import record_from_data
from lineside.plant.records import SUBJECTS, Json, Provenance, Quality, Record, RecordType
from lineside.plant.row_values import Moment, Notation
from lineside.plant.vocabulary import EVENT_KINDS, STATUSES

_SLOT = re.compile(r"\{([^{}]+)\}")
_OWN = {"occurred_at", "reported_at", "when"}
_FIELDS = {
    RecordType.REPORT: {"entity", "scope", "properties"},
    RecordType.EVENT: {"kind", "text", "attributes", *SUBJECTS},
    RecordType.NOTE: {"text", "author", "channel", "equipment", "shift"},
    RecordType.DECISION: {
        "question", "choice", "options", "rationale", "constraints", "decided_by", "authority", "case", "assumptions",
        "expected", "outcome", "attributes",
    },
}  # fmt: skip
_NESTED = {"properties", "attributes"}
_SPEC = {"field", "codes", "type", "unit", "default", "each", "item"}
_TYPES = ("text", "number", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMapping:
    """One record per row. fields: name to spec, as configured. times: for each of the two times, its columns."""

    record_type: RecordType
    fields: Mapping[str, Any]
    occurred_at: tuple[str, ...] = ()
    reported_at: tuple[str, ...] = ()
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def concerns(self, row: Mapping[str, Json]) -> bool:
        """Whether the row is one that this mapping speaks of."""
        return all(row_values.text(value_of(row, name)) in wanted for name, wanted in self.when.items())

    def columns(self) -> Iterator[str]:
        """Every column that the mapping reads; some more than once."""
        yield from _columns(dict(self.fields))
        for name in (*self.occurred_at, *self.reported_at):
            yield from _SLOT.findall(name) if "{" in name else (name,)
        yield from self.when


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A column that a mapping reads, and what for. fact: the canonical fact, as in `lot.quantity`.

    role: value, unit, id (a part of a template), time or when. codes: what its codes mean; None without a table.
    closed: the only values that the fact may have, empty where it may have any.
    """

    column: str
    fact: str
    role: str = "value"
    type: str = ""
    codes: Mapping[str, Json] | None = None
    closed: tuple[str, ...] = ()


def read_mapping(configured: object) -> tuple[RowMapping, ...]:
    """The mappings in a setting: a table, or a list of tables. Raises ValueError that names the key at fault."""
    tables: list[Any] = list(configured) if isinstance(configured, list | tuple) else [configured]
    if not tables or not all(isinstance(each, Mapping) and each for each in tables):
        raise ValueError("must be a table or a list of tables, as in { entity = ..., properties = ... }")
    found = []
    for place, each in enumerate(tables):
        try:
            found.append(_mapping(each))
        except ValueError as error:
            raise ValueError(f"[{place}] {error}" if len(tables) > 1 else str(error)) from error
    return tuple(found)


def records_from_row(
    mappings: Sequence[RowMapping], row: Mapping[str, Json], *, provenance: Provenance, notation: Notation
) -> list[Record]:
    """The records that a row holds, at least one. provenance: its times count where the mapping names no column.

    Columns without a value are left out. Raises UnreadableMessage that names the column.
    """
    records: list[Record] = []
    for part, mapping in enumerate(mappings):
        if mapping.concerns(row):
            data = _data(mapping, row, notation)
            if mapping.record_type is not RecordType.REPORT or data.get("properties"):
                own = _provenance(mapping, row, part, provenance, notation)
                records.append(record_from_data(mapping.record_type, data, own))
    if not records:
        raise UnreadableMessage("the row holds no value in any of the mapped columns")
    return records


def uses(mapping: RowMapping) -> Iterator[Use]:
    """Each column that the mapping reads, and for which fact. A column of a list's items is `list[].column`."""
    about = subject(mapping)
    for name, spec in mapping.fields.items():
        if name in _NESTED:
            for inner, each in spec.items():
                yield from _uses(each, f"{about}.{inner}", STATUSES.get((about, inner), ()))
        elif name in ("entity", "kind"):
            yield from _uses(spec, f"{about} ({name})", tuple(EVENT_KINDS) if name == "kind" else ())
        else:
            yield from _uses(spec, f"{about}.{name}", ())
    times = {"occurred_at": mapping.occurred_at, "reported_at": mapping.reported_at}
    for name, columns in times.items():
        for column in (inner for each in columns for inner in (_SLOT.findall(each) if "{" in each else (each,))):
            yield Use(column=column, fact=f"{about} ({name})", role="time", type="time")
    for column in mapping.when:
        yield Use(column=column, fact=f"{about} (when)", role="when")


def subject(mapping: RowMapping) -> str:
    """What the mapping speaks of: a report's kind of entity, an event's kind, or the type of record."""
    sign = mapping.fields.get("entity", mapping.fields.get("kind"))
    if isinstance(sign, str):
        head = sign.partition(":")[0] if mapping.record_type is RecordType.REPORT else sign
        if head.strip() and "{" not in head:
            return head.strip()
    return mapping.record_type.value


def _uses(spec: Any, fact: str, closed: tuple[str, ...], role: str = "value", inside: str = "") -> Iterator[Use]:
    if isinstance(spec, str):
        for column in _SLOT.findall(spec):
            yield Use(column=inside + column, fact=fact, role="unit" if role == "unit" else "id")
    elif isinstance(spec, Mapping) and "each" in spec:
        yield Use(column=inside + spec["each"], fact=fact)
        for inner, each in spec["item"].items():
            yield from _uses(each, f"{fact}.{inner}", (), inside=f"{inside}{spec['each']}[].")
    elif isinstance(spec, Mapping):
        kind = spec.get("type", "number" if "unit" in spec else "")
        if "{" in spec["field"]:  # codes are of the whole, which no column holds
            yield from _uses(spec["field"], fact, (), role, inside)
        else:
            codes = spec.get("codes")
            yield Use(column=inside + spec["field"], fact=fact, role=role, type=kind, codes=codes, closed=closed)
        if "unit" in spec:
            yield from _uses(spec["unit"], fact, (), "unit", inside)


def _mapping(table: Mapping[str, Any]) -> RowMapping:
    record_type = _record_type(table)
    allowed = _FIELDS[record_type] | _OWN
    for name, spec in table.items():
        if name not in allowed:
            raise ValueError(f"{name} is no field of a {record_type}; there are: {', '.join(sorted(allowed))}")
        if name in _NESTED:
            if not isinstance(spec, Mapping) or not spec:
                raise ValueError(f"{name} must be a table of names to columns")
            for inner, each in spec.items():
                _check(each, f"{name}.{inner}")
        elif name not in _OWN:
            _check(spec, name)
    when = table.get("when", {})
    if not isinstance(when, Mapping):
        raise ValueError("when must be a table of columns to values")
    return RowMapping(
        record_type=record_type,
        fields={name: spec for name, spec in table.items() if name not in _OWN},
        occurred_at=_names(table, "occurred_at"),
        reported_at=_names(table, "reported_at"),
        when={
            name: tuple(row_values.text(each) for each in (wanted if isinstance(wanted, list) else [wanted]))
            for name, wanted in when.items()
        },
    )


def _record_type(table: Mapping[str, Any]) -> RecordType:
    signs = {"entity": RecordType.REPORT, "kind": RecordType.EVENT, "question": RecordType.DECISION}
    found = [record_type for sign, record_type in signs.items() if sign in table]
    if not found and "text" in table:
        found = [RecordType.NOTE]
    if len(found) != 1:
        raise ValueError(
            "needs exactly one of entity (a report), kind (an event), question (a decision), text (a note)"
        )
    if found[0] is RecordType.REPORT and "properties" not in table:
        raise ValueError("properties is missing beside entity")
    return found[0]


def _check(spec: object, where: str) -> None:
    if isinstance(spec, str) and set(_SLOT.sub("", spec)) & set("{}"):
        raise ValueError(f"{where} has a brace without its pair: {spec!r}")
    if isinstance(spec, str | bool | int | float):
        return
    if not isinstance(spec, Mapping):
        raise ValueError(f"{where} must be a template or a table with field")
    for name in spec:
        if name not in _SPEC:
            raise ValueError(f"{where}.{name} is unknown; there are: {', '.join(sorted(_SPEC))}")
    if ("field" in spec) == ("each" in spec):
        raise ValueError(f"{where} needs either field or each")
    _check_values(spec, where)
    if "unit" in spec:
        _check(spec["unit"], f"{where}.unit")
    if "each" in spec:
        if not isinstance(spec.get("item"), Mapping):
            raise ValueError(f"{where}.item is missing: what each of {spec['each']} becomes")
        for inner, each in spec["item"].items():
            _check(each, f"{where}.item.{inner}")


def _check_values(spec: Mapping[str, Any], where: str) -> None:
    for name in ("field", "each"):
        if name in spec and not (isinstance(spec[name], str) and spec[name]):
            raise ValueError(f"{where}.{name} must be the name of a column, not {spec[name]!r}")
    if spec.get("type", "text") not in _TYPES:
        raise ValueError(f"{where}.type must be one of {', '.join(_TYPES)}")
    codes = spec.get("codes", {})
    if not isinstance(codes, Mapping):
        raise ValueError(f"{where}.codes must be a table")
    values = {f"codes.{code}": meaning for code, meaning in codes.items()} | {"default": spec.get("default", "")}
    for name, value in values.items():
        if not isinstance(value, str | bool | int | float):
            raise ValueError(f"{where}.{name} must be a text, a number, true or false, not {value!r}")


def _names(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) and each for each in names):
        raise ValueError(f"{name} must be a column, a list of columns or a template")
    return tuple(names)


def _columns(spec: object) -> Iterator[str]:
    """The columns that a part of a mapping reads; of a list, the list's own."""
    if isinstance(spec, str):
        yield from _SLOT.findall(spec)
    elif isinstance(spec, Mapping):
        if isinstance(spec.get("field"), str) and spec.keys() <= _SPEC:
            yield from _named(spec["field"])
            yield from _columns(spec.get("unit"))
        elif isinstance(spec.get("each"), str) and "item" in spec:
            yield spec["each"]
        else:
            for each in spec.values():
                yield from _columns(each)


def _named(field: str) -> list[str]:
    """The columns of a field: itself, or those of the template that it is, as a date and a time of day."""
    return _SLOT.findall(field) if "{" in field else [field]


def _data(mapping: RowMapping, row: Mapping[str, Json], notation: Notation) -> dict[str, Json]:
    data: dict[str, Json] = {}
    for name, spec in mapping.fields.items():
        read = _object if name in _NESTED else _read
        value: Json = read(spec, row, notation, where=name)
        if value is not None:
            data[name] = value
    return data


def _object(specs: Mapping[str, Any], row: Mapping[str, Json], notation: Notation, *, where: str) -> dict[str, Json]:
    values = {name: _read(spec, row, notation, where=f"{where}.{name}") for name, spec in specs.items()}
    return {name: value for name, value in values.items() if value is not None}


def _read(spec: Any, row: Mapping[str, Json], notation: Notation, *, where: str) -> Json:  # a checked spec
    if isinstance(spec, str):
        return _filled(spec, row)
    if not isinstance(spec, Mapping):
        plain: Json = spec
        return plain
    if "each" in spec:
        items = value_of(row, spec["each"])
        if not isinstance(items, list):
            return None
        rows = [each for each in items if isinstance(each, dict)]
        return [_object(spec["item"], each, notation, where=where) for each in rows]
    column = spec["field"]
    raw = _filled(column, row) if "{" in column else value_of(row, column)
    raw = raw.strip() if isinstance(raw, str) else raw
    codes = spec.get("codes", {})
    if (code := row_values.text(raw)) in codes:
        found: Json = codes[code]
        return found
    if raw is None or raw == "":
        default: Json = spec.get("default")
        return default
    try:
        return _typed(spec, raw, row, notation, where)
    except ValueError as error:
        raise UnreadableMessage(f"{column}: {error}", field=column) from error


def _typed(spec: Mapping[str, Any], raw: Json, row: Mapping[str, Json], notation: Notation, where: str) -> Json:
    kind = spec.get("type", "number" if "unit" in spec else None)
    if kind == "time":
        return row_values.moment(raw, notation).at.isoformat()
    if kind == "number":
        amount = row_values.number(raw, notation)
        unit = _read(spec["unit"], row, notation, where=f"{where}.unit") if "unit" in spec else None
        return {"value": amount, "unit": unit} if unit else amount
    if kind == "text" or isinstance(raw, str):
        return row_values.text(raw)
    return row_values.number(raw, notation) if isinstance(raw, float) else raw


def _filled(template: str, row: Mapping[str, Json]) -> str | None:
    """The template with its columns filled in; None where one of them is empty."""
    values = {name: row_values.text(value_of(row, name)) for name in _SLOT.findall(template)}
    if not all(values.values()):
        return None
    return _SLOT.sub(lambda slot: values[slot[1]], template).strip() or None


def _provenance(
    mapping: RowMapping, row: Mapping[str, Json], part: int, whole: Provenance, notation: Notation
) -> Provenance:
    reported = _moment(mapping.reported_at, row, notation, "reported_at")
    occurred = _moment(mapping.occurred_at, row, notation, "occurred_at")
    certain = all(each is None or each.certain for each in (reported, occurred))
    default: datetime = whole.reported_at
    return Provenance(
        source=whole.source,
        source_id=whole.source_id,
        occurred_at=occurred.at if occurred else reported.at if reported else whole.occurred_at,
        reported_at=reported.at if reported else default,
        recorded_at=whole.recorded_at,
        part=part,
        quality=whole.quality if certain else Quality.UNCERTAIN,
    )


def _moment(names: Sequence[str], row: Mapping[str, Json], notation: Notation, where: str) -> Moment | None:
    for name in names:
        written = _filled(name if "{" in name else f"{{{name}}}", row)
        if written is None:
            continue
        raw = value_of(row, name) if "{" not in name else written
        try:
            return row_values.moment(raw, notation)
        except ValueError as error:
            raise UnreadableMessage(f"{name}: {error}", field=name) from error
    if names:
        raise UnreadableMessage(f"{where}: {' and '.join(names)} hold no time", field=names[0])
    return None


def value_of(row: Mapping[str, Json], name: str) -> Json:
    """The column's value; `a.b` is the field b of the object a, unless a column is called so."""
    if name in row:
        return row[name]
    head, dot, rest = name.partition(".")
    inner = row.get(head) if dot else None
    return value_of(inner, rest) if isinstance(inner, dict) else None
