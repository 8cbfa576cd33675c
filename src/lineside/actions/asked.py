"""Parameters taken as they should be, or not at all: each typed, resolved to one entity, free of hidden characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from lineside.actions.action import ActionType, Form, Parameter, Refusal, Value
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity, number, plain
from lineside.plant.records import Json, quantity

LONGEST_TEXT = 500
MOST_DIGITS = 30


def typed(action: ActionType, given: Mapping[str, Json], view: View) -> dict[str, Value] | Refusal:
    """Each parameter's value, or why it can't be taken."""
    if unknown := sorted(set(given) - set(action.parameter_names)):
        return Refusal(reason=f"{action.name} takes no {', '.join(unknown)}", code="bad_parameters")
    found: dict[str, Value] = {}
    for parameter in action.parameters:
        value = given.get(parameter.name)
        if value is None or value == "":
            if parameter.required:
                return _bad(f"{action.name} needs {parameter.name}: {parameter.meaning}")
            continue
        taken = _typed(action, parameter, value, view)
        if isinstance(taken, Refusal):
            return taken
        found[parameter.name] = taken
    return found


def written(parameter: Parameter, value: Value, view: View) -> str:
    """The value as it is bound and shown; an instant in the plant's zone, with its offset."""
    match value:
        case Entity():
            return value.id if len(parameter.kinds) == 1 else str(value)
        case datetime():
            return value.astimezone(view.plant.time_zone).isoformat(timespec="seconds")
        case Decimal():
            return plain(value)
        case _:
            return str(value)


def _typed(action: ActionType, parameter: Parameter, value: Json, view: View) -> Value | Refusal:
    if isinstance(value, str) and (hidden := _hidden(value)):
        return _bad(f"{parameter.name} holds the invisible character {hidden}")
    match parameter.form:
        case Form.QUANTITY:
            return _amount(action, parameter, value)
        case Form.NUMBER:
            found = number(value)
            return _needs(action, parameter) if found is None or not _writable(found) else found
    if not isinstance(value, str) or not value.strip():
        return _needs(action, parameter)
    text = " ".join(value.split())
    match parameter.form:
        case Form.TEXT:
            if len(text) > LONGEST_TEXT:
                return _bad(f"the {parameter.name} is {len(text)} characters long; {LONGEST_TEXT} is the most")
            return text
        case Form.CHOICE:
            wanted = text.casefold().replace(" ", "_").replace("-", "_")
            if wanted not in parameter.choices:
                return _bad(f"{parameter.name} is one of {', '.join(parameter.choices)}, not {text!r}")
            return wanted
        case Form.MOMENT:
            return _moment(parameter, text)
        case _:
            return _entity(parameter, text, view)


def _amount(action: ActionType, parameter: Parameter, value: Json) -> Quantity | Refusal:
    if isinstance(value, str):
        head, _, tail = value.strip().partition(" ")
        value = {"value": head, "unit": tail.strip()}
    found = quantity(value)
    if found is None or found.value < 0 or not _writable(found.value):
        return _needs(action, parameter)
    if not found.unit:
        return _bad(f"{parameter.name} needs its unit, as in 40 ea")
    return found


def _writable(value: Decimal) -> bool:
    """Whether the number, written out, stays one that a person can read."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MOST_DIGITS and value.adjusted() <= MOST_DIGITS


def _moment(parameter: Parameter, text: str) -> datetime | Refusal:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return _bad(f"{parameter.name} is a date and time with its offset, as in 2026-11-20T14:00:00+01:00")
    return moment


def _entity(parameter: Parameter, text: str, view: View) -> Entity | Refusal:
    head, colon, tail = text.partition(":")
    wanted = tail.strip() if colon and head in set(EntityKind) else text
    named = head if colon and head in set(EntityKind) else ""
    kinds = tuple(kind for kind in parameter.kinds if not named or kind == named)
    found = [each for each in view.find(wanted) if each.kind in kinds] if wanted and kinds else []
    exact = [each for each in found if each.id == wanted]
    first = next((kind for kind in kinds if any(each.kind == kind for each in exact or found)), "")
    match [each for each in exact or found if each.kind == first]:
        case [one]:
            return one
        case []:
            words = " or ".join(kind.replace("_", " ") for kind in parameter.kinds)
            return Refusal(reason=f"no record names a {words} {wanted!r}", code=f"unknown_{parameter.kinds[0]}")
        case several:
            listed = ", ".join(sorted(str(each) for each in several))
            return Refusal(reason=f"{wanted!r} could be {listed}; say which", code=f"ambiguous_{parameter.kinds[0]}")


def _needs(action: ActionType, parameter: Parameter) -> Refusal:
    return _bad(f"{action.name} needs {parameter.name}: {parameter.meaning}")


def _bad(reason: str) -> Refusal:
    return Refusal(reason=reason, code="bad_parameters")


def _hidden(text: str) -> str:
    """The first character that would make the text look other than it is: control, reordering, half a pair."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and character not in "\n\t\r":
            return f"U+{ord(character):04X}"
    return ""
