"""Every tool of interpretation on one plant's fortnight, told in other ways that must not change what it answers.

As of the past, in any order of arrival, with late data, a silent source, a correction in between and records that have
nothing to do with it. What differs is listed for all tools at once. A source all of whose records come late is, until
they come, a silent one.
"""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import message_of, translate
from tests.journeys.askings import READS, Asking, Told, ask, askings

from lineside.connector import Batch
from lineside.memory import Memory, SourceState, View
from lineside.plant.plant import Plant
from lineside.plant.plant_file import parse_plant
from lineside.simulator.simulation import Simulation

SEED, DAYS = 1, 14
CloudEvent = Mapping[str, Any]
# What these are about is the stream of records itself, so that any record changes what they tell.
OF_THE_STREAM = {"changes", "interfaces", "feed_changes"}


class Story:
    """What the sources of the demo plant said in a fortnight, and memories that were told it in one way or another."""

    def __init__(self, folder: Path) -> None:
        simulation = Simulation(SEED, DAYS)
        self.plant: Plant = parse_plant(simulation.plant_toml())
        self.now = simulation.now
        self.events: list[CloudEvent] = sorted(simulation.open_records(until=self.now), key=self.said)
        self._folder, self._opened = folder, list[Memory]()

    def said(self, event: CloudEvent) -> datetime:
        """When the source said it, by the plant's clock."""
        skew = timedelta(seconds=self.plant.source(event["source"]).clock_offset_s)
        return datetime.fromisoformat(event.get("reportedat", event["time"])) + skew

    def between(self, start: timedelta, end: timedelta = timedelta()) -> list[CloudEvent]:
        """What was said after `start` and by `end` before the end of the story."""
        return [event for event in self.events if self.now - start < self.said(event) <= self.now - end]

    def memory(self, name: str, events: Iterable[CloudEvent] = (), *, like: str = "") -> Memory:
        """A memory of its own that was told these, in this order. like: after all that this one was told by then."""
        file = self._folder / f"{name}.db"
        if like:
            shutil.copy(self._folder / f"{like}.db", file)
        memory = Memory.open(
            f"sqlite:///{file}", index_dir=None, plant=self.plant, clock=lambda: self.now, migrate=True
        )
        self._opened.append(memory)
        self.tell(memory, events)
        return memory

    def tell(self, memory: Memory, events: Iterable[CloudEvent]) -> None:
        batch = Batch(messages=[message_of(each, received_at=self.now) for each in events])
        assert memory.remember(batch, source="tests", translate=translate).dead == ()

    def keep(self, memory: Memory, name: str) -> None:
        """What the memory was told so far can be had again by that name."""
        target = self._folder / f"{name}.db"
        assert memory.engine.url.database is not None
        with closing(sqlite3.connect(memory.engine.url.database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))

    def close(self) -> None:
        for each in self._opened:
            each.close()

    @cached_property
    def last_said(self) -> dict[str, datetime]:
        """When each source spoke last."""
        return {event["source"]: self.said(event) for event in self.events}


YESTERDAY, LATELY, BEFORE, THEN = timedelta(hours=29.6), timedelta(hours=6), timedelta(days=3), timedelta(hours=11)


@dataclass(frozen=True)
class Punctual:
    """The memory that was told everything as it was said, with what it answered on the way and answers in the end."""

    story: Story
    memory: Memory
    yesterday: Mapping[Asking, Told]

    @cached_property
    def view(self) -> View:
        return self.memory.view(as_of=self.story.now)

    @cached_property
    def now(self) -> dict[Asking, Told]:
        return {each: ask(self.memory, self.view, each) for each in askings(self.view, seed=SEED)}


@pytest.fixture(scope="module")
def punctual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Punctual]:
    story = Story(tmp_path_factory.mktemp("over-time"))
    memory = story.memory("punctual", story.between(timedelta(days=99), BEFORE))
    story.keep(memory, "before")
    story.tell(memory, story.between(BEFORE, YESTERDAY))
    view = memory.view(as_of=story.now - YESTERDAY)
    yesterday = {each: ask(memory, view, each) for each in askings(view, seed=SEED, plain=False)}
    story.tell(memory, story.between(YESTERDAY, LATELY))
    story.keep(memory, "lately")
    story.tell(memory, story.between(LATELY))
    story.keep(memory, "whole")
    yield Punctual(story, memory, yesterday)
    story.close()


