"""A mapping file: how one source's streams become records, with a version. Pure; reading the file is the caller's.

It is laid over the source's inline options: a table of its `streams` gives the stream of that name its `key`,
`mapping` and `immutable`; `*` is the stream of a source that has only one. What several fields share stands once:
`[codes.NAME]` is named by `codes = "NAME"`, and `[units]` says what the source writes for a unit.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from lineside.errors import BadSettings
from lineside.plant.mapping import RowMapping, read_mapping, subject
from lineside.plant.records import RecordType
from lineside.plant.vocabulary import STATUSES, is_known_value, is_mapped

ONLY = "*"  # how the only stream of a source is called
_KEYS = ("version", "time_zone", "decimal_comma", "time_format", "owns", "units", "codes", "streams")
_NOTATION = {"time_zone": str, "decimal_comma": bool, "time_format": str}
_STREAM_KEYS = ("key", "mapping", "immutable", "scope")
_ONE_SLOT = re.compile(r"\{([^{}]+)\}")
_OWNED = re.compile(r"(\w+\.)?\w+(:\S.*)?")
_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """What a file says, with its shared tables put where they are named. number: its own version."""

    where: str
    number: int
    notation: Mapping[str, Any] = field(default_factory=dict)
    owns: tuple[str, ...] = ()
    streams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMapping:
    """One stream as it is read. name: its `name`, or `*`. called: further texts by which its messages may call it."""

    name: str
    key: tuple[str, ...] = ()
    immutable: bool = False
    mappings: tuple[RowMapping, ...] = ()
    called: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMapping:
    """The mapping in force of one source. version: its file's number and a digest of what was loaded, as in
    `3~1f0a9c2e`; number 0 where it stands in lineside.toml; empty where the source has none."""

    source: str
    version: str = ""
    streams: tuple[StreamMapping, ...] = ()
    notation: Mapping[str, Any] = field(default_factory=dict)

    def stream(self, name: str) -> StreamMapping | None:
        """How messages of that stream are read."""
        for each in self.streams:
            if each.name in (name, ONLY):
                return each
        return next((each for each in self.streams if name in each.called), None)

    def warnings(self) -> list[str]:
        """Kinds, properties and values that the vocabulary does not know: kept, but nothing interprets them."""
        return [f"{each.name}: {told}" for each in self.streams for one in each.mappings for told in _unknown(one)]


def read_mapping_file(text: str, *, where: str) -> MappingFile:
    """The file's content, checked. where: its path. Raises BadSettings naming it, the stream and the key."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{where} is not TOML: {error}", path=where) from error
    _known(data, _KEYS, "", where)
    number = data.get("version")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise _bad(where, "version", f"must be a whole number of at least 1, not {number!r}; raise it with each change")
    notation = {name: data[name] for name in _NOTATION if name in data}
    for name, value in notation.items():
        if not isinstance(value, _NOTATION[name]):
            wanted = "true or false" if _NOTATION[name] is bool else "text"
            raise _bad(where, name, f"must be {wanted}, not {value!r}")
    units, codes = _table(data, "units", where), _table(data, "codes", where)
    _check_codes(units, "units", where, texts=True)
    for name in codes:
        _check_codes(_table(codes, name, where, "codes."), f"codes.{name}", where)
    streams = _table(data, "streams", where)
    return MappingFile(
        where=where,
        number=number,
        notation=notation,
        owns=_owned(data.get("owns", []), where),
        streams={
            name: _stream(_table(streams, name, where, "streams."), name, where, units, codes) for name in streams
        },
    )


def merged(
    options: Mapping[str, Any], file: MappingFile, *, streams: str, settings: Mapping[str, str]
) -> dict[str, Any]:
    """The source's options with the file laid over them. streams, settings: as its connector's manifest declares.

    Raises BadSettings where the file speaks of a stream or a setting that the source does not have.
    """
    found = dict(options)
    for name, value in file.notation.items():
        if name not in settings:
            raise _bad(file.where, name, "is no setting of this source's connector")
        found[name] = value
    if file.streams and not streams:
        raise _bad(file.where, "streams", "can't be given: this source's connector takes no mapping")
    if streams == ".":
        for name, table in file.streams.items():
            if name != ONLY:
                raise _bad(file.where, f"streams.{name}", f'is not there: the only stream is called "{ONLY}"')
            found |= table
        return found
    if file.streams:
        tables = [dict(each) for each in _configured(options, streams)]
        for name, table in file.streams.items():
            _called(tables, name, file.where, streams).update(table)
        found[streams] = tables
    return found


