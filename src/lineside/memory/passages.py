"""Passages: what people wrote, in stretches short enough to embed, each with a header that says when, who and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lineside.memory.moments import stored
from lineside.memory.tokens import words_in
from lineside.memory.words import render
from lineside.plant.plant import Plant
from lineside.plant.records import Correction, Decision, Deletion, Event, Json, Note, Record, Report

LONGEST = 800
_SENTENCE_WORDS = 4
_BREAK = re.compile(r"(?<=\n)|(?<=[.!?;] )")


def passages_of(record: Record, plant: Plant) -> Iterator[dict[str, Any]]:
    """The rows of a record's passages; none where nobody wrote anything, as in telemetry."""
    text = _written(record)
    if not text:
        return
    header = _header(record, plant)
    for position, piece in enumerate(split(text)):
        yield {
            "record_id": record.provenance.record_id,
            "position": position,
            "thread": _thread(record, plant),
            "occurred_at": stored(record.provenance.occurred_at),
            "header": header,
            "text": piece,
            "author": _author(record),
            "words": f" {' '.join(words_in(f'{header} {piece}'))} ",
        }


def split(text: str, longest: int = LONGEST) -> list[str]:
    """Verbatim stretches, cut at lines and sentences, each at most `longest` long; together they are the text."""
    pieces = [""]
    for sentence in _BREAK.split(text):
        for start in range(0, len(sentence), longest):
            part = sentence[start : start + longest]
            if len(pieces[-1]) + len(part) > longest:
                pieces.append("")
            pieces[-1] += part
    return [piece for piece in pieces if piece.strip()]


def _written(record: Record) -> str:
    match record:
        case Note():
            return record.text
        case Decision():
            return render(record)
        case Event():
            spoken = record.text or _has_sentence(record.attributes.values(), least=2)
            return render(record) if spoken else ""
        case Report():
            return render(record) if _has_sentence(record.properties.values(), least=_SENTENCE_WORDS) else ""
        case Correction() | Deletion():
            return ""


def _has_sentence(values: Iterable[Json], *, least: int) -> bool:
    return any(isinstance(each, str) and len(each.split()) >= least for each in values)


def _author(record: Record) -> str | None:
    match record:
        case Note():
            return record.author
        case Decision():
            return record.decided_by
        case _:
            return None


def _header(record: Record, plant: Plant) -> str:
    """`2026-11-20 Fri 22:14, anna, Filler 3, northfield/packing/line-3/filler, night`."""
    local = record.provenance.occurred_at.astimezone(plant.time_zone)
    parts = [local.strftime("%Y-%m-%d %a %H:%M"), _author(record)]
    equipment = getattr(record, "equipment", None)
    if equipment:
        parts += [plant.called(equipment), equipment]
    if isinstance(record, Note):
        parts += [record.channel, record.shift]
    return ", ".join(filter(None, parts))


def _thread(record: Record, plant: Plant) -> str:
    """What belongs together: one channel, one case, or one place on one day at one source."""
    match record:
        case Note(channel=str() as channel) if channel:
            rest = f"channel/{channel}"
        case Decision(case=str() as case) if case:
            rest = f"case/{case}"
        case _:
            day = record.provenance.occurred_at.astimezone(plant.time_zone).date()
            rest = f"{getattr(record, 'equipment', None) or ''}/{day}"
    return f"{record.provenance.source}/{rest}"
