"""One question, from any face: with the conversation it belongs to, and kept in it afterwards."""

from __future__ import annotations

from datetime import datetime

from lineside.agent.answer import Answer, Question, Turn
from lineside.app import Lineside
from lineside.errors import BadRequest
from lineside.plant.plant import Person

LONGEST_QUESTION = 4000


def questioned(
    lineside: Lineside, text: str, *, at: datetime, person: Person | None, conversation: str | None
) -> Question:
    """The question with its conversation's earlier turns. Raises BadRequest on an empty or endless text."""
    text = text.strip()
    if not text:
        raise BadRequest("the question is empty; ask something, as in: What is happening right now?")
    if len(text) > LONGEST_QUESTION:
        raise BadRequest(f"the question has {len(text)} characters; at most {LONGEST_QUESTION} are read")
    history = ()
    if conversation:
        turns = lineside.memory.conversations.history(conversation, person=person.id if person else "")
        history = tuple(Turn(turn.question, turn.at) for turn in turns)
    return Question(text=text, at=at, person=person, conversation=conversation or "", history=history)


async def ask_once(
    lineside: Lineside, text: str, *, at: datetime, person: Person | None, conversation: str | None = None
) -> Answer:
    """The answer, kept in its conversation where there is one."""
    question = questioned(lineside, text, at=at, person=person, conversation=conversation)
    answer = await lineside.answerer.answer(question)
    keep(lineside, question, answer)
    return answer


def keep(lineside: Lineside, question: Question, answer: Answer) -> None:
    """The turn is part of its conversation afterwards; a question without one leaves nothing."""
    if question.conversation:
        lineside.memory.conversations.append(
            question.conversation,
            person=question.person.id if question.person else "",
            question=question.text,
            at=question.at,
            answer=answer.to_json(),
        )
