"""One question, from any face: with the conversation it belongs to, and kept in it before and after it is answered.

Answering reads the memory and takes as long as it takes, so a server gives each question a thread with a loop of its
own (`Runs`); whoever looks on reads the run's numbered events, as often and from wherever they like.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import uuid4

import structlog

from lineside.agent.answer import Answer, AnswerEvent, Done, Question, Turn
from lineside.app import Lineside
from lineside.errors import BadRequest, LinesideError
from lineside.memory import conversations
from lineside.plant.plant import Person
from lineside.plant.records import Json
from lineside.serve.telling import with_news

log = structlog.get_logger()

LONGEST_QUESTION = 4000
PERSON, LINESIDE = "person", "lineside"
_AT_ONCE = 6
_KEPT_RUNS = 300
_PULSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended without an answer."""

    error: BaseException

    @property
    def message(self) -> str:
        """What to tell the person; the inside of a fault goes to the log only."""
        if isinstance(self.error, LinesideError):
            return self.error.message
        return "something went wrong inside Lineside; its log says what"


RunEvent: TypeAlias = AnswerEvent | Failed


def questioned(
    lineside: Lineside, text: str, *, at: datetime, person: Person | None, conversation: str | None
) -> Question:
    """The question with its conversation's earlier turns. Raises BadRequest on an empty or endless text, NotFound on
    somebody else's conversation."""
    text = text.strip()
    if not text:
        raise BadRequest("the question is empty; ask something, as in: What is happening right now?")
    if len(text) > LONGEST_QUESTION:
        raise BadRequest(f"the question has {len(text)} characters; at most {LONGEST_QUESTION} are read")
    history: tuple[Turn, ...] = ()
    if conversation:
        who = _who(person)
        conversations.start(lineside.memory, person=who, conversation_id=conversation)
        turns = conversations.history(lineside.memory, conversation, person=who)
        history = tuple(turn for said in turns if said.role == PERSON and (turn := _turn(said.content)))
    return Question(text=text, at=at, person=person, conversation=conversation or "", history=history)


async def ask_once(
    lineside: Lineside, text: str, *, at: datetime, person: Person | None, conversation: str | None = None
) -> Answer:
    """The answer, kept in its conversation where there is one. Blocks its loop: run it on one of its own."""
    question = questioned(lineside, text, at=at, person=person, conversation=conversation)
    run = new_run_id()
    keep_question(lineside, question, run)
    answer = with_news(lineside, question, await lineside.answerer.answer(question))
    keep_answer(lineside, question, answer, run)
    return answer


def keep_question(lineside: Lineside, question: Question, run: str) -> None:
    """The question is in its conversation before it is answered; one without a conversation leaves nothing."""
    said: dict[str, Json] = {"run": run, "question": question.text, "at": question.at.isoformat()}
    _append(lineside, question, PERSON, said)


def keep_answer(lineside: Lineside, question: Question, answer: Answer, run: str) -> None:
    """The answer is in its conversation afterwards."""
    _append(lineside, question, LINESIDE, {"run": run, **answer_json(answer)})


def answer_json(answer: Answer) -> dict[str, Json]:
    """The answer's contract, and beside it what only people read."""
    return {
        "answer": answer.to_json(),
        "next_steps": list(answer.next_steps),
        "read_as": list(answer.read_as),
        "dropped": answer.dropped,
    }


def new_run_id() -> str:
    return uuid4().hex


class Run:
    """One question being answered. Its events are numbered from 1, and the last is Done or Failed."""

    def __init__(self, question: Question) -> None:
        self.id = new_run_id()
        self.question = question
        self._events: list[RunEvent] = []
        self._watchers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1], Done | Failed)

    def tell(self, event: RunEvent) -> None:
        """Everybody who looks on sees the event; safe from any thread."""
        with self._lock:
            self._events.append(event)
            for loop, wake in self._watchers:
                loop.call_soon_threadsafe(wake.set)

    async def events(self, after: int = 0) -> AsyncIterator[tuple[int, RunEvent] | None]:
        """The events numbered above `after`, those to come included; None where nothing happened for a while."""
        watcher = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._watchers.add(watcher)
        try:
            while True:
                watcher[1].clear()
                with self._lock:
                    fresh = self._events[after:]
                for event in fresh:
                    after += 1
                    yield after, event
                if self.ended and after >= len(self._events):
                    return
                try:
                    await asyncio.wait_for(watcher[1].wait(), _PULSE_S)
                except TimeoutError:
                    yield None
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    async def outcome(self) -> Answer:
        """The answer, when it is there. Raises the LinesideError that ended the run without one."""
        async for told in self.events():
            match told:
                case (_, Done(answer)):
                    return answer
                case (_, Failed(error) as failed):
                    raise error if isinstance(error, LinesideError) else LinesideError(failed.message) from error
        raise asyncio.CancelledError


class Runs:
    """The runs of this server, the newest few hundred; what ended is in its conversation for good."""

    def __init__(self, lineside: Lineside) -> None:
        self._lineside = lineside
        self._runs: dict[str, Run] = {}
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()

    def begin(self, question: Question) -> Run:
        """The question is kept, and is being answered on a thread of its own."""
        run = Run(question)
        keep_question(self._lineside, question, run.id)
        with self._lock:
            ended = [each.id for each in self._runs.values() if each.ended]
            for old in ended[: max(0, len(self._runs) - _KEPT_RUNS)]:
                del self._runs[old]
            self._runs[run.id] = run
        # A daemon: a model that takes its minute must not hold up a shutdown; the conversation then shows a lost run.
        threading.Thread(target=self._work, args=(run,), name=f"run-{run.id[:8]}", daemon=True).start()
        return run

    def find(self, run_id: str, person: Person | None) -> Run | None:
        """The run of that id if this person asked it and this process knows it."""
        run = self._runs.get(run_id)
        return run if run is not None and _who(run.question.person) == _who(person) else None

    def _work(self, run: Run) -> None:
        with self._slots:
            asyncio.run(self._watched(run))

    async def _watched(self, run: Run) -> None:
        """Whatever happens inside, the run ends and its watchers are told."""
        task = asyncio.create_task(self._answer(run))
        await asyncio.wait([task])
        error = task.exception()
        if error is not None:
            if not isinstance(error, LinesideError):
                log.error("question_failed", run=run.id, trace="".join(traceback.format_exception(error)))
            run.tell(Failed(error))

    async def _answer(self, run: Run) -> None:
        async for event in self._lineside.answerer.stream(run.question):
            if isinstance(event, Done):
                answer = with_news(self._lineside, run.question, event.answer)
                keep_answer(self._lineside, run.question, answer, run.id)
                run.tell(Done(answer))
            else:
                run.tell(event)
        if not run.ended:
            raise RuntimeError("the answerer's stream ended without an answer")


def _append(lineside: Lineside, question: Question, role: str, content: Json) -> None:
    if question.conversation:
        who = _who(question.person)
        conversations.append(lineside.memory, question.conversation, role=role, content=content, person=who)


def _turn(content: Json) -> Turn | None:
    match content:
        case {"question": str(text), "at": str(at)}:
            return Turn(text, datetime.fromisoformat(at))
    return None


def _who(person: Person | None) -> str | None:
    return person.id if person else None
