"""The coatings works under its group's pack: the same records, read as that group reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from lineside.agent.looking import look, readable
from lineside.app import Lineside, open_lineside, read_plant
from lineside.interpretation.entity_states import shared_state
from lineside.interpretation.pack_files import under
from lineside.packs.installing import Installed, install
from lineside.plant.entities import Entity
from lineside.plant.packs import CORE
from lineside.serve.importing import import_file

EVALS = Path(__file__).parents[2] / "evals"
NOW = datetime.fromisoformat("2026-04-08T14:20:00+10:00")
BEFORE_THE_LAB = datetime.fromisoformat("2026-04-08T08:00:00+10:00")
BATCH = Entity("lot", "BATCH 7/23")
LIDDER = Entity("equipment", "wattle/filling/filler-2/lidder")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wattle")
    (folder / "plant.toml").write_text((EVALS / "plants/wattle/plant.toml").read_text("utf-8"), encoding="utf-8")
    lineside = open_lineside(folder)
    import_file(lineside, EVALS / "plants/wattle/records.jsonl", quiet=True)
    lineside.close()
    return folder


@pytest.fixture(scope="module")
def reports(home: Path) -> list[Installed]:
    """What installing the group's pack and the works' own told, once the plant file names the latter."""
    lineside, plant = open_lineside(home), home / "plant.toml"
    found = [install(home, read_plant(home), EVALS / "packs/coatings", view=lambda: lineside.memory.view(as_of=NOW))]
    plant.write_text(f'pack = "wattle-works"\n{plant.read_text("utf-8")}', encoding="utf-8")
    found.append(install(home, read_plant(home), EVALS / "packs/wattle-works", view=lineside.memory.view))
    lineside.close()
    return found


@pytest.fixture
def works(home: Path, reports: list[Installed]) -> Iterator[Lineside]:
    lineside = open_lineside(home)
    yield lineside
    lineside.close()


def stands(lineside: Lineside, thing: Entity, at: datetime, *, by_packs: bool) -> str | None:
    view = lineside.memory.view(as_of=at)
    packs = lineside.plant.packs if by_packs else CORE
    with under(packs):
        return shared_state(replace(view, plant=replace(view.plant, packs=packs), kept={}), thing).state


def test_a_batch_is_not_free_before_the_lab_has_passed_it(works):
    assert stands(works, BATCH, BEFORE_THE_LAB, by_packs=False) == "released"
    assert stands(works, BATCH, BEFORE_THE_LAB, by_packs=True) == "blocked"
    assert stands(works, BATCH, NOW, by_packs=True) == "released", "the lab passed it at 08:20"


def test_a_machine_with_a_released_repair_order_is_locked_out_and_the_report_said_so(works, reports):
    assert stands(works, LIDDER, NOW, by_packs=False) == "in_progress"
    assert stands(works, LIDDER, NOW, by_packs=True) == "blocked"
    assert [(e.kind, e.before, e.after, e.count) for e in reports[0].effects] == [
        ("equipment", "in_progress", "blocked", 1)
    ]
    assert LIDDER.id in reports[0].effects[0].examples[0][0]
    assert "no site" in reports[0].notes[-1].casefold()
    assert reports[1].sites == ("wattle",)


def test_an_answer_is_read_by_the_packs_without_a_word_about_them(works):
    told = look(works.memory, readable("state"), {"entity": [str(LIDDER)]}, at=NOW, person=None)
    text = str(told.answer.to_json()["answer"])
    assert "locked out" in text
    assert "MO 77-4" in text


def test_a_second_works_is_a_plant_file_and_a_pack(tmp_path):
    (tmp_path / "plant.toml").write_text('site = "hume"\ntime_zone = "Australia/Melbourne"\npack = "coatings"\n')
    install(tmp_path, read_plant(tmp_path), EVALS / "packs/coatings")
    (tmp_path / "records.jsonl").write_text(
        '{"specversion": "1.0", "id": "1", "source": "mix", "type": "lineside.report", "time": '
        '"2026-05-04T08:00:00+10:00", "data": {"entity": "lot:H-9", "properties": {"quality_status": "ok", '
        '"job_order": "77", "quantity": {"value": 400, "unit": "L"}}}}\n'
    )
    hume = open_lineside(tmp_path)
    import_file(hume, tmp_path / "records.jsonl", quiet=True)
    at = datetime.fromisoformat("2026-05-04T09:00:00+10:00")
    assert stands(hume, Entity("lot", "H-9"), at, by_packs=True) == "blocked"
    hume.close()
