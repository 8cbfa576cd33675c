"""An edge's message as reports and events: what each metric is about, by rules or by where it came from. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from lineside.connector import Aside, Options, SourceMessage, Translated
from lineside.errors import UnreadableMessage
from lineside.plant import row_values
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.exact_json import read_json
from lineside.plant.records import Event, Json, Provenance, Quality, Record, Report

RULE_OPTIONS = {
    "group", "edge", "device", "metric", "equipment", "entity", "property", "unit", "scope", "values", "ignore",
}  # fmt: skip
_PATTERNS = ("group", "edge", "device", "metric")
_SLOT = re.compile(r"\{([a-z]+(?:\.\d+)?)\}")
_OWN = re.compile(r"bdSeq$|(Node|Device) Control/|(Node|Device) Info/|Properties/")
_ASIDE = {"NCMD": "a command", "DCMD": "a command", "STATE": "a host's own state"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the metrics of certain names say. The texts are templates over group, edge, device and metric."""

    patterns: Mapping[str, str]
    entity: str
    property: str
    unit: str = ""
    scope: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)
    ignore: bool = False

    def concerns(self, where: Mapping[str, str]) -> bool:
        return all(fnmatchcase(where[name], pattern) for name, pattern in self.patterns.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    entity: Entity
    scope: str | None
    property: str
    value: Json
    quality: Quality
    at: datetime


def read_rules(tables: Sequence[Options]) -> tuple[Rule, ...]:
    """The rules in the option `metrics`; the first that concerns a metric counts. Raises BadSettings."""
    return tuple(_rule(each) for each in tables)


def records_of(message: SourceMessage, rules: Sequence[Rule]) -> Translated:
    """What the message says, or why it says nothing: held where an alias has no name.

    Raises UnreadableMessage where it is no message of an edge.
    """
    said = read_json(message.content.decode())
    if not isinstance(said, dict) or not isinstance(said.get("metrics"), list):
        raise UnreadableMessage("the message is no Sparkplug message")
    kind = str(said.get("type"))
    if kind in _ASIDE:
        return Aside(reason=f"{_ASIDE[kind]} says nothing of the plant")
    if said.get("stale"):
        return Aside(reason="the will of a session that had ended before: the edge is there again")
    metrics: Any = said["metrics"]
    nameless = sorted({str(each.get("alias")) for each in metrics if not each.get("name")})
    if nameless:
        return Aside(reason=f"no birth says what alias {', '.join(nameless[:5])} stands for", held=True)
    records = [*_events(message, said), *_reports(message, said, rules)]
    return records or Aside(reason="no rule takes any of its metrics")


def _events(message: SourceMessage, said: Mapping[str, Json]) -> Iterator[Record]:
    kind = {"NDEATH": "feed_stopped", "DDEATH": "feed_stopped", "NBIRTH": "feed_started", "DBIRTH": "feed_started"}
    found = kind.get(str(said.get("type")))
    if found is None or (found == "feed_started" and not said.get("began")):
        return
    where = "/".join(str(said.get(name)) for name in ("group", "edge", "device") if said.get(name))
    verb = "stopped" if found == "feed_stopped" else "started"
    at = message.received_at if said.get("type") == "NDEATH" else _time(said.get("at")) or message.received_at
    yield Event(
        provenance=_provenance(message, at, 0, Quality.GOOD),
        kind=found,
        equipment=where.lower(),
        text=f"Sparkplug {'device' if said.get('device') else 'edge'} {where} {verb}",
    )


def _reports(message: SourceMessage, said: Mapping[str, Json], rules: Sequence[Rule]) -> Iterator[Record]:
    """One report for each entity, scope, quality and time; a property told twice for one time is told twice."""
    groups: list[tuple[tuple[object, ...], dict[str, Json], _Reading]] = []
    latest: dict[tuple[object, ...], int] = {}
    for reading in _readings(message, said, rules):
        key = (reading.entity, reading.scope, reading.quality, reading.at)
        place = latest.get(key)
        if place is None or reading.property in groups[place][1]:
            latest[key] = place = len(groups)
            groups.append((key, {}, reading))
        groups[place][1][reading.property] = reading.value
    for part, (_, properties, reading) in enumerate(groups, 1):
        yield Report(
            provenance=_provenance(message, reading.at, part, reading.quality),
            entity=reading.entity,
            scope=reading.scope,
            properties=properties,
        )


def _readings(message: SourceMessage, said: Mapping[str, Json], rules: Sequence[Rule]) -> Iterator[_Reading]:
    own = {name: str(said.get(name) or "") for name in ("group", "edge", "device")}
    sent = _time(said.get("at"))
    metrics: Any = said["metrics"]
    lost: Any = said.get("lost") or []
    for each in [*metrics, *({**one, "value": None} for one in lost)]:
        where = {**own, "device": str(each.get("device", own["device"])), "metric": str(each["name"])}
        rule = next((rule for rule in rules if rule.concerns(where)), None)
        if (rule is None and _OWN.match(where["metric"])) or (rule is not None and rule.ignore):
            continue
        at = _time(each.get("at")) or sent
        if lost:
            at = message.received_at
        quality = _quality(each)
        if at is None and quality is Quality.GOOD:
            quality = Quality.UNCERTAIN
        name = (_filled(rule.property, where) if rule else "") or where["metric"]
        yield _Reading(
            entity=_entity(rule, where),
            scope=(_filled(rule.scope, where) if rule else "") or None,
            property=name,
            value=_value(each, rule),
            quality=quality,
            at=at or message.received_at,
        )


def _value(metric: Mapping[str, Json], rule: Rule | None) -> Json:
    value = metric.get("value")
    if rule and (code := row_values.text(value) if isinstance(value, str | int | float) else "") in rule.values:
        return rule.values[code]
    unit = (rule.unit if rule else "") or metric.get("unit")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"value": value, "unit": unit} if number and unit else value


