"""Documents that goods can't leave without: said to be missing, or not issued shortly before they leave, or on no
record at all although the customer asks for them and this plant keeps records of such."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lineside.cases.classes import CaseClass
from lineside.cases.detection.leaving import carried, departures, gone
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.interpretation.facts import pointed_at
from lineside.interpretation.gates import document_kind
from lineside.interpretation.links import customer_of, lines_of
from lineside.memory import Statement
from lineside.plant.entities import Entity

_LACKING = ("missing", "draft")


@dataclass(frozen=True, slots=True)
class _Lack:
    """A document that was lacking for a stretch; document: None where there is no record of it."""

    document: Entity | None
    kind: str
    began: datetime
    ended: datetime | None
    opened: str
    closed: str | None


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """One episode for each thing that lacks documents: a sales order line, else what the document is about."""
    histories = look.history("document", "status")
    look.facts.load("document", "subject", "type", "kind")
    look.facts.load("shipment", "planned_departure", "lines")
    on = carried(look)
    leaving = departures(look, on)
    by_thing: dict[Entity, list[_Lack]] = defaultdict(list)
    for document, history in histories.items():
        if all(shared_states.state_of("document", "status", s.value) not in _LACKING for s in history):
            continue
        for thing in _about(look, document):
            if not _wanted(look, thing, document_kind(look.facts, document)):
                continue
            leaves = [when for line in look.lines_of([thing]) for when in leaving.get(line, ())]
            lack = _lack(look, of, document, history, leaves)
            if lack is not None:
                by_thing[thing].append(lack)
    for line, lack in _unheard_of(look, of, on, leaving):
        by_thing[line].append(lack)
    return [_episode(look, of, thing, lacks, leaving) for thing, lacks in sorted(by_thing.items())]


def _unheard_of(
    look: Look, of: CaseClass, on: Mapping[Entity, Mapping[Entity, tuple[str, datetime]]],
    leaving: Mapping[Entity, list[datetime]],
) -> list[tuple[Entity, _Lack]]:  # fmt: skip
    """What the customers of lines that leave so soon ask for and no system has any record of, though some system here
    keeps records of such documents; until it is issued, or the goods are gone."""
    facts = look.facts
    told = {line: said for lines in on.values() for line, said in lines.items()}
    soon = [
        line for line, times in leaving.items() if line in told and times[0] - of.seconds("ahead_s") <= look.view.as_of
    ]
    facts.fetch([e for line in soon for e in (line, line.parent) if e])
    asked = {line: terms for line in soon if (terms := _terms(look, line))}
    if not asked:
        return []
    known = {document_kind(facts, d).casefold() for d in facts.having("document", "status")}
    about = {line: _things(look, line) for line in asked}
    facts.look_towards("document", "subject", [t for things in about.values() for t in things])
    ends = gone(look, asked)
    found = []
    for line, kinds in sorted(asked.items()):
        papers = {s.entity for t in about[line] for s in facts.pointing("document", "subject", t)}
        histories = look.history_of(papers, "status")
        began = max(leaving[line][0] - of.seconds("ahead_s"), told[line][1])
        for kind in kinds:
            mine = [h for d, h in histories.items() if document_kind(facts, d).casefold() == kind.casefold()]
            if kind.casefold() not in known or any(h[0].occurred_at <= began for h in mine):
                continue
            issued = [s for h in mine for s in h if shared_states.state_of("document", "status", s.value) == "issued"]
            end = min(((s.occurred_at, s.record_id) for s in issued), default=None)
            left = ends.get(line)
            end = left if left and (end is None or left < end) else end
            if began <= look.view.as_of and (end is None or end[0] > began):
                over, proof = end or (None, None)
                found.append((line, _Lack(None, kind, began, over, told[line][0], proof)))
    return found


def _terms(look: Look, line: Entity) -> tuple[str, ...]:
    customer = customer_of(look.facts, line)
    terms = look.view.plant.customer(customer[0]) if customer else None
    return terms.documents if terms else ()


def _things(look: Look, line: Entity) -> list[Entity]:
    """The line, its order, and the job orders and lots that are for it."""
    facts = look.facts
    jobs = {s.entity for s in facts.pointing("job_order", "sales_order_line", line)}
    lots = {s.entity for s in facts.pointing("lot", "sales_order_line", line)}
    lots |= {s.entity for job in jobs for s in facts.pointing("lot", "job_order", job)}
    return [line, *([line.parent] if line.parent else ()), *sorted(jobs), *sorted(lots)]


def _about(look: Look, document: Entity) -> list[Entity]:
    """The sales order lines that the document is for; else what it names."""
    said = look.facts.best(document, "subject")
    named = [Entity.parse(t) for t in pointed_at(said.value, "subject")] if said else []
    lines = [line for thing in named for line in ([thing] if thing.kind == "sales_order_line" else _lines(look, thing))]
    return list(dict.fromkeys(lines)) or named


def _lines(look: Look, thing: Entity) -> list[Entity]:
    return lines_of(look.facts, thing) if thing.kind == "sales_order" else look.lines_of([thing])


def _wanted(look: Look, thing: Entity, kind: str) -> bool:
    """Whether the customer's terms leave it open or ask for that kind of document."""
    customer = customer_of(look.facts, thing) if thing.kind == "sales_order_line" else None
    terms = look.view.plant.customer(customer[0]) if customer else None
    return terms is None or kind.casefold() in {each.casefold() for each in terms.documents}


