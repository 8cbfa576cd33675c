"""How the messages of a stream look: their fields, types, codes and sizes, so that drift can be told. Pure.

A field inside an object is `a.b`, inside a list of objects `a[].b`. Of many messages a sample is looked at; the columns
in which the mapping reads codes and units are looked at in every one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from lineside.plant.mapping import RowMapping, Use, subject, uses, value_of
from lineside.plant.mapping_file import StreamMapping
from lineside.plant.records import Json
from lineside.plant.row_values import text
from lineside.plant.vocabulary import UNIT_WORDS

NOTHING = "nothing"
MOST_VALUES, LONGEST_VALUE, MOST_PAIRS, MOST_FIELDS = 50, 40, 500, 300
BY = "\t"  # in the name of a look at pairs, and between a pair's two values
_SAMPLED, _ITEMS, _DEPTH = 50, 5, 3
_DIGITS = re.compile(r"[+-]?\d{1,3}(?:[,.]\d{3})+|[+-]?\d+", re.ASCII)
_POINT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d*)\.\d+", re.ASCII)
_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d*),\d+", re.ASCII)
_QUANTITY = re.compile(r"[+-]?[\d.,]+\s*([^\s\d.,+-]\S*)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?|/Date\(.*\)/", re.ASCII)
_UNITS = {word.casefold() for code, words in UNIT_WORDS.items() for word in (code, *words)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large numbers are, by the logarithm to base 10 of those that are not 0: how many, their mean, and the sum of
    the squared distances from it."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @property
    def spread(self) -> float:
        """The standard deviation."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0

    def __add__(self, other: Sizes) -> Sizes:
        if not (self.count and other.count):
            return self if self.count else other
        count, apart = self.count + other.count, other.mean - self.mean
        between = apart * apart * self.count * other.count / count
        mean = self.mean + apart * other.count / count
        return Sizes(count=count, mean=mean, squares=self.squares + other.squares + between)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one field looked. seen: in how many messages it was there, empty or not. types: how often it was written how.

    values: how often each short value; None where there are too many to be codes.
    """

    seen: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, int] | None = field(default_factory=dict)
    sizes: Sizes = field(default_factory=Sizes)

    @property
    def filled(self) -> int:
        """In how many messages it held something."""
        return self.seen - self.types.get(NOTHING, 0)

    def kinds(self) -> set[str]:
        """The JSON types that it had, empty apart."""
        return {_KINDS.get(each, "text") for each in self.types if each != NOTHING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a stream looked. messages: how many were looked at whole."""

    messages: int = 0
    fields: Mapping[str, Look] = field(default_factory=dict)

    def __add__(self, other: Shape) -> Shape:
        names = [*self.fields, *(each for each in other.fields if each not in self.fields)][:MOST_FIELDS]
        fields = {name: _sum(name, self.fields.get(name), other.fields.get(name)) for name in names}
        return Shape(messages=self.messages + other.messages, fields=fields)


