"""The plant at this moment: which facts have been said by now, and what outsiders wrote since."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineside.plant.records import Json, RecordType
from lineside.simulator.facts import Fact, text_of
from lineside.simulator.simulation import Simulation
from lineside.simulator.tables import TABLES, Table, find, row_of
from lineside.simulator.world import Line
from lineside.simulator.writes import Refused, Write, Writes


class Stage:
    """Facts by table, shown as the plant's clock passes them. Safe to read from several threads.

    clock: the plant's time, aware. folder: where what was written into QMS and CMMS is kept.
    """

    def __init__(self, simulation: Simulation, *, clock: Callable[[], datetime], folder: Path) -> None:
        self.simulation, self.clock = simulation, clock
        self._rows: dict[str, list[tuple[datetime, dict[str, Json]]]] = {table.name: [] for table in TABLES}
        for fact in simulation.stories.facts:
            if table := find(fact.source, fact.type, fact.data):
                self._rows[table.name].append((fact.said_at, _row(table, fact)))
        self._moments = {name: [at for at, _ in rows] for name, rows in self._rows.items()}
        self._lock = threading.Lock()
        self.writes = {system: Writes(folder / f"{system}-writes.jsonl") for system in ("qms", "cmms")}
        self._units = {place for line in simulation.world.lines for place in (line.id, *_units(line))}

    def rows(self, table: Table, *, since: datetime | None = None) -> list[dict[str, Json]]:
        """The table's rows by now, oldest change first; with `since`, those changed at or after it."""
        now = self.clock()
        shown = [row for _, row in self._rows[table.name][: bisect_right(self._moments[table.name], now)]]
        shown += self._written(table)
        if table.name == "lots":
            # A hold binds: what the plan released while one that was written here is active stays blocked.
            qms = self.writes["qms"]
            shown = [
                row | {"QualityStatus": "BL"}
                if row["QualityStatus"] and qms.holding(str(row["LotId"]), str(row["ChangedAt"]))
                else row
                for row in shown
            ]
        if since is not None:
            shown = [row for row in shown if datetime.fromisoformat(str(row[table.told])) >= since]
        return sorted(shown, key=lambda row: (str(row[table.told]), str(row[table.key])))

    def lot(self, lot: str) -> dict[str, Json] | None:
        """What QMS says of the lot now, in the words of its write interface; None where it knows none."""
        table = table_named("lots")
        rows = [row for row in self.rows(table) if row[table.about] == lot]
        if not rows:
            return None
        status = str(_latest(rows).get("QualityStatus", ""))
        written = {each.effect: each.body for each in self.writes["qms"] if each.did == "hold"}
        holds: list[Json] = [
            {"hold": hold, "status": "active", **_told(written.get(hold))} for hold in self._active(lot)
        ]
        return {
            "lot": lot,
            "quality_status": table.codes["QualityStatus"].get(status, status),
            "holds": holds,
            "version": len(rows),
        }

    def hold(self, hold: str) -> dict[str, Json] | None:
        """What QMS says of the hold now; None where it knows none."""
        table = table_named("holds")
        rows = [row for row in self.rows(table) if row[table.about] == hold]
        if not rows:
            return None
        now = _latest(rows)
        said: dict[str, Json] = {name: now.get(name.title()) for name in ("status", "subject", "disposition")}
        return {"hold": hold, **said, "version": len(rows)}

    def unit(self, unit: str) -> dict[str, Json] | None:
        """What CMMS says of a line or a unit now; None where there is none."""
        if unit not in self._units:
            return None
        orders = [each for each in self.writes["cmms"] if each.id == unit]
        effects: list[Json] = [
            {"id": each.effect, "active": True, "proposal": each.body.get("proposal")} for each in orders
        ]
        return {"id": unit, "properties": {}, "effects": effects, "version": len(orders)}

    def write(
        self, did: str, id_: str, key: str, body: dict[str, Any], version: int | None
    ) -> tuple[Write, bool] | Refused:
        """What was done, and whether it is new: the same key does the same again. id_: of the lot, hold or unit."""
        system, kind, look = {
            "hold": ("qms", "lot", self.lot), "release": ("qms", "hold", self.hold),
            "dispose": ("qms", "hold", self.hold), "order": ("cmms", "equipment", self.unit),
        }[did]  # fmt: skip
        with self._lock:
            writes = self.writes[system]
            if (before := writes.before(key, body)) is not None:
                return before if isinstance(before, Refused) else (before, False)
            known = look(id_)
            if known is None:
                return Refused(status=404, why=f"no {kind} {id_}")
            if version is not None and version != known["version"]:
                return Refused(status=412, why=f"{kind} {id_} is at version {known['version']}, not {version}")
            if did == "hold" and (active := self._active(id_)):
                return Refused(status=409, why=f"lot {id_} is on hold {active[0]} already")
            if kind == "hold" and known["status"] != "active":
                return Refused(status=409, why=f"hold {id_} is {known['status']}")
            lot = str(known["subject"]).partition(":")[2] if kind == "hold" else ""
            number = sum(each.did == did for each in writes) + 1
            effect = {"hold": f"H-{self.simulation.stories.quality.number + number}", "order": f"MO-{9000 + number}"}
            at = text_of(self.clock().astimezone(UTC).replace(microsecond=0))
            return writes.keep(
                Write(key=key, did=did, effect=effect.get(did, id_), subject=f"{kind}:{id_}", at=at, body=body, lot=lot)
            ), True

    def _active(self, lot: str) -> list[str]:
        table = table_named("holds")
        status: dict[str, str] = {}
        subject: dict[str, str] = {}
        for row in self.rows(table):
            hold = str(row[table.about])
            subject[hold] = str(row["Subject"] or subject.get(hold, ""))
            status[hold] = str(row["Status"] or status.get(hold, ""))
        return [hold for hold, what in status.items() if what == "active" and subject[hold] == f"lot:{lot}"]

    def _written(self, table: Table) -> list[dict[str, Json]]:
        rows = []
        writes = self.writes.get(table.source, ())
        for index, each in enumerate(writes):
            for data in each.facts(self.writes[table.source]):
                kind = RecordType.REPORT if "entity" in data else RecordType.EVENT
                if find(table.source, kind, data) == table:
                    rows.append(row_of(table, f"W{index + 1}", data, each.at, each.at))
        return rows


def _units(line: Line) -> list[str]:
    return [f"{line.id}/{unit}" for unit in line.units]


def _latest(rows: list[dict[str, Json]]) -> dict[str, Json]:
    """What is so after all of the rows, oldest first."""
    now: dict[str, Json] = {}
    for row in rows:
        now |= {name: value for name, value in row.items() if value is not None}
    return now


def _told(body: dict[str, Any] | None) -> dict[str, Json]:
    """What the writer told of a hold: why, and on which proposal."""
    return {name: body.get(name) for name in ("reason", "proposal")} if body else {}


def table_named(name: str) -> Table:
    return next(table for table in TABLES if table.name == name)


def _row(table: Table, fact: Fact) -> dict[str, Json]:
    number = fact.id.partition("/")[2]
    return row_of(table, number, fact.data, text_of(fact.occurred_at), text_of(fact.reported_at))
