"""What tickets mean to the plant: what each tracker, custom field and change stands for. Pure.

A row gets these columns before its mapping reads it, and is kept without them: what the settings say can be mended, and
the past read once more.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lineside.connector import Options
from lineside.plant.records import Json
from lineside_ingest.redmine.markup import readable
from lineside_ingest.redmine.tickets import CHANGES, ISSUES, NOTES, Row

TICKET = "ticket"
_PUNCTUATION = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """trackers: a tracker's name to the kind of its tickets. words: what a name must hold for a kind, where none is
    given. about: what is named to the custom fields that name it, the first filled one counts."""

    trackers: Mapping[str, str]
    words: Mapping[str, Sequence[str]]
    about: Mapping[str, Sequence[str]]
    started: frozenset[str]

    def seen(self, stream: str, row: Row) -> Row:
        """The row with `kind`, `about`, and where it has them `act` and `said`; texts without markup."""
        subject, about = str(row.get("subject") or ""), self._about(row.get("fields"))
        if stream == ISSUES:
            tracker = row.get("tracker")
            name = str(tracker.get("name")) if isinstance(tracker, dict) else ""
            text = readable(str(row.get("description") or ""))
            return {**row, "kind": self._kind(name), "about": about, "description": text}
        found: Row = {**row, "kind": self._kind(str(row.get("tracker") or "")), "about": about}
        headed = f"#{row.get('issue')} {subject}"
        if stream == CHANGES:
            return {**found, "act": self._act(row), "said": f"{headed}: {_told(row)}"}
        text = readable(str(row.get("text") or ""))
        labelled = f"{row['label']}: {text}" if row.get("label") else text
        return {**found, "text": text, "said": f"{headed}\n{labelled}".strip()} if stream == NOTES else found

    def _kind(self, tracker: str) -> str:
        if tracker in self.trackers:
            return self.trackers[tracker]
        name = tracker.casefold()
        return next((kind for kind, words in self.words.items() if any(each in name for each in words)), TICKET)

    def _about(self, fields: Json) -> Row:
        filled = {plain(name): value for name, value in fields.items() if value} if isinstance(fields, dict) else {}
        found: Row = {}
        for thing, called in self.about.items():
            value = next((filled[name] for name in called if name in filled), None)
            if value is not None:
                found[thing] = ", ".join(map(str, value)) if isinstance(value, list) else value
        return found

    def _act(self, row: Row) -> str:
        match row.get("what"), row.get("field"):
            case "created", _:
                return "created"
            case _, "status" if row.get("closes"):
                return "closed"
            case _, "status" if str(row.get("now")).casefold() in self.started:
                return "started"
            case _, "priority":
                return "prioritised"
            case _:
                return "changed"


def read_meaning(options: Options, *, source: str) -> Meaning:
    """What the settings say over what is shipped. Raises BadSettings."""
    shipped = preset()
    kinds = options.table("kinds")
    for tracker, kind in kinds.items():
        if kind not in {*shipped["kinds"], TICKET}:
            raise options.bad(
                f"kinds.{tracker}", f"must be one of {', '.join([*shipped['kinds'], TICKET])}, not {kind!r}"
            )
    own = Options(source, options.table("about"), known=shipped["about"], where="about.")
    about = {thing: own.texts(thing) or called for thing, called in shipped["about"].items()}
    started = options.texts("started") or shipped["statuses"]["started"]
    return Meaning(
        trackers={str(tracker): str(kind) for tracker, kind in kinds.items()},
        words=shipped["kinds"],
        about={thing: tuple(plain(each) for each in called) for thing, called in about.items()},
        started=frozenset(each.casefold() for each in started),
    )


@cache
def preset() -> Mapping[str, Any]:
    """preset.toml."""
    return tomllib.loads(files(__package__).joinpath("preset.toml").read_text(encoding="utf-8"))


def plain(name: str) -> str:
    """A field's name without case and punctuation."""
    return _PUNCTUATION.sub(" ", name).strip().casefold()


def _told(row: Row) -> str:
    if row.get("what") == "created":
        return f"{row.get('tracker')} opened"
    was, now, field = str(row.get("was") or ""), str(row.get("now") or ""), row.get("field")
    if was and now:
        return f"{field} {was} -> {now}"
    return f"{field} {now}" if now else f"{field} {was} removed"
