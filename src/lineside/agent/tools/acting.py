"""The one tool that is no read: it proposes, and does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.actions import QUESTION, Refusal
from lineside.agent.parameters import Hold
from lineside.agent.tools.context import Context, tool
from lineside.agent.wording import key, tokens
from lineside.interpretation import state
from lineside.interpretation.reading import Reading
from lineside.memory.words import render


def _propose(context: Context, asked: Hold) -> Reading:
    """A pending proposal, or the reason why there is none, beside what is known of the lot."""
    lot = context.entity(asked.lot if ":" in asked.lot else f"lot:{asked.lot}")
    known = state.state(context.view, lot)
    evidence = list(asked.evidence) or [c for f in known.findings[:4] for c in f.cites if isinstance(c, str)][:6]
    if context.ledger is None or context.person is None:
        why = "nobody is named as the one who asks" if context.person is None else "actions are not set up here"
        return Reading(
            verdict=f"Nothing was proposed: {why}.",
            findings=known.findings,
            against=known.against,
            missing=("The person who asks, named in the plant file (on the command line: --as USER).",),
        )
    outcome = context.ledger.propose(
        action="hold_lot",
        parameters={"lot": lot.id, "reason": asked.reason},
        requester=context.person,
        evidence=evidence,
        origins=_origins(context, {"lot": lot.id, "reason": asked.reason}, evidence),
        as_of=context.view.as_of,
    )
    if isinstance(outcome, Refusal):
        return Reading(
            verdict=f"Nothing was proposed: {outcome.reason}.",
            findings=known.findings,
            against=known.against,
            missing=known.missing,
        )
    return Reading(
        verdict=f"Proposed, not done: place {lot.id} on hold in {outcome.system}; proposal {outcome.id} waits for "
        "approval by somebody else who has the right.",
        findings=known.findings,
        against=known.against,
        next_steps=(f"Approve or reject proposal {outcome.id}.",),
        data={"proposal": outcome.to_json()},
    )


def _origins(context: Context, values: Mapping[str, str], evidence: Sequence[str]) -> dict[str, str]:
    """Where each value stands: in the asker's question, or in a record given as evidence; left out if in neither."""
    records = context.view.records(evidence)
    found = {}
    for name, value in values.items():
        if _occurs(value, context.asked):
            found[name] = QUESTION
        elif origin := next((known for known, record in records.items() if _occurs(value, render(record))), None):
            found[name] = origin
    return found


def _occurs(value: str, text: str) -> bool:
    """Whether the text says the value, whatever its case, spacing and separators."""
    wanted, words = key(value), [key(token.raw) for token in tokens(text)]
    return bool(wanted) and any(
        wanted == "".join(words[i:j])
        for i, word in enumerate(words)
        if wanted.startswith(word)
        for j in range(i + 1, len(words) + 1)
        if len("".join(words[i:j])) <= len(wanted)
    )


TOOLS = (
    tool(
        "propose_action",
        "Propose to place a lot on hold. A person must approve; nothing is done.",
        Hold,
        _propose,
        reads=False,
    ),
)
