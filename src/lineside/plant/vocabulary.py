"""The plant vocabulary as data: the kinds, properties and statuses that everything is translated into.

What stands here is what interpretations understand. Anything else is kept, searchable and shown as unmapped.
"""

from __future__ import annotations

from collections.abc import Mapping

_EVENT_GROUPS: Mapping[str, tuple[str, ...]] = {
    "equipment": (
        "stop", "start", "slow", "slow_end", "changeover_start", "changeover_end", "alarm", "alarm_cleared",
        "parameter_change", "excursion",
    ),
    "material": (
        "goods_receipt", "goods_issue", "transfer", "production", "consumption", "scrap", "count", "staged",
        "pick_late",
    ),
    "quality": (
        "sample", "inspection_result", "nonconformity", "hold_placed", "hold_released", "disposition", "complaint",
    ),
    "orders": (
        "released", "resequenced", "started", "completed", "promise_changed", "cancelled", "priority_changed",
    ),
    "logistics": (
        "packed", "labelled", "document_issued", "truck_arrived", "loaded", "departed", "eta_changed", "split",
    ),
    "engineering": ("change_approved", "change_effective"),
    "maintenance": ("maintenance_requested", "maintenance_started", "maintenance_finished", "restart_check"),
    "interface": ("feed_started", "feed_stopped", "schema_changed"),
    "actions": ("effect_missing", "effect_settled"),
}  # fmt: skip

EVENT_KINDS: Mapping[str, str] = {kind: group for group, kinds in _EVENT_GROUPS.items() for kind in kinds}
"""Each kind of event and its group."""

# An event that ends what another began, by the kinds' names.
CLOSED_BY: Mapping[str, str] = {
    "stop": "start", "slow": "slow_end", "changeover_start": "changeover_end", "alarm": "alarm_cleared",
    "hold_placed": "hold_released", "maintenance_started": "maintenance_finished", "feed_stopped": "feed_started",
    "effect_missing": "effect_settled",
}  # fmt: skip

_SALES_ORDER = (
    "customer", "material", "quantity", "status", "promised_at", "partial_allowed", "priority", "credit",
)  # fmt: skip

PROPERTIES: Mapping[str, frozenset[str]] = {
    kind: frozenset(names)
    for kind, names in {
        "equipment": ("state", "reason", "rate", "target_rate", "good_count", "reject_count", "job_order"),
        "material": ("description", "units", "revision", "substitutes"),
        "inventory": ("quantity", "quality_status", "as_counted_at"),
        "lot": (
            "material", "quantity", "location", "quality_status", "job_order", "expires_at", "supplier",
        ),
        "job_order": (
            "material", "quantity", "quantity_good", "quantity_scrap", "status", "equipment", "sequence",
            "planned_start", "planned_end", "actual_start", "actual_end", "sales_order_line", "revision", "components",
        ),
        "operation": ("status", "quantity_good", "equipment"),
        "sales_order": _SALES_ORDER,
        "sales_order_line": _SALES_ORDER,
        "shipment": ("lines", "carrier", "dock", "planned_departure", "eta", "status"),
        "handling_unit": ("lot", "quantity", "sales_order_line", "packed", "labelled", "location"),
        "inspection": ("lot", "characteristic", "result", "due_at"),
        "hold": ("subject", "reason", "owner", "status", "disposition"),
        "document": ("subject", "status"),
        "purchase_order_line": ("material", "quantity", "supplier", "eta", "status"),
        "maintenance_order": ("equipment", "description", "priority", "status", "due_at", "failure_code"),
        "engineering_change": ("material", "revision", "effective_at", "status"),
        "interface": ("owner", "from", "to", "cadence_s", "depends_on"),
    }.items()
}  # fmt: skip
"""What is reported about each kind of entity."""

