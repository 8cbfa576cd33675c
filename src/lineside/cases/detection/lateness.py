"""Sales order lines whose promise has passed and that have not left."""

from __future__ import annotations

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.interpretation.facts import moment
from lineside.memory import Statement
from lineside.plant.entities import Entity

_GONE = frozenset({"shipped", "cancelled", "closed"})


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each line from its promise to its leaving, where it had not left by then; where a record says its status."""
    facts = look.facts
    facts.load("sales_order_line", "promised_at", "status")
    facts.load("sales_order", "promised_at")
    late: dict[Entity, Statement] = {}
    for line in facts.having("sales_order_line", "status"):
        said = facts.best(line, "promised_at") or (facts.best(line.parent, "promised_at") if line.parent else None)
        due = moment(said.value) if said else None
        if said is not None and due is not None and look.window.start <= due <= look.view.as_of:
            late[line] = said
    states = look.history_of(late, "status")
    loaded = {e.sales_order: e for e in reversed(look.events("departed")) if e.sales_order}
    found = []
    for line, said in sorted(late.items()):
        gone = [
            (s.occurred_at, s.record_id)
            for s in states.get(line, ())
            if shared_states.state_of("sales_order_line", "status", s.value) in _GONE
        ]
        taken = loaded.get(line.parent.id if line.parent else line.id)
        gone += [(taken.provenance.occurred_at, taken.provenance.record_id)] if taken else []
        end, due = min(gone, default=None), moment(said.value)
        if due is None or (end is not None and end[0] <= due + of.seconds("after_s")):
            continue
        jobs = {s.entity for s in facts.pointing("job_order", "sales_order_line", line)}
        lots = {s.entity for job in jobs for s in facts.pointing("lot", "job_order", job)}
        lots |= {s.entity for s in facts.pointing("lot", "sales_order_line", line)}
        found.append(
            Episode(
                case_class=of.key,
                subject=line,
                title=f"{line.id} has not left, though it was promised",
                began=due,
                ended=end[0] if end else None,
                opened_by=(said.record_id,),
                closed_by=(end[1],) if end else (),
                touches=frozenset({line, *jobs, *lots, *({line.parent} if line.parent else ())}),
                due=due,
            )
        )
    return found
