"""From what code found to an answer: checked claims, one number for each record, and the quote behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from lineside.agent.answer import Answer, Citation, Claim, Heard, ToolUse
from lineside.agent.grounding import Draft, ground
from lineside.interpretation.reading import Cite, PlantFact, Reading
from lineside.interpretation.wording import unheard
from lineside.memory import View
from lineside.memory.words import quote
from lineside.plant.records import Json, Record
from lineside.plant.windows import Window

_RECENTLY = timedelta(days=1)  # what is asked of now rests on that much at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an answerer has together before the check. verdict_of: the verdicts that code gave."""

    verdict: str
    drafts: Sequence[Draft]
    against: Sequence[Draft] = ()
    missing: Sequence[str] = ()
    next_steps: Sequence[str] = ()
    window: Window | None = None
    read_as: Sequence[str] = ()
    tools: Sequence[ToolUse] = ()
    proposals: Sequence[Mapping[str, Json]] = ()
    verdict_of: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        readings: Sequence[Reading],
        *,
        window: Window | None = None,
        read_as: Sequence[str] = (),
        tools: Sequence[ToolUse] = (),
        proposals: Sequence[Mapping[str, Json]] = (),
    ) -> Findings:
        """Several readings, one after the other; what two of them found alike stands once."""
        verdicts = tuple(dict.fromkeys(reading.verdict for reading in readings))
        return cls(
            verdict=" ".join(verdicts),
            drafts=_once(Draft.of(finding) for reading in readings for finding in reading.findings),
            against=_once(Draft.of(finding) for reading in readings for finding in reading.against),
            missing=tuple(dict.fromkeys(item for reading in readings for item in reading.missing)),
            next_steps=tuple(dict.fromkeys(step for reading in readings for step in reading.next_steps)),
            window=next((reading.window for reading in readings if reading.window), window),
            read_as=read_as,
            tools=tools,
            proposals=proposals,
            verdict_of=verdicts,
        )


@dataclass(slots=True)
class Numbering:
    """One number for each record and each fact of the plant file, in the order they are first relied on."""

    records: Mapping[str, Record]
    wanted: dict[Cite, list[str]] = field(default_factory=dict)
    numbers: dict[Cite, int] = field(default_factory=dict)

    def cite(self, draft: Draft) -> Claim:
        for cite in draft.cites:
            self.numbers.setdefault(cite, len(self.numbers) + 1)
            self.wanted.setdefault(cite, []).extend(_telling(draft.text))
        return Claim(draft.text, draft.kind, tuple(dict.fromkeys(self.numbers[cite] for cite in draft.cites)))

    def citations(self) -> tuple[Citation, ...]:
        return tuple(self._citation(cite, n) for cite, n in self.numbers.items())

    def _citation(self, cite: Cite, n: int) -> Citation:
        if isinstance(cite, PlantFact):
            return Citation(
                n=n,
                record_id=f"plant:{cite.key}",
                source="plant",
                source_id=cite.key,
                occurred_at=None,
                quote=cite.text,
            )
        record = self.records[cite]
        source = record.provenance
        return Citation(
            n=n,
            record_id=cite,
            source=source.source,
            source_id=source.source_id,
            occurred_at=source.occurred_at,
            quote=quote(record, tuple(dict.fromkeys(self.wanted[cite]))),
        )


def compose(findings: Findings, *, view: View, answerer: str) -> Answer:
    """The answer whose every claim passed the check; an abstention where nothing is left."""
    plant = view.plant
    asked_for = {
        cite for draft in (*findings.drafts, *findings.against) for cite in draft.cites if isinstance(cite, str)
    }
    records = view.records(sorted(asked_for))
    checked = ground(
        findings.drafts, verdict=findings.verdict, records=records, plant=plant, verdict_of=findings.verdict_of
    )
    against = ground(findings.against, verdict="", records=records, plant=plant)
    numbering = Numbering(records)
    claims = tuple(numbering.cite(draft) for draft in checked.kept)
    opposed = tuple(numbering.cite(draft) for draft in against.kept)
    asked_about = findings.window or Window(start=view.as_of - _RECENTLY, end=view.as_of)
    cited = {record.provenance.source for record in records.values()}
    if findings.window is not None:  # of a stretch of time more may not be on record, because nobody was heard
        cited |= {gap.source for gap in view.gaps(within=asked_about)}
    missing = tuple(dict.fromkeys((*findings.missing, *unheard(view, cited, asked_about))))
    verdict = checked.verdict
    if not claims:
        verdict = findings.verdict if not findings.drafts else "Not known: no claim was borne out by the records."
        missing = missing or ("records that say so",)
    elif verdict is None:
        verdict = claims[0].text
    shift = view.calendar.at(view.as_of)
    return Answer(
        verdict=verdict,
        as_of=view.as_of,
        time_zone=plant.time_zone,
        answerer=answerer,
        claims=claims,
        citations=numbering.citations(),
        window=findings.window,
        shift=shift.label if shift else None,
        freshness=freshness(view, asked_about),
        against=opposed,
        missing=missing,
        next_steps=tuple(findings.next_steps),
        read_as=tuple(findings.read_as),
        abstained=not claims,
        tools=tuple(findings.tools),
        proposals=tuple(findings.proposals),
        dropped=len(checked.dropped) + len(against.dropped),
    )


def freshness(view: View, asked_about: Window) -> tuple[Heard, ...]:
    """How fresh each source was at the view's as-of; late at best where it has a gap in the time asked about."""
    return tuple(Heard(one.source, one.last_heard, str(one.state)) for one in view.freshness(within=asked_about))


def _once(drafts: Iterable[Draft]) -> tuple[Draft, ...]:
    return tuple({(draft.text, draft.cites): draft for draft in drafts}.values())


def _telling(text: str) -> list[str]:
    """The words of a claim that its quote should show: numbers and ids first, then long words."""
    words = re.findall(r"[^\W_][^\s,;()\[\]\"']*", text)
    figures = [word.strip(".:") for word in words if any(sign.isdigit() for sign in word)]
    return figures + [word.strip(".:") for word in words if len(word) > 5 and word.strip(".:") not in figures]
