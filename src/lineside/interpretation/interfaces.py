"""The plant's systems and what runs between them: who owns each, what it carries, and whether it runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineside.interpretation.facts import Facts
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.rests import rests
from lineside.interpretation.sources import card_words
from lineside.interpretation.wording import at, counted, listed, rid, said
from lineside.memory import SourceState, View
from lineside.memory.columns import Flow, flows
from lineside.plant.entities import EntityKind
from lineside.plant.plant import Plant
from lineside.plant.records import Event, Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What carries data from one system to another. source, target: as its record names them, by name or kind."""

    id: str
    owner: str | None
    source: str | None
    target: str | None
    cadence_s: float | None
    carries: tuple[str, ...]
    cites: tuple[str, ...]


def interfaces(facts: Facts) -> list[Interface]:
    """Every interface on record, by its id."""
    names = ("owner", "from", "to", "cadence_s", "depends_on")
    facts.load(EntityKind.INTERFACE, *names)
    found = []
    for entity in sorted({e for name in names for e in facts.having(EntityKind.INTERFACE, name)}):
        words = {name: s for name in names if (s := facts.best(entity, name))}
        carried = words["depends_on"].value if "depends_on" in words else None
        cadence = words["cadence_s"].value if "cadence_s" in words else None
        found.append(
            Interface(
                id=entity.id,
                owner=words["owner"].text if "owner" in words else None,
                source=words["from"].text if "from" in words else None,
                target=words["to"].text if "to" in words else None,
                cadence_s=float(cadence) if isinstance(cadence, int | float) else None,
                carries=tuple(map(str, carried)) if isinstance(carried, list) else (str(carried),) if carried else (),
                cites=tuple(dict.fromkeys(s.record_id for s in words.values())),
            )
        )
    return found


def same_system(plant: Plant, one: str | None, other: str) -> bool:
    """Whether two words mean one system: by its name, or by its kind where no source has that name."""
    if one is None:
        return False
    return bool(systems_called(plant, one) & systems_called(plant, other)) or one.casefold() == other.casefold()


def systems_called(plant: Plant, text: str) -> frozenset[str]:
    """The sources of the plant file of that name, else of that kind."""
    wanted = text.strip().casefold()
    named = {c.name for c in plant.sources if c.name.casefold() == wanted}
    return frozenset(named or {c.name for c in plant.sources if c.kind and c.kind.casefold() == wanted})


def between(found: Iterable[Interface], plant: Plant, source: str, target: str) -> Interface | None:
    """The interface that carries from the one system to the other."""
    return next(
        (i for i in found if same_system(plant, i.source, source) and same_system(plant, i.target, target)), None
    )


def delivered(view: View) -> dict[str, list[Flow]]:
    """What each source delivers of late, by its name."""
    span = Window(start=view.as_of - timedelta(days=rests().days), end=view.as_of + timedelta(microseconds=1))
    found: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows(view, span):
        found[flow.source].append(flow)
    return found


def feeds(carried: Iterable[str]) -> list[str]:
    """The answers that rest on any of these properties, in the pack's order."""
    plain = {name.partition(":")[0] for name in carried}
    return [each.answer for each in rests().rests if plain & set(each.on)]


def inventory(view: View, systems: Sequence[str] = ()) -> Reading:
    """Every system and interface, with its owner, what it carries and which answers rest on it.

    systems: sources by name or kind: only these, and what runs from or to one of them, of several between them.
    """
    facts = Facts(view)
    known = interfaces(facts)
    wanted = list(dict.fromkeys(systems))
    chosen = [i for i in known if _concerns(view.plant, i, wanted)]
    flowing = delivered(view)
    names = sorted({f.source for f in facts.health} | set(flowing))
    if wanted:
        names = [n for n in names if any(same_system(view.plant, n, s) for s in wanted)]
    events = _last_events(view)
    findings = [_interface(facts, i, events.get(i.id)) for i in chosen]
    findings += [f for n in names if (f := _system(facts, n, flowing.get(n, ()), events.get(n))) is not None]
    missing = []
    if not chosen:
        what = f" of {listed(wanted)}" if wanted else ""
        missing.append(f"Interfaces{what}: no record names one (interface:ID with owner, from, to, depends_on).")
    unowned = [i.id for i in chosen if not i.owner]
    bare = [n for n in names if not view.plant.source(n).owner and n in flowing]
    if unowned:
        missing.append(f"The owner of interface {listed(unowned)}.")
    if bare:
        missing.append(f"The owner of {listed(bare)}: name it in the plant file ([[sources]] owner).")
    if not findings:
        return Reading(verdict="No system and no interface is on record.", missing=tuple(missing))
    return Reading(
        verdict=_verdict(view, chosen, names, wanted),
        findings=tuple(findings),
        missing=tuple(missing),
        data={
            "interfaces": [_row(i) for i in chosen],
            "systems": [
                {"source": n, "owner": view.plant.source(n).owner, "carries": list(_properties(flowing.get(n, ())))}
                for n in names
            ],
        },
    )


