"""What recall finds, and what it must not: near ids, unrelated questions, what was taken back or is not permitted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.memory import Reader
from lineside.memory.index import VectorIndex
from lineside.memory.words import QUOTE_LIMIT, render
from lineside.plant.entities import Entity
from lineside.plant.plant import Person
from lineside.plant.windows import Window

CASES = json.loads(Path(__file__).with_name("recall_cases.json").read_text(encoding="utf-8"))
START = datetime(2026, 11, 20, tzinfo=UTC)


def note(note_id: str, text: str, hour: int = 6, **more: Any) -> dict[str, Any]:
    source = more.pop("source", "notes")
    time = (START + timedelta(hours=hour)).isoformat()
    return {"id": note_id, "source": source, "type": "lineside.note", "time": time, "data": {"text": text, **more}}


def found(memory: Any, question: str, **filters: Any) -> list[str]:
    view = filters.pop("view", memory.view())
    return [each.record.provenance.source_id for each in memory.recall(question, view=view, **filters).evidence]


@pytest.fixture
def plants(remembered):
    """A memory for each plant of the cases."""
    made = {}
    for name, rows in CASES["notes"]:
        events = [
            note(note_id, text, hour, author=author, **({"equipment": equipment} if equipment else {}))
            for hour, (note_id, author, equipment, text) in enumerate(rows)
        ]
        made[name] = remembered(events, plant=f'site = "{name}"\ntime_zone = "Europe/Berlin"\n')
        assert made[name].index_pending() == len(rows)
    return made


def test_related_questions_find_their_note_and_unrelated_ones_nothing(plants):
    ranks = [found(plants[name], question) for name, question, _ in CASES["related"]]
    wanted = [each for _, _, each in CASES["related"]]
    first = sum(rank[:1] == [each] for rank, each in zip(ranks, wanted, strict=True))
    among_five = sum(each in rank[:5] for rank, each in zip(ranks, wanted, strict=True))
    answered = [(name, each) for each in CASES["unrelated"] for name in plants if found(plants[name], each)]

    assert (first >= 27, among_five >= 30, len(answered) <= 4) == (True, True, True), (first, among_five, answered)


def test_near_ids_are_told_apart(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(
        memory,
        [
            note("1", "SO-1042 is missing its certificate."),
            note("2", "SO-1024 is missing its certificate."),
            note("3", "SO-10420 is missing its certificate."),
        ],
    )

    best = memory.recall("What is SO-1042 waiting for?", view=memory.view()).evidence

    assert [each.record.provenance.source_id for each in best] == ["1"]
    assert "names so-1042" in best[0].why
    assert found(memory, "missing certificate", entities=[Entity("sales_order", "SO-1024")])[0] == "2"


def test_words_alone_find_german_and_accented_notes_on_both_databases(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(
        memory,
        [
            note("1", "Störung am Einlauf, Größe 0,5 läuft wieder."),
            note("2", "Palette für den Kunden fertig gepackt."),
            note("3", "The infeed jammed twice before lunch."),
        ],
    )

    assert found(memory, "Was war die STÖRUNG am Einlauf?") == ["1"]
    assert found(memory, "grosse 0,5")[:1] == ["1"]
    assert found(memory, "why did the infeed jam?") == ["3"]
    assert memory.recall("jam", view=memory.view()).channels == {
        "words": "used",
        "meaning": "off: no index folder is set",
    }


def test_what_was_taken_back_or_is_forbidden_or_unknown_then_is_never_recalled(remembered):
    person = Person(id="near", roles=("planner",), sites=("northfield",))
    plant = 'site = "northfield"\ntime_zone = "UTC"\n[[sources]]\nname = "hr"\nreaders = ["hr"]\n'
    events = [
        note("1", "The capper torque was set to 12.", 6),
        note("2", "The capper torque was set to 14.", 7, equipment="southfield/packing/line-1"),
        note("3", "The capper torque was set to 16.", 8, source="hr"),
        note("4", "The capper torque was set to 18.", 9),
        {**note("5", "", 10), "type": "lineside.deletion", "data": {"of": "4", "reason": "wrong machine"}},
    ]
    memory = remembered(events, plant=plant)
    memory.index_pending()
    question = "What was the capper torque set to?"

    def sees(hour: int, reader: Reader) -> list[str]:
        return sorted(found(memory, question, view=memory.view(as_of=START + timedelta(hours=hour), reader=reader)))

    assert sees(12, Reader()) == ["1", "2", "3"]
    assert sees(9, Reader()) == ["1", "2", "3", "4"]
    assert sees(12, Reader(person)) == ["1"]
    assert sees(5, Reader()) == []


def test_filters_hold_and_are_told(remembered):
    plant = """
    site = "northfield"
    time_zone = "UTC"
    [[equipment]]
    id = "northfield/packing/line-3/filler"
    name = "Filler 3"
    [[equipment]]
    id = "northfield/packing/line-4/filler"
    name = "Filler 4"
    """
    memory = remembered(
        [
            note("1", "The filler leaked at valve 9.", 6, equipment="northfield/packing/line-3/filler"),
            note("2", "The filler leaked at valve 8.", 7, equipment="northfield/packing/line-4/filler"),
            note("3", "Filler 3 leaked again.", 8),
            note("4", "Filler 4 leaked again.", 9),
        ],
        plant=plant,
    )
    window = Window(start=START + timedelta(hours=7), end=START + timedelta(hours=9))

    assert sorted(found(memory, "leaked", at="northfield/packing/line-3")) == ["1", "3"]
    assert sorted(found(memory, "leaked", within=window)) == ["2", "3"]
    assert found(memory, "leaked", types=["decision"]) == []
    recollection = memory.recall("leaked", view=memory.view(), at="northfield/packing/line-3", within=window)
    assert set(recollection.filters) == {"at", "within"}
    assert found(memory, "what leaked at Filler 4?")[0] in {"2", "4"}


def test_every_quote_is_verbatim_and_holds_what_was_asked_for(remembered):
    long = "All quiet until noon. " * 40 + "Then lot CH-24-9 was blocked for glass. " + "Nothing else to tell. " * 40
    memory = remembered([note("1", long)])

    (evidence,) = memory.recall("why is CH-24-9 blocked?", view=memory.view()).evidence

    assert evidence.quote in render(evidence.record)
    assert "CH-24-9 was blocked for glass" in evidence.quote
    assert len(evidence.quote) <= QUOTE_LIMIT
    assert 0 < evidence.score <= 1


def test_the_same_text_twice_is_shown_once(remembered):
    memory = remembered([note("1", "Pump P-14 is noisy."), note("2", "Pump P-14 is noisy!", 7)])

    assert len(found(memory, "noisy pump")) == 1


def test_a_broken_index_leaves_the_words_and_says_so(remembered):
    memory = remembered([note("1", "Pump P-14 is noisy.")])
    memory.index_pending()
    memory.index.close()
    for path in memory.index.folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"not a database" * 50)

    recollection = memory.recall("noisy pump", view=memory.view())

    assert [each.record.provenance.source_id for each in recollection.evidence] == ["1"]
    assert recollection.channels["meaning"].startswith("off: the vector index can't be used")
    memory.index.clear()
    assert memory.index_pending() == 1
    assert memory.recall("noisy pump", view=memory.view()).channels["meaning"] == "used"


def test_the_index_keeps_its_own_position_and_can_be_lost(remembered, feed):
    memory = remembered([note("1", "Pump P-14 is noisy.")])
    assert (memory.index_lag(), memory.index_pending(), memory.index_lag()) == (1, 1, 0)
    feed(memory, [note("2", "Valve V-3 sticks.")])
    assert (memory.index_lag(), memory.index_pending(), memory.index_pending()) == (1, 1, 0)

    memory.index.clear()

    assert (memory.index_lag(), memory.index_pending()) == (2, 2)


INDEXER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo
from lineside.memory import Memory
from lineside.plant.plant import Plant
plant = Plant(site="northfield", time_zone=ZoneInfo("UTC"))
memory = Memory.open(sys.argv[1], index_dir=Path(sys.argv[2]), plant=plant, clock=lambda: datetime.now(UTC))
print("ready", flush=True)
memory.index_pending()
memory.close()
"""


def test_a_killed_indexer_loses_no_vector(remembered):
    memory = remembered([note(str(each), f"Note {each} about valve V-{each}.") for each in range(700)])
    url, folder = memory.database.url, memory.index.folder
    for attempt in range(3):
        command = [sys.executable, "-c", INDEXER, url, str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=random.Random(attempt).uniform(0.5, 2.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    memory.index_pending()

    ids = list(range(1, 701))
    (vector,) = memory.index.embedder.embed(["valve"])
    assert sorted(memory.index.closeness(vector, ids)) == ids
    assert memory.index_lag() == 0


def test_a_reader_in_another_process_sees_what_the_writer_indexed(remembered):
    memory = remembered([note("1", "Pump P-14 is noisy.")])
    memory.index_pending()
    reader = VectorIndex(memory.index.folder, memory.database, memory.index.embedder)
    (vector,) = memory.index.embedder.embed(["loud machine"])

    assert list(reader.closeness(vector, [1])) == [1]
    assert reader.near(vector, 3) == [1]
