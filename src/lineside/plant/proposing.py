"""A mapping file proposed from what a source sent: from its mapping and what drifted since, or from the fields alone.

A proposal is for a person to look through: whatever is guessed says why, and what could only be invented is left as a
remark. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from lineside.plant.drift import Drift, DriftKind, touched
from lineside.plant.mapping import RowMapping
from lineside.plant.mapping_file import SourceMapping, StreamMapping
from lineside.plant.shape import BY, Look, Shape, all_uses
from lineside.plant.vocabulary import PROPERTIES, STATUSES

# Words in a field's name, in English and German, and what they often stand for in business systems.
_ENTITIES: Mapping[str, tuple[str, ...]] = {
    "lot": ("lot", "batch", "charge", "charg"),
    "handling_unit": ("pallet", "palette", "hu", "sscc", "lpn"),
    "shipment": ("shipment", "delivery", "lieferung", "sendung"),
    "inspection": ("inspection", "prüflos", "prueflos"),
    "job_order": ("wo", "aufnr", "fauf", "workorder", "joborder", "productionorder", "fertigungsauftrag", "job"),
    "maintenance_order": ("maintenance", "ticket", "instandhaltung"),
    "sales_order": ("so", "salesorder", "kundenauftrag"),
    "equipment": ("equipment", "machine", "line", "maschine", "anlage", "linie", "workcenter"),
    "material": ("material", "item", "sku", "product", "article", "artikel", "matnr", "teil", "part"),
}
_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "quantity_good": ("good", "yield", "gut", "gutmenge"),
    "quantity_scrap": ("scrap", "ausschuss", "reject"),
    "quantity": ("qty", "quantity", "menge", "amount", "anzahl", "stock", "bestand"),
    "quality_status": ("quality", "qstatus", "qualität", "insp"),
    "location": ("location", "bin", "lager", "platz", "storage", "lgort", "place"),
    "status": ("status", "state", "zustand"),
    "state": ("state", "status", "zustand"),
    "customer": ("customer", "kunde", "kunnr"),
    "supplier": ("supplier", "vendor", "lieferant", "lifnr"),
    "expires_at": ("expiry", "expires", "mhd", "vfdat"),
    "due_at": ("due", "fällig", "faellig", "deadline"),
    "promised_at": ("promised", "wunschtermin", "zugesagt"),
    "planned_start": ("start", "beginn"),
    "planned_end": ("end", "finish", "ende"),
    "eta": ("eta", "arrival", "ankunft"),
    "carrier": ("carrier", "spedition", "haulier"),
    "priority": ("priority", "prio", "priorität"),
    "description": ("description", "text", "bezeichnung", "beschreibung"),
    "reason": ("reason", "grund", "ursache"),
    "result": ("result", "ergebnis"),
    "characteristic": ("characteristic", "merkmal"),
    "revision": ("revision", "rev", "index"),
}
_UNITS = ("unit", "uom", "einheit", "meins", "me")
_TIMES = ("changed", "modified", "updated", "posted", "timestamp", "geändert", "geaendert", "aedat", "erfasst", "at")
_NUMBERS = ("no", "nr", "id", "number", "nummer", "key")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")  # what a source sent must not end a remark
_SLOT = re.compile(r"\{([^{}]+)\}")
_WORDS = re.compile(r"[A-ZÄÖÜ]?[a-zäöüß]+|[A-ZÄÖÜ]+(?![a-zäöüß])|\d+")


@dataclass(slots=True)
class _Draft:
    """The file while it is written. codes: the shared tables, each a list of lines."""

    lines: list[str] = field(default_factory=list)
    codes: dict[str, list[str]] = field(default_factory=dict)

    def named(self, column: str, lines: Sequence[str]) -> str:
        """The name under which the table of a column's codes stands."""
        stem = re.sub(r"\W+", "_", column).strip("_").lower() or "codes"
        number = 0
        while self.codes.setdefault(name := f"{stem}{number or ''}", list(lines)) != list(lines):
            number += 1
        return name


