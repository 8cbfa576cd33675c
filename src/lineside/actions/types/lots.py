"""What is done to lots and to the holds on them, in the quality system."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.actions.action import (
    NONE,
    REASON,
    ActionType,
    Carried,
    Creates,
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

_HOLD = Parameter(name="hold", meaning="the hold's id as its system writes it", form=Form.ENTITY, kinds=("hold",))
_QMS = ("qms", "wms", "erp")


def _held(_: Draft) -> Effect:
    return Creates(
        what="hold",
        kind=EntityKind.HOLD,
        points="subject",
        statuses=("active",),
        events=("hold_placed",),
        also={"quality_status": "blocked"},
    )


def _release(done: Carried) -> Mapping[str, str]:
    return {"hold": done.effect}


def _hold_again(done: Carried) -> Mapping[str, str]:
    return {"lot": Entity.parse(done.told["subject"] or "", kind=EntityKind.LOT).id}


def _disposed(draft: Draft) -> Effect:
    return Sets(values={"disposition": draft.written["disposition"]})


def _on_a_lot(draft: Draft) -> Refusal | None:
    if "subject" in draft.told:
        return None
    return Refusal(reason=f"{draft.system} never said what {draft.subject} holds", code="not_told")


HOLD_LOT = ActionType(
    name="hold_lot",
    version=2,
    title="Place a lot on hold",
    parameters=(
        Parameter(name="lot", meaning="the lot's id as its system writes it", form=Form.ENTITY, kinds=("lot",)),
        REASON,
    ),
    subject="lot",
    systems=_QMS,
    rests=(Rest(property="quality_status", never=("blocked",)), Rest(property="active_holds", only=(NONE,))),
    effect=_held,
    asks="Should lot {lot} be placed on hold?",
    does="Place lot {lot} on hold",
    undo="the hold is released, by a proposal of its own",
    reversal=Reversal.ACTION,
    inverse="release_hold",
    inverse_parameters=_release,
    facts=("material", "quantity", "location", "job_order", "supplier"),
)

RELEASE_HOLD = ActionType(
    name="release_hold",
    version=1,
    title="Release a hold",
    parameters=(_HOLD, REASON),
    subject="hold",
    systems=_QMS,
    rests=(Rest(property="status", only=("active",), must_be_told=True), Rest(property="subject", must_be_told=True)),
    effect=lambda _: Sets(values={"status": "released"}),
    check=_on_a_lot,
    asks="Should hold {hold} be released?",
    does="Release hold {hold}",
    undo="the lot is placed on hold again, by a proposal of its own; what was used or shipped meanwhile is gone",
    least=Risk.HIGH,
    reversal=Reversal.ACTION,
    inverse="hold_lot",
    inverse_parameters=_hold_again,
    facts=("reason", "owner", "subject", "disposition"),
)

DISPOSE = ActionType(
    name="dispose",
    version=1,
    title="Decide what becomes of held goods",
    parameters=(
        _HOLD,
        Parameter(
            name="disposition",
            meaning="what becomes of them",
            form=Form.CHOICE,
            choices=("use_as_is", "rework", "scrap", "return_to_supplier"),
        ),
        REASON,
    ),
    subject="hold",
    systems=_QMS,
    rests=(
        Rest(property="status", only=("active",), must_be_told=True),
        Rest(property="subject", must_be_told=True),
        Rest(property="disposition"),
    ),
    effect=_disposed,
    check=_on_a_lot,
    asks="What becomes of the goods under hold {hold}?",
    does="Dispose of the goods under hold {hold}: {disposition}",
    undo="another disposition, as long as nobody has acted on this one; scrap stays scrap",
    least=Risk.HIGH,
    reversal=Reversal.BY_HAND,
    facts=("reason", "owner", "subject"),
)
