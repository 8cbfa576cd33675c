"""What changed at a source without notice: fields, types, codes, units. Pure.

Structure is told once enough messages show it; a code that nobody mapped is told at once. What a change touches is told
by the mapping: the canonical facts that are read from the field.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum

from lineside.plant.mapping import Use
from lineside.plant.mapping_file import StreamMapping
from lineside.plant.shape import BY, Look, Shape, Sizes, all_uses

ENOUGH = 20
"""Messages after which a field that isn't there is taken for gone."""
_RARE = 0.05
_FACTORS = (10.0, 12.0, 24.0, 25.4, 60.0, 100.0, 1000.0, 3600.0, 1 / 0.45359237)
_UNIT_NAMES = frozenset({"unit", "uom", "unitcode", "units"})
_SURE = 1.5


class DriftKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    RETYPED = "retyped"
    NEW_CODE = "new code"
    CHANGED_UNIT = "changed unit"
    OTHER_SIZE = "other size"  # only a suspicion: numbers as if in another unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One change. was, now: what changed, as text. facts: the canonical facts that are read from the field."""

    kind: DriftKind
    field: str
    was: str = ""
    now: str = ""
    facts: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The change in words, with the facts that it touches."""
        match self.kind:
            case DriftKind.ADDED:
                said = f"there is a new field {self.field} ({self.now})"
            case DriftKind.REMOVED:
                said = f"the field {self.field} is {self.now}"
            case DriftKind.RENAMED:
                said = f"the field {self.was} seems to be called {self.now} now"
            case DriftKind.RETYPED:
                said = f"the field {self.field} held {self.was} and now holds {self.now}"
            case DriftKind.NEW_CODE:
                said = f"the field {self.field} holds a code that the mapping does not know: {self.now}"
            case DriftKind.CHANGED_UNIT:
                said = f"the unit in {self.field} was {self.was} and is {self.now}"
            case DriftKind.OTHER_SIZE:
                said = f"the numbers in {self.field} are {self.now} than they were: perhaps another unit"
        return f"{said}; it is read as {', '.join(self.facts)}" if self.facts else f"{said}; nothing is read from it"


def compare(known: Shape, new: Shape, mapping: StreamMapping | None = None) -> list[Drift]:
    """Every change between how a stream looked and how it looks, by field."""
    found = all_uses(mapping)
    drifts = list(_codes(known, new, found))
    if known.messages >= ENOUGH:
        drifts += _units(known, new, found)
    if known.messages >= ENOUGH and new.messages >= ENOUGH:
        drifts += _fields(known, new, found)
        drifts += _types(known, new, found)
        drifts += _sizes(known, new, found)
    return sorted(drifts, key=lambda each: (each.field, each.kind, each.now))


def settled(known: Shape, new: Shape, drifts: Iterable[Drift]) -> tuple[Shape, Shape]:
    """(what is known from now on, what is still news): all is taken in unless fields drift; of codes that nobody mapped
    only these stay news."""
    if any(each.kind is not DriftKind.NEW_CODE for each in drifts):
        return known, new
    unknown: dict[str, set[str]] = {}
    for each in drifts:
        unknown.setdefault(each.field, set()).add(each.now)
    news = {name: _only(new.fields[name], codes) for name, codes in unknown.items()}
    taken = {name: _without(look, unknown.get(name, set())) for name, look in new.fields.items()}
    return known + replace(new, fields=taken), Shape(fields=news)


def touched(field: str, found: Iterable[Use]) -> tuple[str, ...]:
    """The facts that are read from the field, or from what is in it."""
    name = field.partition(BY)[0]
    return tuple(
        dict.fromkeys(
            use.fact for use in found if use.column == name or name.startswith((f"{use.column}.", f"{use.column}[]"))
        )
    )


def _fields(known: Shape, new: Shape, found: list[Use]) -> Iterator[Drift]:
    plain = {name for name in {*known.fields, *new.fields} if BY not in name}
    always = {name for name in plain if _share(known, name) >= 1 - _RARE and "[]" not in name}
    gone = {name for name in always if _share(new, name) <= _RARE and _filled(known, name)}
    added = {name for name in plain if name not in known.fields and new.fields[name].filled}
    for was, now in _renamed(known, new, gone, added):
        gone.discard(was)
        added.discard(now)
        yield Drift(kind=DriftKind.RENAMED, field=was, was=was, now=now, facts=touched(was, found))
    emptied = {name for name in always - gone if _filled(known, name) >= 1 - _RARE and _filled(new, name) <= _RARE}
    for name in gone:
        yield Drift(kind=DriftKind.REMOVED, field=name, now="gone", facts=touched(name, found))
    for name in emptied - {was for was in always if _share(new, was) <= _RARE}:
        yield Drift(kind=DriftKind.REMOVED, field=name, now="always empty now", facts=touched(name, found))
    for name in added:
        if name.rpartition(".")[0] not in added:  # of a new object its own name is enough
            said = _words(new.fields[name])
            yield Drift(kind=DriftKind.ADDED, field=name, now=said, facts=touched(name, found))


def _renamed(known: Shape, new: Shape, gone: set[str], added: set[str]) -> list[tuple[str, str]]:
    """Pairs of a field that is gone and one that came, the likeliest first, none twice."""
    scored = []
    for was in gone:
        for now in added:
            one, other = known.fields[was], new.fields[now]
            if one.kinds() == other.kinds() and _share(new, now) >= 1 - _RARE:
                scored.append((_likeness(was, one, now, other), was, now))
    pairs: list[tuple[str, str]] = []
    for score, was, now in sorted(scored, reverse=True):
        rivals = sum(1 for _, one, other in scored if (one == was) != (other == now))
        free = all(was != one and now != other for one, other in pairs)
        if free and (score >= _SURE or (not rivals and score >= 1)):
            pairs.append((was, now))
    return pairs


def _likeness(was: str, one: Look, now: str, other: Look) -> float:
    """0 to 3: how alike the names are, the values, and how large the numbers are or how they are written."""
    names = SequenceMatcher(None, was.casefold(), now.casefold()).ratio()
    values = 0.0
    if one.values is not None and other.values:
        values = sum(n for each, n in other.values.items() if each in one.values) / sum(other.values.values())
    alike = 0.5 if set(one.types) & set(other.types) else 0.0
    if one.sizes.count and other.sizes.count:
        apart = abs(one.sizes.mean - other.sizes.mean)
        alike = 1.0 if apart <= max(0.3, 2 * max(one.sizes.spread, other.sizes.spread)) else 0.0
    return names + values + alike


def _types(known: Shape, new: Shape, found: list[Use]) -> Iterator[Drift]:
    numeric = {use.column for use in found if use.type == "number"}
    for name, look in new.fields.items():
        before = known.fields.get(name)
        if before is None or BY in name or not (before.kinds() and look.kinds()):
            continue
        was, now = before.kinds(), look.kinds()
        if name in numeric and was == now == {"text"}:  # the same JSON type, but other numbers
            was, now = _marks(before), _marks(look)
        if was and now and not was & now:
            told = {"was": " or ".join(sorted(was)), "now": " or ".join(sorted(now))}
            yield Drift(kind=DriftKind.RETYPED, field=name, facts=touched(name, found), **told)


def _codes(known: Shape, new: Shape, found: list[Use]) -> Iterator[Drift]:
    told: set[tuple[str, str]] = set()
    for use in found:
        values = new.fields.get(use.column, Look()).values
        if use.role != "value" or not values or (use.codes is None and not use.closed):
            continue
        before = known.fields.get(use.column, Look()).values
        for code in values:
            if code in (use.codes or {}) or code in use.closed or (use.column, code) in told:
                continue
            if before is not None and code in before:
                continue
            if (use.codes is not None and use.closed) or (known.messages >= ENOUGH and before):
                told.add((use.column, code))
                yield Drift(kind=DriftKind.NEW_CODE, field=use.column, now=code, facts=touched(use.column, found))


def _units(known: Shape, new: Shape, found: list[Use]) -> Iterator[Drift]:
    paired = {name.partition(BY)[0] for name in {*known.fields, *new.fields} if BY in name}
    units = {use.column for use in found if use.role == "unit"} - paired
    values = {use.column for use in found if use.role == "value"}
    for name, look in new.fields.items():
        before = known.fields.get(name)
        if before is None:
            continue
        whole, _, part = name.rpartition(".")
        if BY in name:
            for whose, was, now in _repriced(before.values or {}, look.values or {}):
                facts = touched(name, found)
                where = f"{name.partition(BY)[0]} (of {whose})"
                yield Drift(kind=DriftKind.CHANGED_UNIT, field=where, was=was, now=now, facts=facts)
        elif name in units or (part.casefold() in _UNIT_NAMES and whole in values):
            yield from _one_unit(name, set(before.values or ()), set(look.values or ()), found)
        elif name in values:
            yield from _one_unit(name, _embedded(before), _embedded(look), found)


def _one_unit(name: str, was: set[str], now: set[str], found: list[Use]) -> Iterator[Drift]:
    if len(was) == 1 and (other := now - was):
        facts = touched(name, found)
        told = " or ".join(sorted(other))
        yield Drift(kind=DriftKind.CHANGED_UNIT, field=name, was=next(iter(was)), now=told, facts=facts)


def _repriced(known: Mapping[str, int], new: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """(whose unit, what it was, what it is) for everything that had one unit only and has another."""
    before: dict[str, set[str]] = {}
    for pair in known:
        whose, _, unit = pair.partition(BY)
        before.setdefault(whose, set()).add(unit)
    for pair in new:
        whose, _, unit = pair.partition(BY)
        was = before.get(whose, set())
        if len(was) == 1 and unit not in was:
            yield whose, next(iter(was)), unit


def _sizes(known: Shape, new: Shape, found: list[Use]) -> Iterator[Drift]:
    for name in sorted({use.column for use in found if use.role == "value" and use.type in ("", "number")}):
        before, look = known.fields.get(name, Look()).sizes, new.fields.get(name, Look()).sizes
        if min(before.count, look.count) >= ENOUGH and (factor := _factor(before, look)):
            times = f"about {factor:.4g} times {'larger' if look.mean > before.mean else 'smaller'}"
            yield Drift(kind=DriftKind.OTHER_SIZE, field=name, now=times, facts=touched(name, found))


def _factor(before: Sizes, now: Sizes) -> float:
    """The factor between two units by which the numbers jumped; 0 where they did not, or spread too wide to tell."""
    shift, spread = abs(now.mean - before.mean), max(before.spread, now.spread)
    if shift <= 2 * spread:
        return 0.0
    unsure = 0.03 + 2 * spread * math.sqrt(1 / before.count + 1 / now.count)
    nearest = min(_FACTORS, key=lambda each: abs(math.log10(each) - shift))
    return nearest if abs(math.log10(nearest) - shift) <= unsure else 0.0


def _embedded(look: Look) -> set[str]:
    return {each.removeprefix("a quantity in ") for each in look.types if each.startswith("a quantity in ")}


def _marks(look: Look) -> set[str]:
    return {each for each in look.types if each.startswith("a decimal ")}


def _share(shape: Shape, name: str) -> float:
    return shape.fields.get(name, Look()).seen / shape.messages if shape.messages else 0.0


def _filled(shape: Shape, name: str) -> float:
    return shape.fields.get(name, Look()).filled / shape.messages if shape.messages else 0.0


def _words(look: Look) -> str:
    said = " or ".join(sorted(look.kinds()))
    few = sorted(look.values or ())[:5]
    return f"{said}, as in {', '.join(few)}" if few else said


def _only(look: Look, codes: set[str]) -> Look:
    return Look(values={code: n for code, n in (look.values or {}).items() if code in codes})


def _without(look: Look, codes: set[str]) -> Look:
    if not codes or look.values is None:
        return look
    return replace(look, values={code: n for code, n in look.values.items() if code not in codes})
