"""What is done about equipment, and the word that goes back to the system of record."""

from __future__ import annotations

from lineside.actions.action import REASON, ActionType, Creates, Draft, Effect, Form, Parameter, Rest, Reversal, Risk
from lineside.plant.entities import ENTITY_KINDS, EntityKind


def _ordered(_: Draft) -> Effect:
    return Creates(
        what="maintenance order",
        kind=EntityKind.MAINTENANCE_ORDER,
        points="equipment",
        events=("maintenance_requested",),
    )


def _written_back(_: Draft) -> Effect:
    return Creates(what="entry", kind="note")


CREATE_MAINTENANCE_ORDER = ActionType(
    name="create_maintenance_order",
    version=1,
    title="Create a maintenance order",
    parameters=(
        Parameter(name="equipment", meaning="which machine", form=Form.ENTITY, kinds=("equipment",)),
        Parameter(name="description", meaning="what is wrong, or what must be done"),
        Parameter(name="priority", meaning="how urgent", form=Form.CHOICE, choices=("low", "normal", "high", "urgent")),
        Parameter(name="due", meaning="by when", form=Form.MOMENT, required=False),
        REASON,
    ),
    subject="equipment",
    systems=("cmms", "erp"),
    rests=(),
    effect=_ordered,
    asks="Should maintenance of {equipment} be ordered?",
    does="Order maintenance of {equipment}: {description}",
    undo="maintenance cancels the order in its own system",
    least=Risk.LOW,
    facts=("state", "reason", "job_order"),
)

WRITE_BACK = ActionType(
    name="write_back",
    version=1,
    title="Write an outcome into its system of record",
    parameters=(
        Parameter(
            name="concerns",
            meaning="what it is about, as kind:id",
            form=Form.ENTITY,
            kinds=(EntityKind.JOB_ORDER, *sorted(ENTITY_KINDS - {EntityKind.JOB_ORDER, EntityKind.INTERFACE})),
        ),
        Parameter(name="outcome", meaning="what is entered there, as it will stand"),
        Parameter(name="case", meaning="the exception that it closes, as in EXC-12", required=False),
    ),
    subject="concerns",
    systems=("qms", "cmms", "mes", "erp", "crm"),
    rests=(Rest(property="status"),),
    effect=_written_back,
    asks="Should the outcome for {concerns} be written back?",
    does="Enter at {concerns}: {outcome}",
    undo="nothing; another entry can only correct it",
    least=Risk.LOW,
    reversal=Reversal.NEVER,
)