def propose(
    mapping: SourceMapping,
    shapes: Mapping[str, Shape],
    drifts: Sequence[tuple[str, Drift]],
    *,
    owns: Sequence[str] = (),
    only: bool = False,
) -> str:
    """The text of a mapping file. shapes: how each stream looks. only: whether the source has but one stream."""
    draft = _Draft()
    number = int(mapping.version.partition("~")[0] or 0) + 1
    done = set()
    for stream, shape in shapes.items():
        ours = mapping.stream(stream)
        name = "*" if only else ours.name if ours else stream
        if name in done:
            continue
        done.add(name)
        draft.lines += ["", f"[streams.{_key(name)}]  # {shape.messages} messages looked at"]
        told = [drift for of, drift in drifts if of == stream]
        if ours and ours.mappings:
            _revised(draft, name, ours, shape, told)
        else:
            _guessed(draft, name, ours, shape)
    head = [
        f"# Proposed for {mapping.source} from what it sent. Look through every remark before you use it.",
        f"version = {number}",
        *(f"{name} = {_value(value)}" for name, value in mapping.notation.items()),
        *([f"owns = {_value(list(owns))}"] if owns else []),
    ]
    tables = [line for name, lines in draft.codes.items() for line in ("", f"[codes.{_key(name)}]", *lines)]
    return "\n".join(_CONTROLS.sub(" ", line) for line in [*head, *tables, *draft.lines, ""])


def _revised(draft: _Draft, name: str, ours: StreamMapping, shape: Shape, drifts: Sequence[Drift]) -> None:
    """The mapping in force, with the changes that drift asks for."""
    renamed = {each.was: each.now for each in drifts if each.kind is DriftKind.RENAMED}
    if ours.key:
        draft.lines.append(f"key = {_value([renamed.get(each, each) for each in ours.key])}")
    if ours.immutable:
        draft.lines.append("immutable = true")
    draft.lines += [f"# {each.reason}" for each in drifts if each.facts]
    new_codes: dict[str, list[str]] = {}
    for each in drifts:
        if each.kind is DriftKind.NEW_CODE:
            new_codes.setdefault(renamed.get(each.field, each.field), []).append(each.now)
    for use in all_uses(ours):
        if use.closed and use.role == "value" and use.column not in new_codes:
            values = shape.fields.get(use.column, Look()).values or {}
            unknown = [each for each in values if each not in (use.codes or {}) and each not in use.closed]
            new_codes[renamed.get(use.column, use.column)] = unknown
    for one in ours.mappings:
        draft.lines += ["", f"[[streams.{_key(name)}.mapping]]"]
        for key, spec in _tables(one, renamed):
            closed = STATUSES.get((str(one.fields.get("entity", "")).partition(":")[0], key.rpartition(".")[2]), ())
            draft.lines.append(f"{key} = {_spec(draft, spec, new_codes, closed)}")
    used, known = all_uses(ours), {*ours.key, *renamed.values()}
    rest = [each for each in shape.fields if not touched(each, used) and each not in known and "[]" not in each]
    rest = [each for each in rest if BY not in each and not _holds(each, used)]
    if rest:
        draft.lines += ["", f"# Nothing is read from: {', '.join(sorted(rest))}"]


def _guessed(draft: _Draft, name: str, ours: StreamMapping | None, shape: Shape) -> None:
    """A first mapping, from the names, types and values of the fields."""
    looks = {each: look for each, look in shape.fields.items() if BY not in each and "[]" not in each and look.filled}
    key = list(ours.key) if ours and ours.key else _key_columns(looks, shape)
    if key:
        draft.lines.append(f"key = {_value(key)}  # guessed: filled in every message, and named like a number")
    found = _entity(looks)
    if found is None:
        draft.lines.append(
            "# No field is named like a lot, an order, a material or a machine: say what a row is about."
        )
        draft.lines += [f"# {each}: {_told(look)}" for each, look in looks.items()]
        return
    kind, column = found
    begun = len(draft.lines)
    draft.lines += ["", f"[[streams.{_key(name)}.mapping]]"]
    draft.lines.append(f"entity = {_value(f'{kind}:{{{column}}}')}  # guessed: {column} is named like a {kind}")
    times = [each for each, look in looks.items() if "a time" in look.types and _says(each, _TIMES)]
    if times:
        draft.lines.append(f"reported_at = {_value(times[0])}  # guessed: it holds times, and is named like a change")
    taken = {column, *key, *times[:1]}
    unit = next((each for each in looks if each not in taken and _says(each, _UNITS)), None)
    given: set[str] = set()
    for each, look in looks.items():
        if each in taken or each == unit:
            continue
        guess = next(
            (p for p, words in _PROPERTIES.items() if p in PROPERTIES[kind] - given and _says(each, words)), None
        )
        guess = guess or next(
            (e for e, words in _ENTITIES.items() if e in PROPERTIES[kind] - given and _says(each, words)), None
        )
        if guess is None:
            draft.lines.append(f"# not read: {each} ({_told(look)})")
            continue
        given.add(guess)
        spec = _guessed_spec(
            draft, each, look, unit if guess.startswith("quantity") else None, STATUSES.get((kind, guess), ())
        )
        draft.lines.append(f"properties.{guess} = {spec}  # guessed: by its name; {_told(look)}")
    if not given:  # without a property it would be no mapping
        draft.lines[begun:] = [f"# {line}".rstrip() for line in draft.lines[begun:]]
        draft.lines.append('# properties.quantity = { field = "..." }  # at least one property is needed')


