"""Work asked for and work done: requests, job orders, responses, maintenance. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from lineside.errors import UnreadableMessage
from lineside.plant import quantities
from lineside.plant.quantities import plain
from lineside.plant.records import Json
from lineside_ingest.drop_folder.b2mml.tree import Element, children, first, local, text
from lineside_ingest.drop_folder.b2mml.worded import code, described, equipment_path, measured, place, scope_of
from lineside_ingest.drop_folder.values import Saying, codes, moment

_SEGMENTS = ("SegmentRequirement", "SegmentRequirementChild")
_ASKED_BY = ("ProductionRequestID", "OperationsRequestID", "WorkRequestID", "JobOrderID")
_STARTS = ("ActualStartTime", "StartTime")
_ENDS = ("ActualEndTime", "ActualFinishTime", "EndTime")
_STATES = (
    "RequestState", "DispatchStatus", "JobState", "ResponseState", "SegmentState", "WorkState", "State", "Status",
)  # fmt: skip


def tell_request(thing: Element, around: Sequence[Element], saying: Saying, *, cancelled: bool) -> None:
    """A job order as asked for; of a work request, each of its job orders."""
    inner = children(thing, "JobOrder")
    for each in inner:
        tell_request(each, [*around, thing], saying, cancelled=cancelled)
    if inner:
        return
    own = _id(thing)
    kind = first(thing, "OperationsType", "WorkType") or _inherited(around, "OperationsType", "WorkType")
    if kind.lower() == "maintenance":
        tell_maintenance(thing, around, saying, cancelled=cancelled)
        return
    if cancelled:
        saying.add("event", {"kind": "cancelled", "job_order": own})
        return
    segments = [thing, *_below(thing, *_SEGMENTS)]
    materials = [(use, each) for segment in segments for use, each in _materials(segment, "Requirement")]
    made = next((each for use, each in materials if use == "production"), None)
    starts = [at for each in segments if (at := first(each, "StartTime", "EarliestStartTime"))]
    ends = [at for each in segments if (at := first(each, "EndTime", "LatestEndTime"))]
    saying.report(
        f"job_order:{own}",
        {
            "description": described(thing),
            "material": _material(made) if made is not None else "",
            "quantity": measured(made, saying) if made is not None else None,
            "status": code("job_order_status", first(thing, *_STATES)),
            "equipment": _equipment(segments),
            "planned_start": _least(starts, saying),
            "planned_end": _greatest(ends, saying),
            "priority": first(thing, "Priority"),
            "recipe": first(thing, "ProductProductionRuleID", "OperationsDefinitionID", "WorkMasterID"),
            "operations_type": kind if kind.lower() not in {"", "production"} else "",
            "components": [
                _filled(
                    {
                        "material": _material(each),
                        "quantity": measured(each, saying),
                        "lot": text(each, "MaterialLotID"),
                    }
                )
                for use, each in materials
                if use == "consumption"
            ],
        },
    )
    if len(saying.records) == 0:
        raise UnreadableMessage(f"{local(thing)} {own} says nothing that is read")


def tell_response(thing: Element, around: Sequence[Element], saying: Saying) -> None:
    """What was done: how the job order stands, what was made and used, and how much of it this response covers."""
    inner = children(thing, "JobResponse", "JobResponset")
    for each in inner:
        tell_response(each, [*around, thing], saying)
    if inner:
        return
    order = first(thing, *_ASKED_BY) or _id(thing)
    response = text(thing, "ID")
    segments = list(_below(thing, "SegmentResponse"))
    everything = [thing, *segments]
    started = _least([at for each in everything if (at := first(each, *_STARTS))], saying)
    ended = _greatest([at for each in everything if (at := first(each, *_ENDS))], saying)
    status = code("job_order_status", first(thing, *_STATES))
    over = status in {"complete", "closed"}
    saying.report(
        f"job_order:{order}",
        {
            "status": status,
            "actual_start": started,
            "actual_end": ended if over or not status else None,
            "equipment": _equipment(everything),
        },
        at=moment(latest, saying.notation) if (latest := ended or started) else None,
    )
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for segment in everything:
        _tell_operation(segment, thing, order, saying)
        when = first(segment, *_ENDS, *_STARTS) or ended or started or ""
        for use, each in _materials(segment, "Actual"):
            made = measured(each, saying)
            equipment = _equipment([segment]) or _equipment(everything)
            movement = _movement(use, each, made, order=order, response=response, equipment=equipment)
            saying.add("event", movement, at=moment(when, saying.notation) if when else None)
            value, unit = (made.get("value"), str(made.get("unit"))) if isinstance(made, dict) else (made, "")
            number = quantities.number(value)
            if number is not None:
                sums[use, unit] += number
    _tell_sums(sums, order, response, saying)


def tell_maintenance(thing: Element, around: Sequence[Element], saying: Saying, *, cancelled: bool) -> None:
    """A maintenance order as asked for, or as done."""
    own = _id(thing)
    del around
    segments = [thing, *_below(thing, *_SEGMENTS)]
    status = "cancelled" if cancelled else code("job_order_status", first(thing, *_STATES))
    ends = [at for each in segments if (at := first(each, "RequestedCompletionDate", "EndTime", "LatestEndTime"))]
    saying.report(
        f"maintenance_order:{first(thing, 'MaintenanceWorkOrderID', 'MaintenanceRequestID') or own}",
        {
            "equipment": _equipment(segments) or first(thing, "EquipmentID"),
            "description": described(thing),
            "priority": first(thing, "Priority"),
            "status": status,
            "due_at": _greatest(ends, saying),
        },
    )


def _tell_operation(segment: Element, thing: Element, order: str, saying: Saying) -> None:
    name = first(segment, "ProcessSegmentID", "OperationsSegmentID", "ProductSegmentID")
    if segment is thing or not name:
        return
    status = code("job_order_status", first(segment, *_STATES))
    saying.report(f"operation:{order}/{name}", {"status": status, "equipment": _equipment([segment])})


def _tell_sums(sums: Mapping[tuple[str, str], Decimal], order: str, response: str, saying: Saying) -> None:
    """How much this response covers. One of several is no total, so it has a scope of its own."""
    said: dict[str, Json] = {}
    for use, name in (("production", "quantity_good"), ("scrap", "quantity_scrap")):
        found = [(unit, total) for (each, unit), total in sums.items() if each == use]
        if len(found) == 1:
            unit, total = found[0]
            said[name] = {"value": _json(total), "unit": unit} if unit else _json(total)
    saying.report(f"job_order:{order}", said, scope=f"response {response}" if response and response != order else None)


def _movement(use: str, element: Element, made: Json, *, order: str, response: str, equipment: str) -> dict[str, Json]:
    value, unit = (made.get("value"), made.get("unit")) if isinstance(made, dict) else (made, None)
    where = place(element)
    attributes: dict[str, Json] = {
        "quantity": value,
        "unit": unit,
        "to": where if use == "production" else None,
        "from": where if use != "production" else None,
        "handling_unit": text(element, "MaterialSubLotID"),
        "document": response,
    }
    return {
        "kind": use,
        "job_order": order,
        "material": _material(element),
        "lot": text(element, "MaterialLotID"),
        "equipment": equipment,
        "attributes": _filled(attributes),
    }


def _materials(segment: Element, suffix: str) -> Iterator[tuple[str, Element]]:
    """Each material of a segment with what was done to it; uses that move nothing are left out."""
    named = {
        f"MaterialProduced{suffix}": "production",
        f"MaterialConsumed{suffix}": "consumption",
        f"Consumable{suffix}": "consumption",
    }
    known: Mapping[str, str] = codes("b2mml/codes.toml")["material_use"]
    for each in segment:
        name = local(each)
        if name in named:
            yield named[name], each
        elif name == f"Material{suffix}":
            written = first(each, "MaterialUse").replace(" ", "").replace("-", "").lower()
            if use := known.get(written):
                yield use, each
        elif name in {"SegmentData", f"Material{suffix}List"}:
            yield from _materials(each, suffix)


def _material(element: Element) -> str:
    return first(element, "MaterialDefinitionID", "MaterialClassID")


def _equipment(segments: Sequence[Element]) -> str:
    """The first equipment that one of these names."""
    for each in segments:
        for needed in children(each, "EquipmentRequirement", "EquipmentActual"):
            if own := first(needed, "EquipmentID"):
                return equipment_path(needed, own=own, above=scope_of(each))
    return next((path for each in segments if (path := equipment_path(each, own=""))), "")


def _below(thing: Element, *names: str) -> Iterator[Element]:
    for each in children(thing, *names):
        yield each
        yield from _below(each, *names)


def _least(times: Sequence[str], saying: Saying) -> str | None:
    found = [moment(each, saying.notation).at for each in times]
    return min(found).isoformat() if found else None


def _greatest(times: Sequence[str], saying: Saying) -> str | None:
    found = [moment(each, saying.notation).at for each in times]
    return max(found).isoformat() if found else None


def _inherited(around: Sequence[Element], *names: str) -> str:
    return next((said for each in reversed(around) if (said := first(each, *names))), "")


def _id(thing: Element) -> str:
    own = text(thing, "ID")
    if not own:
        raise UnreadableMessage(f"{local(thing)} has no ID")
    return own


def _filled(said: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def _json(total: Decimal) -> int | float | str:
    if total == total.to_integral_value():
        return int(total)
    near = float(total)
    return near if Decimal(repr(near)) == total else plain(total)
