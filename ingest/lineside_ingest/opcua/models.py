"""What the companion models' values mean in the plant's vocabulary, by the tables in models.toml. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from lineside.connector import Aside, SourceMessage, Translated
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import number, unit
from lineside.plant.records import Event, Json, Quality, Record, Report
from lineside_ingest.opcua.values import NOTHING_YET, browsed, provenance, quality

_PER_HOUR = {"h": 1, "hr": 1, "hour": 1, "std": 1, "min": 60, "minute": 60, "s": 3600, "sec": 3600, "second": 3600}
PARTS = ("job_orders", "job_responses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one member of a type says. reads: how its value is read; `value` takes it as it is."""

    name: str
    model: str
    namespaces: tuple[str, ...]
    types: tuple[str, ...]
    member: str
    property: str
    reads: str = "value"
    also: str = ""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    entering: Mapping[str, str] = field(default_factory=dict, hash=False)
    leaving: Mapping[str, str] = field(default_factory=dict, hash=False)

    def meaning(self, value: Json) -> Json:
        """The value in the plant's words; as it came where the table does not have it."""
        return self.values.get(str(value), value) if self.values else value


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its name, in the order of the file: of two models that say the same, the first counts."""
    found: dict[str, Rule] = {}
    for table in _file()["rules"]:
        rest = {name: value for name, value in table.items() if name not in ("member", "property", "members")}
        for member, called in table.get("members", {table.get("member"): table.get("property")}).items():
            name = f"{table['model']}.{called}"
            given: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in rest.items()}
            found[name] = Rule(name=name, member=member, property=called, **given)
    return found


@cache
def passed_names() -> frozenset[str]:
    return frozenset(_file()["passed_names"])


def split(content: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """A value as the messages that it makes, each with what tells it apart: one for each job order in a list."""
    rule = rules().get(str(content.get("rule")))
    value = content.get("value")
    if rule is None or rule.reads not in PARTS or not isinstance(value, list):
        yield "", dict(content)
        return
    for place, each in enumerate(value):
        job = each.get("JobOrder") if isinstance(each, dict) and rule.reads == "job_orders" else each
        about = job.get("JobResponseID") or job.get("JobOrderID") if isinstance(job, dict) else None
        yield f"#{about or place}", {**content, "value": each}


def records(message: SourceMessage, content: Mapping[str, Json]) -> Translated:
    """The records in the message of a model's node."""
    rule = rules().get(str(content["rule"]))
    if rule is None:
        return Aside(reason=f"models.toml has no rule {content['rule']} any more", held=True)
    if content.get("status_name") in NOTHING_YET:
        return Aside(reason=f"the server has no value now: {content['status_name']}")
    item = browsed(content)
    grade = quality(message, content)
    if kind := content.get("event"):
        event = Event(
            provenance=provenance(message, grade),
            kind=str(kind),
            equipment=item.entity.id if item.entity.kind == EntityKind.EQUIPMENT else None,
            attributes={"reason": content.get("value"), "from": content.get("was")},
        )
        return (event,)
    if grade is Quality.BAD:
        return (Report(provenance=provenance(message, grade), entity=item.entity, properties={item.property: None}),)
    match rule.reads:
        case "job_orders":
            return _job_order(message, content, grade)
        case "job_responses":
            return _job_response(message, content, grade)
        case "count":
            said = _counts(content, item.property)
        case "speed":
            said = _speed(content, item.property)
        case "stop_reason":
            said = {"reason": reason} if (reason := stop_reason(content.get("value"))) else {}
        case _:
            meaning = rule.meaning(content.get("value"))
            said = {} if meaning in ("", None) else {item.property: meaning}
            if said and rule.also and rule.also != item.property:
                said[rule.also] = content.get("value")
    if not said:
        return Aside(reason=f"{rule.member} says nothing of its own now")
    return (Report(provenance=provenance(message, grade), entity=item.entity, properties=said),)


def total(value: Json) -> int | None:
    """The sum of a PackML list of counts, each since it was last reset."""
    counts = [each.get("Count") for each in _list(value) if isinstance(each, dict)]
    known = [each for each in counts if isinstance(each, int)]
    return sum(known) if known else value if isinstance(value, int) and not isinstance(value, bool) else None


def stop_reason(value: Json) -> str:
    """Why the machine stopped: of a PackML alarm, or the first one of a list that is on, the message, else its id."""
    for each in _list(value):
        if isinstance(each, dict) and each.get("Trigger") is not False and (each.get("Message") or each.get("ID")):
            return str(each.get("Message") or each.get("ID"))
    return ""


def _counts(content: Mapping[str, Json], called: str) -> dict[str, Json]:
    """What was processed holds what was defective too: the good ones are the difference."""
    together = content.get("together")
    known: Mapping[str, Json] = together if isinstance(together, dict) else {}
    said: dict[str, Json] = {}
    if (own := total(content.get("value"))) is not None:
        said[called] = own
    processed, defective = known.get("processed_count"), known.get("reject_count")
    if isinstance(processed, int) and isinstance(defective, int) and processed >= defective:
        said["good_count"] = processed - defective
    return said


