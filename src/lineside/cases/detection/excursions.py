"""Parameters out of bounds: excursion events, and alarms of a severity that counts."""

from __future__ import annotations

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look, related
from lineside.plant.entities import Entity
from lineside.plant.equipment import work_center
from lineside.plant.quantities import number
from lineside.plant.records import Event

_ENDS = ("alarm_cleared", "maintenance_finished", "excursion")


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each excursion and each grave alarm until a record says that it is over: cleared, back in bounds, or mended."""
    counts = {str(each).casefold() for each in of.opens.get("severities", ())}
    events = look.events("excursion", "alarm", *_ENDS, "parameter_change")
    found = []
    for event in events:
        grave = str(event.attributes.get("severity", "")).strip().casefold() in counts
        if (event.kind == "excursion" and not _inside(event)) or (event.kind == "alarm" and grave):
            end = next((e for e in events if _ends(event, e)), None)
            found.append(_episode(look, of, event, end))
    return found


def _ends(event: Event, later: Event) -> bool:
    if later.provenance.occurred_at <= event.provenance.occurred_at or later is event:
        return False
    here = related(event.equipment or "", later.equipment or "") or (event.equipment is None and later.lot == event.lot)
    if not here:
        return False
    match later.kind:
        case "alarm_cleared":
            codes = [e.attributes.get("code") for e in (event, later)]
            return None in codes or codes[0] == codes[1]
        case "maintenance_finished":
            return True
        case "excursion":
            return _inside(later) and _parameter(later) == _parameter(event)
        case "parameter_change":
            return event.kind == "excursion" and _parameter(later) == _parameter(event)
        case _:
            return False


def _inside(event: Event) -> bool:
    """Whether the event itself says that the value is within its limits again."""
    value, low, high = (number(event.attributes.get(name)) for name in ("value", "limit_low", "limit_high"))
    if value is None or (low is None and high is None):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _parameter(event: Event) -> str:
    return str(event.attributes.get("parameter") or event.attributes.get("characteristic") or "").strip().casefold()


def _episode(look: Look, of: CaseClass, event: Event, end: Event | None) -> Episode:
    place = event.equipment or ""
    subject = Entity("equipment", place) if place else next(event.entities(), Entity("equipment", look.view.plant.site))
    what = event.attributes.get("parameter") or event.attributes.get("reason") or event.text or event.kind
    job = Entity("job_order", event.job_order) if event.job_order else None
    job = job or (look.job_at(place, event.provenance.occurred_at) if place else None)
    things = {*event.entities(), *({job} if job else ())}
    things |= {Entity("equipment", work_center(place))} if place else set()
    code = str(event.attributes.get("code") or _parameter(event) or what)
    return Episode(
        case_class=of.key,
        subject=subject,
        title=f"{what} at {look.view.plant.called(place) if place else subject.id}",
        began=event.provenance.occurred_at,
        ended=end.provenance.occurred_at if end else None,
        opened_by=(event.provenance.record_id,),
        closed_by=(end.provenance.record_id,) if end else (),
        place=place,
        lane=f"{subject} {code.casefold()}",
        reason=str(what),
        touches=frozenset(things),
        data={"parameter": str(event.attributes.get("parameter") or "")},
    )
