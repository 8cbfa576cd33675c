"""The plant at this moment: which facts have been said by now, and what outsiders wrote into QMS since."""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineside.plant.records import Json, RecordType
from lineside.simulator.facts import Fact, text_of
from lineside.simulator.simulation import Simulation
from lineside.simulator.tables import TABLES, Table, find, row_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why QMS did not place a hold. status: of HTTP."""

    status: int
    why: str


class Stage:
    """Facts by table, shown as the plant's clock passes them. Safe to read from several threads.

    clock: the plant's time, aware. kept: the file that holds what was written into QMS, so that a restart forgets
    nothing.
    """

    def __init__(self, simulation: Simulation, *, clock: Callable[[], datetime], kept: Path) -> None:
        self.simulation, self.clock = simulation, clock
        self._rows: dict[str, list[tuple[datetime, dict[str, Json]]]] = {table.name: [] for table in TABLES}
        for fact in simulation.stories.facts:
            if table := find(fact.source, fact.type, fact.data):
                self._rows[table.name].append((fact.said_at, _row(table, fact)))
        self._moments = {name: [at for at, _ in rows] for name, rows in self._rows.items()}
        self._kept = kept
        self._lock = threading.Lock()
        self._holds: dict[str, dict[str, Json]] = {}
        if kept.exists():
            for line in kept.read_text(encoding="utf-8").splitlines():
                written: dict[str, Json] = json.loads(line)
                self._holds[str(written["key"])] = written

    def rows(self, table: Table, *, since: datetime | None = None) -> list[dict[str, Json]]:
        """The table's rows by now, oldest change first; with `since`, those changed at or after it."""
        now = self.clock()
        shown = [row for _, row in self._rows[table.name][: bisect_right(self._moments[table.name], now)]]
        shown += self._written(table)
        blocked = {str(hold["lot"]): str(hold["at"]) for hold in self._holds.values()}
        if table.name == "lots" and blocked:
            # A hold binds: what the plan released after it stays blocked.
            shown = [
                row | {"QualityStatus": "BL"}
                if str(row["LotId"]) in blocked
                and str(row["ChangedAt"]) > blocked[str(row["LotId"])]
                and row["QualityStatus"]
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
        now: dict[str, Json] = {}
        for row in rows:
            now |= {name: value for name, value in row.items() if value is not None}
        status = str(now.get("QualityStatus", ""))
        by_proposal = {each["hold"]: each["body"] for each in self._holds.values()}
        holds: list[Json] = [
            {"hold": hold, "status": "active", **_told(by_proposal.get(hold))} for hold in self._active(lot)
        ]
        return {
            "lot": lot,
            "quality_status": table.codes["QualityStatus"].get(status, status),
            "holds": holds,
            "version": len(rows),
        }

    def place_hold(
        self, key: str, body: dict[str, Json], version: int | None
    ) -> tuple[dict[str, Json], bool] | Refused:
        """The hold, and whether it is new: the same key gives the same hold again."""
        with self._lock:
            if (before := self._holds.get(key)) is not None:
                same = before["body"] == body
                return (before, False) if same else Refused(status=422, why="this key was used with another body")
            lot = str(body["lot"])
            known = self.lot(lot)
            if known is None:
                return Refused(status=404, why=f"no lot {lot}")
            if version is not None and version != known["version"]:
                return Refused(status=412, why=f"lot {lot} is at version {known['version']}, not {version}")
            if active := self._active(lot):
                return Refused(status=409, why=f"lot {lot} is on hold {active[0]} already")
            number = self.simulation.stories.quality.number + 1 + len(self._holds)
            at = text_of(self.clock().astimezone(UTC).replace(microsecond=0))
            hold: dict[str, Json] = {"key": key, "hold": f"H-{number}", "lot": lot, "at": at, "body": body}
            with self._kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(hold) + "\n")
            self._holds[key] = hold
            return hold, True

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
        for index, hold in enumerate(list(self._holds.values())):
            body = hold["body"]
            if not isinstance(body, dict):
                raise TypeError("a kept hold has no body")
            for data in _hold_data(hold, body):
                kind = RecordType.REPORT if "entity" in data else RecordType.EVENT
                if find("qms", kind, data) == table:
                    at = str(hold["at"])
                    rows.append(row_of(table, f"W{index + 1}", data, at, at))
        return rows


def _told(body: Json) -> dict[str, Json]:
    """What the writer told of a hold: why, and on which proposal."""
    return {name: body.get(name) for name in ("reason", "proposal")} if isinstance(body, dict) else {}


def table_named(name: str) -> Table:
    return next(table for table in TABLES if table.name == name)


def _row(table: Table, fact: Fact) -> dict[str, Json]:
    number = fact.id.partition("/")[2]
    return row_of(table, number, fact.data, text_of(fact.occurred_at), text_of(fact.reported_at))


def _hold_data(hold: dict[str, Json], body: dict[str, Json]) -> list[dict[str, Json]]:
    lot, owner, reason = str(hold["lot"]), body.get("approved_by"), body.get("reason")
    return [
        {"kind": "hold_placed", "lot": lot, "hold": hold["hold"], "attributes": {"reason": reason, "by": owner}},
        {
            "entity": f"hold:{hold['hold']}",
            "properties": {"subject": f"lot:{lot}", "reason": reason, "owner": owner, "status": "active"},
        },
        {"entity": f"lot:{lot}", "properties": {"quality_status": "blocked"}},
    ]
