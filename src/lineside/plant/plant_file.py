"""plant.toml, read into a Plant.

Every key is known or an error; every error names the key, what was found there, and what to write.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from math import isfinite
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from lineside.errors import BadPlantFile
from lineside.plant.equipment import Equipment
from lineside.plant.plant import Contact, Customer, CutOff, Person, Plant, ShiftPattern, SourceCard

T = TypeVar("T")
D = TypeVar("D")

_SECTIONS = ("equipment", "shifts", "roster", "people", "sources", "cut_offs", "customers", "contacts")
_ROLES = ("customer", "carrier")
_EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def parse_plant(text: str) -> Plant:
    """The plant that the text of a plant.toml describes.

    Raises BadPlantFile with `key`, `found` and `write` among its fields.
    """
    try:
        data = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise BadPlantFile(f"plant.toml is not TOML: {error}", key="", found="", write="valid TOML") from error
    top = _Table(data, "")
    sections = {name: top.tables(name) for name in _SECTIONS}
    packs = top.take("site_packs", _names_by_site, ())
    top.finish("site", "time_zone", "enterprise", "name", "holidays", "pack")
    shifts = tuple(_shift(table) for table in sections["shifts"])
    plant = Plant(
        site=top.need("site", _path),
        time_zone=top.need("time_zone", _zone),
        enterprise=top.take("enterprise", _text, ""),
        name=top.take("name", _text, ""),
        holidays=frozenset(top.take("holidays", _list_of(_date), ())),
        equipment=tuple(_equipment(table) for table in sections["equipment"]),
        shifts=shifts,
        roster=tuple(entry for table in sections["roster"] for entry in _roster(table, shifts)),
        people=tuple(_person(table) for table in sections["people"]),
        sources=tuple(_source(table) for table in sections["sources"]),
        cut_offs=tuple(_cut_off(table) for table in sections["cut_offs"]),
        customers=tuple(_customer(table) for table in sections["customers"]),
        contacts=tuple(_contact(table) for table in sections["contacts"]),
        pack=top.take("pack", _text, ""),
        site_packs=packs,
    )
    _one_meaning("equipment", "id", ((e.id, e.id) for e in plant.equipment))
    _one_alias("equipment", ((e.id, (e.name,), (e.id, *e.aliases)) for e in plant.equipment))
    _one_meaning("shifts", "name", ((s.name, s.name) for s in plant.shifts))
    _one_alias("shifts", ((s.name, (), (s.name, *s.aliases)) for s in plant.shifts))
    _one_meaning("roster", "week", (((week, shift), f"{week} {shift}") for week, shift, _ in plant.roster))
    _one_meaning("people", "id", ((p.id, p.id) for p in plant.people))
    _one_meaning("people", "slack", ((p.slack, p.slack) for p in plant.people if p.slack))
    _one_meaning("people", "email", ((p.email, p.email) for p in plant.people if p.email))
    _one_meaning("sources", "name", ((s.name, s.name) for s in plant.sources))
    _one_meaning("customers", "id", ((c.id, c.id) for c in plant.customers))
    _one_meaning(
        "contacts", "email", (((c.partner, c.email.casefold()), f"{c.email} of {c.partner}") for c in plant.contacts)
    )
    return plant


def _equipment(table: _Table) -> Equipment:
    found = Equipment(
        id=table.need("id", _path),
        name=table.take("name", _text, ""),
        aliases=table.take("aliases", _list_of(_text), ()),
    )
    table.finish()
    return found


def _shift(table: _Table) -> ShiftPattern:
    found = ShiftPattern(
        name=table.need("name", _text),
        start=table.need("start", _time),
        end=table.need("end", _time),
        aliases=table.take("aliases", _list_of(_text), ()),
        days=table.take("days", _days, _EVERY_DAY),
    )
    table.finish()
    return found


def _roster(table: _Table, shifts: tuple[ShiftPattern, ...]) -> Iterator[tuple[str, str, str]]:
    week = table.need("week", _week)
    for pattern in shifts:
        if crew := table.take(pattern.name, _text, ""):
            yield week, pattern.name, crew
    table.finish()


def _person(table: _Table) -> Person:
    found = Person(
        id=table.need("id", _text),
        name=table.take("name", _text, ""),
        roles=table.take("roles", _list_of(_text), ()),
        sites=table.take("sites", _list_of(_text), ()),
        slack=table.take("slack", _text, None),
        email=table.take("email", _text, None),
        crew=table.take("crew", _text, ""),
    )
    table.finish()
    return found


def _source(table: _Table) -> SourceCard:
    found = SourceCard(
        name=table.need("name", _text),
        kind=table.take("kind", _text, ""),
        owner=table.take("owner", _text, None),
        cadence_s=table.take("cadence_s", _seconds, None),
        clock_offset_s=table.take("clock_offset_s", _number, 0.0),
        owns=table.take("owns", _list_of(_property), ()),
        readers=table.take("readers", _list_of(_text), ()),
    )
    table.finish()
    return found


def _cut_off(table: _Table) -> CutOff:
    # The dock need not be declared equipment: it may belong to a warehouse that no machine list names.
    found = CutOff(
        dock=table.need("dock", _text),
        departure=table.need("departure", _time),
        cut_off=table.need("cut_off", _time),
        carrier=table.take("carrier", _text, None),
        days=table.take("days", _days, _EVERY_DAY),
    )
    table.finish()
    return found


def _customer(table: _Table) -> Customer:
    found = Customer(
        id=table.need("id", _text),
        name=table.take("name", _text, ""),
        partial_allowed=table.take("partial_allowed", _flag, None),
        partial_min_share=table.take("partial_min_share", _share, None),
        documents=table.take("documents", _list_of(_text), ()),
    )
    table.finish()
    return found


def _contact(table: _Table) -> Contact:
    found = Contact(
        partner=table.need("partner", _text),
        email=table.need("email", _address),
        name=table.take("name", _line, ""),
        language=table.take("language", _language, "en"),
        serves=table.take("for", _list_of(_role), _ROLES),
    )
    table.finish()
    return found


class _Table:
    """A TOML table that knows where it stands and which of its keys were asked for."""

    def __init__(self, data: Mapping[str, Any], key: str) -> None:
        self._data = data
        self._key = key
        self._known: list[str] = []

    def take(self, key: str, read: Callable[[Any], T], absent: D) -> T | D:
        self._known.append(key)
        return self._read(key, read) if key in self._data else absent

    def need(self, key: str, read: Callable[[Any], T]) -> T:
        self._known.append(key)
        if key not in self._data:
            near = get_close_matches(key, self._data, n=1)
            _refuse(self._path(key), f"{near[0]!r} instead" if near else "nothing", f"{key!r}, which can't be missing")
        return self._read(key, read)

    def _read(self, key: str, read: Callable[[Any], T]) -> T:
        try:
            return read(self._data[key])
        except _Unfit as unfit:
            _refuse(self._path(key) + unfit.at, unfit.found, unfit.write)

    def tables(self, key: str) -> list[_Table]:
        found = self.take(key, _list_of(_table), ())
        return [_Table(data, f"{self._path(key)}[{at}]") for at, data in enumerate(found, start=1)]

    def finish(self, *more: str) -> None:
        """Refuses the first key that nothing asked for, nor is among `more`."""
        known = [*self._known, *more]
        for key in self._data:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                right = f"{near[0]!r}" if near else f"one of {', '.join(known)}"
                _refuse(self._path(key), "a key that means nothing here", f"{right}, or leave it out")

    def _path(self, key: str) -> str:
        return f"{self._key}.{key}" if self._key else key


class _Unfit(Exception):
    """A value's refusal, on its way to the table that knows the key."""

    def __init__(self, found: object, write: str, at: str = "") -> None:
        super().__init__(write)
        self.found = found
        self.write = write
        self.at = at