def _quality(metric: Mapping[str, Json]) -> Quality:
    """OPC's codes, as edges write them into a metric's properties; a value that is not there is bad."""
    code = metric.get("quality")
    if metric.get("value") is None:
        return Quality.BAD
    if not isinstance(code, int) or 192 <= code < 256:
        return Quality.GOOD
    return Quality.UNCERTAIN if 64 <= code < 128 else Quality.BAD


def _entity(rule: Rule | None, where: Mapping[str, str]) -> Entity:
    if rule is None or not rule.entity:
        path = "/".join(where[name] for name in ("group", "edge", "device") if where[name])
        return Entity(EntityKind.EQUIPMENT, path.lower())
    written = _filled(rule.entity, where)
    try:
        entity = Entity.parse(written)
    except ValueError as error:
        raise UnreadableMessage(f"{where['metric']}: {error}", field=where["metric"]) from error
    return Entity(entity.kind, entity.id.lower()) if entity.kind == EntityKind.EQUIPMENT else entity


def _filled(template: str, where: Mapping[str, str]) -> str:
    """The template over the names; `{metric.2}` is the second part of the metric's name."""

    def part(slot: re.Match[str]) -> str:
        name, _, place = slot[1].partition(".")
        parts = where[name].split("/")
        return where[name] if not place else parts[int(place) - 1] if 0 < int(place) <= len(parts) else ""

    return re.sub("/{2,}", "/", _SLOT.sub(part, template)).strip("/ ")


def _provenance(message: SourceMessage, occurred_at: datetime, part: int, quality: Quality) -> Provenance:
    return Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=occurred_at,
        reported_at=message.reported_at or message.received_at,
        recorded_at=message.received_at,
        part=part,
        quality=quality,
    )


def _time(written: Json) -> datetime | None:
    return datetime.fromisoformat(written).astimezone(UTC) if isinstance(written, str) else None


def _rule(options: Options) -> Rule:
    if "equipment" in options and "entity" in options:
        raise options.bad("equipment", "or entity: not both")
    entity = f"equipment:{options.text('equipment')}" if "equipment" in options else options.text("entity", "")
    texts = {"entity": entity, "property": options.text("property", ""), "scope": options.text("scope", "")}
    for name, text in texts.items():
        for slot in re.findall(r"\{([^{}]*)\}", text):
            if slot.partition(".")[0] not in _PATTERNS or not _SLOT.fullmatch(f"{{{slot}}}"):
                raise options.bad(
                    name, f"knows no {{{slot}}}; there are: {', '.join(_PATTERNS)}, and metric.1 and so on"
                )
    return Rule(
        patterns={name: options.text(name) for name in _PATTERNS if name in options},
        **texts,
        unit=options.text("unit", ""),
        values={str(code): meaning for code, meaning in options.table("values").items()},
        ignore=options.flag("ignore"),
    )
