"""What outsiders wrote into one of the plant's systems: kept in a file, so that a restart forgets nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineside.plant.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why the system did nothing. status: of HTTP."""

    status: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One thing that was done: `hold`, `release`, `dispose` or `order`. effect: the system's own number for it;
    subject: `kind:id`; lot: what a hold binds; at: RFC 3339."""

    key: str
    did: str
    effect: str
    subject: str
    at: str
    body: dict[str, Any]
    lot: str = ""

    @property
    def id(self) -> str:
        return self.subject.partition(":")[2]

    def facts(self, writes: Writes) -> Iterator[dict[str, Json]]:
        """What the system tells of it, as the data of facts. writes: all that was written there."""
        reason, by, proposal = (self.body.get(name) for name in ("reason", "approved_by", "proposal"))
        match self.did:
            case "hold":
                yield {"kind": "hold_placed", "lot": self.id, "hold": self.effect,
                       "attributes": {"reason": reason, "by": by}}  # fmt: skip
                yield {"entity": f"hold:{self.effect}", "properties": {
                    "subject": self.subject, "reason": reason, "owner": by, "status": "active"}}  # fmt: skip
                yield {"entity": self.subject, "properties": {"quality_status": "blocked"}}
            case "release":
                lot = self.lot
                yield {"kind": "hold_released", "lot": lot, "hold": self.id, "attributes": {"reason": reason, "by": by}}
                yield {"entity": self.subject, "properties": {"status": "released"}}
                if not writes.holding(lot, self.at):
                    yield {"entity": f"lot:{lot}", "properties": {"quality_status": "unrestricted"}}
            case "dispose":
                yield {"entity": self.subject, "properties": {"disposition": self.body["disposition"]}}
            case "order":
                yield {"kind": "maintenance_requested", "equipment": self.id,
                       "attributes": {"maintenance_order": self.effect, "by": by}}  # fmt: skip
                yield {"entity": f"maintenance_order:{self.effect}", "properties": {
                    "equipment": self.id, "description": self.body["description"], "status": "planned",
                    "priority": _PRIORITIES.get(str(self.body.get("priority")), 3), "due_at": self.body.get("due"),
                    "reason": f"{reason} ({proposal})"}}  # fmt: skip


_PRIORITIES = {"urgent": 1, "high": 2, "normal": 3, "low": 4}


class Writes:
    """All that was written, the oldest first. kept: the file that holds it, one JSON object a line."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
        self._by_key = {each.key: each for each in map(_read, lines)}

    def __iter__(self) -> Iterator[Write]:
        return iter(list(self._by_key.values()))

    def before(self, key: str, body: dict[str, Any]) -> Write | Refused | None:
        """What this key did already; refused where it was used with another body."""
        found = self._by_key.get(key)
        if found is None or found.body == body:
            return found
        return Refused(status=422, why="this key was used with another body")

    def keep(self, write: Write) -> Write:
        with self._kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(write)) + "\n")
        self._by_key[write.key] = write
        return write

    def holding(self, lot: str, at: str) -> bool:
        """Whether a hold that was written here bound the lot right after that time."""
        placed = [each for each in self if each.did == "hold" and each.id == lot and each.at <= at]
        freed = {each.id for each in self if each.did == "release" and each.at <= at}
        return any(each.effect not in freed for each in placed)


def _read(line: str) -> Write:
    told: dict[str, Any] = json.loads(line)
    if "hold" in told:  # as earlier versions wrote it
        told = {"key": told["key"], "did": "hold", "effect": told["hold"], "subject": f"lot:{told['lot']}",
                "at": told["at"], "body": told["body"]}  # fmt: skip
    return Write(**told)
