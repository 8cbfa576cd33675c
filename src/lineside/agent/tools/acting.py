"""The one tool that is no read: it proposes, and does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.actions import ACTIONS, QUESTION, ActionType, Refusal
from lineside.actions.action import Form, Parameter, filled, same
from lineside.agent.names import names_of
from lineside.agent.parameters import Proposed
from lineside.agent.plan_actions import Said, chosen, measured, said
from lineside.agent.tools.context import Context, moment, tool
from lineside.agent.wishes import wish_in, with_lines, words_of
from lineside.agent.wording import key, tokens
from lineside.errors import BadRequest
from lineside.interpretation import state
from lineside.interpretation.reading import Reading
from lineside.memory.words import render
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Note

_MOST_CITED = 6


def _propose(context: Context, asked: Proposed) -> Reading:
    """A pending proposal, or the reason why there is none, beside what is known of its subject."""
    action = ACTIONS.get(asked.action)
    if action is None:
        raise BadRequest(f"there is no action {asked.action!r}; there are: {', '.join(ACTIONS)}")
    if unknown := sorted(set(asked.parameters) - set(action.parameter_names)):
        raise BadRequest(f"{action.name} takes no {', '.join(unknown)}; it takes: {', '.join(action.parameter_names)}")
    values = {
        each.name: _value(context, action, each, asked.parameters)
        for each in action.parameters
        if asked.parameters.get(each.name, "").strip()
    }
    subject = _subject(context, action, values.get(action.subject, ""))
    known = state.state(context.view, subject) if subject else Reading(verdict="")
    if missing := [each for each in action.parameters if each.required and each.name not in values]:
        needs = "; ".join(f"{each.name.replace('_', ' ')} ({_means(each)})" for each in missing)
        return _nothing(
            f"{action.name} needs {needs}", known, tuple(f"{each.name}: {_means(each)}" for each in missing)
        )
    if context.ledger is None or context.person is None:
        why = "nobody is named as the one who asks" if context.person is None else "actions are not set up here"
        return _nothing(why, known, ("The person who asks, named in the plant file (on the command line: --as USER).",))
    cited = [c for f in known.findings[:4] for c in f.cites if isinstance(c, str)]
    evidence = list(asked.evidence) or cited[:_MOST_CITED]
    outcome = context.ledger.propose(
        action=action.name,
        parameters=values,
        requester=context.person,
        evidence=evidence,
        origins=_origins(context, action, values, evidence),
        as_of=context.view.as_of,
    )
    if isinstance(outcome, Refusal):
        return _nothing(outcome.reason, known, known.missing)
    does = filled(action.does, outcome.parameters)
    return Reading(
        verdict=f"Proposed, not done: {does[:1].lower()}{does[1:]} in {outcome.system}; proposal {outcome.id} waits "
        "for approval by somebody else who has the right.",
        findings=known.findings,
        against=known.against,
        next_steps=(f"Approve or reject proposal {outcome.id}.",),
        data={"proposal": outcome.to_json()},
    )


def _nothing(why: str, known: Reading, missing: Sequence[str]) -> Reading:
    return Reading(
        verdict=f"Nothing was proposed: {why}.",
        findings=known.findings,
        against=known.against,
        missing=tuple(missing),
    )


def _means(parameter: Parameter) -> str:
    return f"{parameter.meaning}: {', '.join(parameter.choices)}" if parameter.choices else parameter.meaning


def _value(context: Context, action: ActionType, parameter: Parameter, asked: Mapping[str, str]) -> str:
    """The parameter as the ledger takes it: a time, an amount or a choice said in words made plain, a time local."""
    text = asked[parameter.name].strip()
    match parameter.form:
        case Form.ENTITY:
            thing = _thing(context, parameter, text)
            return thing.id if len(parameter.kinds) == 1 else str(thing)
        case Form.MOMENT:
            at = moment(context, text)
            return text if at is None else at.astimezone(context.view.plant.time_zone).isoformat(timespec="seconds")
        case Form.QUANTITY:
            return measured(text)
        case Form.CHOICE:
            return chosen(action, parameter, text)
        case Form.NUMBER:
            return _number(context, action, asked, text)
    return text


def _thing(context: Context, parameter: Parameter, text: str) -> Entity:
    """The one thing of the parameter's kinds. Raises BadRequest where none or several are called so."""
    if ":" in text and text.partition(":")[0] in set(EntityKind):
        return context.entity(text)
    if any(each.id == text and each.kind in parameter.kinds for each in context.view.find(text)):
        kind = next(k for k in parameter.kinds if any(e.kind == k and e.id == text for e in context.view.find(text)))
        return Entity(kind, text)
    if parameter.kinds == (EntityKind.EQUIPMENT,) and (path := context.place(text)):
        return Entity(EntityKind.EQUIPMENT, path)
    return context.entity(f"{parameter.kinds[0]}:{text}")


