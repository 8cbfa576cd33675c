"""The one check behind both answerers: what a claim says must stand in what it cites.

Times, dates, ids, numbers with their units, quoted words and names of a claim must occur in its cited records (times
also as the plant's wall clock shows them), or in a finding of code that it relies on. A claim may not turn its evidence
round: a state that the evidence only denies, or a direction that it only has the other way, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from lineside.agent.atoms import Amount, Time, atoms, known_unit, moments, readings, same
from lineside.agent.plainwords import CAPITALS, GERMAN, OPENERS, OPPOSITES, STATES, WEEKDAYS, word_set
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact
from lineside.memory.words import render
from lineside.plant.plant import Plant
from lineside.plant.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A claim before the check. findings: what code found and the claim relies on, its computed figures included."""

    text: str
    kind: Kind
    cites: tuple[Cite, ...]
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, finding: Finding) -> Draft:
        return cls(text=finding.text, kind=finding.kind, cites=finding.cites, findings=(finding,))


@dataclass(frozen=True, slots=True)
class Dropped:
    draft: Draft
    reason: str


@dataclass(frozen=True, slots=True)
class Grounded:
    kept: tuple[Draft, ...]
    dropped: tuple[Dropped, ...]
    verdict: str | None  # None where the verdict says more than the surviving claims do


def ground(
    drafts: Sequence[Draft],
    *,
    verdict: str,
    records: Mapping[str, Record],
    plant: Plant,
    verdict_of: Sequence[str] = (),
) -> Grounded:
    """The drafts that their evidence bears out, the others with the reason, and the verdict if the survivors bear it.

    records: those cited, by id; a citation that is not among them is no evidence. A `fact` that its records don't say
    word for word, but a finding computes, is kept as `derived`. verdict_of: verdicts of code, which count as its
    findings as long as one draft survived.
    """
    kept: list[Draft] = []
    dropped: list[Dropped] = []
    for draft in drafts:
        cited = tuple(cite for cite in draft.cites if isinstance(cite, PlantFact) or cite in records)
        if not cited:
            dropped.append(Dropped(draft, "it cites nothing that is on record"))
            continue
        sound = replace(draft, cites=cited)
        words = Words.of(cited, records, plant)
        reason = words.refuse(sound.text)
        if reason is not None and sound.findings:
            reason = words.with_findings(sound.findings).refuse(sound.text)
            if sound.kind is Kind.FACT:
                sound = replace(sound, kind=Kind.DERIVED)
        elif sound.findings:
            reason = words.with_findings(sound.findings).turned(sound.text)
        if reason is None:
            kept.append(sound)
        else:
            dropped.append(Dropped(draft, reason))
    return Grounded(tuple(kept), tuple(dropped), _verdict(verdict, kept, records, plant, verdict_of))


@dataclass(frozen=True, slots=True)
class Words:
    """What a claim may say: the words of its evidence, one text for each record or finding."""

    texts: tuple[str, ...]
    instants: tuple[datetime, ...]
    plant: Plant

    @classmethod
    def of(cls, cites: Sequence[Cite], records: Mapping[str, Record], plant: Plant) -> Words:
        texts, instants = [], []
        for cite in cites:
            if isinstance(cite, PlantFact):
                texts.append(f"{cite.key} {cite.text} plant file")
                continue
            record = records[cite]
            text = render(record)
            source = record.provenance
            instants += [source.occurred_at, source.reported_at, *moments(text)]
            texts.append(" ".join((text, source.source, source.source_id, *_called(record, text, plant))))
        return cls(tuple(texts), tuple(instants), plant)

    def with_findings(self, findings: Sequence[Finding]) -> Words:
        """The same, and what code found."""
        return replace(self, texts=(*self.texts, *(finding.text for finding in findings)))

    def and_said(self, texts: Sequence[str]) -> Words:
        """The same, and sentences that already passed."""
        return replace(self, texts=(*self.texts, *texts))

    def refuse(self, claim: str) -> str | None:
        """Why the evidence doesn't bear the claim out; None where it does."""
        for text in self.texts:
            if claim.strip() == text.strip():
                return None
        said, found = atoms(claim), [atoms(text) for text in self.texts]
        for moment in said.times:
            if not self._shows(moment, [other for one in found for other in one.times]):
                return f"the time {moment.text!r} is not in its evidence"
        tokens = {token for text in self.texts for token in _tokens(text)}
        for token in (*said.ids, *re.findall(r"[\"“„»]([^\"”“«]{1,200})[\"”“«]", claim)):
            if _fold(token) not in tokens and not self._verbatim(token):
                return f"{token!r} is not in its evidence"
        for amount in said.amounts:
            if not any(_holds(amount, text, one.amounts) for text, one in zip(self.texts, found, strict=True)):
                return f"the figure {f'{amount.text} {amount.unit}'.strip()!r} is not in its evidence"
        for name in said.names:
            if not self._named(name, tokens):
                return f"the name {name!r} is not in its evidence"
        for opener in said.openers:
            if not self._named(opener, tokens) and _fold(opener) not in OPENERS:
                return f"the name {opener!r} is not in its evidence"
        return self.turned(claim)

    def turned(self, claim: str) -> str | None:
        """Why the claim is the evidence turned round; None where it is not."""
        return None if claim in self.texts else _turned(claim, self.texts)

    def _verbatim(self, token: str) -> bool:
        wanted = re.compile(rf"(?<!\w){re.escape(_fold(token))}(?!\w)")
        return any(wanted.search(_fold(text)) for text in self.texts)

    def _named(self, name: str, tokens: set[str]) -> bool:
        folded = _fold(name)
        stem = folded.removesuffix("'s").removesuffix("s")
        if {folded, folded.removesuffix("'s"), stem} & tokens or folded in CAPITALS or folded in GERMAN:
            return True
        weekday = WEEKDAYS.get(folded)
        return weekday is not None and any(
            instant.astimezone(self.plant.time_zone).weekday() == weekday for instant in self.instants
        )

    def _shows(self, wanted: Time, written: Sequence[Time]) -> bool:
        zone = self.plant.time_zone
        for instant in self.instants:
            local = instant.astimezone(UTC if wanted.zone in ("UTC", "Z") else zone)
            if wanted.zone[:1] in ("+", "-") and local.isoformat()[-6:] != wanted.zone:
                continue
            if wanted.zone.isalpha() and wanted.zone not in ("Z", local.tzname()):
                continue
            if _matches(wanted, local.date(), local.time()):
                return True
        return any(_alike(wanted, other) for other in written)


