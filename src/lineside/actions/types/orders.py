"""What is done to job orders: their place in the sequence and what they are made from."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.actions.action import (
    REASON,
    ActionType,
    Carried,
    Draft,
    Effect,
    Form,
    Parameter,
    Refusal,
    Rest,
    Reversal,
    Risk,
    Sets,
)
from lineside.plant.entities import Entity, EntityKind

_OVER = ("in_progress", "complete", "closed", "cancelled")
_JOB_ORDER = Parameter(name="job_order", meaning="the job order's id", form=Form.ENTITY, kinds=("job_order",))
_KEEPERS = ("mes", "erp")


def _sequenced(draft: Draft) -> Effect:
    return Sets(values={"sequence": draft.written["sequence"]})


def _whole_place(draft: Draft) -> Refusal | None:
    text = draft.written["sequence"]
    if text.isdecimal() and int(text) >= 1:
        return None
    return Refusal(reason=f"a place in the sequence is a whole number from 1, not {text}", code="bad_parameters")


def _back(done: Carried) -> Mapping[str, str]:
    return {"job_order": done.parameters["job_order"], "sequence": done.told["sequence"] or ""}


def _replaced(draft: Draft) -> Effect:
    return Sets(values={"components": draft.entity("substitute").id}, includes=True)


def _named(value: object) -> set[str]:
    """The material ids in a property's value: a list of ids, or of things with a `material`."""
    listed = value if isinstance(value, list) else [value]
    found = {str(each.get("material")) if isinstance(each, dict) else str(each) for each in listed if each}
    return {Entity.parse(each, kind=EntityKind.MATERIAL).id for each in found if each.strip()}


def _allowed_substitute(draft: Draft) -> Refusal | None:
    """The job order asks for the material, and the plant's records name the other one as its substitute."""
    material, substitute = draft.entity("material"), draft.entity("substitute")
    components = draft.told.get("components")
    if components is None or material.id not in _named(components.value):
        return Refusal(
            reason=f"{draft.system} has no {material.id} among the components of {draft.subject}", code="in_the_way"
        )
    said = draft.view.said(entity=material, properties=("substitutes",))
    if not any(substitute.id in _named(each.value) for each in said):
        return Refusal(reason=f"no record allows {substitute.id} in place of {material.id}", code="no_substitute")
    return None


RESEQUENCE = ActionType(
    name="resequence_job_order",
    version=1,
    title="Move a job order in the sequence",
    parameters=(
        _JOB_ORDER,
        Parameter(name="sequence", meaning="its new place, from 1", form=Form.NUMBER),
        REASON,
    ),
    subject="job_order",
    systems=_KEEPERS,
    rests=(Rest(property="status", never=_OVER), Rest(property="sequence", must_be_told=True)),
    effect=_sequenced,
    check=_whole_place,
    asks="Should job order {job_order} move to place {sequence}?",
    does="Move job order {job_order} to place {sequence}",
    undo="it is moved back, by a proposal of its own",
    reversal=Reversal.ACTION,
    inverse="resequence_job_order",
    inverse_parameters=_back,
    facts=("material", "quantity", "equipment", "planned_start", "planned_end", "sales_order_line"),
)

SUBSTITUTE = ActionType(
    name="substitute_material",
    version=1,
    title="Use a substitute for a job order",
    parameters=(
        _JOB_ORDER,
        Parameter(name="material", meaning="what is asked for", form=Form.ENTITY, kinds=("material",)),
        Parameter(name="substitute", meaning="what is used instead", form=Form.ENTITY, kinds=("material",)),
        REASON,
    ),
    subject="job_order",
    systems=("erp", "mes"),
    rests=(
        Rest(property="status", never=("complete", "closed", "cancelled")),
        Rest(property="components", must_be_told=True),
    ),
    effect=_replaced,
    check=_allowed_substitute,
    asks="Should job order {job_order} use {substitute} instead of {material}?",
    does="Use {substitute} instead of {material} for job order {job_order}",
    undo="the components are set back by hand, as long as nothing was consumed",
    least=Risk.HIGH,
    facts=("material", "quantity", "sales_order_line", "revision"),
)
