"""The records in a B2MML message. What a version renamed is read under both names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lineside.connector import Aside, SourceMessage, Translated
from lineside.errors import UnreadableMessage
from lineside.plant.records import Json, Provenance
from lineside.plant.row_values import Notation
from lineside_ingest.drop_folder.b2mml.cutting import MAINTENANCE, REQUESTS, RESPONSES, is_deletion, things, verb
from lineside_ingest.drop_folder.b2mml.tree import (
    Element,
    child,
    children,
    first,
    local,
    namespace,
    read_tree,
    text,
)
from lineside_ingest.drop_folder.b2mml.worded import (
    code,
    described,
    equipment_path,
    measured,
    place,
    properties,
)
from lineside_ingest.drop_folder.b2mml.work import tell_maintenance, tell_request, tell_response
from lineside_ingest.drop_folder.values import Saying, moment, stamped

_ANSWERS = {"Get": "asks for something", "Acknowledge": "repeats what another said", "Confirm": "confirms a message"}
_FAMILY = "b2mml"


def records(message: SourceMessage, whole: Provenance, notation: Notation) -> Translated:
    """The records of a document, or of the part of it that a message holds.

    Raises UnreadableMessage, which names the version where that is not one that is known.
    """
    root = read_tree(message.content)
    if (does := verb(root)) in _ANSWERS:
        return Aside(reason=f"the transaction {local(root)} only {_ANSWERS[does]}")
    saying = Saying(_said(root, whole, notation), notation)
    found = list(things(root))
    try:
        for around, thing in found:
            _READERS[local(thing)](thing, around, saying, is_deletion(root))
    except UnreadableMessage as error:
        raise UnreadableMessage(f"{error.message} ({_version(root)})") from error
    if saying.records:
        return saying.records
    if found or not _is_b2mml(root):
        raise UnreadableMessage(f"{local(root)} holds nothing that can be read ({_version(root)})")
    return Aside(reason=f"nothing in {local(root)} is read")


def _said(root: Element, whole: Provenance, notation: Notation) -> Provenance:
    created = text(root, "ApplicationArea", "CreationDateTime")
    noun = child(root, "DataArea")
    heads = [root] if noun is None else list(noun)
    published = next((at for each in heads if (at := first(each, "PublishedDate", "PublishedDateTime"))), "")
    written = published or created
    return stamped(whole, occurred_at=None, reported_at=moment(written, notation).at if written else None)


def _tell_request(thing: Element, around: Sequence[Element], saying: Saying, taken_back: bool) -> None:  # noqa: FBT001 - one shape for all readers
    tell_request(thing, around, saying, cancelled=taken_back)


def _tell_response(thing: Element, around: Sequence[Element], saying: Saying, _: bool) -> None:  # noqa: FBT001
    tell_response(thing, around, saying)


def _tell_maintenance(thing: Element, around: Sequence[Element], saying: Saying, taken_back: bool) -> None:  # noqa: FBT001
    tell_maintenance(thing, around, saying, cancelled=taken_back)


def _tell_lot(thing: Element, around: Sequence[Element], saying: Saying, _: bool) -> None:  # noqa: FBT001
    own = _id(thing)
    is_part = local(thing) == "MaterialSubLot"
    lot = first(thing, "MaterialLotID") or (text(around[-1], "ID") if around and is_part else "")
    said: dict[str, Json] = {
        "material": first(thing, "MaterialDefinitionID"),
        "quantity": measured(thing, saying),
        "location": place(thing),
    }
    status = code("quality_status", first(thing, "Disposition", "Status"))
    if is_part:
        saying.report(f"handling_unit:{own}", {**properties(thing, saying), **_filled(said), "lot": lot})
        return
    more = properties(thing, saying)
    saying.report(f"lot:{own}", {**more, **_filled({**said, "quality_status": status})})
    for each in children(thing, "MaterialSubLot"):
        if first(each, "ID"):
            _tell_lot(each, [*around, thing], saying, False)
    _tell_results(thing, f"lot:{own}", own, saying)


def _tell_definition(thing: Element, around: Sequence[Element], saying: Saying, _: bool) -> None:  # noqa: FBT001
    del around
    said = {**properties(thing, saying), **_filled({"description": described(thing)})}
    saying.report(f"material:{_id(thing)}", said or {"description": _id(thing)})


def _tell_equipment(thing: Element, around: Sequence[Element], saying: Saying, _: bool) -> None:  # noqa: FBT001
    path = equipment_path(
        thing, own=_id(thing), above=[text(each, "ID") for each in around if local(each) == "Equipment"]
    )
    level = first(thing, "EquipmentLevel", "EquipmentElementLevel")
    said = {**properties(thing, saying), **_filled({"description": described(thing), "level": level})}
    saying.report(f"equipment:{path}", said or {"description": _id(thing)})
    for each in children(thing, "Equipment", "EquipmentChild"):
        if first(each, "ID"):
            _tell_equipment(each, [*around, thing], saying, False)


def _tell_result(thing: Element, around: Sequence[Element], saying: Saying, _: bool) -> None:  # noqa: FBT001
    del around
    _tell_one_result(thing, first(thing, "TestableObjectID"), described(thing), saying)


def _tell_results(thing: Element, subject: str, lot: str, saying: Saying) -> None:
    """The test results below a thing's properties, as V0600 writes them."""
    for each in children(thing, "MaterialLotProperty", "MaterialSubLotProperty"):
        for result in children(each, "TestResult"):
            _tell_one_result(result, lot, text(each, "ID"), saying, subject=subject)


