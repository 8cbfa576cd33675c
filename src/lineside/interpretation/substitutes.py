"""What may stand in for a material: what the records name, how much of it is free, whose consent the policy asks."""

from __future__ import annotations

from collections.abc import Iterator

from lineside.interpretation.facts import Facts
from lineside.interpretation.line_side import LineSide, Need
from lineside.interpretation.links import customer_of
from lineside.interpretation.reading import Finding, Kind
from lineside.interpretation.shipping_policy import SubstitutionRule, shipping_policy
from lineside.interpretation.wording import listed, short
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import Json

_DECISIONS = 2


def substitutes_for(facts: Facts, side: LineSide, need: Need) -> Iterator[Finding]:
    """One finding for each substitute on record of what the job order lacks, and the decisions that speak of it."""
    said = facts.best(Entity("material", need.material), "substitutes")
    if said is None:
        return
    customer = _customer(facts, need.job)
    for name in _names(said.value):
        free, unit, cites = side.free_of(name)
        amount = Quantity(free, unit).to(need.unit, facts.factors(name)) if unit and need.unit else None
        enough = amount is not None and amount.value >= need.required - need.staged
        rule = shipping_policy().rule(need.material, name, customer)
        stock = f"{plain(free)} {unit} of it are free".replace("  ", " ") if cites else "its stock is not on record"
        text = f"{name} may stand in for {need.material} at {need.job.id}: {stock}"
        text += ", enough for what is lacking" if enough and cites else ""
        yield Finding(
            text=f"{text}; {_consent(facts, rule)}.",
            kind=Kind.DERIVED,
            cites=tuple(dict.fromkeys((said.record_id, *cites))),
            data={
                "job_order": need.job.id,
                "material": need.material,
                "substitute": name,
                "free": plain(free),
                "unit": unit,
                "verdict": rule.verdict if rule else "forbidden",
                "approve": list(rule.approve) if rule else [],
            },
        )
        yield from _decided(facts, need.material, name)


def _consent(facts: Facts, rule: SubstitutionRule | None) -> str:
    if rule is None:
        return "no rule of the policy allows it, so it is forbidden"
    match rule.verdict:
        case "allowed":
            return f"the policy allows it ({rule.name})"
        case "forbidden":
            return f"the policy forbids it ({rule.name})"
        case "approval":
            roles = [role.replace("_", " ") for role in rule.approve]
            here = [p for p in facts.plant.people if not p.sites or facts.plant.site in p.sites]
            people = [p.name or p.id for p in here if set(p.roles) & set(rule.approve)]
            who = f", here {listed(people, limit=4)}" if people else ""
            return f"it needs the consent of {' or '.join(roles)}{who} ({rule.name})"


def _decided(facts: Facts, material: str, substitute: str) -> Iterator[Finding]:
    """The newest decisions that name the substitute."""
    about = Entity("material", substitute)
    for decision in facts.view.decisions(about=about, newest_first=True, limit=_DECISIONS):
        by = f" by {decision.decided_by}" if decision.decided_by else ""
        yield Finding(
            text=f"Of {substitute} it was decided{by}: {short(decision.choice, 160)}.",
            kind=Kind.FACT,
            cites=(decision.provenance.record_id,),
            data={"substitute": substitute, "material": material},
        )


def _customer(facts: Facts, job: Entity) -> str | None:
    lines = [line for line, _ in facts.linked(job, "sales_order_line")]
    found = next((c for line in lines if (c := customer_of(facts, line))), None)
    return found[0] if found else None


def _names(value: Json) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        name = each.get("material") if isinstance(each, dict) else each
        if isinstance(name, str) and name.strip():
            yield name.strip().removeprefix("material:")
