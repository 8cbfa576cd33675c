"""A record as Odoo's JSON writes it, made plain: false is no value, and a link is an id with a name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser

from lineside.connector.by_id import stamped
from lineside.errors import SourceUnavailable
from lineside.plant.records import Json

STAMPS = ("write_date", "create_date")
_BREAKS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3"}


def plain(record: Mapping[str, Json], types: Mapping[str, str]) -> dict[str, Json]:
    """The record by the types of its fields: `{id, name}` for a link, None for an empty field, text for HTML."""
    return {name: _plain(value, types.get(name, "")) for name, value in record.items()}


def number(record: Mapping[str, Json]) -> int:
    """The record's id. Raises SourceUnavailable where it has none: then the answer is no answer."""
    found = record.get("id")
    if isinstance(found, bool) or not isinstance(found, int):
        raise SourceUnavailable("a record came without its id")
    return found


def stamp(record: Mapping[str, Json]) -> str:
    """When the record last changed, see `stamped`: those that nobody ever wrote have only the time of their making.

    Odoo writes UTC without saying so. Empty where there is no time.
    """
    for name in STAMPS:
        if (value := record.get(name)) and isinstance(value, str):
            try:
                return stamped(datetime.fromisoformat(value).replace(tzinfo=UTC))
            except ValueError:
                continue
    return ""


def wire_time(at: datetime) -> str:
    """The time as a domain wants it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _plain(value: Json, kind: str) -> Json:
    if value is False and kind != "boolean":
        return None
    if kind == "many2one" and isinstance(value, list) and len(value) == 2:
        return {"id": value[0], "name": value[1]}
    if kind == "html" and isinstance(value, str):
        return _text(value)
    return value


def _text(html: str) -> str:
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
