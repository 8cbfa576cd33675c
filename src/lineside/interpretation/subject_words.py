"""What things and groups that are counted are called in a sentence."""

from __future__ import annotations

_SAME = frozenset({"downtime", "scrap", "production", "consumption", "maintenance", "equipment", "inventory"})
# Events whose kind says what was done to something: it is that which there are many of.
_MANY = {
    "hold_placed": "holds placed",
    "hold_released": "holds released",
    "maintenance_requested": "requests for maintenance",
    "maintenance_started": "starts of maintenance",
    "maintenance_finished": "ends of maintenance",
    "alarm_cleared": "alarms cleared",
    "pick_late": "late picks",
    "document_issued": "documents issued",
    "truck_arrived": "trucks arrived",
    "eta_changed": "changes of the time of arrival",
    "promise_changed": "changes of a promise",
    "priority_changed": "changes of priority",
    "change_approved": "changes approved",
    "change_effective": "changes that became effective",
    "feed_started": "starts of a feed",
    "feed_stopped": "stops of a feed",
    "schema_changed": "changes of a schema",
    "changeover_start": "starts of a changeover",
    "changeover_end": "ends of a changeover",
    "slow_end": "ends of slow running",
    "effect_missing": "actions without their effect",
    "effect_settled": "actions settled",
}


def many(subject: str) -> str:
    """Several of the subject: an event kind, an entity kind, or `kind.property`."""
    if subject in _MANY:
        return _MANY[subject]
    spoken = subject.replace("_", " ").replace(".", " ")
    if subject in _SAME:
        return spoken
    if spoken.endswith("y") and not spoken.endswith("ay"):
        return spoken[:-1] + "ies"
    return spoken + "s"


def grouped(name: str) -> str:
    """What a group is one of: the trait's name; who did it, where records say `by`."""
    return "person" if name == "by" else name.replace("_", " ")
