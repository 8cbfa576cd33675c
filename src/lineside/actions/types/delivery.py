"""What is done to supply and delivery: purchase orders, allocations, shipments, word to customers and carriers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineside.actions.action import (
    REASON,
    ActionType,
    Added,
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
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity

if TYPE_CHECKING:
    from lineside.memory import View

_SHIPMENT = Parameter(name="shipment", meaning="the shipment's id", form=Form.ENTITY, kinds=("shipment",))
_GONE = ("departed", "delivered", "cancelled")


def _earlier(draft: Draft) -> Effect:
    return Sets(values={"eta": draft.written["eta"]})


def _costs(draft: Draft) -> Quantity | None:
    return draft.amount("cost")


def _allocated(draft: Draft) -> Effect:
    return Sets(values={"sales_order_line": draft.written["sales_order_line"]})


def _given_back(done: Carried) -> Mapping[str, str]:
    return {"handling_unit": done.parameters["handling_unit"], "sales_order_line": done.told["sales_order_line"] or ""}


def _same_material(draft: Draft) -> Refusal | None:
    """What the goods are must be what the other line asks for, as far as records say both."""
    view, line = draft.view, draft.entity("sales_order_line")
    lot = draft.told.get("lot")
    asked = {said.text.casefold() for said in view.said(entity=line, properties=("material",))}
    found = view.find(lot.text) if lot else []
    made = {
        said.text.casefold()
        for each in found
        if each.kind == "lot"
        for said in view.said(entity=each, properties=("material",))
    }
    if asked and made and asked.isdisjoint(made):
        there, wanted = ", ".join(sorted(made)), ", ".join(sorted(asked))
        return Refusal(reason=f"{draft.subject} holds {there}; {line} asks for {wanted}", code="in_the_way")
    return None


def _allocated_quantity(draft: Draft) -> Quantity | None:
    said = draft.told.get("quantity")
    return said.quantity if said else None


def _waits(draft: Draft) -> Effect:
    return Sets(values={"planned_departure": draft.written["until"]})


def _leaves_as_before(done: Carried) -> Mapping[str, str]:
    return {"shipment": done.parameters["shipment"], "until": done.told["planned_departure"] or ""}


def _split(_: Draft) -> Effect:
    return Creates(what="split", events=("split",))


def _told_them(_: Draft) -> Effect:
    return Creates(what="message", kind="note")


def addressed(view: View, about: Entity, asked: Mapping[str, str]) -> Added | Refusal:
    """Who is written to: the plant file's contacts of the one partner that the records name, and nobody else."""
    role = asked.get("party") or ("carrier" if about.kind == "shipment" else "customer")
    said = view.said(entity=about, properties=(role,))
    named = sorted({each.text.strip() for each in said if each.text.strip()})
    if not named:
        return Refusal(reason=f"no record says who the {role} of {about} is", code="not_told")
    if len({each.casefold() for each in named}) > 1:
        return Refusal(reason=f"the {role} of {about} could be {', '.join(named)}", code="ambiguous_partner")
    contacts = view.plant.contacts_of(named[0], role)
    if not contacts:
        return Refusal(reason=f"plant.toml has no [[contacts]] for the {role} {named[0]}", code="no_contact")
    listed = [f"{each.name} <{each.email}>" if each.name else each.email for each in contacts]
    languages = {each.language for each in contacts}
    return Added(
        payload={
            "recipients": [{"name": each.name, "email": each.email} for each in contacts],
            "language": next(iter(languages)) if len(languages) == 1 else "en",
        },
        facts=(f"goes to {role} {named[0]}: {', '.join(listed)}",),
        basis=tuple(each.record_id for each in said),
    )


EXPEDITE = ActionType(
    name="expedite_purchase_order",
    version=1,
    title="Have a purchase order come earlier",
    parameters=(
        Parameter(
            name="purchase_order_line", meaning="the line's id", form=Form.ENTITY, kinds=("purchase_order_line",)
        ),
        Parameter(name="eta", meaning="when it is needed", form=Form.MOMENT),
        Parameter(name="cost", meaning="what that costs, as in 400 EUR", form=Form.QUANTITY, required=False),
        REASON,
    ),
    subject="purchase_order_line",
    systems=("erp",),
    rests=(
        Rest(property="status", never=("received", "delivered", "closed", "cancelled")),
        Rest(property="eta", must_be_told=True),
    ),
    effect=_earlier,
    amount=_costs,
    asks="Should purchase order line {purchase_order_line} be expedited to {eta}?",
    does="Expedite purchase order line {purchase_order_line} to {eta}",
    undo="purchasing moves it back with the supplier, by hand; what was paid for the rush is paid",
    facts=("material", "quantity", "supplier"),
)