def _refuse(key: str, found: object, write: str) -> NoReturn:
    shown = found if isinstance(found, str) else str(found)
    raise BadPlantFile(f"plant.toml, {key}: found {shown}; write {write}", key=key, found=shown, write=write)


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Unfit(repr(value), "a table, as in [[equipment]]")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Unfit(repr(value), "a text in quotes that is not empty")
    return value.strip()


def _line(value: Any) -> str:
    text = _text(value)
    if not text.isprintable() or set(text) & set('<>"'):
        raise _Unfit(repr(value), "a name on one line, without < > and quotes")
    return text


def _address(value: Any) -> str:
    """One mailbox, and nothing that a mail header could take for more than that."""
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9._%+=-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text):
        raise _Unfit(repr(value), "one mail address, as in orders@customer.example")
    return text


def _language(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2}", value):
        raise _Unfit(repr(value), 'a language in two letters, as in "de"')
    return value


def _role(value: Any) -> str:
    if value not in _ROLES:
        raise _Unfit(repr(value), f"one of {', '.join(_ROLES)}")
    return str(value)


def _path(value: Any) -> str:
    text = _text(value)
    if any(not part.strip() or part != part.strip() for part in text.split("/")):
        raise _Unfit(repr(value), "a path without empty parts, as in northfield/packing/line-3")
    return text