def source_mapping(
    source: str, options: Mapping[str, Any], *, streams: str, file: MappingFile | None = None
) -> SourceMapping:
    """The mapping in options that were merged. Raises BadSettings where a mapping in them can't be read."""
    notation = {name: options[name] for name in _NOTATION if name in options}
    tables = [options] if streams == "." else _configured(options, streams)
    found = tuple(_read(source, each, only=streams == ".") for each in tables)
    if not any(each.mappings for each in found):
        return SourceMapping(source=source, streams=found, notation=notation)
    loaded = [{name: each.get(name) for name in ("name", *_STREAM_KEYS)} for each in tables]
    told = json.dumps([notation, loaded], ensure_ascii=False, sort_keys=True, default=str)
    version = f"{file.number if file else 0}~{sha256(told.encode()).hexdigest()[:_DIGITS]}"
    return SourceMapping(source=source, version=version, streams=found, notation=notation)


def _read(source: str, table: Mapping[str, Any], *, only: bool) -> StreamMapping:
    texts = [value for value in table.values() if isinstance(value, str)]
    own = table.get("name")
    name = ONLY if only else own if isinstance(own, str) else texts[0] if texts else ""
    key = table.get("key", ())
    try:
        mappings = read_mapping(table["mapping"]) if "mapping" in table else ()
    except ValueError as error:
        raise BadSettings(f"source {source}: stream {name}: mapping {error}", source=source, stream=name) from error
    return StreamMapping(
        name=name,
        key=(key,) if isinstance(key, str) else tuple(key),
        immutable=table.get("immutable") is True,
        mappings=mappings,
        called=frozenset() if own else frozenset(texts),
    )


def _stream(
    table: Mapping[str, Any], name: str, where: str, units: Mapping[str, Any], codes: Mapping[str, Any]
) -> dict[str, Any]:
    """The stream's options, every table in place."""
    at = f"streams.{name}"
    _known(table, _STREAM_KEYS, f"{at}.", where)
    found = {each: table[each] for each in ("key", "immutable") if each in table}
    key = found.get("key", ["-"])
    if not (isinstance(key, str) and key) and not (
        isinstance(key, list) and key and all(isinstance(each, str) and each for each in key)
    ):
        raise _bad(where, f"{at}.key", f"must be a column or a list of columns, not {key!r}")
    if not isinstance(found.get("immutable", False), bool):
        raise _bad(where, f"{at}.immutable", f"must be true or false, not {found['immutable']!r}")
    scope = table.get("scope", "")
    if not isinstance(scope, str):
        raise _bad(where, f"{at}.scope", f"must be text, not {scope!r}")
    if "mapping" not in table:
        return found
    given = table["mapping"]
    many = isinstance(given, list)
    resolved = []
    for place, each in enumerate(given if many else [given]):
        spot = f"{at}.mapping[{place}]" if many else f"{at}.mapping"
        filled = _filled_in(each, units, codes, where, spot)
        try:
            (mapping,) = read_mapping(filled)
        except ValueError as error:
            raise _bad(where, spot, str(error)) from error
        if scope and mapping.record_type is RecordType.REPORT:
            filled = {"scope": scope, **filled}
        resolved.append(filled)
    if not resolved:
        raise _bad(where, f"{at}.mapping", "is empty")
    return found | {"mapping": resolved}


def _filled_in(spec: Any, units: Mapping[str, Any], codes: Mapping[str, Any], where: str, at: str) -> Any:
    """The part of a mapping with its named code tables and units; checked by `read_mapping` afterwards."""
    if not isinstance(spec, Mapping):
        return spec
    found = {name: _filled_in(each, units, codes, where, f"{at}.{name}") for name, each in spec.items()}
    if "field" in found:
        if isinstance(named := found.get("codes"), str):
            if named not in codes:
                known = ", ".join(sorted(codes)) or "none"
                raise _bad(where, f"{at}.codes", f"names the table {named!r}, which is not there; there are: {known}")
            found["codes"] = dict(codes[named])
        if "unit" in found and units:
            found["unit"] = _unit(found["unit"], units)
    return found


