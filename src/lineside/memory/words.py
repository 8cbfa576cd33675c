"""A record's one canonical text: what is searched, shown and quoted, every value as its source wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lineside.plant.records import SUBJECTS, Correction, Decision, Deletion, Event, Json, Note, Record, Report

QUOTE_LIMIT = 300

_SENTENCE = re.compile(r"(?<=[.!?;\n])\s+|\n+")


def render(record: Record) -> str:
    """The record's text. Free text stands in it verbatim; numbers, ids and words are spelled as they came."""
    match record:
        case Event():
            subjects = {name: getattr(record, name) for name in SUBJECTS if getattr(record, name)}
            head = _line(record.kind, {**subjects, **record.attributes})
            return _lines(head, record.text)
        case Report():
            scope = f" ({record.scope})" if record.scope else ""
            return _line(f"{record.entity.kind} {record.entity.id}{scope}", record.properties)
        case Note():
            about = {name: getattr(record, name) for name in ("author", "channel", "equipment", "shift")}
            return _lines(record.text, "; ".join(_pairs({**about, **record.attributes})))
        case Decision():
            return _lines(*_decision(record))
        case Correction():
            head = f"Correction of {record.corrects}: {record.reason}"
            return _lines(head, _line("Now", record.replacement or {}) if record.replacement else "")
        case Deletion():
            return f"Deletion of {record.of}: {record.reason}"


def quote(record: Record, wanted: Sequence[str] = ()) -> str:
    """A verbatim stretch of the record's text, at most 300 characters, holding as many of `wanted` as it can.

    Of a note it is the note's own text.
    """
    text = record.text if isinstance(record, Note) else render(record)
    return stretch(text, wanted)


def stretch(text: str, wanted: Sequence[str], limit: int = QUOTE_LIMIT) -> str:
    """The verbatim stretch of `text` within `limit` that holds the most of `wanted`, whatever their case; rather from
    a sentence's start, and rather close before the first of them."""
    if len(text) <= limit:
        return text.strip()
    lowered, words = text.lower(), [word.lower() for word in wanted if word]
    sentences = {0, *(each.end() for each in _SENTENCE.finditer(text))}
    starts = sentences | {
        _word_start(text, each.start() - limit // 3) for word in words for each in re.finditer(re.escape(word), lowered)
    }

    def worth(start: int) -> tuple[int, bool, int]:
        places = [place for word in words if (place := lowered.find(word, start, start + limit)) >= 0]
        return len(places), start in sentences, start - min(places, default=start)

    return _cut(text, max(sorted(starts), key=worth), limit)


def spelled(value: Json) -> str:
    """A value as text: `120 ea`, `true`, plain strings as they are, nested ones as JSON."""
    match value:
        case str():
            return value
        case {"value": (int() | float() | str()) as amount, "unit": str() as unit, **rest} if not rest:
            return f"{spelled(amount)} {unit}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _pairs(values: Mapping[str, Json]) -> Iterator[str]:
    return (f"{name} {spelled(value)}" for name, value in values.items() if value not in (None, "", [], {}))


def _line(head: str, values: Mapping[str, Json]) -> str:
    return f"{head}: {'; '.join(_pairs(values))}" if any(_pairs(values)) else head


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))


def _decision(record: Decision) -> Iterable[str]:
    yield f"Question: {record.question}"
    yield f"Choice: {record.choice}"
    for name in ("options", "constraints", "assumptions"):
        if listed := getattr(record, name):
            yield f"{name.capitalize()}: {'; '.join(listed)}"
    for name in ("rationale", "decided_by", "authority", "case", "expected", "outcome"):
        if said := getattr(record, name):
            yield f"{name.replace('_', ' ').capitalize()}: {said}"
    yield "; ".join(_pairs(record.attributes))


def _word_start(text: str, position: int) -> int:
    """The start of the word at `position`, going back."""
    position = max(position, 0)
    while position > 0 and not text[position - 1].isspace():
        position -= 1
    return position


def _cut(text: str, start: int, limit: int) -> str:
    """At most `limit` characters from `start`, not ending inside a word unless the word is longer than that."""
    if start + limit >= len(text):
        return text[start:].strip()
    piece = text[start : start + limit + 1]
    space = max((index for index, sign in enumerate(piece) if sign.isspace()), default=0)
    return piece[: space or limit].strip()