REALLOCATE = ActionType(
    name="reallocate_stock",
    version=1,
    title="Give goods to another sales order line",
    parameters=(
        Parameter(name="handling_unit", meaning="the goods", form=Form.ENTITY, kinds=("handling_unit",)),
        Parameter(name="sales_order_line", meaning="who gets them", form=Form.ENTITY, kinds=("sales_order_line",)),
        REASON,
    ),
    subject="handling_unit",
    systems=("wms", "erp"),
    rests=(Rest(property="sales_order_line"), Rest(property="lot"), Rest(property="quantity")),
    effect=_allocated,
    check=_same_material,
    amount=_allocated_quantity,
    asks="Should handling unit {handling_unit} go to sales order line {sales_order_line}?",
    does="Give handling unit {handling_unit} to sales order line {sales_order_line}",
    undo="it is given back, by a proposal of its own",
    least=Risk.HIGH,
    reversal=Reversal.ACTION,
    inverse="reallocate_stock",
    inverse_parameters=_given_back,
    facts=("packed", "labelled", "location"),
)

PAUSE_SHIPMENT = ActionType(
    name="pause_shipment",
    version=1,
    title="Let a shipment wait",
    parameters=(_SHIPMENT, Parameter(name="until", meaning="its new departure", form=Form.MOMENT), REASON),
    subject="shipment",
    systems=("tms", "wms", "erp"),
    rests=(Rest(property="status", never=_GONE), Rest(property="planned_departure", must_be_told=True)),
    effect=_waits,
    asks="Should shipment {shipment} wait until {until}?",
    does="Let shipment {shipment} wait until {until}",
    undo="its departure is set back, by a proposal of its own, as long as the carrier still comes",
    reversal=Reversal.ACTION,
    inverse="pause_shipment",
    inverse_parameters=_leaves_as_before,
    facts=("carrier", "dock", "lines", "eta"),
)

SPLIT_SHIPMENT = ActionType(
    name="split_shipment",
    version=1,
    title="Split a shipment",
    parameters=(
        _SHIPMENT,
        Parameter(
            name="sales_order_line", meaning="the line that goes later", form=Form.ENTITY, kinds=("sales_order_line",)
        ),
        Parameter(name="quantity", meaning="how much of it goes later, with its unit", form=Form.QUANTITY),
        REASON,
    ),
    subject="shipment",
    systems=("tms", "wms", "erp"),
    rests=(Rest(property="status", never=_GONE), Rest(property="lines")),
    effect=_split,
    amount=lambda draft: draft.amount("quantity"),
    asks="Should {quantity} of {sales_order_line} leave shipment {shipment}?",
    does="Split shipment {shipment}: {quantity} of {sales_order_line} goes later",
    undo="the parts are joined again by hand, as long as neither has left",
    facts=("carrier", "dock", "planned_departure"),
)

NOTIFY = ActionType(
    name="notify_party",
    version=2,
    title="Tell a customer or a carrier",
    parameters=(
        Parameter(
            name="about",
            meaning="the sales order or the shipment; its customer or carrier is told, at the plant file's address",
            form=Form.ENTITY,
            kinds=("sales_order", "shipment"),
        ),
        Parameter(name="text", meaning="what they are told, as it will be sent"),
        Parameter(
            name="party",
            meaning="which of them is told; by default the customer of an order, the carrier of a shipment",
            form=Form.CHOICE,
            choices=("customer", "carrier"),
            required=False,
        ),
    ),
    subject="about",
    systems=("mail",),
    rests=(),
    effect=_told_them,
    adds=addressed,
    asks="Should the customer or carrier of {about} be told?",
    does="Tell the customer or carrier of {about}: {text}",
    undo="nothing; another message can only correct it",
    least=Risk.HIGH,
    reversal=Reversal.NEVER,
    facts=("customer", "carrier", "status", "promised_at", "planned_departure"),
)
