"""What the model may reach while it works on one question: the tools, and what they found, by ids of our own.

Whatever the model asks for, it sees through the asker's view: person, time and rights come from the question. Words for
a stretch of time, and what is to be done to what, must be the asker's own.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import Field, ValidationError

from lineside.actions import ACTIONS
from lineside.agent.answer import Answer, Citation, Claim, Question, ToolUse
from lineside.agent.cues import Intent
from lineside.agent.embedded import EmbeddedAnswerer
from lineside.agent.plan_actions import Wished, wished
from lineside.agent.prompts import prompt
from lineside.agent.tools import TOOLS, Context, Parameters, Tool
from lineside.agent.tools.acting import declared
from lineside.agent.wording import fold
from lineside.errors import BadRequest
from lineside.interpretation.reading import Cite, Finding, PlantFact, Reading, clock
from lineside.memory.words import quote
from lineside.plant.records import Json
from lineside.plant.windows import find_window

PROPOSE, ASK = "propose_action", "ask"
_SHOWN, _LONGEST, _RECORDS_EACH = 40, 1500, 6


class Asked(Parameters):
    question: str = Field(description="the whole question, with what a follow-up points back to put in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A tool as the model sees it. schema: JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the reading that it is part of."""

    finding: Finding
    reading: Reading
    against: bool = False


