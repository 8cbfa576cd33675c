"""Walks a hold from asking to remembering in child processes that are killed at every point, and tells what came of it.

`python killed.py DATABASE_URL QMS_URL`: one lot per point. A point is one side of a commit or of a call to the target.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineside.actions import Ledger, Proposal, State, load_policy
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.connector import Batch, SourceMessage
from lineside.errors import AlreadyDecided
from lineside.memory import Memory
from lineside.plant.open_format import record_from_data
from lineside.plant.plant import Person
from lineside.plant.plant_file import parse_plant
from lineside.plant.records import Provenance, Record

PLANT = parse_plant("""
site = "westhafen"
time_zone = "Europe/Berlin"
people = [
  { id = "asks", roles = ["planner"], sites = ["westhafen"] },
  { id = "decides", roles = ["quality"], sites = ["westhafen"] },
  { id = "head-1", roles = ["plant_manager"], sites = ["westhafen"] },
  { id = "head-2", roles = ["plant_manager"], sites = ["westhafen"] },
]
sources = [{ name = "lab", kind = "qms" }]
""")
START = datetime.fromisoformat("2026-11-20T09:00:00+01:00")
ROUNDS = 8
HEADS = (Person(id="head-1"), Person(id="head-2"))
ASKS, DECIDES = Person(id="asks"), Person(id="decides")


class Points:
    """Counts both sides of every commit and call, and dies at the armed one."""

    def __init__(self, armed: str = "") -> None:
        self.passed: list[str] = []
        self._armed = armed

    def reach(self, name: str) -> None:
        numbered = f"{len(self.passed):02d} {name}"
        self.passed.append(numbered)
        if numbered == self._armed:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            self.reach(f"before {name}")
            answer = call(*args, **named)
            self.reach(f"after {name}")
            return answer

        return watched


class Watched(Memory):
    """A memory that passes a point on either side of each commit."""

    points = Points()

    @contextmanager
    def write(self) -> Iterator[Any]:
        with super().write() as connection:
            yield connection
            self.points.reach("before commit")
        self.points.reach("after commit")


def translate(message: SourceMessage) -> list[Record]:
    event = json.loads(message.content)
    at = datetime.fromisoformat(event["time"])
    provenance = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=at,
        reported_at=at,
        recorded_at=message.received_at,
    )
    return [record_from_data("report", event["data"], provenance)]


def walk(database: str, qms: str, lot: str, now: datetime, points: Points) -> None:
    """The lot's hold goes as far as it can at `now`, from wherever it stands."""
    opened = Memory.open(database, index_dir=None, plant=PLANT, clock=lambda: now)
    memory = Watched(opened.database, plant=PLANT, clock=lambda: now)
    memory.points = points
    interface = load_interface("quality-holds")
    target = HttpTarget(qms, "write-token", source="lab", interface=interface, timeout_s=20)
    target.read = points.around("read", target.read)  # type: ignore[method-assign]
    target.carry_out = points.around("write", target.carry_out)  # type: ignore[method-assign]
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    ledger = Ledger(memory, load_policy(), lambda: now, key, targets=[target])

    def tell(source_id: str, entity: str, **properties: str) -> None:
        event = {"time": now.isoformat(), "data": {"entity": entity, "properties": properties}}
        message = SourceMessage(source="lab", source_id=source_id, content=json.dumps(event).encode(), received_at=now)
        memory.remember(Batch(messages=[message]), source="lab", translate=translate)

    def mine() -> list[Proposal]:
        return [proposal for proposal in ledger.list() if proposal.entity.id == lot]

    if not all(switch.armed for switch in ledger.switches()):
        for head in HEADS:
            ledger.arm("lab", head, "ready")
    if not memory.view().find(lot):
        tell(f"lot-{lot}", f"lot:{lot}", quality_status="unrestricted")
    if not any(p.state in ("pending", "approved", "executing", "unknown", "executed", "verified") for p in mine()):
        found = ledger.propose(action="hold_lot", parameters={"lot": lot, "reason": "smells"}, requester=ASKS)
        assert isinstance(found, Proposal), found
    for proposal in mine():
        if proposal.state is State.PENDING:
            for person in (DECIDES, HEADS[0]):  # nobody vouches for the parameters, so two must
                with suppress(AlreadyDecided):
                    ledger.approve(proposal.id, person, proposal.digest, "web", signed_in_at=now)
    ledger.execute_due()
    for proposal in mine():
        if proposal.state is State.EXECUTED:
            there = httpx.get(f"{qms}/test/state", trust_env=False).json()["lots"][lot]["holds"]
            for hold in there:
                tell(f"hold-{hold['hold']}-{now:%H%M}", f"hold:{hold['hold']}", subject=f"lot:{lot}", status="active")
    ledger.verify_due()
    memory.close()


def child(work: Callable[[], None]) -> int:
    """The exit status of `work` in a process of its own."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            work()
            status = 0
        except Exception:  # noqa: BLE001 - the parent must be told why, whatever it was
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(process, 0)[1]


def main(database: str, qms: str) -> None:
    listed = Path(os.environ["POINTS_FILE"])
    minutes = 0

    def now() -> datetime:
        return START + timedelta(minutes=minutes)

    def dry() -> None:
        points = Points()
        walk(database, qms, "K-1", now(), points)
        listed.write_text(json.dumps(points.passed))

    # Chosen in the environment, so that one point can be looked at alone.
    assert child(lambda: walk(database, qms, "K-0", now(), Points())) == 0  # and the target is armed
    assert child(dry) == 0
    points = json.loads(listed.read_text())
    chosen = [point for point in points if os.environ.get("KILL_AT", "") in point]
    killed = []
    for number, point in enumerate(chosen, start=2):
        lot = f"K-{number}"
        minutes += 1
        status = child(lambda lot=lot, point=point: walk(database, qms, lot, now(), Points(point)))
        killed.append(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
        for _ in range(ROUNDS):
            minutes += 2
            assert child(lambda lot=lot: walk(database, qms, lot, now(), Points())) == 0, point
    sys.stdout.write(json.dumps({"points": chosen, "killed": killed, "end": now().isoformat()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
