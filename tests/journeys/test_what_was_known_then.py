"""`--at` answers with what the sources had said by then, whenever we were told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.journeys.conftest import SAWMILL, ask, cited, event, lineside, write

COUNT = {"entity": "lot:PK-310", "properties": {"quantity": {"value": 420, "unit": "ea"}}}
RECOUNT = {"entity": "lot:PK-310", "properties": {"quantity": {"value": 402, "unit": "ea"}}}
KILN = "harrow-creek/drying/kiln-2"
EVENTS: list[dict[str, Any]] = [
    event("c-1", "report", "2026-05-06T06:00:00-07:00", COUNT, "lims"),
    event("c-2", "correction", "2026-05-06T08:00:00-07:00",
          {"corrects": "c-1", "reason": "counted again", "replacement": RECOUNT}, "lims"),
    event("a-1", "event", "2026-05-06T02:00:00-07:00", {"kind": "alarm", "equipment": KILN, "text": "Fan overload 77"},
          "plc", reportedat="2026-05-06T09:00:00-07:00"),
    event("n-1", "note", "2026-05-06T05:00:00-07:00", {"text": "Vent 4 of Kiln 2 is jammed", "equipment": KILN},
          "kilnlog"),
    event("n-2", "deletion", "2026-05-06T08:30:00-07:00", {"of": "n-1", "reason": "wrong kiln"}, "kilnlog"),
]  # fmt: skip


@pytest.fixture(scope="module", params=["as it happened", "backwards"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The order in which we are told must not matter."""
    home = tmp_path_factory.mktemp("then")
    (home / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    events = EVENTS if request.param == "as it happened" else EVENTS[::-1]
    ran = lineside("--home", home, "import", write(home / "e.jsonl", events))
    assert ran.code == 0, ran.err
    return home


def test_a_correction_acts_from_when_it_was_said(home: Path) -> None:
    before = ask(home, "What is the quantity of lot PK-310?", "2026-05-06 07:00")
    after = ask(home, "What is the quantity of lot PK-310?", "2026-05-06 08:15")

    assert ("420" in before["answer"], "402" in before["answer"], cited(before)) == (True, False, {"c-1"})
    assert "402" in after["answer"]
    assert "c-2" in cited(after)


def test_late_data_is_not_known_before_it_is_reported(home: Path) -> None:
    before = ask(home, "What alarms were there last night?", "2026-05-06 08:15")
    after = ask(home, "What alarms were there last night?", "2026-05-06 09:15")

    assert ("77" in before["answer"], "a-1" in cited(before)) == (False, False)
    assert ("77" in after["answer"], "a-1" in cited(after)) == (True, True)
    assert before["window"]["from"] == after["window"]["from"] == "2026-05-05T18:00:00-07:00"


def test_a_deleted_note_is_quoted_until_it_is_deleted_and_never_after(home: Path) -> None:
    question = "What do the notes say about vent 4?"
    before = ask(home, question, "2026-05-06 08:15")
    after = ask(home, question, "2026-05-06 08:45")

    assert ("jammed" in before["answer"], "n-1" in cited(before)) == (True, True)
    assert "jammed" not in str(after)
    assert "n-1" not in cited(after)


def test_nothing_is_known_before_anything_was_said(home: Path) -> None:
    answer = ask(home, "What is the quantity of lot PK-310?", "2026-05-05 07:00")

    assert answer["abstained"]
    assert answer["citations"] == []
