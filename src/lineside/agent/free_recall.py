"""What people wrote and systems recorded about something, quoted: never more than the passages say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineside.agent.plainwords import word_set
from lineside.agent.wording import fold, near, stop_words, tokens
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import said, short
from lineside.memory import Memory, View
from lineside.memory.recall import Evidence
from lineside.memory.words import render
from lineside.plant.entities import Entity
from lineside.plant.records import Note
from lineside.plant.windows import Window

_SHOWN = 6
_LEAST = 0.35  # of the best passage's score; what is weaker is another matter
# Words that ask for a text and are not what it is about.
_ASKING = word_set(
    """
    note notes notiz notizen say says said mention mentioned mentions write wrote written reported report log
    logbook logs records record logged anyone somebody shift entry entries comment comments message messages
    meldung gesagt geschrieben erwaehnt vermerk eintrag schichtbuch
    """
)


def recalled(
    memory: Memory,
    view: View,
    text: str,
    *,
    place: str | None = None,
    window: Window | None = None,
    entities: Sequence[Entity] = (),
) -> Reading:
    """The passages about `text` that clear recall's floor and share a word or the named thing with it, best first."""
    found = memory.recall(text, view=view, at=place, within=window, entities=entities, limit=12).evidence
    wanted = telling(text)
    fitting = [e for e in found if _fits(e, wanted, entities)]
    best = max((e.score for e in fitting), default=0.0)
    fitting = [e for e in fitting if e.score >= _LEAST * best][:_SHOWN]
    if not fitting:
        about = ", ".join((*wanted, *(e.id for e in entities))) or text
        return Reading(
            verdict=f"The memory holds nothing about: {short(about, 120)}.",
            missing=(f"A note, event, report or decision that tells of it{_within(window)}.",),
            window=window,
        )
    findings = tuple(_finding(e, view) for e in fitting)
    return Reading(verdict=findings[0].text, findings=findings, window=window)


def telling(text: str) -> tuple[str, ...]:
    """The folded words that say what a text is about."""
    words = [token.folded for token in tokens(text)]
    empty = stop_words(words) | _ASKING
    return tuple(dict.fromkeys(word for word in words if word not in empty))


def shares(text: str, wanted: Iterable[str]) -> list[str]:
    """Those of the wanted words that the text says, in any ending or with a slip."""
    there = {token.folded for token in tokens(text)} | {
        p for t in tokens(text) for p in t.folded.replace("/", "-").split("-")
    }
    return [word for word in wanted if any(_alike(word, other) for other in there)]


def mentioned(memory: Memory, view: View, word: str) -> bool:
    """Whether any record that the view sees says the word, or names it as an id."""
    if any(sign.isdigit() for sign in word):
        return bool(view.mentions(Entity("mention", word), limit=1))
    evidence = memory.recall(word, view=view, limit=3).evidence
    return any(shares(render(e.record), (fold(word),)) for e in evidence)


def named_in_words(memory: Memory, view: View, name: str) -> Reading | None:
    """What is told of something that the plant file doesn't know but people write of: passages with its name word for
    word. None where nobody does."""
    wanted = [token.folded for token in tokens(name)]
    found = [e for e in memory.recall(name, view=view, limit=_SHOWN).evidence if _says(render(e.record), wanted)]
    if not found:
        return None
    findings = tuple(_finding(e, view) for e in found)
    return Reading(
        verdict=findings[0].text,
        findings=findings,
        missing=(f"Equipment called {name} in the plant file: only texts name it.",),
    )


def _says(text: str, wanted: Sequence[str]) -> bool:
    there = [token.folded for token in tokens(text)]
    return any(there[at : at + len(wanted)] == list(wanted) for at in range(len(there) - len(wanted) + 1))


def _fits(evidence: Evidence, wanted: Sequence[str], entities: Sequence[Entity]) -> bool:
    if not wanted or any(entity.id.casefold() in render(evidence.record).casefold() for entity in entities):
        return True
    if shares(render(evidence.record), wanted):
        return True
    return "means much the same" in evidence.why


def _finding(evidence: Evidence, view: View) -> Finding:
    record = evidence.record
    when = clock(record.provenance.occurred_at, view.plant, relative_to=view.as_of)
    if isinstance(record, Note):
        who = record.author or f"a note in {record.provenance.source}"
        text = f'{who} at {when}: "{" ".join(evidence.quote.split())}"'
        return Finding(text=text, kind=Kind.CLAIMED, cites=(evidence.record_id,))
    return Finding(text=f"{when}: {said(record)}.", kind=Kind.FACT, cites=(evidence.record_id,))


def _within(window: Window | None) -> str:
    return f" ({window.label or window.shift})" if window and (window.label or window.shift) else ""


def _alike(word: str, other: str) -> bool:
    if word == other or near(word, other):
        return True
    short_one, long_one = sorted((word, other), key=len)
    return (
        len(short_one) >= 4
        and long_one.startswith(short_one[: max(4, len(short_one) - 2)])
        and len(long_one) - len(short_one) <= 4
    )
