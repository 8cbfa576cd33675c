"""The answerer that lets a language model choose the tools and pick from what they found; code decides what leaves.

The loop is LangChain's, without its checkpoints and approvals: a model that fails, lingers or wanders costs a person a
little time, and the embedded answerer answers with a word about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from lineside.agent.answer import Answer, AnswerEvent, ClaimFound, Done, Question, Step, ToolUse
from lineside.agent.compose import Findings, compose
from lineside.agent.embedded import EmbeddedAnswerer
from lineside.agent.model_claims import GiveAnswer, borne
from lineside.agent.model_desk import Desk, Offer
from lineside.agent.model_probe import probe
from lineside.agent.model_profile import ModelProfile
from lineside.agent.prompts import Rendered, prompt
from lineside.errors import ModelError, ModelReplyInvalid, ModelUnavailable
from lineside.interpretation.reading import clock
from lineside.memory import Memory
from lineside.plant.records import Json

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from lineside.actions import Ledger

__all__ = ["ModelAnswerer", "ModelProfile", "probe"]

log = structlog.get_logger()

_CALLS_A_TURN = 3  # on average; a model that wants more is lost
_EARLIER = 6  # turns of the conversation
_LONGEST_STEP = 200
_STEPS_A_TURN = 8  # of the graph, limits' own steps included


class ModelAnswerer:
    """Answers with a language model; with `fallback` where the model fails or nothing of its answer is borne out."""

    name = "model"

    def __init__(
        self, profile: ModelProfile, *, memory: Memory, ledger: Ledger | None = None, fallback: EmbeddedAnswerer
    ) -> None:
        self.profile = profile
        self.embedded = EmbeddedAnswerer(memory=memory, ledger=ledger)
        self.fallback = fallback

    async def answer(self, question: Question) -> Answer:
        """The answer as known at the question's `at` to its person."""
        async for event in self.stream(question):
            if isinstance(event, Done):
                return event.answer
        raise RuntimeError("the stream ended without an answer")

    async def stream(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """A step for each tool that the model calls, each claim that passed the check, and the answer last."""
        desk = Desk.of(question, embedded=self.embedded)
        steps: asyncio.Queue[Step | None] = asyncio.Queue()
        work = asyncio.create_task(self._answered(desk, steps.put_nowait))
        work.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                yield step
            answer = work.result()
        except ModelError as error:
            why = (
                f"The language model at {urlsplit(self.profile.base_url).netloc} gave no usable answer: {error.message}"
            )
            log.warning("model_failed", code=error.code, reason=error.message)
            yield Step(f"{why}; answering without it")
            async for event in self._without(desk, f"{why}. This is the answer without it."):
                yield event
            return
        finally:
            work.cancel()
        for event in _told(answer):
            yield event

    async def _without(self, desk: Desk, word: str) -> AsyncIterator[AnswerEvent]:
        """The embedded answer with a word about the model; what is already proposed is told, never proposed again."""
        if desk.proposed:
            found = Findings.of(desk.proposed, tools=desk.used, proposals=_proposals(desk))
            answer = compose(found, view=desk.context.view, answerer=self.fallback.name)
            for event in _told(replace(answer, missing=(*answer.missing, word))):
                yield event
            return
        async for event in self.fallback.stream(desk.question):
            if isinstance(event, Done):
                yield Done(replace(event.answer, missing=(*event.answer.missing, word)))
            else:
                yield event

    async def _answered(self, desk: Desk, tell: Callable[[Step], None]) -> Answer:
        """The model's answer after the check. Raises ModelError where there is none."""
        try:
            async with asyncio.timeout(self.profile.longest_s):
                reply = await converse(self.profile, desk, tell)
        except TimeoutError as error:
            raise ModelUnavailable(f"it took longer than {self.profile.longest_s:g} s") from error
        kept = borne(reply, desk)
        if not kept.drafts:
            raise ModelReplyInvalid("it made no claim that the records bear out")
        found = Findings(
            verdict=kept.verdict,
            drafts=kept.drafts,
            verdict_of=tuple(one.verdict for one in kept.relied),
            tools=tuple(desk.used),
            proposals=_proposals(desk),
        )
        shown = Findings.of((*kept.relied, *(one for one in desk.proposed if one not in kept.relied)))
        found = replace(
            found, against=shown.against, missing=shown.missing, next_steps=shown.next_steps, window=shown.window
        )
        answer = compose(found, view=desk.context.view, answerer=self.name)
        if answer.abstained:
            raise ModelReplyInvalid("it made no claim that the records bear out")
        log.info("model_answered", claims=len(answer.claims), dropped=answer.dropped + kept.dropped)
        return replace(answer, dropped=answer.dropped + kept.dropped)


async def converse(profile: ModelProfile, desk: Desk, tell: Callable[[Step], None]) -> GiveAnswer:
    """The model's reply after it used the tools. Raises ModelError where it gives none within its limits."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import ModelCallLimitMiddleware, ToolCallLimitMiddleware
    from langchain.agents.structured_output import ToolStrategy
    from langgraph.errors import GraphRecursionError
    from langsmith import tracing_context

    from lineside.agent.model_endpoint import opened

    told, asked = _instructed(desk), _asked(desk)
    # Any: LangChain's two limits keep their counts in states of different types, which its own signature can't hold.
    limits: list[Any] = [
        ModelCallLimitMiddleware(run_limit=profile.max_turns, exit_behavior="end"),
        ToolCallLimitMiddleware(run_limit=_CALLS_A_TURN * profile.max_turns, exit_behavior="end"),
    ]
    # A plant's questions are sent to the configured endpoint and nowhere else, whatever the environment says.
    with tracing_context(enabled=False):
        async with opened(profile) as endpoint:
            agent = create_agent(
                endpoint,
                [_tool(offer, desk, tell) for offer in desk.offers()],
                system_prompt=told.text,
                middleware=limits,
                response_format=ToolStrategy(GiveAnswer),
            )
            try:
                state = await agent.ainvoke(
                    {"messages": [{"role": "user", "content": asked}]},
                    {"recursion_limit": _STEPS_A_TURN * profile.max_turns + 10},
                )
            except GraphRecursionError as error:
                raise ModelReplyInvalid("it used up its turns without an answer") from error
            log.info(
                "model_asked",
                prompt=prompt("answer").digest,
                told=told.digest,
                calls=len(desk.used),
                tokens=endpoint.tokens_used,
            )
    reply = state.get("structured_response")
    if not isinstance(reply, GiveAnswer):
        raise ModelReplyInvalid("it ended without an answer, or used up its turns")
    return reply


def _instructed(desk: Desk) -> Rendered:
    view = desk.context.view
    shift = view.calendar.at(view.as_of)
    return prompt("answer").render(
        marker=desk.marker,
        plant_name=desk.plain(view.plant.name or view.plant.site),
        time_zone=view.plant.time_zone.key,
        as_of=clock(view.as_of, view.plant, day=True),
        shift=desk.plain(shift.label) if shift else "",
        answer_tool=GiveAnswer.__name__,
    )


def _asked(desk: Desk) -> str:
    earlier = [desk.plain(turn.question) for turn in desk.question.history[-_EARLIER:]]
    return prompt("question").render(earlier=earlier, question=desk.question.text).text


def _tool(offer: Offer, desk: Desk, tell: Callable[[Step], None]) -> BaseTool:
    from langchain_core.tools import StructuredTool

    async def run(**arguments: Any) -> str:
        tell(Step(_shown(offer.name, arguments), ToolUse(offer.name, arguments)))
        return await desk.run(offer.name, arguments)

    # The schema goes as JSON: the tool itself refuses what doesn't fit, in words that the model can act on.
    return StructuredTool(name=offer.name, description=offer.description, args_schema=dict(offer.schema), coroutine=run)


def _shown(name: str, arguments: Mapping[str, Any]) -> str:
    given = ", ".join(f"{key} {value}" for key, value in arguments.items() if value)[:_LONGEST_STEP]
    return f"{name.replace('_', ' ')}{': ' + given if given else ''}"


def _proposals(desk: Desk) -> tuple[Mapping[str, Json], ...]:
    return tuple(proposal for one in desk.proposed if isinstance(proposal := one.data.get("proposal"), dict))


def _told(answer: Answer) -> Iterator[AnswerEvent]:
    by_number = {citation.n: citation for citation in answer.citations}
    for claim in answer.claims:
        yield ClaimFound(claim, tuple(by_number[n] for n in claim.citations))
    yield Done(answer)