def _subject(context: Context, action: ActionType, value: str) -> Entity | None:
    return _thing(context, action.parameter(action.subject), value) if value else None


def _number(context: Context, action: ActionType, asked: Mapping[str, str], text: str) -> str:
    """The number alone, where its unit is the one in which the subject's property is told; else the words, refused."""
    value, _, unit = measured(text).partition(" ")
    if not unit:
        return value
    subject, name = _subject(context, action, asked.get(action.subject, "")), asked.get("parameter", "")
    told = context.view.said(entity=subject, properties=(name,)) if subject and name else ()
    return value if any(each.quantity is not None and each.quantity.unit == unit for each in told) else text


def _origins(
    context: Context, action: ActionType, values: Mapping[str, str], evidence: Sequence[str]
) -> dict[str, str]:
    """Where each value stands: in the asker's question, or in a record given as evidence; left out if in neither.

    A record speaks for the thing that code found in the conversation, never for one that a model chose, nor for a
    number or a time that stands in it for something else.
    """
    names = names_of(context.view)
    asked = with_lines(context.asked, names)
    read = said(action, asked, names=names, at=context.view.as_of, wish=wish_in(asked, names))
    named = {str(thing) for word in words_of(asked, names) for thing in word.things}
    records = context.view.records(evidence)
    found = {}
    for name, value in values.items():
        if _asked_for(context, action.parameter(name), value, read, named):
            found[name] = QUESTION
            continue
        form = action.parameter(name).form
        own = form is Form.ENTITY and (context.read is None or name in context.read)
        speak = [
            known
            for known, record in records.items()
            if (own or form is Form.TEXT or isinstance(record, Note)) and _occurs(value, render(record))
        ]
        if speak:
            found[name] = speak[0]
    return found


def _asked_for(context: Context, parameter: Parameter, value: str, read: Said, named: set[str]) -> bool:
    """Whether the asker's own words say it of this parameter; a sentence, and a name, may stand anywhere in them."""
    mine = read.parameters.get(parameter.name)
    if parameter.form is Form.TEXT:
        return value == mine or _occurs(value, context.asked)
    if parameter.form is Form.ENTITY:
        whole = (
            value if ":" in value and value.partition(":")[0] in parameter.kinds else f"{parameter.kinds[0]}:{value}"
        )
        return whole == mine if mine else whole in named
    return mine is not None and same(mine.partition(" ")[0] if parameter.form is Form.NUMBER else mine, value)


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


def declared(actions: Sequence[ActionType]) -> str:
    """The actions in words for a model: what each is, and its parameters with their meaning."""
    lines = []
    for action in actions:
        takes = "; ".join(
            f"{each.name}{'' if each.required else ' (optional)'}: {_means(each)}" for each in action.parameters
        )
        lines.append(f"{action.name} - {action.title}. {takes}.")
    return "\n".join(lines)


TOOLS = (
    tool(
        "propose_action",
        "Propose an action. A person must approve; nothing is done. Actions and their parameters:\n"
        + declared(tuple(ACTIONS.values())),
        Proposed,
        _propose,
        reads=False,
    ),
)