def _names_by_site(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise _Unfit(repr(value), 'a table of sites and the pack of each, as in southfield = "dairy"')
    return tuple((_path(site).casefold(), _text(name)) for site, name in value.items())


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Unfit(repr(value), "true or false")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _Unfit(repr(value), "a number")
    return float(value)


def _seconds(value: Any) -> float:
    if (number := _number(value)) <= 0:
        raise _Unfit(repr(value), "a number of seconds above 0")
    return number


def _share(value: Any) -> float:
    if not 0 <= (number := _number(value)) <= 1:
        raise _Unfit(repr(value), "a share from 0 to 1, as in 0.85 for 85 %")
    return number


def _property(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"(\w+\.)?\w+(:\S.*)?", text):
        raise _Unfit(
            repr(value), "a property, with its entity's kind and scope where they matter: inventory.quantity:book"
        )
    return text


def _time(value: Any) -> time:
    """A local wall-clock time: "22:00", or TOML's own 22:00:00. "24:00" is midnight."""
    if isinstance(value, time):
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", value.strip())):
        hour, minute, second = (int(part or 0) for part in match.groups())
        if (hour, minute, second) == (24, 0, 0):
            return time(0)
        if hour < 24 and minute < 60 and second < 60:
            return time(hour, minute, second)
    raise _Unfit(repr(value), 'a time of day from 00:00 to 24:00, as in "22:00"')


def _date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass  # the 31st of a short month: refused below, like any other
    raise _Unfit(repr(value), 'a day of the calendar, as in "2026-11-26"')


def _days(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or any(type(day) is not int or not 1 <= day <= 7 for day in value):
        raise _Unfit(repr(value), "a list of weekdays from 1 (Monday) to 7 (Sunday), as in [1, 2, 3, 4, 5]")
    return tuple(sorted(set(value)))


def _week(value: Any) -> str:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{4})-W(\d{2})", value.strip())):
        try:
            date.fromisocalendar(int(match[1]), int(match[2]), 1)
        except ValueError:
            raise _Unfit(repr(value), f"a week that {match[1]} has") from None
        return value.strip()
    raise _Unfit(repr(value), 'an ISO week, as in "2026-W44"')


def _zone(value: Any) -> ZoneInfo:
    text = _text(value)
    if text in (names := available_timezones()):
        return ZoneInfo(text)
    near = get_close_matches(text, names, n=1, cutoff=0.5)
    raise _Unfit(repr(value), f'a zone of the IANA database, as in "{near[0] if near else "Europe/Berlin"}"')


def _list_of(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def read_list(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _Unfit(repr(value), "a list in square brackets")
        found = []
        for at, item in enumerate(value, start=1):
            try:
                found.append(read(item))
            except _Unfit as unfit:
                raise _Unfit(unfit.found, unfit.write, f"[{at}]{unfit.at}") from None
        return tuple(found)

    return read_list


def _one_meaning(section: str, key: str, values: Iterable[tuple[object, str]]) -> None:
    """Refuses a value that stands in two tables of a section."""
    seen: dict[object, int] = {}
    for at, (value, shown) in enumerate(values, start=1):
        if value in seen:
            _refuse(f"{section}[{at}].{key}", f"{shown!r}, which stands there before", "each of them once")
        seen[value] = at


def _one_alias(section: str, things: Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> None:
    """Refuses an id or alias that means two things.

    things: (id, names that may repeat, names that may not). Two fillers may both be named "Filler", since their lines
    tell them apart; what somebody wrote down as an alias must lead to one place.
    """
    listed = list(things)
    loose = {(_folded(name), owner) for owner, names, _ in listed for name in names if name}
    strict: dict[str, str] = {}
    for at, (owner, _, names) in enumerate(listed, start=1):
        for name in names:
            folded = _folded(name)
            other = strict.setdefault(folded, owner)
            if other == owner:
                other = next((o for loose_name, o in sorted(loose) if loose_name == folded and o != owner), owner)
            if other != owner:
                _refuse(
                    f"{section}[{at}].aliases", f"{name!r}, which also means {other}", "a name that means one of them"
                )


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