def profile(rows: Sequence[Mapping[str, Json]], mapping: StreamMapping | None = None) -> Shape:
    """How the rows look; whatever their order, the same for up to 50 of them."""
    watched = _watched(mapping)
    pairs = list(unit_pairs(mapping))
    stride = max(1, len(rows) // _SAMPLED)
    looks: dict[str, _Counting] = {}
    known: set[tuple[str, ...]] = set()
    messages = 0
    for place, row in enumerate(rows):
        names = tuple(row)
        novel = names not in known and len(known) < _SAMPLED
        if novel or place % stride == 0:
            known.add(names)
            messages += 1
            for name in {name for name, value in _leaves(row) if _look(looks, name).take(value)}:
                looks[name].seen += 1
        else:
            for name in watched:
                _look(looks, name).value(text(value_of(row, name)))
        for unit, by in pairs:
            whose, written = text(value_of(row, by)), text(value_of(row, unit))
            if whose and written:
                _look(looks, f"{unit}{BY}{by}").value(f"{whose}{BY}{written}", most=MOST_PAIRS, longest=200)
    fields = {name: each.look() for name, each in list(looks.items())[:MOST_FIELDS]}
    return Shape(messages=messages, fields=fields)


def unit_pairs(mapping: StreamMapping | None) -> Iterator[tuple[str, str]]:
    """Each column that holds a unit, with the column that names the material, where the row has one."""
    for one in mapping.mappings if mapping else ():
        found = list(uses(one))
        if by := _material(one, found):
            yield from ((use.column, by) for use in found if use.role == "unit" and "[]" not in use.column)


def all_uses(mapping: StreamMapping | None) -> list[Use]:
    """Everything that the stream's mappings read."""
    return [use for one in (mapping.mappings if mapping else ()) for use in uses(one)]


def fields_of(row: Mapping[str, Json]) -> list[str]:
    """The fields in a row, those inside objects and lists of objects included."""
    return list(dict.fromkeys(name for name, _ in _leaves(row)))


class _Counting:
    """A look while it is being taken."""

    def __init__(self) -> None:
        self.seen = 0
        self._types: Counter[str] = Counter()
        self._values: Counter[str] | None = Counter()
        self._sizes: list[float] = []

    def take(self, value: Json) -> bool:
        """The value counts; True, so that it can be told in one pass which fields were there."""
        kind, size = _kind(value)
        self._types[kind] += 1
        if size:
            self._sizes.append(math.log10(abs(size)))
        if isinstance(value, str | int):
            self.value(text(value))
        elif isinstance(value, float):
            self._values = None
        return True

    def value(self, written: str, *, most: int = MOST_VALUES, longest: int = LONGEST_VALUE) -> None:
        if self._values is None or not written:
            return
        if len(written) > longest:
            self._values = None
            return
        self._values[written] += 1
        if len(self._values) > most:
            self._values = None

    def look(self) -> Look:
        sizes = Sizes()
        if self._sizes:
            mean = math.fsum(self._sizes) / len(self._sizes)
            squares = math.fsum((each - mean) ** 2 for each in self._sizes)
            sizes = Sizes(count=len(self._sizes), mean=mean, squares=squares)
        values = None if self._values is None else dict(sorted(self._values.items()))
        return Look(seen=self.seen, types=dict(sorted(self._types.items())), values=values, sizes=sizes)


_KINDS = {"true or false": "true or false", "number": "number", "list": "list", "object": "object"}


def _kind(value: Json) -> tuple[str, float]:
    """(how the value is written, the number in it or 0)."""
    match value:
        case None | "":
            return NOTHING, 0.0
        case bool():
            return "true or false", 0.0
        case int() | float():
            return "number", float(value) if abs(value) < 1e300 else 0.0
        case list():
            return "list", 0.0
        case dict():
            return "object", 0.0
    written = value.strip()[:LONGEST_VALUE]
    if not written:
        return NOTHING, 0.0
    if written[0].isdigit() or written[0] in "+-.,/":
        return _written(written)
    return "text", 0.0


def _written(written: str) -> tuple[str, float]:
    if _DIGITS.fullmatch(written):
        return "digits", float(re.sub("[,.]", "", written))
    if _POINT.fullmatch(written):
        return "a decimal point", float(Decimal(written.replace(",", "")))
    if _COMMA.fullmatch(written):
        return "a decimal comma", float(Decimal(written.replace(".", "").replace(",", ".")))
    if _TIME.fullmatch(written):
        return "a time", 0.0
    if (found := _QUANTITY.fullmatch(written)) and found[1].casefold() in _UNITS:
        return f"a quantity in {found[1]}", 0.0
    return "text", 0.0


def _leaves(row: Mapping[str, Json], under: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, Json]]:
    for name, value in row.items():
        yield under + name, value
        if depth and isinstance(value, dict):
            yield from _leaves(value, f"{under}{name}.", depth - 1)
        elif depth and isinstance(value, list):
            for each in value[:_ITEMS]:
                if isinstance(each, dict):
                    yield from _leaves(each, f"{under}{name}[].", depth - 1)


def _look(looks: dict[str, _Counting], name: str) -> _Counting:
    found = looks.get(name)
    if found is None:
        found = looks[name] = _Counting()
    return found


def _watched(mapping: StreamMapping | None) -> set[str]:
    found = all_uses(mapping)
    return {use.column for use in found if (use.codes or use.closed or use.role == "unit") and "[]" not in use.column}


def _material(mapping: RowMapping, found: Iterable[Use]) -> str:
    """The column that names the material which a row is about, where one does."""
    about = subject(mapping)
    named = [use for use in found if use.fact.rpartition(".")[2] == "material" and "[]" not in use.column]
    if not named and about in ("material", "inventory"):
        named = [use for use in found if use.fact.endswith(" (entity)")]
    return named[0].column if named else ""


def _sum(name: str, one: Look | None, other: Look | None) -> Look:
    if one is None or other is None:
        found = one or other
        return replace(found) if found else Look()
    values: dict[str, int] | None = None
    if one.values is not None and other.values is not None:
        values = _added(one.values, other.values)
        if len(values) > (MOST_PAIRS if BY in name else MOST_VALUES):
            values = None
    types = _added(one.types, other.types)
    return Look(seen=one.seen + other.seen, types=types, values=values, sizes=one.sizes + other.sizes)


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def look_to_json(look: Look) -> dict[str, Any]:
    """The look as it is kept."""
    sizes = [look.sizes.count, look.sizes.mean, look.sizes.squares]
    values = None if look.values is None else dict(look.values)
    return {"seen": look.seen, "types": dict(look.types), "values": values, "sizes": sizes}


def look_from_json(kept: Mapping[str, Any]) -> Look:
    """The look back from how it is kept."""
    count, mean, squares = kept["sizes"]
    sizes = Sizes(count=count, mean=mean, squares=squares)
    return Look(seen=kept["seen"], types=kept["types"], values=kept["values"], sizes=sizes)
