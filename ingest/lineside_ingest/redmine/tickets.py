"""A ticket as Redmine tells it, made into rows: how it stands, what was written in it, what was changed. Pure.

Redmine tells a ticket as it is now, and each change with the value before. Walking back from now gives the ticket as it
was at each change; so what is said of a change stays the same, however often the ticket changes after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lineside.plant.records import Json

Row = dict[str, Json]

ISSUES, NOTES, CHANGES = "issues", "notes", "changes"
STREAMS = (ISSUES, NOTES, CHANGES)
_SECTION = re.compile(r"(?:8D[\s:/_-]+)?D ?([0-8])(?![\w.])", re.IGNORECASE)
_LONGEST_VALUE = 200
_TABLES = {"status_id": "statuses", "priority_id": "priorities", "tracker_id": "trackers", "project_id": "projects"}
_MOVED = {"project_id", "is_private"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What Redmine's ids are called, by table. closed: the ids of the statuses that close a ticket."""

    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row of a stream. version: what tells it from the ticket's other rows. at: when it was said."""

    stream: str
    version: str
    at: str
    row: Row


def standing(ticket: Mapping[str, Json]) -> Told:
    """The ticket as it stands, its custom fields by name, without what was written and changed."""
    row: Row = {name: value for name, value in ticket.items() if name not in {"journals", "custom_fields"}}
    row["fields"] = {each.name: each.value for each in _fields(ticket).values()}
    return Told(stream=ISSUES, version=stamp(ticket), at=stamp(ticket), row=row)


def history(ticket: Mapping[str, Json], names: Names, *, private_notes: bool) -> Iterator[Told]:
    """What was written and changed, oldest first. private_notes: whether those are told too."""
    journals = _dicts(ticket.get("journals"))
    state = _State(ticket, names, journals)
    for journal in reversed(journals):
        for change in reversed(_dicts(journal.get("details"))):
            state.undo(change)
    yield from state.opened()
    for journal in journals:
        yield from state.went_on(journal, private_notes=private_notes)


def stamp(ticket: Mapping[str, Json]) -> str:
    """When the ticket was last changed, as Redmine writes it."""
    return str(ticket.get("updated_on") or ticket.get("created_on") or "")


def moved(ticket: Mapping[str, Json]) -> int:
    """The last change that moved the ticket to another project or made it private or public; 0 where none did."""
    found = 0
    for journal in _dicts(ticket.get("journals")):
        if any(
            each.get("property") == "attr" and each.get("name") in _MOVED for each in _dicts(journal.get("details"))
        ):
            found = max(found, int(str(journal.get("id"))))
    return found


def section(name: str) -> str:
    """D0 to D8, where the field's name says that it carries that section of an 8D report; else empty."""
    found = _SECTION.match(name.strip())
    return f"D{found[1]}" if found else ""


@dataclass(slots=True)
class _Field:
    name: str
    value: Json


