"""Who carries approved actions out: one executor at a time, wherever it runs, known to all by its lease."""

from __future__ import annotations

from lineside.actions.execute import UNSETTLED
from lineside.actions.ledger import Ledger
from lineside.actions.proposal import State
from lineside.memory import Memory, leases

NAME = "lineside/executor"
# Longer than a pass takes as a rule. One that takes longer is overtaken, which the fence of each execution bears.
LEASE_S = 120.0


class AtWork:
    """This process, as long as the lease is its own."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._holder = memory, leases.new_holder()

    def mine(self) -> bool:
        """Whether no other executor is at work; the lease is then prolonged."""
        with self._memory.write() as connection:
            return leases.take(connection, NAME, self._holder, LEASE_S)

    def leave(self) -> None:
        """Another one may begin at once."""
        with self._memory.write() as connection:
            leases.release(connection, [self._holder])


def at_work(memory: Memory) -> str:
    """The executor that lives, as an operator would know it; empty where none does."""
    with memory.read() as connection:
        found = leases.holding(connection, NAME)
    return "" if found is None else found[0]


def waiting(ledger: Ledger) -> int:
    """How many proposals an executor has something to do with, now or soon."""
    return len(ledger.list(states=(State.APPROVED, State.EXECUTED, *UNSETTLED)))
