"""From a model's reply to drafts for the grounding check: a model may pick and shorten what was found, no more.

The grounding check holds numbers, ids, times and names against the evidence. A model could still add a cause, swap two
figures or drop a "not", so its sentence must also be one finding's, or one record's, words in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from lineside.agent.grounding import Draft
from lineside.agent.model_desk import Desk, Found
from lineside.agent.plainwords import word_set
from lineside.interpretation.reading import Finding, Kind, PlantFact, Reading
from lineside.memory.words import render
from lineside.plant.records import Event, Report

_LONGEST_CLAIM, _MOST_CLAIMS = 1500, 60
# Words that may come in to join what is left of a sentence; none of them denies, dates, counts, or gives a reason.
_JOINING = word_set(
    """
    a an the is are was were be been of in on at to for and that which it its has have had with
    der die das den dem des ein eine einer einem einen ist sind war waren und in im am an auf von vom zu zum zur mit hat
    """
)
# Words that must not get lost between those that are kept.
_BINDING = word_set(
    """
    not no never without nor cannot can't doesn't isn't wasn't aren't didn't hasn't won't none nothing neither false
    if unless until except only but would could may might should perhaps maybe probably possibly likely about roughly
    approximately expected planned estimated forecast claimed claims allegedly at_risk almost nearly least most
    nicht kein keine keinen keiner nie ohne wenn falls sofern bis außer nur aber würde könnte sollte vielleicht
    wahrscheinlich vermutlich etwa rund ungefähr geplant erwartet angeblich fast mindestens höchstens
    """
)
# What a person wrote, or what nobody knows, is repeated whole: with who said so, or that it is a guess.
_SHORTENED = (Kind.FACT, Kind.DERIVED)
_MARKUP = re.compile(r"https?:|www\.|\]\(|!\[|\]\[|^\s*\[[^\]]+\]:|<[/!a-zA-Z]|`|javascript:|data:", re.IGNORECASE)


class ModelClaim(BaseModel):
    """One claim of the answer."""

    model_config = ConfigDict(extra="ignore")

    text: str = Field(description="one sentence, in the words of its evidence")
    evidence: list[str] = Field(description="the id of the finding (F1) or record (R1) that says it")


class GiveAnswer(BaseModel):
    """Give the answer, when the tools have found what was asked, or can't."""

    model_config = ConfigDict(extra="ignore")

    verdict: str = Field(default="", description="the answer itself, one sentence")
    claims: list[ModelClaim] = Field(default_factory=list, description="what bears it out; empty if it is not known")


@dataclass(frozen=True, slots=True)
class Borne:
    """What is left of a reply. relied: the readings behind the drafts."""

    drafts: tuple[Draft, ...]
    verdict: str
    relied: tuple[Reading, ...]
    dropped: int


def borne(reply: GiveAnswer, desk: Desk) -> Borne:
    """The claims that say what their evidence says, each with the evidence's own citations."""
    drafts: list[Draft] = []
    relied: list[Reading] = []
    lost = max(0, len(reply.claims) - _MOST_CLAIMS)
    for claim in reply.claims[:_MOST_CLAIMS]:
        named = [name for text in claim.evidence for name in re.findall(r"\b[FR]\d+\b", text)]
        found = _finding(claim.text, named, desk)
        draft = _repeated(claim.text, found.finding) if found else _of_record(claim.text, named, desk)
        if draft is None:
            lost += 1
            continue
        if found and found.reading not in relied:
            relied.append(found.reading)
        if draft not in drafts and not (found and found.against):  # what speaks against is shown with its reading
            drafts.append(draft)
    return Borne(tuple(drafts), _verdict(reply.verdict, drafts, relied), tuple(relied), lost)


def shortened(text: str, whole: str) -> bool:
    """Whether `text` is `whole`, or `whole` with words left out: nothing new, nothing moved, no "not" or "if" lost."""
    if _same(text, whole):
        return True
    if not text.strip() or len(text) > _LONGEST_CLAIM or _MARKUP.search(text):
        return False
    there, place, taken = _words(whole), 0, []
    for word in _words(text):
        found = next((i for i in range(place, len(there)) if there[i] == word), None)
        if found is None:
            if word in _JOINING:
                continue
            return False
        if found > place and word in _JOINING:
            continue  # a small word far ahead would eat up what stands between
        taken.append(found)
        place = found + 1
    if not any(there[i] not in _JOINING for i in taken):
        return False
    return not any(word in _BINDING and i not in taken for i, word in _around(there, taken))


def _finding(text: str, named: Sequence[str], desk: Desk) -> Found | None:
    """The finding that the text repeats, whichever id came with it, or the named one that it shortens."""
    for found in desk.found.values():
        if _same(text, desk.plain(found.finding.text)):
            return found
    for found in (desk.found[name] for name in named if name in desk.found):
        if found.finding.kind in _SHORTENED and shortened(text, desk.plain(found.finding.text)):
            return found
    return None


def _repeated(text: str, finding: Finding) -> Draft:
    whole = Draft.of(finding)
    return whole if _same(text, finding.text) or finding.kind not in _SHORTENED else replace(whole, text=_line(text))


def _of_record(text: str, named: Sequence[str], desk: Desk) -> Draft | None:
    """A system's record, shortened. A note's words come only through a finding, which says whose they are."""
    cites = [desk.cited[name] for name in named if name in desk.cited]
    records = desk.context.view.records([cite for cite in cites if isinstance(cite, str)])
    for cite in cites:
        if isinstance(cite, PlantFact):
            whole = cite.text
        elif isinstance(records[cite], Report | Event):
            whole = desk.plain(render(records[cite]))
        else:
            continue
        if shortened(text, whole):
            return Draft(text=_line(text), kind=Kind.FACT, cites=(cite,))
    return None


def _verdict(said: str, drafts: Sequence[Draft], relied: Sequence[Reading]) -> str:
    """A verdict that code gave, or a claim that stands, as the model chose; else the first of the claims."""
    for whole in (*(one.verdict for one in relied), *(draft.text for draft in drafts)):
        if _same(said, whole):
            return whole
    if any(draft.kind in _SHORTENED and shortened(said, draft.text) for draft in drafts):
        return _line(said)
    return drafts[0].text if drafts else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _around(there: Sequence[str], taken: Sequence[int]) -> Iterable[tuple[int, str]]:
    """The words of the sentences that something was taken from."""
    starts = [0, *(i + 1 for i, word in enumerate(there) if word == ".")]
    for start, end in zip(starts, [*starts[1:], len(there)], strict=True):
        if any(start <= i < end for i in taken):
            yield from ((i, there[i]) for i in range(start, end))


def _words(text: str) -> list[str]:
    """Words, numbers with their signs and ids whole; a sentence's end is a word of its own."""
    found = re.findall(r"[-+−]?[^\W_](?:[\w]|[-/@.:,#+&'’%](?=\w))*%?|[.!?;](?=\s|$)", text.casefold())
    return ["." if word in ".!?;" else word.replace("’", "'") for word in found]


def _same(one: str, other: str) -> bool:
    return bool(one.strip()) and _line(one) == _line(other)
