"""What is done to stock and its bookings: staging, counts, postings that are missing."""

from __future__ import annotations

from lineside.actions.action import (
    REASON,
    ActionType,
    Creates,
    Draft,
    Effect,
    Form,
    Parameter,
    Refusal,
    Rest,
    Risk,
    Sets,
)
from lineside.plant.quantities import Quantity

_MATERIAL = Parameter(name="material", meaning="the material's id", form=Form.ENTITY, kinds=("material",))
_QUANTITY = Parameter(name="quantity", meaning="how much, with its unit, as in 40 ea", form=Form.QUANTITY)
_MOVEMENTS = ("goods_issue", "goods_receipt", "consumption", "production", "transfer", "scrap")


def _staged(_: Draft) -> Effect:
    return Creates(what="staging request", events=("staged", "transfer"))


def _rerouted(draft: Draft) -> Effect:
    return Sets(values={"location": draft.written["location"]})


def _counted(draft: Draft) -> Effect:
    return Sets(values={"quantity": draft.written["quantity"]})


def _posted(draft: Draft) -> Effect:
    return Creates(what="posting", events=(draft.written["movement"],))


def _asked_quantity(draft: Draft) -> Quantity | None:
    return draft.amount("quantity")


def _difference(draft: Draft) -> Quantity | None:
    """By how much the book would change; None where the units can't be compared."""
    counted, book = draft.amount("quantity"), draft.told["quantity"].quantity if "quantity" in draft.told else None
    there = None if counted is None or book is None else counted.to(book.unit)
    return None if there is None or book is None else Quantity(abs(there.value - book.value), book.unit)


def _comparable(draft: Draft) -> Refusal | None:
    if _difference(draft) is None:
        return Refusal(
            reason=f"{draft.written['quantity']} can't be compared with what {draft.system} has of {draft.subject}",
            code="bad_parameters",
        )
    return None


def _some(draft: Draft) -> Refusal | None:
    asked = draft.amount("quantity")
    if asked is not None and asked.value == 0:
        return Refusal(reason="nothing is asked for: the quantity is 0", code="bad_parameters")
    return None


REQUEST_STAGING = ActionType(
    name="request_staging",
    version=1,
    title="Have material staged for a job order",
    parameters=(
        Parameter(name="job_order", meaning="for which job order", form=Form.ENTITY, kinds=("job_order",)),
        _MATERIAL,
        _QUANTITY,
        Parameter(name="to", meaning="where it is needed", form=Form.ENTITY, kinds=("equipment", "inventory")),
        Parameter(name="due", meaning="by when", form=Form.MOMENT),
        REASON,
    ),
    subject="job_order",
    systems=("wms", "erp"),
    rests=(Rest(property="status", never=("complete", "closed", "cancelled")),),
    effect=_staged,
    check=_some,
    amount=_asked_quantity,
    asks="Should {quantity} of {material} be staged for {job_order}?",
    does="Stage {quantity} of {material} at {to} for {job_order} by {due}",
    undo="the warehouse takes the request back, or the material, by hand",
    least=Risk.LOW,
    facts=("material", "quantity", "equipment", "planned_start"),
)

REROUTE_PICK = ActionType(
    name="reroute_pick",
    version=1,
    title="Take a handling unit to another place",
    parameters=(
        Parameter(name="handling_unit", meaning="what is moved", form=Form.ENTITY, kinds=("handling_unit",)),
        Parameter(name="location", meaning="where to, as the warehouse writes it"),
        REASON,
    ),
    subject="handling_unit",
    systems=("wms", "erp"),
    rests=(Rest(property="location", must_be_told=True), Rest(property="sales_order_line")),
    effect=_rerouted,
    asks="Should handling unit {handling_unit} go to {location}?",
    does="Take handling unit {handling_unit} to {location}",
    undo="it is taken back by another move",
    least=Risk.LOW,
    facts=("lot", "quantity", "packed", "labelled"),
)

POST_COUNT = ActionType(
    name="post_count",
    version=1,
    title="Post a count",
    parameters=(
        Parameter(
            name="inventory",
            meaning="the stock position, as in RES-200@WH1",
            form=Form.ENTITY,
            kinds=("inventory", "lot"),
        ),
        Parameter(name="quantity", meaning="what was counted, with its unit", form=Form.QUANTITY),
        REASON,
    ),
    subject="inventory",
    systems=("erp", "wms"),
    rests=(Rest(property="quantity", must_be_told=True), Rest(property="as_counted_at")),
    effect=_counted,
    check=_comparable,
    amount=_difference,
    asks="Should the count of {quantity} be posted to {inventory}?",
    does="Post the count of {quantity} to {inventory}",
    undo="another count is posted; the first one stays in the books",
    least=Risk.HIGH,
    facts=("material", "quality_status", "location"),
)

POST_MOVEMENT = ActionType(
    name="post_movement",
    version=1,
    title="Post a movement that the books lack",
    parameters=(
        Parameter(name="movement", meaning="its kind", form=Form.CHOICE, choices=_MOVEMENTS),
        Parameter(name="goods", meaning="the lot or material that moved", form=Form.ENTITY, kinds=("lot", "material")),
        _QUANTITY,
        Parameter(name="moved_at", meaning="when it moved", form=Form.MOMENT),
        Parameter(
            name="job_order", meaning="for which job order", form=Form.ENTITY, kinds=("job_order",), required=False
        ),
        Parameter(name="document", meaning="the movement's number where it was recorded", required=False),
        REASON,
    ),
    subject="goods",
    systems=("erp",),
    rests=(),
    effect=_posted,
    check=_some,
    amount=_asked_quantity,
    asks="Should a {movement} of {quantity} of {goods} be posted?",
    does="Post a {movement} of {quantity} of {goods}, moved at {moved_at}",
    undo="the ERP's own reversal posting, by hand",
    least=Risk.HIGH,
    facts=("quantity", "quality_status", "location"),
)
