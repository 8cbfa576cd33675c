"""A ledger before a real system: somebody asks, two others approve, and two arm what it is carried out on.

Targets run an event loop of their own, so the tests have none.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.actions.conftest import HEADS_DECIDE, KEY, people

from lineside.actions import Ledger, Proposal, State, parse_policy
from lineside.actions.executors import Writer
from lineside.connector import Connector
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.plant.plant import Person

PEOPLE = people("hall", asks="planner", one="head", two="head", three="head")


def ledger_over(
    open_memory: Callable[..., Memory], folder: Path, target: Writer, *, kind: str, more: str = ""
) -> Ledger:
    """The ledger of a plant in which the target's source is of that kind; armed. more: of its plant file."""
    source = f'[[sources]]\nname = "{target.source}"\nkind = "{kind}"\n'
    plant = f'site = "hall"\ntime_zone = "UTC"\n{PEOPLE}{source}{more}'
    memory = open_memory(f"sqlite:///{folder / 'l.db'}", plant=plant)
    memory.clock = clock
    ledger = Ledger(memory, parse_policy(HEADS_DECIDE.encode(), where="here"), clock, KEY, targets=[target])
    for head in ("one", "two"):
        ledger.arm(target.source, Person(id=head), "ready")
    return ledger


def clock() -> datetime:
    """Ahead of the systems' own, as clocks are."""
    return datetime.now(UTC) + timedelta(hours=1)


def approved(ledger: Ledger, action: str, **asked: Any) -> Proposal:
    """The proposal, shown to two and approved."""
    found = ledger.propose(
        action=action, parameters=asked, requester=Person(id="asks"), origins=dict.fromkeys(asked, "question")
    )
    assert isinstance(found, Proposal), found
    for head in ("two", "three"):
        found = ledger.approve(found.id, Person(id=head), found.digest, "cli")
    assert found.state is State.APPROVED
    return found


def carried_out(ledger: Ledger) -> tuple[State, str]:
    """How the one proposal that is due stands now, and why."""
    [step] = ledger.execute_due()
    return step.state, step.detail


def read_in(ledger: Ledger, connector: Connector) -> None:
    """What the system has to tell is remembered, all of it."""
    assert asyncio.run(catch_up(ledger.memory, connector)).dead == ()