def _matches(wanted: Time, day: date, moment: time) -> bool:
    if wanted.day is not None and wanted.day != day:
        return False
    if wanted.month_day is not None and wanted.month_day != (day.month, day.day):
        return False
    return wanted.time is None or (wanted.time.hour, wanted.time.minute) == (moment.hour, moment.minute)


def _alike(wanted: Time, other: Time) -> bool:
    if wanted.zone and wanted.zone != other.zone:
        return False
    same_day = (wanted.day is None or wanted.day == other.day) and (
        wanted.month_day is None
        or wanted.month_day == other.month_day
        or (other.day is not None and wanted.month_day == (other.day.month, other.day.day))
    )
    return same_day and (wanted.time is None or wanted.time == other.time)


def _holds(wanted: Amount, text: str, written: Sequence[Amount]) -> bool:
    for other in written:
        if same(wanted, other):
            return True
        if not (set(wanted.readings) & set(other.readings)):
            continue
        if not wanted.unit:
            return True  # the unit was left out, not changed
        if not other.unit and wanted.unit in {known_unit(word) for word in re.findall(r"[^\s,;:=(){}\"']+", text)}:
            return True  # a record may keep its unit in a field of its own
    # "line-3" holds the 3 of "Line 3", and a bare id of digits is a number to the eye
    return not wanted.unit and any(
        set(wanted.readings) & set(readings(part))
        for token in atoms(text).ids
        for part in re.findall(r"(?<![^\W\d_])\d+", token)
    )


def _tokens(text: str) -> set[str]:
    found = set()
    for token in re.findall(r"[^\W_][^\s,;()\[\]{}\"'=]*", text):
        bare = _fold(token).strip(".:!?")
        found |= {bare, *re.split(r"[/@:]", bare), *re.split(r"[-/@:.#_]", bare)}
    return found


def _turned(claim: str, texts: Sequence[str]) -> str | None:
    said, there = _polarity(claim), [_polarity(text) for text in texts]
    for word, denied in said.items():
        seen = [one[word] for one in there if word in one]
        if seen and len(denied) == 1 and all(len(other) == 1 and other != denied for other in seen):
            return f"its evidence says {word!r} the other way round"
    words = set(re.findall(r"\w+", _fold(claim)))
    known = {word for text in texts for word in re.findall(r"\w+", _fold(text))}
    for one, other in OPPOSITES:
        for mine, theirs in ((one, other), (other, one)):
            if mine & words and not mine & known and theirs & known and not theirs & words:
                return f"its evidence has the direction of {min(mine & words)!r} the other way round"
    return None


_DENIAL = word_set(
    """
    not no never without nor cannot nicht kein keine keinen keiner nie ohne false isn't wasn't aren't doesn't
    didn't hasn't can't won't
    """
)


def _polarity(text: str) -> dict[str, set[bool]]:
    found: dict[str, set[bool]] = {}
    for clause in re.split(r"[.;,:!?\n]| but | sondern | aber ", _fold(text)):
        words = re.findall(r"[\w']+", clause)
        for index, word in enumerate(words):
            if word in STATES:
                near = words[max(0, index - 4) : index] + words[index + 1 : index + 2]
                found.setdefault(word, set()).add(bool(_DENIAL & set(near)))
    return found


def _verdict(
    verdict: str, kept: Sequence[Draft], records: Mapping[str, Record], plant: Plant, verdict_of: Sequence[str]
) -> str | None:
    if not kept:
        return None
    words = Words.of(tuple(cite for draft in kept for cite in draft.cites), records, plant)
    findings = tuple(finding for draft in kept for finding in draft.findings)
    said = (*(draft.text for draft in kept), *verdict_of)
    return verdict if words.with_findings(findings).and_said(said).refuse(verdict) is None else None


def _called(record: Record, text: str, plant: Plant) -> list[str]:
    """What people call the things a record names: equipment by path, people and customers by id."""
    folded = text.casefold()
    names = [name for one in plant.equipment if one.id in folded for name in one.names()]
    names += [person.name for person in plant.people if person.name and person.id.casefold() in folded]
    names += [one.name for one in plant.customers if one.name and one.id.casefold() in folded]
    card = plant.source(record.provenance.source)
    return [*names, card.kind, card.owner or ""]


def _fold(text: str) -> str:
    return text.casefold().replace("’", "'")
