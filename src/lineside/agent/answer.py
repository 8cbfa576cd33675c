"""A question and its answer, as every face hands them on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

from lineside.interpretation.reading import Kind
from lineside.plant.plant import Person
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_WORDS = 35  # of a verdict's first line
_RUN = 4  # so many numbers in a row are each shown
_LISTED = 8
# A handover is read line by line, a gate left out would be forgotten, and a cause is told by its whole chain.
_WHOLE_TOOLS = frozenset(("handover", "readiness", "pace"))
_WHOLE_LIST = 24


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the same conversation, and the asker's now of that time."""

    question: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. at: the asker's now; only what was reported by then is used. person: None is the plant's own
    operator, who reads everything. history: earlier turns of the conversation, oldest first."""

    text: str
    at: datetime
    person: Person | None = None
    conversation: str = ""
    history: tuple[Turn, ...] = ()

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("the asker's now has no time zone")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of the answer, and the numbers of the citations it rests on."""

    text: str
    kind: Kind
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """One record, or one fact of the plant file (`source` is then "plant"). quote: verbatim from it."""

    n: int
    record_id: str
    source: str
    source_id: str
    occurred_at: datetime | None
    quote: str


@dataclass(frozen=True, slots=True)
class Heard:
    """How fresh one source was at the answer's as-of. state: live, late or silent."""

    source: str
    last_heard: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that was called, with its arguments as text and numbers."""

    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """verdict: the answer itself, in one sentence. read_as: how an ambiguous question was taken. dropped: how many
    claims the grounding check refused. notices: what the asker should hear first, beside what was asked. An abstention
    has no claims and says in `missing` what would be needed."""

    verdict: str
    as_of: datetime
    time_zone: ZoneInfo
    answerer: str
    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    window: Window | None = None
    shift: str | None = None
    freshness: tuple[Heard, ...] = ()
    against: tuple[Claim, ...] = ()
    missing: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    read_as: tuple[str, ...] = ()
    abstained: bool = False
    tools: tuple[ToolUse, ...] = ()
    proposals: tuple[Mapping[str, Json], ...] = ()
    dropped: int = 0
    notices: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What a person reads: the verdict, the claims with [n] marks, what speaks against, what is missing, how
        fresh it is."""
        return "\n".join(_lines(self))

    def to_json(self) -> dict[str, Json]:
        """The answer's contract; times are RFC 3339 in the plant's zone. A window without a start has `from` null."""
        return {
            "answer": self.text,
            "verdict": _headline(self.verdict)[0],
            "claims": [_claim(claim) for claim in self.claims],
            "citations": [
                {
                    "n": citation.n,
                    "record_id": citation.record_id,
                    "source": citation.source,
                    "source_id": citation.source_id,
                    "occurred_at": _moment(citation.occurred_at, self.time_zone),
                    "quote": citation.quote,
                }
                for citation in self.citations
            ],
            "window": {
                "from": _moment(self.window.start if self.window else None, self.time_zone),
                "to": _moment(self.window.end if self.window else self.as_of, self.time_zone),
                "shift": self.window.shift if self.window else self.shift,
                "time_zone": self.time_zone.key,
            },
            "as_of": _moment(self.as_of, self.time_zone),
            "freshness": [
                {"source": one.source, "last_heard": _moment(one.last_heard, self.time_zone), "state": one.state}
                for one in self.freshness
            ],
            "against": [_claim(claim) for claim in self.against],
            "missing": list(self.missing),
            "abstained": self.abstained,
            "tools": [{"name": use.name, "arguments": dict(use.arguments)} for use in self.tools],
            "proposals": [dict(proposal) for proposal in self.proposals],
            "answerer": self.answerer,
            **({"notices": list(self.notices)} if self.notices else {}),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """Something the answerer does now, for a person who waits."""

    text: str
    tool: ToolUse | None = None


@dataclass(frozen=True, slots=True)
class ClaimFound:
    """A claim that passed the grounding check, with the citations it brings."""

    claim: Claim
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Done:
    answer: Answer


AnswerEvent: TypeAlias = Step | ClaimFound | Done


class Answerer(Protocol):
    """Question in, cited answer out. A stream ends with Done."""

    name: str

    async def answer(self, question: Question) -> Answer: ...

    def stream(self, question: Question) -> AsyncIterator[AnswerEvent]: ...


def marks(claim: Claim) -> str:
    """The sentence with its [n] marks, and a word where it is not a fact."""
    label = {Kind.FACT: "", Kind.DERIVED: "", Kind.CLAIMED: " (claimed)", Kind.GUESSED: " (a guess)"}[claim.kind]
    return f"{claim.text}{label} {_numbers(claim.citations)}".rstrip()


def _numbers(citations: Sequence[int]) -> str:
    """Each as [n]; a run of more than four as its first and last."""
    runs: list[list[int]] = []
    for n in citations:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return "".join(f"[{run[0]}]..[{run[-1]}]" if len(run) > _RUN else "".join(f"[{n}]" for n in run) for run in runs)


def _lines(answer: Answer) -> list[str]:
    lines = ["First:", *(f"- {notice}" for notice in answer.notices), ""] if answer.notices else []
    lines += [f"Read as: {reading}" for reading in answer.read_as]
    head, rest = _headline(answer.verdict)
    said = [claim for claim in answer.claims if _bare(claim.text) in _bare(answer.verdict)]
    whole = [claim for claim in answer.claims if _bare(claim.text).startswith(_bare(answer.verdict))]
    if whole:
        said = [*said, whole[0]]
        lines.append(marks(whole[0]))
    else:
        lines.append(f"{head} {_numbers(sorted({n for claim in said for n in claim.citations}))}".rstrip())
        lines += [rest] if rest else []
    listed = [claim for claim in answer.claims if claim not in said]
    most = _WHOLE_LIST if any(use.name in _WHOLE_TOOLS for use in answer.tools) else _LISTED
    shown = listed if len(listed) <= most + 1 else listed[:most]
    lines += [f"- {marks(claim)}" for claim in shown]
    if len(shown) < len(listed):
        numbers = _numbers(sorted({n for claim in listed[len(shown) :] for n in claim.citations}))
        lines.append(f"- and {len(listed) - len(shown)} more of the kind {numbers}")
    if answer.against:
        lines += ["Against:", *(f"- {marks(claim)}" for claim in answer.against)]
    if answer.missing:
        lines += ["Missing:", *(f"- {item}" for item in answer.missing)]
    if answer.next_steps:
        lines += ["Next:", *(f"- {step}" for step in answer.next_steps)]
    if answer.dropped:
        lines.append(f"({answer.dropped} left out: not borne out by the records)")
    lines.append(_freshness(answer))
    return lines


def _headline(verdict: str) -> tuple[str, str]:
    """The verdict's first clauses, 35 words at most where it has a clause that short, and the others."""
    clauses = verdict.split("; ")
    head = clauses[0]
    used = 1
    while used < len(clauses) and len(f"{head}; {clauses[used]}".split()) <= _WORDS:
        head = f"{head}; {clauses[used]}"
        used += 1
    rest = "; ".join(clauses[used:])
    return (f"{head}.", rest[:1].upper() + rest[1:]) if rest else (verdict, "")


def _bare(text: str) -> str:
    return text.strip().rstrip(".").casefold()


def _freshness(answer: Answer) -> str:
    zone = answer.time_zone
    parts = [f"As of {_local(answer.as_of, zone)} ({zone.key})"]
    if answer.window is not None:
        name = f"{answer.window.shift or answer.window.label}: ".removeprefix(": ")
        parts.append(f"window {name}{_local(answer.window.start, zone)} to {_local(answer.window.end, zone)}")
    elif answer.shift:
        parts.append(f"shift {answer.shift}")
    cited = {citation.source for citation in answer.citations}
    shown = (one for one in answer.freshness if one.source in cited or one.state != "live")
    parts += [f"{one.source} {_age(one, answer.as_of)}" for one in shown]
    return "; ".join(parts) + "."


def _age(one: Heard, as_of: datetime) -> str:
    if one.last_heard is None:
        return "never heard"
    age = duration(max(0.0, (as_of - one.last_heard).total_seconds()))
    return f"heard {age} ago" if one.state == "live" else f"{one.state.upper()}, last heard {age} ago"


def _claim(claim: Claim) -> dict[str, Json]:
    return {"text": claim.text, "kind": claim.kind.value, "citations": list(claim.citations)}


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def _moment(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat()