def differences(expected: Mapping[Asking, Told], memory: Memory, as_of: datetime, *, cites: bool = True) -> list[str]:
    """Where this memory answers otherwise, sentence by sentence. cites: and where the same sentence cites others."""
    view = memory.view(as_of=as_of)
    found = []
    for asking, told in expected.items():
        other = ask(memory, view, asking)
        if lines := told.differences(other) if cites else told.bare().differences(other.bare()):
            found.append("\n".join((str(asking), *lines)))
    return found


def without(told: Mapping[Asking, Told], *tools: str) -> dict[Asking, Told]:
    return {asking: each for asking, each in told.items() if asking.tool not in tools}


def test_every_tool_that_reads_is_asked_and_finds_something_to_tell(punctual):
    assert sorted(each.tool for each in punctual.now) == READS
    # Nobody was told anything here before, and nothing waits for anybody: there is no ledger.
    silent = {asking.tool for asking, told in punctual.now.items() if not told.findings}
    assert silent <= {
        "waiting",
        "recalled",
        "rush_order",
        "last_count",
        "revisions",
        "contradictions",
        "bound_to",
        "ranking",
    }
    assert not [told.verdict for told in punctual.now.values() if told.verdict.startswith("refused")]


def test_as_of_the_past_answers_as_if_nothing_had_been_said_since(punctual):
    assert differences(punctual.yesterday, punctual.memory, punctual.story.now - YESTERDAY) == []


def test_the_order_in_which_records_arrive_changes_no_answer(punctual):
    story = punctual.story
    shuffled = list(story.events)
    random.Random(SEED).shuffle(shuffled)

    assert differences(punctual.now, story.memory("shuffled", shuffled), story.now) == []


def test_late_data_is_answered_by_as_if_it_had_come_in_time_once_it_has_come(punctual):
    story = punctual.story
    told = late(story, story.between(BEFORE), random.Random(SEED))
    memory = story.memory("late", told, like="before")

    # What changed since a moment is told by what was known at that moment. Of two records of one source that say the
    # same of the same moment the one reported last is cited.
    assert differences(without(punctual.now, "changes"), memory, story.now, cites=False) == []


def late(story: Story, events: Sequence[CloudEvent], rng: random.Random) -> list[CloudEvent]:
    """A tenth of the events said hours after they were; none after its source's last word, which stays the last."""
    found: list[CloudEvent] = []
    for event in events:
        moved = datetime.fromisoformat(event.get("reportedat", event["time"])) + timedelta(hours=rng.uniform(2, 8))
        delayed = {**event, "reportedat": moved.isoformat()}
        is_late = rng.random() < 0.1 and story.said(delayed) < story.last_said[event["source"]]
        found.append(delayed if is_late and not takes_back(event) else event)
    assert sum(1 for one, other in zip(events, found, strict=True) if one is not other) > 50
    return found


@pytest.mark.parametrize("source", ["erp", "mes", "wms", "qms", "scada"])
def test_a_silent_source_is_told_with_what_rests_on_it_and_with_what_it_left_unfound(punctual, source):
    story = punctual.story
    heard = [event for event in story.between(LATELY) if event["source"] != source]
    memory = story.memory(f"without-{source}", heard, like="lately")
    view = memory.view(as_of=story.now)
    (health,) = view.freshness([source])
    chosen = random.Random(source).sample(sorted(punctual.now, key=str), 18)

    assert health.state is not SourceState.LIVE
    told = {asking: ask(memory, view, asking) for asking in chosen}
    resting = {asking: each for asking, each in told.items() if rests_on(each, source, view)}
    assert [f"{asking}: {each.verdict}" for asking, each in resting.items() if not tells_of(each, source)] == []


def rests_on(told: Told, source: str, view: View) -> bool:
    """Whether the reading cites the source, or found nothing that anybody says."""
    cited = view.records(each for each in told.cites() if each.startswith("r-"))
    return not cited or any(each.provenance.source == source for each in cited.values())


def tells_of(told: Told, source: str) -> bool:
    """Whether a sentence names the source and calls it late or silent."""
    name = rf"(?<![\w-]){source}(?![\w-])"
    pattern = re.compile(rf"{name}.*\b(late|silent)\b|\b(late|silent)\b.*{name}")
    return any(pattern.search(sentence) for sentence in told.sentences())


