"""Which detectors what was just remembered could matter to, told by its kinds alone."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from lineside.memory import Memory, tables

_STATED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("equipment", "state"): ("downtime",),
    ("equipment", "reason"): ("downtime",),
    ("hold", "status"): ("hold",),
    ("hold", "subject"): ("hold",),
    ("sales_order", "credit"): ("credit",),
    ("sales_order_line", "credit"): ("credit",),
    ("handling_unit", "labelled"): ("label",),
}
_HAPPENED: Mapping[str, tuple[str, ...]] = {
    "stop": ("downtime",),
    "start": ("downtime",),
    "restart_check": ("downtime", "excursion"),
    "maintenance_started": ("downtime", "excursion"),
    "maintenance_finished": ("downtime", "excursion"),
    "alarm": ("excursion",),
    "alarm_cleared": ("excursion",),
    "excursion": ("excursion",),
    "parameter_change": ("excursion",),
    "hold_placed": ("hold",),
    "hold_released": ("hold",),
    "pick_late": ("staging",),
    "staged": ("staging",),
    "completed": ("staging",),
}
_TAKEN_BACK = ("correction", "deletion")


class News:
    """What came into the memory since the last look. The first look sees nothing: a whole run goes before it."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._stated = self._told = 0
        self.fresh()

    def fresh(self) -> frozenset[str]:
        """The detectors that should look now, by what came since this was asked last."""
        said, passages, records = tables.statements, tables.passages, tables.records
        with self.memory.read() as connection:
            stated = connection.scalar(select(func.max(said.c.id))) or 0
            told = connection.scalar(select(func.max(passages.c.id))) or 0
            begun = self._stated or self._told
            if not begun or (stated, told) == (self._stated, self._told):
                self._stated, self._told = stated, told
                return frozenset()
            names = connection.execute(
                select(said.c.kind, said.c.property).where(said.c.id > self._stated).distinct()
            ).all()
            kinds = connection.execute(
                select(records.c.type, records.c.kind)
                .join(passages, passages.c.record_id == records.c.id)
                .where(passages.c.id > self._told)
                .distinct()
            ).all()
        self._stated, self._told = stated, told
        found = {each for row in names for each in _STATED.get((row.kind, row.property), ())}
        found |= {each for row in kinds for each in _HAPPENED.get(row.kind or "", ())}
        if any(row.type in _TAKEN_BACK for row in kinds):
            found |= {each for names in _HAPPENED.values() for each in names}
        return frozenset(found)
