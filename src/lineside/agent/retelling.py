"""What one person was told and decided on, gathered from conversations and the ledger; and a verdict computed again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lineside.actions import State
from lineside.agent.tools.context import Context, Tool
from lineside.errors import BadRequest
from lineside.interpretation.decision_words import decision_words
from lineside.interpretation.pack_files import under
from lineside.interpretation.recalled import Recall, Told, recalls
from lineside.memory import EVERYTHING, Memory, Reader, View
from lineside.memory.cited import KeptAnswer, answers_to
from lineside.plant.plant import Person
from lineside.plant.records import Json
from lineside.plant.windows import Window

if TYPE_CHECKING:
    from lineside.actions import Ledger
    from lineside.actions.proposal import Proposal

_COMPUTED = 3  # recalls whose verdict is computed again; the others must be asked again
_TOOLS_AGAIN = 2
# These act, look only at the asker, or weigh words that a newer question would weigh otherwise.
_NOT_AGAIN = frozenset(("propose_action", "recalled", "recall", "waiting"))
_TIMES = re.compile(r"\b(?:\d{4}-\d\d-\d\d ?)?\d{1,2}:\d\d(?: [A-Z]{2,5}\b)?|\b\d{4}-\d\d-\d\d\b")


def told_to(memory: Memory, ledger: Ledger | None, person: Person | None, *, at: datetime) -> list[Told]:
    """What the person was told in conversations, asked for and decided on in the time that the pack watches."""
    since = at - decision_words().recalling.horizon
    kept = answers_to(memory, person.id if person else None, since=since)
    found = [told for each in kept if (told := answer_told(each)) is not None]
    if ledger is not None and person is not None:
        found += [t for p in ledger.list(limit=200) if p.created_at >= since and (t := _decided(p, person)) is not None]
    return [each for each in found if each.as_of <= at]


def answer_told(kept: KeptAnswer) -> Told | None:
    """The kept answer as something told; None where it made no claim."""
    match kept.content:
        case {"answer": {"as_of": str(as_of), "claims": list(claims), "citations": list(cited), **answer}}:
            records = dict(_numbered(cited))
            against = answer.get("against")
            stated = [*claims, *(against if isinstance(against, list) else [])]
            pairs = tuple(_claims(stated, records))
            tools = {use["name"] for use in _uses(kept.content) if isinstance(use["name"], str)}
            return Told(
                kind="handover" if "handover" in tools else "answer",
                place=place_of(kept),
                question=kept.question,
                as_of=datetime.fromisoformat(as_of),
                claims=pairs,
                verdict=str(answer.get("verdict") or ""),
            )
    return None


def place_of(kept: KeptAnswer) -> str:
    """Where the answer is kept: its conversation and its run, or its position there."""
    run = kept.content.get("run") if isinstance(kept.content, dict) else None
    return place_named(kept.conversation, run if isinstance(run, str) else str(kept.position))


def place_named(conversation: str, run: str) -> str:
    """The place of the answer that the run gave in the conversation."""
    return f"{conversation}#{run}"


def recalled_for(
    memory: Memory, ledger: Ledger | None, person: Person | None, *, at: datetime
) -> tuple[View, list[Told], list[Recall]]:
    """What the person was told, and what of it rests on records that changed by `at`; whether it stands is not yet
    computed."""
    view = memory.view(as_of=at, reader=EVERYTHING if person is None else Reader(person))
    with under(view.plant.packs):
        told = told_to(memory, ledger, person, at=at)
        return view, told, recalls(view, told)


def with_verdicts(memory: Memory, person: Person | None, view: View, found: Sequence[Recall]) -> list[Recall]:
    """The same, the newest few with whether their verdict still stands."""
    if not found:
        return []
    kept = answers_to(memory, person.id if person else None, since=min(r.told.as_of for r in found))
    by_place = {place_of(each): each for each in kept}
    context = Context(memory=memory, view=view, asked="", person=person)
    return [
        computed_again(each, by_place[each.told.place], context)
        if n < _COMPUTED and each.told.place in by_place
        else each
        for n, each in enumerate(found)
    ]


def computed_again(recall: Recall, kept: KeptAnswer, context: Context) -> Recall:
    """The recall with whether its verdict stands, by the same tools as then; unchanged where that can't be told."""
    uses = list(_uses(kept.content))
    if not uses or len(uses) > _TOOLS_AGAIN or any(use["name"] in _NOT_AGAIN for use in uses):
        return recall
    windows = _windows(kept.content, uses)
    then = replace(context, view=replace(context.view, as_of=recall.told.as_of, kept={}), windows=windows)
    verdicts = [_verdict(uses, each) for each in (then, replace(context, windows=windows))]
    if verdicts[0] is None or verdicts[1] is None:
        return recall
    same = _TIMES.sub("", verdicts[0]) == _TIMES.sub("", verdicts[1])
    return replace(recall, stands=same, verdict_now=verdicts[1])


def _verdict(uses: Sequence[Mapping[str, Json]], context: Context) -> str | None:
    from lineside.agent.tools import TOOLS  # here: the tools ask for what was told

    said = []
    for use in uses:
        tool: Tool | None = TOOLS.get(str(use["name"]))
        arguments = use["arguments"]
        if tool is None or not isinstance(arguments, dict):
            return None
        try:
            said.append(tool.call(context, arguments).verdict)
        except (BadRequest, ValidationError):
            return None
    return " ".join(said)


def _windows(content: Json, uses: Sequence[Mapping[str, Json]]) -> dict[str, Window]:
    """The stretch that the answer was about, under the words that its tools know it by."""
    match content:
        case {"answer": {"window": {"from": str(start), "to": str(end), **rest}}}:
            shift = rest.get("shift")
            window = Window(
                start=datetime.fromisoformat(start),
                end=datetime.fromisoformat(end),
                shift=shift if isinstance(shift, str) else None,
            )
            named = [a.get("window") for use in uses if isinstance(a := use["arguments"], dict)]
            return {words: window for words in named if isinstance(words, str)}
    return {}


def _uses(content: Json) -> Iterator[dict[str, Json]]:
    match content:
        case {"answer": {"tools": list(tools)}}:
            for use in tools:
                match use:
                    case {"name": str(name), "arguments": dict(arguments)}:
                        yield {"name": name, "arguments": arguments}


def _numbered(cited: Sequence[Json]) -> Iterator[tuple[int, str]]:
    for each in cited:
        match each:
            case {"n": int(n), "record_id": str(record), "source": str(source)} if source != "plant":
                yield n, record


def _claims(stated: Sequence[Json], records: Mapping[int, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for each in stated:
        match each:
            case {"text": str(text), "citations": list(numbers)}:
                yield text, tuple(records[n] for n in numbers if isinstance(n, int) and n in records)


def _decided(proposal: Proposal, person: Person) -> Told | None:
    approved = proposal.decided_by == person.id and proposal.decided_at is not None
    if not approved and proposal.requester != person.id:
        return None
    evidence = [str(each["record"]) for each in proposal.bound["evidence"]]
    as_of = proposal.decided_at if approved and proposal.decided_at else proposal.created_at
    return Told(
        kind="approval" if approved else "proposal",
        place=f"proposal {proposal.id}",
        question=f"{proposal.action} {proposal.entity.id}",
        as_of=as_of,
        claims=(("", tuple(evidence)),) if evidence else (),
        settled=proposal.state not in (State.PENDING, State.APPROVED),
    )