def _unit(spec: Any, units: Mapping[str, Any]) -> Any:
    if isinstance(spec, str):
        if slot := _ONE_SLOT.fullmatch(spec):
            return {"field": slot[1], "codes": dict(units)}
        return units.get(spec, spec)
    if isinstance(spec, Mapping) and isinstance(spec.get("codes", {}), Mapping):
        return {**spec, "codes": {**units, **spec.get("codes", {})}}
    return spec


def _configured(options: Mapping[str, Any], streams: str) -> list[Mapping[str, Any]]:
    """The tables of the option that lists the streams; whether they are right is the connector's to say."""
    tables = options.get(streams, []) if streams else []
    return [each for each in tables if isinstance(each, Mapping)] if isinstance(tables, list | tuple) else []


def _called(tables: list[dict[str, Any]], name: str, where: str, streams: str) -> dict[str, Any]:
    """The one table of that `name`; of those without a name, the one in which some option says it."""
    found = [each for each in tables if each.get("name") == name]
    found = found or [each for each in tables if "name" not in each and name in each.values()]
    if len(found) != 1:
        known = ", ".join(_read("", {**each, "mapping": _NOTHING}, only=False).name for each in tables) or "none"
        wrong = "is not among" if not found else "fits several of"
        raise _bad(where, f"streams.{name}", f"{wrong} the source's {streams} in lineside.toml; there are: {known}")
    return found[0]


_NOTHING = {"text": "-"}  # a mapping that can be read, where only the stream's name is wanted


def _owned(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and _OWNED.fullmatch(each) for each in value):
        raise _bad(where, "owns", f'must list properties, as in ["inventory.quantity:book"], not {value!r}')
    return tuple(value)


def _table(data: Mapping[str, Any], name: str, where: str, under: str = "") -> Mapping[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, Mapping):
        raise _bad(where, f"{under}{name}", f"must be a table, not {value!r}")
    return value


def _check_codes(table: Mapping[str, Any], name: str, where: str, *, texts: bool = False) -> None:
    for code, meaning in table.items():
        if not isinstance(meaning, str if texts else str | bool | int | float):
            wanted = "text" if texts else "a text, a number, true or false"
            raise _bad(where, f"{name}.{code}", f"must be {wanted}, not {meaning!r}")


def _known(table: Mapping[str, Any], known: tuple[str, ...], under: str, where: str) -> None:
    for name in table:
        if name not in known:
            raise _bad(where, f"{under}{name}", f"is unknown; there are: {', '.join(known)}")


def _bad(where: str, key: str, wrong: str) -> BadSettings:
    return BadSettings(f"{where}: {key} {wrong}", path=where, key=key)


def _unknown(mapping: RowMapping) -> Iterator[str]:
    about = subject(mapping)
    if mapping.record_type is RecordType.EVENT:
        kind = mapping.fields["kind"]
        codes = list(kind.get("codes", {}).values()) if isinstance(kind, Mapping) else []
        for each in codes or ([kind] if isinstance(kind, str) and "{" not in kind else []):
            if not is_mapped("event", str(each)):
                yield f"the vocabulary knows no event of the kind {each}"
    if mapping.record_type is not RecordType.REPORT or about == RecordType.REPORT.value:
        return
    if not is_mapped(about):
        yield f"the vocabulary knows no {about}"
        return
    for name, spec in mapping.fields["properties"].items():
        if not is_mapped(about, name):
            yield f"the vocabulary knows no {about}.{name}"
        values = list(spec.get("codes", {}).values()) if isinstance(spec, Mapping) else []
        if isinstance(spec, str) and "{" not in spec:
            values = [spec]
        for each in values:
            if not is_known_value(about, name, each):
                yield f"{about}.{name} can't be {each}; it can be {', '.join(STATUSES[about, name])}"
