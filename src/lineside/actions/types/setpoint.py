"""What is set on a machine: one setpoint of an allow-list, within its bounds."""

from __future__ import annotations

import re
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

STATE = "state"
NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")


def _set(draft: Draft) -> Effect:
    value = f"{draft.written['value']} {_unit(draft)}".strip()
    tolerance = "" if draft.terms is None else draft.terms.tolerance
    return Sets(values={draft.written["parameter"]: value}, tolerance=tolerance)


def _unit(draft: Draft) -> str:
    """The allow-list's word, else the records'."""
    if draft.terms is not None:
        return draft.terms.unit
    told = draft.told.get(draft.written["parameter"])
    return "" if told is None or told.quantity is None else told.quantity.unit


def _settable(draft: Draft) -> Refusal | None:
    name = draft.written["parameter"]
    if not NAME.fullmatch(name) or name == STATE:
        return Refusal(reason=f"{name!r} is no setpoint's name in an allow-list", code="bad_parameters")
    told = draft.told.get(name)
    if draft.terms is not None and told is not None:
        unit = None if told.quantity is None else told.quantity.unit
        if unit != draft.terms.unit:
            return Refusal(
                reason=f"{draft.system} says {told.text} for {name}, the allow-list has it in "
                f"{draft.terms.unit or 'no unit'}: one of them must be mended first",
                code="unit_differs",
            )
    return None


def _back(done: Carried) -> Mapping[str, str]:
    """What it was before; nothing where no record said that."""
    before = done.told.get(done.parameters["parameter"]) or ""
    return {**{name: done.parameters[name] for name in ("equipment", "parameter")}, "value": before.partition(" ")[0]}


WRITE_SETPOINT = ActionType(
    name="write_setpoint",
    version=1,
    title="Write a setpoint",
    parameters=(
        Parameter(name="equipment", meaning="which machine", form=Form.ENTITY, kinds=("equipment",)),
        Parameter(name="parameter", meaning="which setpoint, by its name in the allow-list"),
        Parameter(name="value", meaning="its new value, a number in the allow-list's unit", form=Form.NUMBER),
        REASON,
    ),
    subject="equipment",
    systems=("scada",),
    rests=(Rest(property="{parameter}", must_be_read=True), Rest(property=STATE, must_be_read=True)),
    effect=_set,
    check=_settable,
    asks="Should {parameter} of {equipment} be set to {value}?",
    does="Set {parameter} of {equipment} to {value}",
    undo="the former value is written back, by a proposal of its own within the same bounds",
    least=Risk.HIGH,
    reversal=Reversal.ACTION,
    inverse="write_setpoint",
    inverse_parameters=_back,
    facts=(STATE, "job_order", "material"),
    bounded=True,
)
