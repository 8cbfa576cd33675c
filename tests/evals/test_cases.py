"""The evals run, and what they score may rise and not fall."""

import tomllib
from pathlib import Path

import pytest
from evals.cases import PLANTS, score_plant, score_seed

FLOORS = tomllib.loads((PLANTS.parent / "floors.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("plant", sorted(path.parent.name for path in PLANTS.glob("*/questions.yaml")))
def test_a_plant_written_by_hand_is_answered_no_worse_than_before(plant: str) -> None:
    scored = score_plant(PLANTS / plant)

    wrong = [f"{one.case}: {'; '.join(one.wrong)}" for one in scored if one.wrong]
    assert len(scored) - len(wrong) >= FLOORS["plants"][plant], "\n".join(wrong)


def test_a_seed_of_the_demo_plant_is_answered_no_worse_than_before() -> None:
    scored = score_seed(int(FLOORS["seed"]["seed"]))

    wrong = [f"{one.case}: {'; '.join(one.wrong)}" for one in scored if one.wrong]
    assert len(scored) - len(wrong) >= FLOORS["seed"]["right"], "\n".join(wrong)


def test_a_wrong_answer_is_scored_as_wrong(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text('site = "here"\ntime_zone = "UTC"\n', encoding="utf-8")
    (tmp_path / "records.jsonl").write_text(
        '{"specversion":"1.0","id":"1","source":"a","type":"lineside.report","time":"2026-01-01T00:00:00Z",'
        '"data":{"entity":"lot:L-1","properties":{"quality_status":"blocked"}}}\n',
        encoding="utf-8",
    )
    (tmp_path / "questions.yaml").write_text(
        "now: 2026-01-01T01:00:00+00:00\nquestions:\n"
        "  - {id: right, ask: 'What is the status of lot L-1?', says: [blocked], cites: ['1']}\n"
        "  - {id: silent, ask: 'What is the status of lot L-1?', abstained: true}\n"
        "  - {id: other, ask: 'What is the status of lot L-1?', says: [released], cites: ['2']}\n",
        encoding="utf-8",
    )

    assert {one.case: bool(one.wrong) for one in score_plant(tmp_path)} == {
        "right": False,
        "silent": True,
        "other": True,
    }