class _State:
    """The ticket at one time. Begins now, is taken back change by change, and goes on from there."""

    def __init__(self, ticket: Mapping[str, Json], names: Names, journals: list[Row]) -> None:
        self._ticket = ticket
        self._names = names
        self._attributes: dict[str, str] = {
            "tracker_id": _id(ticket.get("tracker")),
            "project_id": _id(ticket.get("project")),
            "subject": str(ticket.get("subject") or ""),
            "description": str(ticket.get("description") or ""),
        }
        self._fields = _fields(ticket)
        about = (ticket.get("author"), ticket.get("assigned_to"), *(each.get("user") for each in journals))
        self._people = {_id(each): name for each in about if (name := _name(each))}

    def undo(self, change: Row) -> None:
        self._set(change, "old_value")

    def opened(self) -> Iterator[Told]:
        at, by = str(self._ticket.get("created_on") or ""), _name(self._ticket.get("author"))
        yield self._told(CHANGES, "0", at, by, what="created")
        yield self._told(NOTES, "0", at, by, what="description", text=self._attributes["description"])
        for each in list(self._fields.values()):
            yield from self._section(each, "0", at, by)

    def went_on(self, journal: Row, *, private_notes: bool) -> Iterator[Told]:
        at, by, mark = str(journal.get("created_on") or ""), _name(journal.get("user")), str(journal.get("id"))
        changes = _dicts(journal.get("details"))
        for change in changes:
            self._set(change, "new_value")
        for place, change in enumerate(changes):
            yield from self._changed(change, f"{mark}.{place}", at, by)
        text = journal.get("notes")
        # A Redmine that does not say whether a note is private has not said that it is not.
        if isinstance(text, str) and text.strip() and (private_notes or journal.get("private_notes") is False):
            yield self._told(NOTES, mark, at, by, what="note", text=text)

    def _changed(self, change: Row, version: str, at: str, by: str) -> Iterator[Told]:
        kind, name = change.get("property"), str(change.get("name") or "")
        if kind == "attr" and name == "description":
            yield self._told(NOTES, version, at, by, what="description", text=self._attributes["description"])
            return
        own = self._fields.get(name) if kind == "cf" else None
        if own is not None and section(own.name):
            yield from self._section(own, version, at, by)
            return
        called = {"attr": name.removesuffix("_id").replace("_", " "), "cf": own.name if own else f"field {name}"}
        label = called.get(str(kind), "attachment" if kind == "attachment" else name.replace("_", " "))
        was, now = (self._value(kind, name, change.get(which)) for which in ("old_value", "new_value"))
        more: Row = {"field": label, "was": was, "now": now}
        if name == "status_id" and kind == "attr":
            more["closes"] = str(change.get("new_value")) in self._names.closed
        yield self._told(CHANGES, version, at, by, what="changed", **more)

    def _section(self, own: _Field, version: str, at: str, by: str) -> Iterator[Told]:
        if (which := section(own.name)) and (text := str(own.value or "").strip()):
            yield self._told(NOTES, f"{version}.{which}", at, by, what=which, label=own.name, text=text)

    def _told(self, stream: str, version: str, at: str, by: str, **more: Json) -> Told:
        short: Row = {
            each.name: each.value
            for each in self._fields.values()
            if each.value and not section(each.name) and len(str(each.value)) <= _LONGEST_VALUE
        }
        row: Row = {
            "issue": self._ticket.get("id"), "subject": self._attributes["subject"], "at": at, "by": by,
            "tracker": self._value("attr", "tracker_id", self._attributes["tracker_id"]),
            "project": self._value("attr", "project_id", self._attributes["project_id"]), "fields": short, **more,
        }  # fmt: skip
        return Told(stream=stream, version=version, at=at, row=row)

    def _set(self, change: Row, which: str) -> None:
        kind, name, value = change.get("property"), str(change.get("name") or ""), change.get(which)
        if kind == "attr" and name in self._attributes:
            self._attributes[name] = str(value or "")
        elif kind == "cf" and name in self._fields and not isinstance(self._fields[name].value, list):
            self._fields[name].value = value

    def _value(self, kind: Json, name: str, value: Json) -> str:
        """What people call the value; as it came where Redmine does not say."""
        said = str(value or "")
        if kind != "attr" or not said:
            return said[:_LONGEST_VALUE]
        now = self._ticket.get(name.removesuffix("_id"))
        if name.endswith("_id") and (called := _name(now)) and _id(now) == said:
            return called
        if name == "assigned_to_id":
            return self._people.get(said, f"user {said}")
        if name in _TABLES:
            return self._names.tables.get(_TABLES[name], {}).get(said, f"{name.removesuffix('_id')} {said}")
        return f"#{said}" if name.endswith("_id") else said[:_LONGEST_VALUE]


def _fields(ticket: Mapping[str, Json]) -> dict[str, _Field]:
    """Each custom field by its id."""
    found = {}
    for each in _dicts(ticket.get("custom_fields")):
        value = each.get("value")
        found[str(each.get("id"))] = _Field(str(each.get("name") or ""), value)
    return found


def _dicts(value: Json) -> list[Row]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _id(value: Json) -> str:
    return str(value.get("id") or "") if isinstance(value, dict) else ""


def _name(value: Json) -> str:
    return str(value.get("name") or "") if isinstance(value, dict) else ""