def interface_words(each: Interface) -> str:
    """`interface wms-stock carries inventory.quantity:on_hand from wms to erp every 1 h, owner it-1`."""
    parts = f"interface {each.id}"
    parts += f" carries {listed(list(each.carries))}" if each.carries else " runs"
    parts += f" from {each.source}" if each.source else ""
    parts += f" to {each.target}" if each.target else ""
    parts += f" every {duration(each.cadence_s)}" if each.cadence_s else ""
    return parts + (f", owner {each.owner}" if each.owner else ", owner not on record")


def _concerns(plant: Plant, each: Interface, wanted: Sequence[str]) -> bool:
    ends = [any(same_system(plant, end, s) for end in (each.source, each.target)) for s in wanted]
    return not ends or (all(ends) if len(ends) > 1 else ends[0])


def _interface(facts: Facts, each: Interface, event: Event | None) -> Finding:
    rested = feeds(each.carries)
    text = interface_words(each)
    text = text[0].upper() + text[1:] + (f"; used for {listed(rested)}" if rested else "")
    cites: list[Cite] = [*each.cites]
    if event is not None:
        text += f"; {said(event)} at {clock(at(event), facts.plant)}"
        cites.append(rid(event))
    return Finding(text=text + ".", kind=Kind.DERIVED if rested else Kind.FACT, cites=tuple(cites), data=_row(each))


def _row(each: Interface) -> dict[str, Json]:
    return {
        "interface": each.id,
        "owner": each.owner,
        "from": each.source,
        "to": each.target,
        "carries": list(each.carries),
        "feeds": list(feeds(each.carries)),
    }


def _system(facts: Facts, name: str, flowing: Sequence[Flow], event: Event | None) -> Finding | None:
    card, view = facts.plant.source(name), facts.view
    health = next((h for h in facts.health if h.source == name), None)
    if not flowing and card not in facts.plant.sources:
        return None
    text = f"{name}" + (f" ({card.kind})" if card.kind and card.kind != name else "")
    text += f" is owned by {card.owner}" if card.owner else " has no owner in the plant file"
    carried = _properties(flowing)
    text += f"; it tells {listed(carried, limit=8)}" if carried else "; it reported nothing of late"
    rested = feeds(carried)
    text += f"; used for {listed(rested)}" if rested else ""
    if health is not None and health.state is not SourceState.LIVE:
        text += f"; it is {health.state}"
    cites: list[Cite] = [PlantFact(f"sources.{name}", card_words(view, name))]
    cites += list(dict.fromkeys(f.record_id for f in sorted(flowing, key=lambda f: f.last)[-2:]))
    if event is not None:
        text += f"; {said(event)} at {clock(at(event), facts.plant)}"
        cites.append(rid(event))
    data: dict[str, Json] = {"source": name, "owner": card.owner, "feeds": list(rested)}
    return Finding(text=text + ".", kind=Kind.DERIVED, cites=tuple(cites), data=data)


def _properties(flowing: Iterable[Flow]) -> list[str]:
    found = sorted(flowing, key=lambda f: (-f.times, f.kind, f.property))
    return [f"{f.kind}.{f.property}" for f in found]


def _last_events(view: View) -> dict[str, Event]:
    """The last event of each feed, unless it is that it started."""
    found: dict[str, Event] = {}
    for event in view.events(kinds=("feed_started", "feed_stopped", "schema_changed")):
        found[feed_of(event)] = event
    return {name: event for name, event in found.items() if event.kind != "feed_started"}


def feed_of(event: Event) -> str:
    """The interface or source that an event of a feed is about."""
    told_of = event.attributes.get(EntityKind.INTERFACE) or event.attributes.get("source") or event.provenance.source
    return str(told_of)


def _verdict(view: View, chosen: Sequence[Interface], names: Sequence[str], wanted: Sequence[str]) -> str:
    if wanted and len(chosen) == 1:
        only = chosen[0]
        owner = f"{only.owner} owns it" if only.owner else "nobody on record owns it"
        return f"Interface {only.id} runs from {only.source} to {only.target}; {owner}."
    if wanted and chosen:
        owners = sorted({i.owner for i in chosen if i.owner})
        return f"{counted(len(chosen), 'interface')} of {listed(wanted)}: {listed([i.id for i in chosen])}" + (
            f"; owned by {listed(owners)}." if owners else "; no owner on record."
        )
    if wanted:
        owned = [f"{n} is owned by {view.plant.source(n).owner or 'nobody on record'}" for n in names]
        return f"No interface is on record; {listed(owned)}." if owned else "No such system is on record."
    return f"{counted(len(names), 'system')} and {counted(len(chosen), 'interface')} between them are on record."