def _lack(
    look: Look, of: CaseClass, document: Entity, history: Iterable[Statement], leaves: Iterable[datetime]
) -> _Lack | None:
    """The last stretch in which it was missing, or a draft although the goods leave soon."""
    opening: Statement | None = None
    found: _Lack | None = None
    for said in history:
        state = shared_states.state_of("document", "status", said.value)
        if state == "issued":
            found = _stretch(look, of, document, opening, issued=said, leaves=leaves) or found
            opening = None
        elif state in _LACKING and (opening is None or _graver(opening, state)):
            opening = said
    return _stretch(look, of, document, opening, issued=None, leaves=leaves) or found


def _graver(opening: Statement, state: str) -> bool:
    """Whether a draft is now said to be missing."""
    return state == "missing" and shared_states.state_of("document", "status", opening.value) == "draft"


def _stretch(
    look: Look, of: CaseClass, document: Entity, opening: Statement | None, *, issued: Statement | None,
    leaves: Iterable[datetime],
) -> _Lack | None:  # fmt: skip
    if opening is None:
        return None
    began = opening.occurred_at
    if shared_states.state_of("document", "status", opening.value) == "draft":
        soon = [when - of.seconds("ahead_s") for when in leaves if when >= opening.occurred_at]
        if not soon:
            return None
        began = max(began, min(soon))
    ended = issued.occurred_at if issued else None
    if began > look.view.as_of or (ended is not None and ended <= began):
        return None
    return _Lack(
        document,
        document_kind(look.facts, document),
        began,
        ended,
        opening.record_id,
        issued.record_id if issued else None,
    )


def _episode(
    look: Look, of: CaseClass, thing: Entity, lacks: list[_Lack], leaving: dict[Entity, list[datetime]]
) -> Episode:
    lacks = sorted(lacks, key=lambda lack: (lack.began, str(lack.document or ""), lack.kind))
    documents = [lack.document for lack in lacks if lack.document]
    open_ones = [lack for lack in lacks if lack.ended is None]
    said = [look.facts.best(document, "subject") for document in documents]
    things = {thing, *documents}
    things |= {Entity.parse(t) for s in said if s for t in pointed_at(s.value, "subject")}
    things |= {thing.parent} if thing.parent else set()
    lots = {s.entity for s in look.facts.pointing("lot", "sales_order_line", thing)}
    jobs = {s.entity for s in look.facts.pointing("job_order", "sales_order_line", thing)}
    lots |= {s.entity for job in jobs for s in look.facts.pointing("lot", "job_order", job)}
    kinds = ", ".join(dict.fromkeys(lack.kind.replace("_", " ") for lack in lacks))
    ended = None if open_ones else max(lack.ended for lack in lacks if lack.ended)
    coming = [when for when in leaving.get(thing, ()) if when >= lacks[0].began]
    return Episode(
        case_class=of.key,
        subject=thing,
        title=f"{thing.id} lacks documents: {kinds}",
        began=lacks[0].began,
        ended=ended,
        opened_by=tuple(dict.fromkeys(lack.opened for lack in lacks)),
        closed_by=tuple(dict.fromkeys(lack.closed for lack in lacks if lack.closed)) if ended else (),
        touches=frozenset(things | lots | jobs),
        due=min(coming, default=None),
        data={"documents": [str(document) for document in documents]},
    )