def _guessed_spec(draft: _Draft, column: str, look: Look, unit: str | None, closed: tuple[str, ...]) -> str:
    said = [f"field = {_value(column)}"]
    if look.sizes.count and unit:
        said.append(f"unit = {{ field = {_value(unit)} }}")
    elif look.sizes.count and look.kinds() == {"text"} and "text" not in look.types:
        said.append('type = "number"')
    if closed and look.values:
        lines = [_code(value, closed) for value in look.values]
        said.append(f"codes = {_value(draft.named(column, lines))}")
    return f"{{ {', '.join(said)} }}"


def _code(value: str, closed: tuple[str, ...]) -> str:
    plain = value.strip().casefold().replace(" ", "_").replace("-", "_")
    if plain in closed:
        return f"{_value(value)} = {_value(plain)}"
    return f"# {_value(value)} =   # say which it is: {', '.join(closed)}"


def _spec(draft: _Draft, spec: Any, new_codes: Mapping[str, Sequence[str]], closed: tuple[str, ...]) -> str:
    if not isinstance(spec, Mapping):
        return _value(spec)
    said = []
    column = spec.get("field")
    for name, each in spec.items():
        if name != "codes":
            told = _spec(draft, each, new_codes, ()) if isinstance(each, Mapping) else _value(each)
            said.append(f"{_key(name)} = {told}")
    news = new_codes.get(column, ()) if isinstance(column, str) else ()
    codes = spec.get("codes", {}) if isinstance(column, str) else {}
    if codes or (news and closed):
        lines = [f"{_value(code)} = {_value(meaning)}" for code, meaning in codes.items()]
        may = f": {', '.join(closed)}" if closed else ""
        lines += [f"# {_value(code)} =   # new: say what it means{may}" for code in news]
        said.append(f"codes = {_value(draft.named(str(column), lines))}")
    return f"{{ {', '.join(said)} }}"


def _tables(one: RowMapping, renamed: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Each key of a mapping with its value, dotted where it is nested."""
    for name, spec in one.fields.items():
        if name in ("properties", "attributes"):
            yield from ((f"{name}.{_key(inner)}", _with_names(each, renamed)) for inner, each in spec.items())
        else:
            yield name, _with_names(spec, renamed)
    for name, columns in (("occurred_at", one.occurred_at), ("reported_at", one.reported_at)):
        if columns:
            yield name, [_with_names(renamed.get(each, each), renamed) for each in columns]
    if one.when:
        yield "when", {renamed.get(name, name): list(wanted) for name, wanted in one.when.items()}


def _with_names(spec: Any, renamed: Mapping[str, str]) -> Any:
    """The spec with renamed columns under their new names."""
    if isinstance(spec, str):
        return _SLOT.sub(lambda slot: "{" + renamed.get(slot[1], slot[1]) + "}", spec)
    if not isinstance(spec, Mapping):
        return spec
    return {
        name: _with_names(renamed.get(each, each) if name in ("field", "each") else each, renamed)
        for name, each in spec.items()
    }


def _holds(name: str, used: Sequence[Any]) -> bool:
    """Whether something inside the field is read."""
    return any(use.column.startswith((f"{name}.", f"{name}[]")) for use in used)


def _entity(looks: Mapping[str, Look]) -> tuple[str, str] | None:
    for kind, words in _ENTITIES.items():
        for each in looks:
            if _says(each, words):
                return kind, each
    return None


def _key_columns(looks: Mapping[str, Look], shape: Shape) -> list[str]:
    """The first column that is filled in every message, named like a number, and different in each where that shows."""
    full = [each for each, look in looks.items() if look.filled == shape.messages and _says(each, _NUMBERS)]
    distinct = [each for each in full if (values := looks[each].values) is None or len(values) >= shape.messages]
    return (distinct or full)[:1]


def _says(name: str, words: Sequence[str]) -> bool:
    """Whether the field's name holds one of the words, alone or two of its words together."""
    parts = [each.casefold() for each in _WORDS.findall(name)]
    joined = {*parts, *(a + b for a, b in pairwise(parts)), name.casefold()}
    return not joined.isdisjoint(words)


def _told(look: Look) -> str:
    few = ", ".join(sorted(look.values or ())[:5])
    said = " or ".join(sorted(look.kinds()))
    return " ".join((f"{said}: {few}" if few else said).split())  # a remark is one line


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """The value in TOML."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(name))} = {_value(each)}" for name, each in value.items()) + " }"
    return str(value)
