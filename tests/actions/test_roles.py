"""On PostgreSQL, with the grants that the README gives: each of the two roles can do its own part, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from tests.actions.conftest import HEADS, KEY, PLANNER, PLANT, QUALITY, Clock, Desk, Qms

from lineside.actions import Ledger, State
from lineside.errors import LinesideError
from lineside.memory import Memory
from lineside.plant.plant_file import parse_plant

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
(GRANTS,) = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
SERVE, EXECUTOR = "lineside_serve", "lineside_executor"
pytestmark = pytest.mark.postgres


@pytest.fixture
def owned(postgres_server: Callable[[], str], desk_over: Callable[..., Desk], qms: Qms) -> Iterator[Desk]:
    """A ledger of the tables' owner, after whom the two roles come."""
    built = desk_over(postgres_server(), targets=[qms.target()])
    with built.memory.engine.begin() as connection:
        connection.execute(text(GRANTS))
    yield built
    with built.memory.engine.begin() as connection:
        for role in (SERVE, EXECUTOR):
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


@pytest.fixture
def ledger_of(owned: Desk, qms: Qms) -> Iterator[Callable[[str], Ledger]]:
    """The ledger as a process sees it that signs in with the role; both tell the same time."""
    opened: list[Memory] = []

    def build(role: str) -> Ledger:
        url = make_url(owned.memory.database.url).set(username=role).render_as_string(hide_password=False)
        clock: Clock = owned.clock
        memory = Memory.open(url, index_dir=None, plant=parse_plant(PLANT), clock=clock, migrate=True)
        opened.append(memory)
        return Ledger(memory, owned.ledger.policy, clock, KEY, targets=[qms.target()])

    yield build
    for memory in opened:
        memory.close()


def asked(ledger: Ledger) -> Any:
    parameters = {"lot": "A-1", "reason": "it smells of solvent"}
    return ledger.propose(
        action="hold_lot", parameters=parameters, requester=PLANNER, origins=dict.fromkeys(parameters, "question")
    )


def refused(engine: Engine, statement: str) -> bool:
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        return "permission denied" in str(error.orig) or "row-level security" in str(error.orig)
    return False


def test_each_role_does_its_part_of_an_action(owned: Desk, ledger_of: Callable[[str], Ledger], qms: Qms) -> None:
    serve, executor = ledger_of(SERVE), ledger_of(EXECUTOR)

    proposal = asked(serve)
    serve.approve(proposal.id, QUALITY, proposal.digest, "cli")
    [step] = executor.execute_due()
    owned.clock.advance(minutes=5)
    owned.tell_of_hold(proposal=proposal.id)
    [verified] = executor.verify_due()

    assert (step.state, verified.state, len(qms.placed)) == (State.EXECUTED, State.VERIFIED, 1)
    assert len(executor.memory.view().decisions()) == 1
    serve.stop("lab", "head-1", "enough")
    for head in HEADS:
        serve.arm("lab", head, "again")
    assert serve.audit_verify(serve.export_head()).ok


def test_the_role_of_serve_can_carry_nothing_out(ledger_of: Callable[[str], Ledger], qms: Qms) -> None:
    serve = ledger_of(SERVE)
    proposal = asked(serve)
    serve.approve(proposal.id, QUALITY, proposal.digest, "cli")

    with pytest.raises((ProgrammingError, LinesideError)):
        serve.execute_due()

    assert qms.placed == []
    assert serve.show(proposal.id).state is State.APPROVED
    engine = serve.memory.engine
    assert refused(engine, "UPDATE proposals SET state = 'executing'")
    assert refused(engine, "UPDATE proposals SET state = 'verified'")
    assert refused(engine, "UPDATE approvals SET used_at = NULL")
    assert refused(engine, "DELETE FROM executions")
    assert refused(engine, "DELETE FROM audit_entries")
    assert refused(engine, "UPDATE alembic_version SET version_num = 'm0001'")


def test_the_role_of_the_executor_can_neither_ask_nor_approve_nor_arm(ledger_of: Callable[[str], Ledger]) -> None:
    proposal, executor = asked(ledger_of(SERVE)), ledger_of(EXECUTOR)

    with pytest.raises((ProgrammingError, LinesideError)):
        executor.approve(proposal.id, QUALITY, proposal.digest, "cli")
    with pytest.raises((ProgrammingError, LinesideError)):
        executor.stop("lab", "head-1", "")

    assert executor.show(proposal.id).state is State.PENDING
    engine = executor.memory.engine
    assert refused(engine, "UPDATE proposals SET state = 'approved'")
    assert refused(engine, "UPDATE switches SET armed_for = 'anything'")
    assert refused(engine, "DELETE FROM delegations")
    assert refused(engine, "DELETE FROM approvals")
