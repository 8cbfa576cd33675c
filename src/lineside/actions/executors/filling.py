"""Requests filled in: holes in braces, in paths and bodies, take what was approved and what the read brought.

`{due}` is the whole text; `{id.2}` the second of its parts between slashes and at-signs; `{due:date}` a part of a
moment, by the clock that it is written in; `{quantity#}` a JSON number. A hole that stands alone and has no value is
left out with its key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import quote

from lineside.plant.records import Json

CONDITION = "condition"  # what the read brought, to be written back with the change
_HOLE = re.compile(r"\{([a-z_]+)(?:\.(\d))?(?::([a-z_]+))?(#)?\}")
_PARTS = re.compile(r"[/@]")
_DAYS = frozenset({"date", "year", "month", "day", "day_ms"})
FORMS = _DAYS | {"time", "hour", "minute", "second"}


class Unfilled(Exception):
    """Nothing fills a hole that can't stay empty."""


def holes(template: Any) -> Iterator[tuple[str, str]]:
    """Each hole's name and form, in the template's texts and keys."""
    match template:
        case dict():
            for name, each in template.items():
                yield from holes(name)
                yield from holes(each)
        case list():
            for each in template:
                yield from holes(each)
        case str():
            yield from ((found[1], found[3] or "") for found in _HOLE.finditer(template))


def days_only(template: Any) -> Collection[str]:
    """The names of which the template says the day and never the time."""
    told: dict[str, set[str]] = {}
    for name, form in holes(template):
        told.setdefault(name, set()).add(form)
    return sorted(name for name, forms in told.items() if forms <= _DAYS)


def fill(template: Any, said: Mapping[str, Json]) -> Any:  # any JSON shape
    """The template with its holes filled. Raises Unfilled."""
    match template:
        case dict():
            filled = {str(_text(name, said)): fill(each, said) for name, each in template.items()}
            return {name: each for name, each in filled.items() if each is not None}
        case list():
            return [fill(each, said) for each in template]
        case str():
            return _text(template, said)
    return template


def fill_path(template: str, said: Mapping[str, Json]) -> str:
    """The path with its holes filled and escaped; between single quotes, as OData has its keys, a quote is doubled."""

    def value(hole: re.Match[str]) -> str:
        text = str(_value(hole, said, absent=""))
        quoted = hole.start() > 0 and template[hole.start() - 1] == "'"
        return quote(text.replace("'", "''") if quoted else text, safe="")

    return _HOLE.sub(value, template)


def part_of(id_: str, part: int) -> str:
    """The whole id, or one of the parts between its slashes and at-signs, from 1; empty where it has no such part."""
    if part == 0:
        return id_
    parts = _PARTS.split(id_)
    return parts[part - 1] if part <= len(parts) else ""


def _text(template: str, said: Mapping[str, Json]) -> Json:
    whole = _HOLE.fullmatch(template)
    if whole is not None:
        return _value(whole, said, absent=None)
    return _HOLE.sub(lambda hole: str(_value(hole, said, absent="")), template)


def _value(hole: re.Match[str], said: Mapping[str, Json], *, absent: Json) -> Json:
    name, part, form, number = hole[1], int(hole[2] or 0), hole[3], hole[4]
    if said.get(name) is None:
        if name == CONDITION:
            raise Unfilled("its row version could not be read")
        return absent
    text = part_of(str(said[name]), part)
    if form:
        return _of_moment(name, text, form)
    if not number:
        if name == CONDITION and not text:
            raise Unfilled("its row version could not be read")
        return text
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        raise Unfilled(f"{name.replace('_', ' ')} {text or said[name]} has no number there") from None


def _of_moment(name: str, text: str, form: str) -> Json:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unfilled(f"{name.replace('_', ' ')} {text} is no moment") from None
    match form:
        case "date":
            return moment.date().isoformat()
        case "time":
            return moment.time().isoformat()
        case "day_ms":
            return int(datetime.combine(moment.date(), time(), UTC).timestamp() * 1000)
    found: int = getattr(moment, form)
    return found
