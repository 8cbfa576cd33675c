"""Approvers and an executor are killed at random moments while others ask for more, and what is left is then finished.

`python killed_at_random.py HOME TARGET_URL KILLS SEED`; the home's settings name its database. Everything is imported
before the first fork, so that a kill costs milliseconds. Printed as JSON: how often each was killed, in what time.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncua  # noqa: F401 - imported for the children
import httpx
import psycopg  # noqa: F401 - imported for the children

from lineside import executor
from lineside.actions import Proposal, State
from lineside.actions.at_work import AtWork
from lineside.app import Lineside, open_lineside
from lineside.connector import Batch, SourceMessage
from lineside.errors import AlreadyDecided
from lineside.memory import Memory
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Provenance, Record

UNWANTED = "nobody should approve this"
REJECTED = "this one is to be rejected"
OPEN_AT_ONCE, PASSES, STEP_S = 8, 4, 160
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "hold_lot": ("lot:{}", {"quality_status": "unrestricted"}, {"lot": "{}"}),
    "resequence_job_order": (
        "job_order:{}", {"status": "planned", "sequence": 4}, {"job_order": "{}", "sequence": 1},
    ),
    "reroute_pick": ("handling_unit:{}", {"location": "A-03"}, {"handling_unit": "{}", "location": "B-07"}),
    "post_count": (
        "inventory:{}@WH1", {"quantity": {"value": 40, "unit": "ea"}}, {"inventory": "{}@WH1", "quantity": "38 ea"},
    ),
    "create_maintenance_order": (
        "equipment:westhafen/{}", {"state": "running"},
        {"equipment": "westhafen/{}", "description": "the door sticks", "priority": "high"},
    ),
}  # fmt: skip


def translate(message: SourceMessage) -> list[Record]:
    event = json.loads(message.content)
    at = datetime.fromisoformat(event["time"])
    provenance = Provenance(
        source=message.source, source_id=message.source_id, occurred_at=at, reported_at=at,
        recorded_at=message.received_at,
    )  # fmt: skip
    return [record_from_data("report", event["data"], provenance)]


def tell(lineside: Lineside, entity: str, properties: dict[str, Any]) -> None:
    now = lineside.clock()
    event = {"time": now.isoformat(), "data": {"entity": entity, "properties": properties}}
    message = SourceMessage(
        source="all", source_id=f"{entity} {now.isoformat()}", content=json.dumps(event).encode(), received_at=now
    )
    assert lineside.memory.remember(Batch(messages=[message]), source="all", translate=translate).dead == ()


class Planner:
    """Asks for one action after another, each on a subject of its own, and brings what the target did back."""

    def __init__(self, lineside: Lineside, target: str) -> None:
        self.lineside, self.told = lineside, set[str]()
        self._http = httpx.Client(base_url=target, trust_env=False, timeout=30)
        self.asked = len(lineside.ledger.list())

    def ask(self) -> None:
        waiting = self.lineside.ledger.list(states=[State.PENDING, State.APPROVED])
        for _ in range(OPEN_AT_ONCE - sum(p.parameters["reason"] not in (UNWANTED, REJECTED) for p in waiting)):
            action = list(KINDS)[self.asked % len(KINDS)]
            reason = {3: UNWANTED, 6: REJECTED}.get(self.asked % 7, "the line needs it")
            self.asked += 1
            self.file(action, f"k-{self.asked}", reason)

    def file(self, action: str, name: str, reason: str) -> None:
        subject, properties, parameters = KINDS[action]
        self._http.post("/test/subject", json={subject.format(name): properties}).raise_for_status()
        tell(self.lineside, subject.format(name), properties)
        said = {key: value.format(name) if isinstance(value, str) else value for key, value in parameters.items()}
        said["reason"] = reason
        found = self.lineside.ledger.propose(
            action=action, parameters=said, requester=self.lineside.person("asks"),
            origins=dict.fromkeys(said, "question"),
        )  # fmt: skip
        assert isinstance(found, Proposal), found

    def bring_back(self) -> None:
        """The target's own feed shows each effect, once its answer is known."""
        done = [p for p in self.lineside.ledger.list(states=[State.EXECUTED]) if p.id not in self.told]
        there = self._http.get("/test/state").json()["subjects"] if done else {}
        for proposal in done:
            self.told.add(proposal.id)
            expected, entity = proposal.bound["expects"], str(proposal.entity)
            if "sets" in expected:
                tell(self.lineside, entity, there[entity]["properties"])
            else:
                status = (expected["statuses"] or ["open"])[0]
                said = {expected["points"]: entity.partition(":")[2], "status": status}
                tell(self.lineside, f"{expected['kind']}:{proposal.effect}", said)


