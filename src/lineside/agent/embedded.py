"""The answerer that works with no language model, no key and no network: same facts, same citations."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lineside.agent.answer import Answer, AnswerEvent, ClaimFound, Done, Question, Step, ToolUse
from lineside.agent.ask import Ask, Names
from lineside.agent.compose import Findings, compose
from lineside.agent.cues import Intent
from lineside.agent.free_recall import mentioned, named_in_words
from lineside.agent.names import names_of
from lineside.agent.plainwords import word_set
from lineside.agent.plan import Call, plan
from lineside.agent.plan_cases import is_case
from lineside.agent.question import understand
from lineside.agent.tools import TOOLS, Context
from lineside.agent.wording import fold
from lineside.errors import BadRequest
from lineside.interpretation import kpi_compare
from lineside.interpretation.pack_files import under
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.memory import EVERYTHING, Memory, Reader, View

if TYPE_CHECKING:
    from lineside.actions import Ledger

# These look at the whole plant, so that a foreign name in the question would go unnoticed.
_WHOLE = frozenset((Intent.NOW, Intent.PACE, Intent.KPI, Intent.BOTTLENECK, Intent.HANDOVER, Intent.PATTERNS,
                    Intent.TRUST, Intent.CHANGES, Intent.LOOKS_COMPLETE, Intent.DEPARTURE, Intent.TALLY,
                    Intent.IN_FORCE))  # fmt: skip
_OF_FIGURES = frozenset((Intent.RECONCILE, Intent.CONFLICTS, Intent.TALLY, Intent.LOOKUP, Intent.STATE, Intent.WHAT_IF))
_LOCATING = word_set("in at of for from bei im am aus von plant site factory werk standort")


class EmbeddedAnswerer:
    """Understands the question by its words, calls the tools, and lets only grounded claims out."""

    name = "embedded"

    def __init__(self, *, memory: Memory, ledger: Ledger | None = None) -> None:
        self.memory = memory
        self.ledger = ledger

    async def answer(self, question: Question) -> Answer:
        """The answer as known at the question's `at` to its person. An abstention where the memory doesn't say."""
        view = self.view(question)
        asks, names = self.understood(question, view)
        return self._composed(view, asks, list(self._outcomes(asks, names, question, view)))

    async def stream(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """What is being done, each claim as it stands, and the answer last."""
        view = self.view(question)
        asks, names = self.understood(question, view)
        outcomes = []
        for outcome in self._outcomes(asks, names, question, view):
            outcomes.append(outcome)
            if outcome.use:
                yield Step(_told(outcome.use), outcome.use)
        answer = self._composed(view, asks, outcomes)
        by_number = {citation.n: citation for citation in answer.citations}
        for claim in answer.claims:
            yield ClaimFound(claim, tuple(by_number[n] for n in claim.citations))
        yield Done(answer)

    def view(self, question: Question) -> View:
        """What the asker may see of what was known at the asker's now."""
        reader = EVERYTHING if question.person is None else Reader(question.person)
        return self.memory.view(as_of=question.at, reader=reader)

    def understood(self, question: Question, view: View) -> tuple[tuple[Ask, ...], Names]:
        """The parts of the question, read with the conversation's earlier turns."""
        names = names_of(view)
        before: tuple[Ask, ...] = ()
        for turn in question.history[-4:]:
            before = understand(turn.question, at=turn.at, names=names, before=before)
        return understand(question.text, at=question.at, names=names, before=before), names

    def _outcomes(self, asks: Sequence[Ask], names: Names, question: Question, view: View) -> Iterator[_Outcome]:
        """What each part of the question comes to; what two parts ask alike is done once."""
        done: list[Call] = []
        for ask in asks:
            refused = None if ask.intent is Intent.PROPOSE else self._unknown(ask, view)
            if refused is not None:
                yield _Outcome(refused)
                continue
            readings: list[Reading] = []
            for one in (ask, *(replace(ask, window=window) for window in ask.windows)):
                with under(view.plant.packs):
                    found = plan(one, names)
                if found.unanswerable:
                    yield _Outcome(Reading(verdict=found.unanswerable, missing=found.missing))
                    break
                context = Context(
                    memory=self.memory,
                    view=view,
                    asked=question.text,
                    person=question.person,
                    ledger=self.ledger,
                    windows=found.windows,
                )
                for call in found.calls:
                    if call not in done:
                        done.append(call)
                        outcome = _made(call, context)
                        readings.append(outcome.reading)
                        yield outcome
            with under(view.plant.packs):
                compared = _compared(readings) or kpi_compare.compared(readings)
            if compared:
                yield _Outcome(compared)

    def _unknown(self, ask: Ask, view: View) -> Reading | None:
        """An abstention that names what the question means and the memory doesn't know; None where it knows all."""
        figures = bool(ask.entities) and ask.intent in _OF_FIGURES  # beside a known thing, a bare number is a figure
        missing = [
            u
            for u in ask.unknown
            if not (figures and u.typed.isdigit())
            and not is_case(u.typed)
            and not mentioned(self.memory, view, u.typed)
        ]
        if missing:
            near = list(dict.fromkeys(near for u in missing for near in u.nearest))
            typed = ", ".join(u.typed for u in missing)
            told = f"nearest ids: {', '.join(near)}" if near else "no id near it is known"
            return Reading(verdict=f"{typed} is not in the memory; {told}.", missing=(f"A record that names {typed}.",))
        if ask.no_places:
            place = ask.no_places[0]
            if written := named_in_words(self.memory, view, place.typed):
                return written
            told = f"there are: {', '.join(place.nearest)}" if place.nearest else "no equipment of such a name is known"
            return Reading(
                verdict=f"{place.typed} is not known at this plant; {told}.",
                missing=(f"Equipment called {place.typed}, in the plant file or in a record.",),
            )
        if (
            ask.window is None
            and not view.plant.shifts
            and ask.intent is not Intent.PATTERNS
            and _SHIFT.search(ask.text)
        ):
            return Reading(
                verdict="The plant file (plant.toml) has no shifts, so a shift has no beginning and no end.",
                missing=("[[shifts]] in plant.toml, or a stretch of time, as in: from 06:00 to 14:00.",),
            )
        if ask.unclear:
            typed, meanings = ask.unclear[0]
            return Reading(
                verdict=f"{typed!r} may be {', '.join(meanings[:-1])} or {meanings[-1]}: which one is meant?",
                missing=(f"Which one {typed!r} is.",),
            )
        for site in _other_sites(ask, view):
            return Reading(
                verdict=f"{site} is another site; this memory holds {view.plant.name or view.plant.site} only.",
                missing=(f"The memory of {site}.",),
            )
        # What a plan costs is its price in promises, which is computed.
        elsewhere = () if ask.intent is Intent.WHAT_IF and (ask.entities or ask.places) else ask.elsewhere
        for word in (*elsewhere, *_foreign(ask)):
            if not mentioned(self.memory, view, word):
                return Reading(
                    verdict=f"Not known: no record of this plant tells of {word!r}.",
                    missing=(f"A source that knows about {word!r}.",),
                )
        return None

    def _composed(self, view: View, asks: Sequence[Ask], outcomes: Sequence[_Outcome]) -> Answer:
        readings = [outcome.reading for outcome in outcomes]
        findings = Findings.of(
            readings,
            window=next((ask.window for ask in asks if ask.window), None),
            read_as=tuple(dict.fromkeys(text for ask in asks for text in ask.read_as)),
            tools=tuple(outcome.use for outcome in outcomes if outcome.use),
            proposals=tuple(proposal for r in readings if isinstance(proposal := r.data.get("proposal"), dict)),
        )
        return compose(findings, view=view, answerer=self.name)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a part came to. use: the tool, where one was called."""

    reading: Reading
    use: ToolUse | None = None


def _made(call: Call, context: Context) -> _Outcome:
    """The call's reading; where it found nothing, its fallback's if that found something."""
    try:
        reading = TOOLS[call.tool].call(context, call.arguments)
    except BadRequest as error:
        reading = Reading(verdict=f"{error.message}.", missing=("A question that names it otherwise.",))
    if not reading.findings:
        for other in call.fallback:
            tried = _made(other, context)
            if tried.reading.findings:
                return tried
    return _Outcome(reading, ToolUse(call.tool, call.arguments))


_SHIFT = re.compile(
    r"\b(?:(?:last|previous|this|current|next|night|day|early|late|letzte\w*|vorige\w*|diese\w*|nächste\w*)[\s-]+"
    r"(?:shift|schicht)|(?:nacht|früh|spät|tag)schicht)\b",
    re.IGNORECASE,
)


def _compared(readings: Sequence[Reading]) -> Reading | None:
    """What two counts of the same differ by; None where there are not two."""
    counts = [
        (r, r.window, count) for r in readings if isinstance(count := r.data.get("count"), int) and r.window is not None
    ]
    if len(counts) != 2 or len(readings) != 2 or counts[0][1] == counts[1][1]:
        return None
    (one, before, first), (other, after, second) = counts
    cites = tuple(dict.fromkeys(c for r in (one, other) for f in r.findings for c in f.cites))
    names = [w.label or w.shift or "" for w in (before, after)]
    how = f"{abs(second - first)} {'more' if second > first else 'fewer'}" if second != first else "as many"
    text = f"{names[0]}: {first}; {names[1]}: {second}, {how}."
    if not cites:
        return Reading(verdict=text)
    return Reading(verdict=text, findings=(Finding(text=text, kind=Kind.DERIVED, cites=cites),))


def _other_sites(ask: Ask, view: View) -> list[str]:
    """The sites that the question names, known only since somebody works there, where it asks about a whole plant."""
    others = {fold(site) for person in view.plant.people for site in person.sites} - {fold(view.plant.site)}
    if ask.entities or ask.places or ask.intent not in _WHOLE:
        return []
    words = [word.strip("?!.,;:'\"()") for word in ask.text.split()]
    beside = [
        fold(words[j]) for i, w in enumerate(words) if fold(w) in others for j in (i - 1, i + 1) if 0 <= j < len(words)
    ]
    return [word for word in words if fold(word) in others and _LOCATING & set(beside)]


def _foreign(ask: Ask) -> list[str]:
    """Capitalised words that nothing explains, where the question is about a whole plant: perhaps another one."""
    if ask.intent not in _WHOLE or ask.entities:
        return []
    words = ask.text.split()
    bare = [word.strip("?!.,;:'\"()") for word in words]
    return [
        word
        for i, word in enumerate(bare)
        if i
        and word in ask.topic
        and fold(word) not in map(fold, ask.sources)
        and word[:1].isupper()
        and (bare[i - 1].casefold() in _LOCATING or bare[min(i + 1, len(bare) - 1)].casefold() in _LOCATING)
    ]


def _told(use: ToolUse) -> str:
    flat = {**use.arguments, **(given if isinstance(given := use.arguments.get("parameters"), dict) else {})}
    shown = ", ".join(f"{name} {value}" for name, value in flat.items() if value and not isinstance(value, dict))
    return f"{use.name.replace('_', ' ')}{': ' + shown if shown else ''}"
