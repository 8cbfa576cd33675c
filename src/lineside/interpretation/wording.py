"""How findings speak: what a record says in one clause, whose words are alike, which sources must be named as late."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from lineside.interpretation.reading import Finding, Kind, clock
from lineside.memory import View
from lineside.plant.plant import Plant
from lineside.plant.quantities import plain
from lineside.plant.records import SUBJECTS, Correction, Decision, Deletion, Event, Json, Note, Record, Report
from lineside.plant.windows import Window

_WORD = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)*")
# Words that say nothing of what happened; English and German.
_EMPTY_WORDS = """
    a about after again all am an and any are as at be because been before but by can could did do does doing done
    for from had has have he her his how i if in into is it its just me more most my no not now of off on once only
    or our out over own she should so some such than that the their them then there these they this those through to
    too under until up very was we were what when where which while who why will with would you your also still same
    last time happen happened happens aber alle als am an auch auf aus bei bin bis da das dass dem den der des die
    dies diese dieser doch dort du durch ein eine einem einen einer es fuer für hat hatte haben hier ich ihr im in
    ist ja kein keine mit nach nicht noch nur ob oder ohne schon sehr sein seit sich sie sind so ueber über um und
    uns unter vom von vor war waren warum was weil wenn wer werden wie wieder wir wird wo zu zum zur
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_FIGURES = frozenset(("quantity", "counted"))  # what the unit belongs to, where one is told
_NAMED_ATTRIBUTES = ("reason", "code", "severity", "parameter", "characteristic", "value", "result", "by", "document")


def rid(record: Record) -> str:
    """The id by which findings cite the record."""
    return record.provenance.record_id


def at(record: Record) -> datetime:
    """When it occurred."""
    return record.provenance.occurred_at


def bounded(records: Iterable[str]) -> tuple[str, ...]:
    """All of up to twenty records; of more the first and the last six, so that a reader can check them."""
    all_of_them = tuple(records)
    return all_of_them if len(all_of_them) <= 20 else (*all_of_them[:6], *all_of_them[-6:])


def said(record: Record) -> str:
    """What the record says, in one clause, in its own words and without its time."""
    match record:
        case Event():
            return _event(record)
        case Report():
            figures = ", ".join(f"{name} {shown(value)}" for name, value in record.properties.items())
            return f"{record.entity.id}: {figures}" + (f" ({record.scope})" if record.scope else "")
        case Note():
            return f'{record.author or "a note"}: "{short(record.text)}"'
        case Decision():
            by = f" ({record.decided_by})" if record.decided_by else ""
            return f'"{short(record.question)}": {short(record.choice)}{by}'
        case Correction():
            return f"{record.corrects} was corrected: {record.reason}"
        case Deletion():
            return f"{record.of} was deleted: {record.reason}"


def stated(record: Record, plant: Plant, *, relative_to: datetime | None = None) -> Finding:
    """The record as a finding: a person's words are claimed, a system's are fact."""
    kind = Kind.CLAIMED if isinstance(record, Note) else Kind.FACT
    when = clock(at(record), plant, relative_to=relative_to)
    return Finding(
        text=f"{when}: {said(record)}.", kind=kind, cites=(rid(record),), data={"at": at(record).isoformat()}
    )


def shown(value: Json) -> str:
    """A property's value as people read it: `500 kg`, `blocked`, `yes`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case {"value": inner, "unit": unit}:
            return f"{shown(inner)} {unit}"
        case float():
            return plain(Decimal(str(value)))
        case dict():
            return ", ".join(f"{k} {shown(v)}" for k, v in value.items())
        case list():
            return "; ".join(shown(v) for v in value)
        case _:
            return str(value)


def short(text: str, limit: int = 240) -> str:
    """The text on one line, cut at a word before `limit` characters."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= limit else line[:limit].rsplit(" ", 1)[0] + " …"