def _tell_one_result(thing: Element, lot: str, what: str, saying: Saying, *, subject: str = "") -> None:
    own = text(thing, "ID") or (f"{subject}/{what}" if subject and what else "")
    if not own:
        raise UnreadableMessage("a test result without an ID")
    tested = first(thing, "EvaluationDate", "TestDateTime", "MeasurementDate")
    at = moment(tested, saying.notation) if tested else None
    judged = first(thing, "EvaluatedCriterionResult") or text(thing, "Result", "ValueString")
    result = code("test_result", judged)
    saying.report(f"inspection:{own}", _filled({"lot": lot, "characteristic": what, "result": result}), at=at)
    for each in children(thing, "PropertyMeasurement"):
        value = text(each, "Value", "ValueString")
        attributes = _filled(
            {
                "characteristic": first(each, "TestableObjectPropertyID", "ID"),
                "value": value,
                "unit": text(each, "Value", "UnitOfMeasure"),
                "inspection": own,
                "result": result,
            }
        )
        when = first(each, "MeasurementDate") or tested
        happened = moment(when, saying.notation) if when else None
        saying.add("event", {"kind": "inspection_result", "lot": lot, "attributes": attributes}, at=happened)
    for each in children(thing, "TestResultChild"):
        _tell_one_result(each, lot, described(each) or what, saying)


def _id(thing: Element) -> str:
    own = text(thing, "ID")
    if not own:
        raise UnreadableMessage(f"{local(thing)} has no ID")
    return own


def _filled(said: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def _is_b2mml(root: Element) -> bool:
    return _FAMILY in namespace(root).lower()


def _version(root: Element) -> str:
    return f"its version is {namespace(root) or 'not said'}"


_Read = Callable[[Element, Sequence[Element], Saying, bool], None]
_READERS: Mapping[str, _Read] = {
    **dict.fromkeys(REQUESTS, _tell_request),
    **dict.fromkeys(RESPONSES, _tell_response),
    **dict.fromkeys(MAINTENANCE, _tell_maintenance),
    "MaterialLot": _tell_lot,
    "MaterialSubLot": _tell_lot,
    "MaterialDefinition": _tell_definition,
    "Equipment": _tell_equipment,
    "TestResult": _tell_result,
}
