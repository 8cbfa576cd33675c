"""What a person should hear without asking: that something they were told changed, or a decision of theirs lost its
ground. Each once, on top of whatever they look at next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from lineside.actions import State
from lineside.agent.answer import Answer, Question
from lineside.agent.retelling import recalled_for, with_verdicts
from lineside.app import Lineside
from lineside.errors import LinesideError
from lineside.interpretation.breaking import breakings, holding_again
from lineside.interpretation.pack_files import under
from lineside.interpretation.recalled import Recall, sentence
from lineside.memory import Reader, View
from lineside.memory.freshness import OURS
from lineside.memory.notices import tell_once
from lineside.plant.plant import Person
from lineside.plant.records import Json

log = structlog.get_logger()

BROKEN = "assumption_broken"  # the alert's kind
_RECALLED, _ASSUMPTION, _DECISION = "recalled", "assumption", "decision"
_LATELY = timedelta(days=2)  # what became of a proposal is news for so long
_BECAME = (
    State.APPROVED, State.VERIFIED, State.REJECTED, State.REVOKED, State.EXPIRED, State.STALE, State.FAILED,
    State.VERIFY_FAILED, State.NEEDS_HUMAN,
)  # fmt: skip
_NOW = timedelta(minutes=5)  # whoever asks about an earlier time is told nothing of today


def news_for(lineside: Lineside, person: Person | None) -> tuple[str, ...]:
    """What this person has not been told yet; told afterwards."""
    who, now = person.id if person else None, lineside.clock()
    view, _, found = recalled_for(lineside.memory, lineside.ledger, person, at=now)
    fresh = set(tell_once(lineside.memory, who, _RECALLED, [r.key for r in found]).new)
    told = with_verdicts(lineside.memory, person, view, [r for r in found if r.key in fresh])
    with under(view.plant.packs):
        own = [b for b in breakings(view) if who is not None and b.owner == who]
    news = tell_once(lineside.memory, who, _ASSUMPTION, [b.key for b in own])
    broken = [b.text for b in own if b.key in set(news.new)]
    decisions = _decisions(lineside, person) if person else {}
    asked = [decisions[key] for key in tell_once(lineside.memory, who, _DECISION, list(decisions)).new]
    with under(view.plant.packs):
        return (*broken, *holding_again(view, news.over), *asked, *(sentence(view, r) for r in told))


def _decisions(lineside: Lineside, person: Person) -> dict[str, str]:
    """What waits for the person to decide, and what became of what they asked for: a key to a sentence."""
    ledger, zone, since = lineside.ledger, lineside.plant.time_zone, lineside.clock() - _LATELY
    told = {}
    for each in ledger.pending_for(person):
        until = each.expires_at.astimezone(zone)
        told[f"waits {each.id}"] = (
            f"{each.id} waits for you to decide: {each.bound['title']}, {each.entity.id}, asked for by "
            f"{each.requester}; until {until:%Y-%m-%d %H:%M %Z}."
        )
    for each in ledger.list(states=_BECAME, requester=person.id, changed_since=since):
        why = f": {each.detail}" if each.detail else f" by {each.decided_by}" if each.decided_by else ""
        told[f"{each.state} {each.id}"] = (
            f"Your proposal {each.id} ({each.bound['title']}, {each.entity.id}) is {each.state.replace('_', ' ')}{why}."
        )
    return told


def with_news(lineside: Lineside, question: Question, answer: Answer) -> Answer:
    """The answer with what its asker should hear first. Only in a conversation, which is known to be the asker's."""
    if not question.conversation or abs(lineside.clock() - question.at) > _NOW:
        return answer
    try:
        said = {claim.text for claim in answer.claims}
        return replace(answer, notices=tuple(n for n in news_for(lineside, question.person) if n not in said))
    except LinesideError as error:
        log.warning("news_not_told", code=error.code, reason=error.message)  # the answer itself is whole
        return answer


def recalled_marks(lineside: Lineside, person: Person | None, conversation: str) -> dict[str, str]:
    """What changed of the answers in the conversation: the run of each to a sentence."""
    view, _, found = recalled_for(lineside.memory, lineside.ledger, person, at=lineside.clock())
    head = f"{conversation}#"
    return {r.told.place.removeprefix(head): sentence(view, r) for r in found if r.told.place.startswith(head)}


def recall_rows(lineside: Lineside, person: Person | None, *, at: datetime | None = None) -> list[dict[str, Json]]:
    """Everything that the person was told and that changed by `at`, by default now; the newest told first."""
    view, _, found = recalled_for(lineside.memory, lineside.ledger, person, at=at or lineside.clock())
    return [_row(view, each) for each in with_verdicts(lineside.memory, person, view, found)]


def warn_of_decisions(lineside: Lineside) -> int:
    """Each decision in force that lost an assumption has one open alert of the source `lineside`, and others have none;
    how many are open. Only what everybody at the site may read is told that way."""
    everybody = Reader(Person(id="", sites=(lineside.plant.site,)))
    reasons: dict[tuple[str, str], str] = {}
    with under(lineside.plant.packs):
        found = list(breakings(lineside.memory.view(reader=everybody)))
    for each in found:
        place = each.decision, BROKEN
        reasons[place] = f"{reasons[place]} {each.text}" if place in reasons else each.text
    stands = {(a.stream, a.kind): a.reason for a in lineside.memory.alerts(OURS) if a.kind == BROKEN}
    if stands != reasons:
        lineside.memory.settle_alerts(OURS, [BROKEN], reasons)
    return len(reasons)


def _row(view: View, each: Recall) -> dict[str, Json]:
    zone = view.plant.time_zone
    conversation, _, run = each.told.place.partition("#")
    return {
        "kind": each.told.kind,
        "conversation": conversation if run else None,
        "run": run or None,
        "proposal": None if run else conversation.removeprefix("proposal "),
        "question": each.told.question,
        "verdict": each.told.verdict,
        "told_at": each.told.as_of.astimezone(zone).isoformat(),
        "stands": each.stands,
        "verdict_now": each.verdict_now or None,
        "text": sentence(view, each),
        "changes": [
            {
                "record_id": change.record,
                "how": str(change.how),
                "was": change.was,
                "now": change.now,
                "cause": change.cause,
                "since": change.since.astimezone(zone).isoformat(),
                "claims": list(change.claims),
            }
            for change in each.changes
        ],
    }