EQUIPMENT_STATES = ("running", "idle", "stopped", "setup", "maintenance")
QUALITY_STATUSES = ("unrestricted", "inspection", "blocked")
JOB_ORDER_STATUSES = ("planned", "ready", "blocked", "in_progress", "complete", "closed")
CREDIT_STATUSES = ("ok", "blocked")
SHIPMENT_STATUSES = ("planned", "loading", "departed", "delivered")
INSPECTION_RESULTS = ("pending", "passed", "failed")
HOLD_STATUSES = ("active", "released")
DISPOSITIONS = ("use_as_is", "rework", "repair", "scrap", "return")
DOCUMENT_STATUSES = ("missing", "draft", "issued")
CHANGE_STATUSES = ("proposed", "approved", "effective")

STATUSES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("equipment", "state"): EQUIPMENT_STATES,
    ("inventory", "quality_status"): QUALITY_STATUSES,
    ("lot", "quality_status"): QUALITY_STATUSES,
    ("job_order", "status"): JOB_ORDER_STATUSES,
    ("operation", "status"): JOB_ORDER_STATUSES,
    ("sales_order", "credit"): CREDIT_STATUSES,
    ("sales_order_line", "credit"): CREDIT_STATUSES,
    ("shipment", "status"): SHIPMENT_STATUSES,
    ("inspection", "result"): INSPECTION_RESULTS,
    ("hold", "status"): HOLD_STATUSES,
    ("hold", "disposition"): DISPOSITIONS,
    ("document", "status"): DOCUMENT_STATUSES,
    ("engineering_change", "status"): CHANGE_STATUSES,
}
"""The closed sets of values, by entity kind and property, in the order in which a thing passes through them."""

UNIT_WORDS: Mapping[str, tuple[str, ...]] = {
    "ea": ("ea", "each", "piece", "pieces", "pcs", "pc", "unit", "units", "Stück", "Stueck", "Stk", "St"),
    "case": ("case", "cases", "carton", "cartons", "Karton", "Kartons"),
    "box": ("box", "boxes", "Kiste", "Kisten"),
    "pallet": ("pallet", "pallets", "Palette", "Paletten"),
    "kg": ("kg", "kilogram", "kilograms", "kilo", "kilos", "Kilogramm"),
    "g": ("g", "gram", "grams", "Gramm"),
    "mg": ("mg", "milligram", "milligrams", "Milligramm"),
    "t": ("tonne", "tonnes", "Tonne", "Tonnen"),
    "[lb_av]": ("lb", "lbs", "pound", "pounds"),
    "L": ("l", "ltr", "litre", "litres", "liter", "liters"),
    "mL": ("ml", "millilitre", "millilitres", "milliliter", "milliliters"),
    "hL": ("hl", "hectolitre", "hectolitres", "hectoliter", "Hektoliter"),
    "m3": ("m³", "cbm"),
    "m": ("metre", "metres", "meter", "meters"),
    "cm": ("cm", "centimetre", "centimetres", "centimeter", "Zentimeter"),
    "mm": ("mm", "millimetre", "millimetres", "millimeter", "millimeters"),
    "[in_i]": ("inch", "inches", "Zoll"),
    "[ft_i]": ("ft", "foot", "feet"),
    "h": ("hour", "hours", "hr", "hrs", "Stunde", "Stunden", "Std"),
    "min": ("min", "mins", "minute", "minutes", "Minuten"),
    "s": ("sec", "secs", "second", "seconds", "Sekunde", "Sekunden", "Sek"),
    "d": ("day", "days", "Tag", "Tage"),
    "%": ("percent", "pct", "Prozent"),
    "Cel": ("°C", "degC", "degrees Celsius", "Grad Celsius"),
}
"""What people and systems write for a unit, in English and German, whatever the case; codes are found as they stand."""


def is_mapped(kind: str, name: str | None = None) -> bool:
    """Whether the vocabulary knows an entity kind, or the property `name` of it; for `event`, the event kind `name`."""
    if kind == "event":
        return name in EVENT_KINDS
    return kind in PROPERTIES and (name is None or name in PROPERTIES[kind])


def is_known_value(kind: str, name: str, value: object) -> bool:
    """Whether a property may have that value: any, where the vocabulary does not close the set."""
    allowed = STATUSES.get((kind, name))
    return allowed is None or value in allowed
