"""What each tool takes: arguments as words and ids, for code and for a language model alike."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.actions import ACTIONS


class Parameters(BaseModel):
    """A tool's arguments; anything unknown is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NoParameters(Parameters):
    pass


_WHEN = "a stretch of time in words: last night, previous shift, since 06:00, yesterday, 2026-11-20"
_WHERE = "equipment by name or path, as in Line 3"
_THING = "a thing by its id, as in SO-1042 or lot:L-77"


class Where(Parameters):
    equipment: str | None = Field(default=None, description=_WHERE)


class WhereWhen(Parameters):
    equipment: str | None = Field(default=None, description=_WHERE)
    window: str | None = Field(default=None, description=_WHEN)


class AtPlace(Parameters):
    equipment: str = Field(description=_WHERE)
    window: str | None = Field(default=None, description=_WHEN)


class Figures(WhereWhen):
    measures: list[str] = Field(
        default_factory=list,
        description="oee, availability, effectiveness, quality_ratio, throughput_rate, scrap_ratio, setup_ratio, "
        "technical_efficiency, utilization_efficiency, allocation_efficiency, mtbf, mttr; the usual ones where empty",
    )
    by: Literal["line", "unit", "shift", "crew", "day", "area", "site"] | None = Field(
        default=None, description="what to set side by side"
    )


class Thing(Parameters):
    entity: str = Field(description=_THING)


class AnyThing(Parameters):
    entity: str | None = Field(default=None, description=_THING)


class Stock(Thing):
    purpose: Literal["promise", "plan", "ship", "post"] | None = Field(
        default=None, description="what the figure is for"
    )


class Warehouse(Parameters):
    location: str | None = Field(default=None, description="only what lies there, as in WH1 or WH1/A-03")


class Apart(Parameters):
    entity: str | None = Field(default=None, description=f"{_THING}; the whole plant without it")
    properties: list[str] = Field(
        default_factory=list, description="only these, as in promised_at, eta, revision, status"
    )


class Properties(Thing):
    properties: list[str] = Field(description="as the vocabulary has them: location, supplier, promised_at, ...")
    history: bool = Field(default=False, description="how each changed, and when")


class Departure(Parameters):
    at: str | None = Field(default=None, description="when the truck leaves, as in 15:00 or tomorrow 07:30")
    dock: str | None = Field(default=None, description="the dock, as in Dock 4")
    carrier: str | None = Field(default=None, description="the carrier's name, where its trucks are meant")


class AtLine(WhereWhen):
    job_order: str | None = Field(default=None, description="one job order's id, as in WO-7781")


class AtDock(Parameters):
    dock: str | None = Field(default=None, description="the dock, as in Dock 4")
    window: str | None = Field(default=None, description="a coming stretch, as in tomorrow, tonight, next shift")


class Delay(Parameters):
    minutes: float | None = Field(default=None, description="how late the carrier is, where it is said")
    shipment: str | None = Field(default=None, description=_THING)
    carrier: str | None = Field(default=None, description="the carrier's name")


class About(Parameters):
    text: str = Field(description="what it is about, in a few words")
    entity: str | None = Field(default=None, description=_THING)
    equipment: str | None = Field(default=None, description=_WHERE)
    window: str | None = Field(default=None, description=_WHEN)


class Decisions(About):
    by: str | None = Field(default=None, description="only those that this person took: the id in the plant file")


class Repeats(WhereWhen):
    kind: str | None = Field(default=None, description="stop, slow, or an event kind such as alarm")


class SetApart(WhereWhen):
    dimension: Literal[
        "crew",
        "shift",
        "material",
        "line",
        "tool",
        "supplier",
        "carrier",
        "customer",
        "after_changeover",
        "hour_of_shift",
        "weekday",
    ] = Field(description="what may be to blame")
    level: str | None = Field(default=None, description="one of them, as in crew-c; all are compared without it")
    kind: str | None = Field(default=None, description="stop, slow, or an event kind such as alarm; stop and slow else")
    reason: str | None = Field(default=None, description="only what has this reason, as in seal jam")


class Change(WhereWhen):
    entity: str | None = Field(default=None, description=_THING)


class Tally(WhereWhen):
    subject: str = Field(
        description="an event kind, stop, slow, downtime, an entity kind, note, decision, or kind.property"
    )
    measure: Literal["count", "sum", "duration", "average", "maximum", "minimum"] = "count"
    group_by: str | None = Field(
        default=None, description="reason, equipment, line, shift, crew, day, material, source"
    )
    where: dict[str, str] = Field(
        default_factory=dict, description="traits that must be equal, as in quality_status: blocked"
    )
    late: bool = Field(default=False, description="only what is past its due time")


class Events(Change):
    kinds: list[str] = Field(default_factory=list, description="event kinds as the vocabulary has them")


class RushOrder(Parameters):
    material: str | None = Field(default=None, description="what is to be made, as in RES-200")
    quantity: float | None = Field(default=None, description="how much of it")
    unit: str | None = Field(default=None, description="ea, kg, case, ...; left out where it isn't said")
    due: str | None = Field(default=None, description="by when, as in Friday 12:00 or a time stamp with its zone")
    equipment: str | None = Field(default=None, description=_WHERE)


class DownUntil(Parameters):
    equipment: str = Field(description=_WHERE)
    until: str | None = Field(default=None, description="as in 18:00, tomorrow noon, 3 hours, or a time stamp")
    since: str | None = Field(default=None, description="where it isn't down now: from when")


class Resequence(Parameters):
    equipment: str | None = Field(default=None, description=_WHERE)
    save: str | None = Field(default=None, description="the order, line or job order that is to be saved")
    first: str | None = Field(default=None, description="a job order that is to come before another")
    before: str | None = Field(default=None, description="that other job order")


class Conflicts(Parameters):
    states_only: bool = Field(default=False, description="leave out differing stock figures")


class ByState(Where):
    kinds: list[str] = Field(description="kinds of thing: job_order, lot, sales_order_line, shipment, equipment, ...")
    state: str = Field(description="ready, blocked, in_progress, complete, released, shippable, or a source's own word")
    but_not: str | None = Field(default=None, description="a state further on, as in complete but not shippable")


class InOrder(WhereWhen):
    kinds: list[str] = Field(description="kinds of thing: lot, sales_order, purchase_order_line, hold, ...")
    by: str = Field(
        description="a property of the vocabulary, as in expires_at or quantity; due for each kind's own due time; "
        "age for how long it is on record"
    )
    highest: bool = Field(default=False, description="the greatest or latest first; the earliest or least without it")
    every: bool = Field(default=False, description="those that are over too")
    where: dict[str, str] = Field(default_factory=dict, description="properties that must be equal, as in material")


class OfSystem(Parameters):
    system: str | None = Field(default=None, description="a source by its name or kind, as in wms")
    window: str | None = Field(default=None, description=_WHEN)


class WithoutSystem(Parameters):
    system: str = Field(description="a source by its name or kind, as in wms")
    window: str | None = Field(default=None, description="from when to when it is away; " + _WHEN)


class Systems(Parameters):
    systems: list[str] = Field(default_factory=list, description="sources by name or kind; of two, what runs between")


class Proposed(Parameters):
    action: str = Field(description="its kind", json_schema_extra={"enum": list(ACTIONS)})
    parameters: dict[str, str] = Field(description="each by its name, in the asker's words; times too")
    evidence: list[str] = Field(default_factory=list, description="record ids that speak for it")
