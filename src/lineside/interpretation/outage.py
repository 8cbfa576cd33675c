"""What is lost when a system is down or upgraded: its interfaces, the answers that rest on it, what falls due then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from lineside.interpretation.facts import Facts, moment, owner_of
from lineside.interpretation.interfaces import (
    Interface,
    delivered,
    feeds,
    interface_words,
    interfaces,
    same_system,
    systems_called,
)
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.rests import rests
from lineside.interpretation.sources import card_words
from lineside.interpretation.wording import counted, listed
from lineside.memory import Statement, View
from lineside.memory.columns import Flow
from lineside.plant.entities import Entity
from lineside.plant.plant import SourceCard
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_DUE = (
    ("shipment", "planned_departure", "departure", "departures"),
    ("job_order", "planned_start", "start of a job order", "starts of job orders"),
)
_OVER = ("departed", "delivered", "complete", "closed", "cancelled")
_NAMED = 6


def without(view: View, system: str, *, window: Window | None = None) -> Reading:
    """What breaks without a system, by its name or kind. window: from when to when; the open end where none is said."""
    facts = Facts(view)
    known = interfaces(facts)
    flowing = delivered(view)
    names = sorted(systems_called(view.plant, system) or {n for n in flowing if n.casefold() == system.casefold()})
    out = [i for i in known if same_system(view.plant, i.source, system)]
    into = [i for i in known if same_system(view.plant, i.target, system) and i not in out]
    if not names and not out and not into:
        heard = sorted({c.name for c in view.plant.sources} | set(flowing))
        return Reading(
            verdict=f"No system called {system} is on record.",
            missing=(f"The system's name as the plant file has it: {listed(heard, limit=20)}.",),
        )
    lost = _lost(facts, names, flowing)
    carried = _carried(out, into)
    due = list(_due(facts, window)) if window else []
    called = listed(names) if names else system
    return Reading(
        verdict=_verdict(view, called, window, lost, (*out, *into)),
        findings=(*_cards(facts, names), *carried, *lost, *due),
        missing=tuple(_missing(called, known, window, lost)),
        next_steps=tuple(_steps(facts, names, out, into, lost)),
        window=window,
        data={
            "system": called,
            "answers": [f.data["answer"] for f in lost],
            "only_here": [f.data["answer"] for f in lost if f.data["only_here"]],
            "interfaces": [i.id for i in (*out, *into)],
            "owners": list(_owners(facts, names, out, into)),
        },
    )


def _cards(facts: Facts, names: Sequence[str]) -> Iterator[Finding]:
    for name in names:
        card = facts.plant.source(name)
        if card in facts.plant.sources:
            text = f"{name} is owned by {card.owner}" if card.owner else f"{name} has no owner in the plant file"
            text += f", and is the owner of {listed(list(card.owns))}" if card.owns else ""
            cites = (PlantFact(f"sources.{name}", card_words(facts.view, name)),)
            yield Finding(text=text + ".", kind=Kind.FACT, cites=cites, data={"source": name, "owner": card.owner})


def _carried(out: Sequence[Interface], into: Sequence[Interface]) -> Iterator[Finding]:
    for each in (*out, *into):
        words = interface_words(each)
        told = (
            "stops: what it carries is no longer renewed there" if each in out else "has nowhere to deliver: it waits"
        )
        rested = feeds(each.carries)
        yield Finding(
            text=f"{words[0].upper()}{words[1:]}; it {told}" + (f"; used for {listed(rested)}" if rested else "") + ".",
            kind=Kind.DERIVED,
            cites=each.cites,
            data={"interface": each.id, "owner": each.owner, "direction": "out" if each in out else "into"},
        )


def _lost(facts: Facts, names: Sequence[str], flowing: dict[str, list[Flow]]) -> list[Finding]:
    """For each answer what of it comes from the system, what only from there, and who else says the rest."""
    mine: dict[str, Flow] = {}
    others: dict[str, set[str]] = defaultdict(set)
    for source, told in flowing.items():
        for flow in told:
            name = f"{flow.kind}.{flow.property}"
            if source in names:
                mine[name] = max(mine.get(name, flow), flow, key=lambda f: (f.last, f.record_id))
            else:
                others[name].add(source)
    findings = []
    for rest in rests().rests:
        here = [name for name in rest.on if name in mine]
        if not here:
            continue
        only = [name for name in here if not others[name]]
        shared = [name for name in here if others[name]]
        text = f"Used for {rest.answer}: {listed(here)}"
        text += f"; nobody else tells {listed(only)}" if only else ""
        if shared:
            told_too = [f"{name} by {listed(sorted(others[name]))}" for name in shared]
            text += f"; told elsewhere too: {listed(told_too)}, perhaps of other scope"
        owned = [name for name in here if _owned(facts, name, names)]
        text += f"; it is the owner of {listed(owned)}" if owned else ""
        cites: tuple[Cite, ...] = tuple(dict.fromkeys(mine[name].record_id for name in here[:_NAMED]))
        data: dict[str, Json] = {"answer": rest.answer, "on": list(here), "only_here": list(only),
                                 "elsewhere": _elsewhere(shared, others)}  # fmt: skip
        findings.append(Finding(text=text + ".", kind=Kind.DERIVED, cites=cites, data=data))
    return sorted(findings, key=lambda f: -len(f.data["only_here"]) if isinstance(f.data["only_here"], list) else 0)


def _elsewhere(names: Sequence[str], others: Mapping[str, set[str]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in names:
        told: list[Json] = [*sorted(others[name])]
        found[name] = told
    return found


def _owned(facts: Facts, name: str, names: Sequence[str]) -> bool:
    kind, _, what = name.partition(".")
    owner = owner_of(facts.plant, kind, what)
    return owner is not None and owner.name in names


def _due(facts: Facts, window: Window) -> Iterator[Finding]:
    """What is planned for that time, and will be looked up or told while the system is away."""
    for kind, name, one, many in _DUE:
        facts.load(kind, name, "status")
        found: list[tuple[datetime, Entity, Statement]] = []
        for entity in facts.having(kind, name):
            word = facts.best(entity, name)
            when = moment(word.value) if word else None
            if word and when and window.start <= when < window.end and facts.state(entity, "status") not in _OVER:
                found.append((when, entity, word))
        if found:
            found.sort(key=lambda each: (each[0], each[1]))
            shown = [f"{e.id} ({clock(t, facts.plant, relative_to=window.start)})" for t, e, _ in found]
            yield Finding(
                text=f"{counted(len(found), one, many)} planned for that time: {listed(shown)}.",
                kind=Kind.DERIVED,
                cites=tuple(w.record_id for _, _, w in found[:20]),
                data={"due": [str(e) for _, e, _ in found]},
            )


def _verdict(
    view: View, called: str, window: Window | None, lost: Sequence[Finding], standing: Sequence[Interface]
) -> str:
    answers = [str(f.data["answer"]) for f in lost]
    alone = [str(f.data["answer"]) for f in lost if f.data["only_here"]]
    when = ""
    if window is not None:
        since, until = clock(window.start, view.plant), clock(window.end, view.plant, relative_to=window.start)
        when = f" from {since} to {until} ({duration((window.end - window.start).total_seconds())})"
    text = f"Without {called}{when} "
    if alone:
        text += f"data that nobody else tells is lost for {listed(alone)}"
    elif answers:
        text += f"only other systems tell what is used for {listed(answers)}"
    else:
        text += "no answer loses its data"
    if standing:
        verb = "stands" if len(standing) == 1 else "stand"
        text += f"; {counted(len(standing), 'interface')} {verb} still: {listed([i.id for i in standing])}"
    return text + "."


def _missing(called: str, known: Sequence[Interface], window: Window | None, lost: Sequence[Finding]) -> Iterator[str]:
    if not known:
        yield "Which interfaces run between the systems: no record names one (interface:ID with owner, from, to)."
    if window is None:
        yield f"From when to when {called} is away: then what falls into that time can be told."
    if not lost:
        yield f"What {called} delivers: it told nothing in the last {rests().days:g} days."
    yield f"Which fields an upgrade of {called} changes: only its vendor or its owner knows."


def _steps(
    facts: Facts, names: Sequence[str], out: Sequence[Interface], into: Sequence[Interface], lost: Sequence[Finding]
) -> Iterator[str]:
    for each in (*out, *into):
        far = each.target if each in out else each.source
        card = _card(facts, far)
        told = f", and tell {card.owner}, who owns {card.name}" if card and card.owner else ""
        yield f"Agree with {each.owner or 'its owner'} how interface {each.id} is stopped and what it sends late{told}."
    for finding in lost:
        elsewhere = finding.data.get("elsewhere")
        if isinstance(elsewhere, dict) and elsewhere:
            name, others = next(iter(elsewhere.items()))
            yield f"Go by {listed([str(o) for o in others] if isinstance(others, list) else [])} for {name} meanwhile."
            break
    for name in names:
        yield (
            f"Run `lineside sources check` and `lineside sources map {name}` after an upgrade of {name}: fields, codes "
            "and units that changed are told there, each with a proposal."
        )


def _card(facts: Facts, system: str | None) -> SourceCard | None:
    named = systems_called(facts.plant, system) if system else frozenset()
    return facts.plant.source(min(named)) if named else None


def _owners(facts: Facts, names: Sequence[str], out: Sequence[Interface], into: Sequence[Interface]) -> list[str]:
    cards = [facts.plant.source(n) for n in names]
    cards += [c for i in (*out, *into) for end in (i.source, i.target) if (c := _card(facts, end))]
    return sorted({c.owner for c in cards if c.owner} | {i.owner for i in (*out, *into) if i.owner})