def planning(home: Path, target: str, ready: Callable[[], None]) -> None:
    lineside = open_lineside(home)
    planner = Planner(lineside, target)
    ready()
    while True:
        planner.ask()
        planner.bring_back()
        time.sleep(0.05)


def approving(home: Path, name: str, ready: Callable[[], None]) -> None:
    lineside = open_lineside(home)
    ready()
    while True:
        decide(lineside, name)
        time.sleep(0.03)


def decide(lineside: Lineside, name: str) -> None:
    """Who is `second` approves nothing that is unwanted, and rejects what is to be rejected."""
    ledger, person = lineside.ledger, lineside.person(name)
    for proposal in ledger.pending_for(person):
        reason = proposal.parameters["reason"]
        with suppress(AlreadyDecided):
            if name == "second" and reason == REJECTED:
                ledger.reject(proposal.id, person, "it is not needed", channel="web")
            elif name == "first" or reason not in (UNWANTED, REJECTED):
                ledger.approve(proposal.id, person, proposal.digest, "web", signed_in_at=lineside.clock())


def executing(home: Path, ready: Callable[[], None]) -> None:
    class Placed(AtWork):
        def __init__(self, memory: Memory) -> None:
            super().__init__(memory)
            ready()

    executor.PAUSE_S, executor.AtWork = 0.005, Placed  # type: ignore[attr-defined]
    executor.work(home)


def forked(work: Callable[[Callable[[], None]], None]) -> int:
    """A process that does the work, once it says that it has begun."""
    told, tells = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(told)
            work(lambda: os.close(tells))
        except BaseException:  # noqa: BLE001 - whoever reads this must be told why, whatever it was
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(tells)
    os.read(told, 1)
    os.close(told)
    return process


def killed(process: int) -> bool:
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def in_a_child(work: Callable[[], None]) -> None:
    def done(ready: Callable[[], None]) -> None:
        ready()
        work()
        os._exit(0)

    _, status = os.waitpid(forked(done), 0)
    assert status == 0


def finish(home: Path, target: str) -> None:
    """Nobody is killed any more: what is wanted is approved, carried out, settled by reading, and brought back."""
    settings = (home / "lineside.toml").read_text(encoding="utf-8")
    lineside = open_lineside(home)
    for name in ("first", "second"):
        decide(lineside, name)
    lineside.close()
    begun = int(re.findall(r"clock_offset_s = (\d+)", settings)[0])
    for number in range(1, PASSES + 1):
        later = re.sub(r"clock_offset_s = \d+", f"clock_offset_s = {begun + number * STEP_S}", settings)
        (home / "lineside.toml").write_text(later, encoding="utf-8")
        executor.work(home, once=True)
        lineside = open_lineside(home)
        Planner(lineside, target).bring_back()
        lineside.close()
    executor.work(home, once=True)


def ask_anew(home: Path, target: str) -> None:
    """What was proved not to have been done is asked for again, on a subject of its own name."""
    lineside = open_lineside(home)
    planner = Planner(lineside, target)
    for proposal in lineside.ledger.list(states=[State.FAILED]):
        name = f"{proposal.entity.id.rpartition('/')[2].partition('@')[0]}-again"
        planner.file(proposal.action, name, "the line needs it")
    lineside.close()


def main(home: Path, target: str, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    works: dict[str, Callable[[Callable[[], None]], None]] = {
        "planner": lambda ready: planning(home, target, ready),
        "first": lambda ready: approving(home, "first", ready),
        "second": lambda ready: approving(home, "second", ready),
        "executor": lambda ready: executing(home, ready),
    }
    warm = open_lineside(home)  # once, for what is imported and read on the way; nothing stays open over a fork
    warm.ledger.list()
    warm.close()
    alive: dict[str, int] = {}
    count: Counter[str] = Counter()
    try:
        alive |= {name: forked(work) for name, work in works.items()}
        began = time.monotonic()
        for _ in range(kills):
            time.sleep(dice.uniform(0.0, 0.25))  # the moment of the kill, not a wait for anything
            name = dice.choice(("first", "second", "executor", "executor"))
            count[name] += killed(alive.pop(name))
            alive[name] = forked(works[name])
        took_s = time.monotonic() - began
    finally:  # whatever failed, nobody is left behind
        by_us = [killed(process) for process in alive.values()]
    assert all(by_us), "one ended by itself"
    in_a_child(lambda: finish(home, target))
    in_a_child(lambda: ask_anew(home, target))
    in_a_child(lambda: finish(home, target))
    sys.stdout.write(json.dumps({"killed": count, "took_s": took_s}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
