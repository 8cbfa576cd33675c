"""Cases kept current while the product runs: soon after what could matter was remembered, and whole now and then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from lineside.app import Lineside
from lineside.cases import run
from lineside.cases.news import News
from lineside.memory import leases

PAUSE_S = 0.1
WHOLE_S = 60.0
"""How often everything is looked at: clocks, papers, promises and stock change with time alone."""
SOON = timedelta(days=1)
NAME = "lineside/cases"
"""What the lease is on: no two processes look at the same time."""
_SHARE = 10  # a whole look may take a tenth of the time


class CaseWatch:
    """One looks at a time, in whatever process; another takes over when this one ends or is killed.

    passed: the seconds that went by, of any beginning; whole_s: of these between two whole looks.
    """

    def __init__(
        self, lineside: Lineside, *, passed: Callable[[], float] = monotonic, whole_s: float = WHOLE_S
    ) -> None:
        self.memory = lineside.memory
        self._passed, self._whole_s = passed, whole_s
        self.holder = leases.new_holder()
        self.news = News(self.memory)
        self._mine_until = self._whole_at = 0.0

    def step(self) -> bool:
        """What the last moments brought is in the ledger; False, since nothing more waits."""
        if not self._mine():
            return False
        began = self._passed()
        detectors = self.news.fresh()
        if began >= self._whole_at:
            run(self.memory)
            ended = self._passed()
            self._whole_at = ended + max(self._whole_s, _SHARE * (ended - began))
        elif detectors:
            run(self.memory, detectors=detectors, look_back=SOON)
        return False

    def leave(self) -> None:
        """Whoever comes next may look at once."""
        with self.memory.write() as connection:
            leases.release(connection, [self.holder])

    def _mine(self) -> bool:
        now = monotonic()
        if now < self._mine_until:
            return True
        with self.memory.write() as connection:
            taken = leases.take(connection, NAME, self.holder, leases.LEASE_S)
        self._mine_until = now + leases.LEASE_S / 3 if taken else 0.0
        return taken
