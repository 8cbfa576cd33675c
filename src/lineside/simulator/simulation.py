"""One plant, one month: what its systems said by any moment, its plant file, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from lineside.plant.records import Json
from lineside.simulator.facts import Fact
from lineside.simulator.hours import ANCHOR
from lineside.simulator.plant_file import plant_toml
from lineside.simulator.stories import Stories, tell
from lineside.simulator.truth import truth
from lineside.simulator.world import World


class Simulation:
    """Pure: the same seed, days, anchor and upset always give the same bytes.

    anchor: aware; the demo's first now. upset: with stock and feeds astray that the demo leaves out.
    """

    def __init__(self, seed: int = 1, days: int = 30, anchor: datetime = ANCHOR, *, upset: bool = False) -> None:
        self.world = World(seed=seed, days=days, anchor=anchor, upset=upset)

    @property
    def now(self) -> datetime:
        """The anchor, in UTC."""
        return self.world.now

    @cached_property
    def stories(self) -> Stories:
        return tell(self.world)

    def facts(self, *, after: datetime | None = None, until: datetime | None = None) -> Iterator[Fact]:
        """What was said after `after` and by `until` (default: the anchor), in the order in which it was said."""
        limit = until or self.now
        for fact in self.stories.facts:
            if (after is None or fact.said_at > after) and fact.said_at <= limit:
                yield fact

    def open_records(self, *, until: datetime | None = None) -> Iterator[dict[str, Json]]:
        """The history as CloudEvents, for tests and evals that need no protocols."""
        return (fact.cloud_event() for fact in self.facts(until=until))

    def plant_toml(self) -> str:
        return plant_toml(self.world)

    def truth(self) -> dict[str, Json]:
        """What is so at the anchor, with the ids of the records that prove it."""
        return truth(self.world, self.stories)