def listed(items: Sequence[str], *, limit: int = 6) -> str:
    """`a, b and c`; what is over the limit is counted."""
    if len(items) > limit:
        return f"{', '.join(items[:limit])} and {len(items) - limit} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 stop`, `3 stops`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def words(text: str) -> frozenset[str]:
    """The words that carry meaning, lower case, cut to a stem; ids stay whole."""
    found = set()
    for raw in _WORD.findall(text.lower()):
        if raw in _EMPTY or len(raw) < 2:
            continue
        found.add(raw if any(c.isdigit() for c in raw) else _stem(raw))
        if "-" in raw and not any(c.isdigit() for c in raw):
            found |= {_stem(part) for part in raw.split("-") if part not in _EMPTY and len(part) > 1}
    return frozenset(found)


def alike(one: Iterable[str], other: Iterable[str]) -> float:
    """The share of words that two sets have in common, 0 to 1; 0 where either is empty."""
    left, right = frozenset(one), frozenset(other)
    return len(left & right) / len(left | right) if left and right else 0.0


def text_of(record: Record) -> str:
    """Every word a person or system wrote in the record, for matching."""
    match record:
        case Event():
            own = [record.kind.replace("_", " "), record.text, *(getattr(record, n) or "" for n in SUBJECTS)]
            return " ".join([*own, *(shown(v) for v in record.attributes.values())])
        case Note():
            return record.text
        case Decision():
            parts = (record.question, record.choice, record.rationale, *record.constraints, *record.assumptions)
            return " ".join((*parts, record.case or "", record.outcome or "", *map(shown, record.attributes.values())))
        case Report():
            return " ".join((record.entity.id, *map(shown, record.properties.values())))
        case Correction() | Deletion():
            return record.reason


def names(text: str, identifier: str) -> bool:
    """Whether the text names the id as a whole word, in any case."""
    return bool(identifier) and bool(
        re.search(rf"(?<![\w/-]){re.escape(identifier)}(?![\w-])", text, flags=re.IGNORECASE)
    )


def late_sources(view: View, sources: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each of these sources that is late or silent."""
    wanted = sorted(set(filter(None, sources)))
    if not wanted:
        return ()
    sentences = []
    for fresh in view.freshness(wanted):
        if str(fresh.state) != "live":
            heard = f"last heard at {clock(fresh.last_heard, view.plant)}" if fresh.last_heard else "never heard"
            sentences.append(f"{fresh.source} is {fresh.state} ({heard}): what it says may be out of date.")
    return tuple(sentences)


def unheard(view: View, sources: Iterable[str], within: Window) -> tuple[str, ...]:
    """A sentence for each stretch of that time in which one of these sources may have spoken unheard."""
    wanted = set(sources)
    return tuple(
        f"{gap.source} may have spoken unheard from {clock(gap.since, view.plant)} to {clock(gap.until, view.plant)}."
        for gap in view.gaps(within=within)
        if gap.source in wanted
    )


def _event(event: Event) -> str:
    place = f" at {event.equipment}" if event.equipment else ""
    subjects = [
        f"{name.replace('_', ' ')} {value}"
        for name in SUBJECTS
        if name != "equipment" and (value := getattr(event, name))
    ]
    figures = [f"{name} {shown(event.attributes[name])}" for name in _NAMED_ATTRIBUTES if name in event.attributes]
    if "quantity" in event.attributes:
        unit = event.attributes.get("unit")
        figures.append(f"quantity {shown(event.attributes['quantity'])}{f' {unit}' if isinstance(unit, str) else ''}")
    if "counted" in event.attributes:
        unit = event.attributes.get("unit")
        figures.append(f"counted {shown(event.attributes['counted'])}{f' {unit}' if isinstance(unit, str) else ''}")
    if "from" in event.attributes or "to" in event.attributes:
        unit = event.attributes.get("unit")
        moved = [f"{side} {shown(event.attributes[side])}" for side in ("from", "to") if side in event.attributes]
        figures.append(
            " ".join(moved) + (f" {unit}" if isinstance(unit, str) and not _FIGURES & event.attributes.keys() else "")
        )
    detail = ", ".join((*subjects, *figures))
    words_said = f': "{short(event.text)}"' if event.text else ""
    return f"{event.kind.replace('_', ' ')}{place}{f' ({detail})' if detail else ''}{words_said}"


def _stem(word: str) -> str:
    for tail in ("ungen", "ing", "ung", "ed", "en", "es", "er", "e", "s", "n"):
        if word.endswith(tail) and len(word) - len(tail) >= 4:
            return word[: -len(tail)]
    return word