def _speed(content: Mapping[str, Json], called: str) -> dict[str, Json]:
    amount, written = number(content.get("value")), str(content.get("unit", ""))
    if amount is None:
        return {}
    per = written.rpartition("/")[2].strip().casefold() if "/" in written else "" if written else "min"
    factor = _PER_HOUR.get(per)
    if factor is None:
        return {f"{called}_as_told": {"value": content.get("value"), "unit": written}}
    return {called: _number(amount * factor)}


def _job_order(message: SourceMessage, content: Mapping[str, Json], grade: Quality) -> Translated:
    whole = content.get("value")
    job = whole.get("JobOrder") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or not isinstance(job, dict) or not job.get("JobOrderID"):
        return Aside(reason="the list of job orders holds no job order here")
    place, own = _equipment(content), str(job["JobOrderID"])
    status = _status(whole.get("State"))
    said: dict[str, Json] = {
        "status": status, "equipment": place, "planned_start": job.get("StartTime"), "planned_end": job.get("EndTime"),
        "priority": job.get("Priority"), "description": _first_text(job.get("Description")),
        **_materials(job.get("MaterialRequirements"), made="quantity", listed="components"),
    }  # fmt: skip
    found: list[Record] = [_report(message, grade, Entity(EntityKind.JOB_ORDER, own), said)]
    if status == "in_progress" and place:
        found.append(_report(message, grade, Entity(EntityKind.EQUIPMENT, place), {"job_order": own}, part=1))
    return found


def _job_response(message: SourceMessage, content: Mapping[str, Json], grade: Quality) -> Translated:
    job = content.get("value")
    if not isinstance(job, dict) or not job.get("JobOrderID"):
        return Aside(reason="the list of job responses holds no job response here")
    said: dict[str, Json] = {
        "status": _status(job.get("JobState")), "actual_start": job.get("StartTime"), "actual_end": job.get("EndTime"),
        "equipment": _equipment(content), **_materials(job.get("MaterialActuals"), made="quantity_good", listed=""),
    }  # fmt: skip
    return (_report(message, grade, Entity(EntityKind.JOB_ORDER, str(job["JobOrderID"])), said),)


def _materials(listed_materials: Json, *, made: str, listed: str) -> dict[str, Json]:
    uses = _file()["material_use"]
    sums: dict[str, tuple[Decimal, str]] = {}
    material: Json = None
    components: list[Json] = []
    for each in _list(listed_materials):
        if not isinstance(each, dict):
            continue
        use = str(each.get("MaterialUse") or "").replace(" ", "").replace("_", "").casefold()
        amount, measured = number(each.get("Quantity")), _unit(each.get("EngineeringUnits"))
        called = each.get("MaterialDefinitionID") or each.get("MaterialClassID")
        if use in uses["produced"]:
            material = material or called
        elif use in uses["consumed"] and listed:
            components.append({"material": called, "quantity": None if amount is None else _with(amount, measured)})
        goal = made if use in uses["produced"] else "quantity_scrap" if use in uses["scrap"] and not listed else ""
        if goal and amount is not None:
            before, known = sums.get(goal, (Decimal(0), measured))
            if known == measured:  # two units are not added up
                sums[goal] = (before + amount, measured)
    said: dict[str, Json] = {name: _with(amount, measured) for name, (amount, measured) in sums.items()}
    return {**said, "material": material, **({listed: components} if components else {})}


def _report(
    message: SourceMessage, grade: Quality, entity: Entity, said: Mapping[str, Json], *, part: int = 0
) -> Report:
    return Report(
        provenance=provenance(message, grade, part=part),
        entity=entity,
        properties={name: value for name, value in said.items() if value not in (None, "", [])},
    )


def _status(states: Json) -> str | None:
    """The job's status by its innermost state that the table knows."""
    found = None
    for each in _list(states):
        if not isinstance(each, dict):
            continue
        path = each.get("BrowsePath")
        steps = _list(path.get("Elements")) if isinstance(path, dict) else []
        named = [step.get("TargetName") for step in steps if isinstance(step, dict)]
        for name in (*named[-1:], each.get("StateText")):
            found = _file()["job_states"].get(str(name), found)
        if found is None:
            found = _file()["job_state_numbers"].get(str(each.get("StateNumber")))
    return found


def _equipment(content: Mapping[str, Json]) -> str | None:
    entity = browsed(content).entity
    return entity.id if entity.kind == EntityKind.EQUIPMENT else None


def _unit(information: Json) -> str:
    text = information.get("DisplayName") if isinstance(information, dict) else None
    return unit(str(text)) if text else ""


def _with(amount: Decimal, measured: str) -> Json:
    return {"value": _number(amount), "unit": measured} if measured else _number(amount)


def _number(amount: Decimal) -> Json:
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _first_text(value: Json) -> Json:
    return next((each for each in _list(value) if isinstance(each, str) and each), None)


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else [value] if value is not None else []


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(files("lineside_ingest.opcua").joinpath("models.toml").read_text("utf-8"))


def interface(source: str) -> Entity:
    """What parts are about that stand in no equipment: the source itself."""
    return Entity(EntityKind.INTERFACE, source)