def test_a_correction_in_between_is_answered_by_from_when_it_was_said_and_not_before(punctual):
    story = punctual.story
    told = mistold(story, story.between(BEFORE), random.Random(SEED))
    memory = story.memory("mended", told, like="before")
    then = story.now - THEN
    unmended = story.memory("unmended", [each for each in told if story.said(each) <= then], like="before")
    view, right = unmended.view(as_of=then), punctual.memory.view(as_of=then)
    old = {each: ask(unmended, view, each) for each in askings(view, seed=SEED, tools=READS[::2])}

    assert differences(without(punctual.now, *OF_THE_STREAM), memory, story.now, cites=False) == []
    assert differences(old, memory, then) == []
    # What was wrong then did show.
    assert any(each.differences(ask(punctual.memory, right, asking)) for asking, each in old.items())


def mistold(story: Story, events: Sequence[CloudEvent], rng: random.Random) -> list[CloudEvent]:
    """The events, some of them first told wrongly and corrected by their source within hours."""
    mended = {event["data"].get("corrects") or event["data"].get("of") for event in story.events if takes_back(event)}
    found, wrongly = list[CloudEvent](), 0
    for event in events:
        moment = story.said(event) + timedelta(hours=rng.uniform(0.5, 4))
        wrong = None
        if rng.random() < 0.08 and event["id"] not in mended and not takes_back(event):
            wrong = spoilt(event)
        if wrong is None or moment + timedelta(minutes=9) > story.last_said[event["source"]]:
            found.append(event)
            continue
        source, own_id, at = event["source"], f"mend-{event['id']}", moment.isoformat()
        data = {"corrects": event["id"], "reason": "typed wrongly", "replacement": event["data"]}
        found += [wrong, {"specversion": "1.0", "id": own_id, "source": source, "type": "lineside.correction",
                          "time": at, "reportedat": at, "data": data}]  # fmt: skip
        wrongly += 1
    assert wrongly > 50
    return sorted(found, key=story.said)


def spoilt(event: CloudEvent) -> CloudEvent | None:
    """The event with another quantity, state, time or reason; None where it has none."""
    data = event["data"]
    where = {"lineside.report": "properties", "lineside.event": "attributes"}.get(event["type"])
    for name, value in data.get(where, {}).items() if where else ():
        other: Any = None
        if name in ("quantity", "quantity_good", "quantity_scrap"):
            other = {**value, "value": 2 * float(value["value"]) + 7} if isinstance(value, dict) else 2 * value + 7
        elif name == "quality_status":
            other = "inspection" if value != "inspection" else "unrestricted"
        elif name == "status" and data.get("entity", "").startswith("job_order:"):
            other = "planned" if value != "planned" else "in_progress"
        elif name == "reason" and event["type"] == "lineside.event":
            other = "the wrong field"
        elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT\d\d:", value):
            other = (datetime.fromisoformat(value) + timedelta(hours=5)).isoformat()
        if other is not None:
            return {**event, "data": {**data, where: {**data[where], name: other}}}
    return None


def takes_back(event: CloudEvent) -> bool:
    return event["type"] in ("lineside.correction", "lineside.deletion")


def test_what_has_nothing_to_do_with_it_changes_no_answer(punctual):
    story = punctual.story
    moment = (story.now - timedelta(hours=3)).isoformat()
    loom = "southfield/weaving/loom-9"
    beside = [
        ("notes", "note", {"text": "Quill 9 rattles again, oiled it.", "equipment": loom, "author": "weaver-1"}),
        ("mes", "event", {"kind": "stop", "equipment": loom, "attributes": {"reason": "warp tangled"}}),
        ("erp", "report", {"entity": "bolt_of_cloth:ZZ-4", "properties": {"girth": {"value": 7, "unit": "cubit"}}}),
    ]
    memory = story.memory("beside", like="whole", events=(
        {"specversion": "1.0", "id": f"beside-{number}", "source": source, "type": f"lineside.{kind}",
         "time": moment, "reportedat": moment, "data": data}
        for number, (source, kind, data) in enumerate(beside)
    ))  # fmt: skip

    # All events, asked for without a word on which, count these too.
    assert differences(without(punctual.now, *OF_THE_STREAM, "events"), memory, story.now) == []