@dataclass(slots=True, kw_only=True)
class Desk:
    """One question's tools and findings. embedded: answers without a model, and must not propose."""

    question: Question
    context: Context
    embedded: EmbeddedAnswerer
    wishes: Sequence[Wished]
    marker: str = field(default_factory=lambda: secrets.token_hex(8))
    found: dict[str, Found] = field(default_factory=dict)
    cited: dict[str, Cite] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    used: list[ToolUse] = field(default_factory=list)
    proposed: list[Reading] = field(default_factory=list)

    @classmethod
    def of(cls, question: Question, *, embedded: EmbeddedAnswerer) -> Desk:
        """A desk for this question, with the embedded answerer's memory and ledger behind it."""
        view = embedded.view(question)
        asks, names = embedded.understood(question, view)
        wishes = [wished(ask, names) for ask in asks if ask.intent is Intent.PROPOSE]
        context = Context(
            memory=embedded.memory,
            view=view,
            asked=question.text,
            person=question.person,
            ledger=embedded.ledger,
        )
        return cls(
            question=question,
            context=context,
            embedded=EmbeddedAnswerer(memory=embedded.memory),
            wishes=[wish for wish in wishes if wish.takes_a_model],
        )

    def offers(self) -> list[Offer]:
        """The tools for this question; the one that proposes only where the asker wishes for what it does."""
        described = "Understands a question in plain words and answers it with findings. Call it first."
        reads = [Offer(name=ASK, description=described, schema=Asked.model_json_schema())]
        reads += [
            Offer(name=tool.name, description=tool.description, schema=_schema(tool))
            for tool in TOOLS.values()
            if tool.name != PROPOSE
        ]
        return [*reads, *([self._proposing()] if self.wishes else [])]

    async def run(self, name: str, arguments: Mapping[str, Json]) -> str:
        """What the tool found, as a fenced block of evidence; why it was not run, where it was not."""
        try:
            reading = await self._reading(name, arguments)
        except BadRequest as error:
            return self._block(name, refused=error.message)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or name}: {e['msg']}" for e in error.errors()[:5])
            return self._block(name, refused=f"its arguments don't fit: {wrong}")
        self.used.append(ToolUse(name, dict(arguments)))
        self.readings.append(reading)
        return self._block(name, reading)

    def plain(self, text: str) -> str:
        """Foreign text on one line: no fence of ours can be forged in it, and nothing in it is invisible."""
        seen = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
        unfenced = re.sub(r"</?evidence-[^>\s]*>?", " ", seen.replace(self.marker, ""), flags=re.IGNORECASE)
        return " ".join(unfenced.split())[:_LONGEST]

    async def _reading(self, name: str, arguments: Mapping[str, Json]) -> Reading:
        if name == ASK:
            return await self._asked(Asked.model_validate(dict(arguments)))
        self._own_words(arguments.get("window"))
        if name == PROPOSE:
            return self._propose(arguments)
        return TOOLS[name].call(self.context, arguments)

    async def _asked(self, asked: Asked) -> Reading:
        found = find_window(asked.question, now=self.question.at, plant=self.context.view.plant)
        self._own_words(found.words if found else None)
        question = Question(
            text=asked.question, at=self.question.at, person=self.question.person, history=self.question.history
        )
        understood, _ = self.embedded.understood(question, self.context.view)
        if any(ask.intent is Intent.PROPOSE for ask in understood):
            raise BadRequest("it asks for an action, and ask only reads; propose_action, if it is offered, is for that")
        answer = await self.embedded.answer(question)
        self.used += answer.tools
        return _as_reading(answer)

    def _own_words(self, window: Json) -> None:
        """The stretch of time is the asker's choice. Raises BadRequest for words that the asker didn't use."""
        if not isinstance(window, str) or not window.strip():
            return
        said = [fold(self.question.text), *(fold(turn.question) for turn in self.question.history)]
        if not any(" ".join(fold(window).split()) in " ".join(text.split()) for text in said):
            raise BadRequest(f"{window!r} is not in the asker's words; leave the time out, or use the asker's words")

    def _propose(self, arguments: Mapping[str, Json]) -> Reading:
        if not self.wishes:
            raise BadRequest("the asker didn't ask for it")
        wish = next((each for each in self.wishes if each.action == arguments.get("action")), None)
        if wish is None:
            raise BadRequest(f"the asker asked for {', '.join(dict.fromkeys(each.action for each in self.wishes))}")
        given = arguments.get("parameters")
        if isinstance(given, dict):
            arguments = {**arguments, "parameters": self._as_asked(wish, given)}
        if len(self.proposed) >= sum(max(1, len(each.said.subjects)) for each in self.wishes):
            raise BadRequest("what the asker asked for is already proposed")
        reading = TOOLS[PROPOSE].call(replace(self.context, read=frozenset(wish.said.parameters)), arguments)
        if "proposal" in reading.data:
            self.proposed.append(reading)
        return reading

    def _as_asked(self, wish: Wished, given: Mapping[str, Json]) -> dict[str, Json]:
        """What the asker said, and of the rest what the model says. Raises BadRequest for a subject of its own."""
        action = ACTIONS[wish.action]
        subjects = [spelt for thing in wish.said.subjects for spelt in (thing.id, str(thing))]
        if subjects and (subject := given.get(action.subject)) is not None and subject not in subjects:
            raise BadRequest(f"the asker named {', '.join(thing.id for thing in wish.said.subjects)}")
        return {**given, **wish.said.parameters}

    def _proposing(self) -> Offer:
        """What the asker asked for and nothing else. What the asker said is filled in where the model leaves it out."""
        actions = [ACTIONS[name] for name in dict.fromkeys(wish.action for wish in self.wishes)]
        schema = _schema(TOOLS[PROPOSE])
        subjects = {
            action.subject: [
                thing.id for wish in self.wishes if wish.action == action.name for thing in wish.said.subjects
            ]
            for action in actions
        }
        takes: dict[str, Json] = {
            each.name: {"type": "string", **({"enum": list(ids)} if (ids := subjects.get(each.name)) else {})}
            for action in actions
            for each in action.parameters
        }
        parameters: dict[str, Json] = {"type": "object", "properties": takes, "additionalProperties": False}
        properties: dict[str, Json] = {
            "action": {"type": "string", "enum": [action.name for action in actions]},
            "parameters": parameters,
        }
        return Offer(
            name=PROPOSE,
            description=f"Propose what was asked for. A person must approve; nothing is done.\n{declared(actions)}",
            schema={**schema, "properties": {**_mapping(schema["properties"]), **properties}},
        )

    def _block(self, tool: str, reading: Reading | None = None, *, refused: str = "") -> str:
        before = set(self.cited)
        findings, against = reading.findings if reading else (), reading.against if reading else ()
        shown = [self._line(one, reading) for one in findings[:_SHOWN] if reading]
        opposed = [self._line(one, reading, against=True) for one in against[:_SHOWN] if reading]
        return (
            prompt("evidence")
            .render(
                marker=self.marker,
                tool=self.plain(tool),
                verdict=self.plain(reading.verdict) if reading else "",
                findings=shown,
                against=opposed,
                missing=[self.plain(text) for text in reading.missing] if reading else [],
                records=[self._record(name, cite) for name, cite in self.cited.items() if name not in before],
                left_out=max(0, len(findings) - _SHOWN) + max(0, len(against) - _SHOWN),
                refused=self.plain(refused),
            )
            .text
        )

    def _line(self, finding: Finding, reading: Reading, *, against: bool = False) -> Mapping[str, str]:
        name = next((n for n, known in self.found.items() if known.finding == finding), f"F{len(self.found) + 1}")
        self.found.setdefault(name, Found(finding, reading, against))
        cites = [self._cite(cite) for cite in finding.cites[:_RECORDS_EACH]]
        more = len(finding.cites) - len(cites)
        return {
            "id": name,
            "kind": finding.kind.value,
            "cites": ", ".join(cites) + (f" and {more} more" if more else ""),
            "text": self.plain(finding.text),
        }

    def _cite(self, cite: Cite) -> str:
        name = next((n for n, known in self.cited.items() if known == cite), f"R{len(self.cited) + 1}")
        self.cited.setdefault(name, cite)
        return name

    def _record(self, name: str, cite: Cite) -> Mapping[str, str]:
        if isinstance(cite, PlantFact):
            return {"id": name, "source": "plant", "time": "", "text": self.plain(cite.text)}
        record = self.context.view.records([cite])[cite]
        when = clock(record.provenance.occurred_at, self.context.view.plant, day=True)
        source = self.plain(record.provenance.source)
        return {"id": name, "source": source, "time": when, "text": self.plain(quote(record))}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _schema(tool: Tool) -> dict[str, Json]:
    return tool.parameters.model_json_schema()


def _as_reading(answer: Answer) -> Reading:
    """An answer's claims as findings again, with the records that they were checked against."""
    by_number = {citation.n: citation for citation in answer.citations}

    def finding(claim: Claim) -> Finding:
        return Finding(text=claim.text, kind=claim.kind, cites=tuple(_cite_of(by_number[n]) for n in claim.citations))

    return Reading(
        verdict=answer.verdict,
        findings=tuple(finding(claim) for claim in answer.claims),
        against=tuple(finding(claim) for claim in answer.against),
        missing=answer.missing,
        next_steps=answer.next_steps,
        window=answer.window,
        data={"read_as": list(answer.read_as)},
    )


def _cite_of(citation: Citation) -> Cite:
    return PlantFact(citation.source_id, citation.quote) if citation.source == "plant" else citation.record_id
