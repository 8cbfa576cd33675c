"""`lineside sources map` on a real database: shown, tried, proposed, replayed, accepted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.conftest import lineside

from lineside.app import open_lineside
from lineside.errors import BadSettings

FIRST = """
version = 1
owns = ["lot.quantity:book"]

[streams.stock]
key = "No"
scope = "book"

[streams.stock.mapping]
entity = "lot:{Lot}"
properties.quantity = { field = "Qty", type = "number" }
"""
SECOND = (
    FIRST.replace("version = 1", "version = 2").replace('type = "number"', 'unit = "{Unit}"')
    + 'properties.quality_status = { field = "Q", codes = "quality" }\n'
    + '[units]\nSt = "ea"\n[codes.quality]\nF = "unrestricted"\n'
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "wms.db")) as wms:
        wms.execute("CREATE TABLE stock (No INTEGER, Lot TEXT, Qty REAL, Unit TEXT, Q TEXT, Changed TEXT)")
        rows = [(n, f"L-{n}", 10 + n, "St", "F", f"2026-11-20 10:{n:02}:00") for n in range(30)]
        wms.executemany("INSERT INTO stock VALUES (?, ?, ?, ?, ?, ?)", rows)
        wms.commit()
    (tmp_path / "plant.toml").write_text('site = "northfield"\ntime_zone = "UTC"\n', encoding="utf-8")
    (tmp_path / "lineside.toml").write_text(
        '[[sources]]\nname = "wms"\nconnector = "sql_view"\n'
        f'options.url = "sqlite:///{tmp_path / "wms.db"}"\n'
        'options.views = [{ table = "stock", cursor = "Changed" }]\n',
        encoding="utf-8",
    )
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings/wms.toml").write_text(FIRST, encoding="utf-8")
    return tmp_path


def ran(home: Path, *words: object) -> Any:
    found = lineside("--home", home, "sources", "map", "wms", *words, "--json")
    assert found.code == 0, found
    return json.loads(found.out)


def test_the_mapping_in_force_is_shown_with_its_version_and_what_it_owns(home: Path) -> None:
    shown = ran(home)

    assert shown["version"].startswith("1~")
    assert shown["owns"] == ["lot.quantity:book"]
    assert [(each["field"], each["fact"]) for each in shown["streams"][0]["fields"]] == [
        ("Lot", "lot (entity)"), ("Qty", "lot.quantity"),
    ]  # fmt: skip
    assert "lot.quantity" in lineside("--home", home, "sources", "map", "wms").out


def test_a_preview_needs_nothing_kept_and_keeps_nothing(home: Path) -> None:
    (first, *_) = ran(home, "--preview", "--limit", 3)

    assert (first["outcome"], first["changed"]) == ("recorded", True)
    assert first["records"][0]["properties"] == {"quantity": 10}
    assert first["records"][0]["scope"] == "book"
    assert sorted(first["unmapped"]) == ["Changed", "Q", "Unit"]
    lineside_ = open_lineside(home)
    assert lineside_.memory.sources_seen() == []
    lineside_.close()


def test_a_mapping_is_tried_before_it_counts_and_replayed_when_it_does(home: Path) -> None:
    assert lineside("--home", home, "backfill", "wms").code == 0
    (home / "candidate.toml").write_text(SECOND, encoding="utf-8")

    (tried,) = ran(home, "--preview", "--limit", 1, "--file", home / "candidate.toml")
    assert (tried["was"][0]["properties"], tried["records"][0]["properties"]) == (
        {"quantity": 39},
        {"quantity": {"value": 39, "unit": "ea"}, "quality_status": "unrestricted"},
    )
    assert ran(home, "--replay")["unchanged"] == 30, "the file that was tried does not count yet"

    (home / "candidate.toml").replace(home / "mappings/wms.toml")
    assert ran(home, "--replay")["restated"] == 30
    again = ran(home, "--replay", "--since", "2020-01-01")
    assert (again["replayed"], again["unchanged"]) == (30, 30)
    assert again["mapping"].startswith("2~")
    assert not ran(home, "--preview", "--limit", 1)[0]["changed"]


def test_a_proposal_is_written_once_and_can_be_tried(home: Path) -> None:
    path = home / "proposed.toml"
    made = lineside("--home", home, "sources", "map", "wms", "--propose", "--file", path)
    again = lineside("--home", home, "sources", "map", "wms", "--propose", "--file", path)

    assert made.code == 0
    assert "# Nothing is read from: Changed, Q, Unit" in path.read_text(encoding="utf-8")
    assert ran(home, "--preview", "--limit", 1, "--file", path)[0]["outcome"] == "recorded"
    assert again.code != 0
    assert "is there already" in again.err


def test_a_file_that_is_wrong_is_named_with_its_key(home: Path) -> None:
    (home / "bad.toml").write_text(FIRST.replace("entity", "entiti"), encoding="utf-8")
    found = lineside("--home", home, "sources", "map", "wms", "--preview", "--file", home / "bad.toml")

    assert found.code != 0
    assert "bad.toml: streams.stock.mapping" in found.err


def test_what_does_not_go_together_is_refused(home: Path) -> None:
    for words in (["--preview", "--replay"], ["--file", "x"], ["--since", "2026-01-01"]):
        found = lineside("--home", home, "sources", "map", "wms", *words)
        assert (found.code != 0, found.out) == (True, "")
    assert lineside("--home", home, "sources", "map", "nobody").code != 0


def test_nothing_open_is_nothing_to_accept(home: Path) -> None:
    assert ran(home, "--accept") == []


def test_a_file_for_no_source_is_refused(home: Path) -> None:
    (home / "mappings/wsm.toml").write_text(FIRST, encoding="utf-8")

    with pytest.raises(BadSettings, match=r"wsm\.toml is for no source"):
        open_lineside(home)


def test_the_plant_file_says_better_what_a_source_owns(home: Path) -> None:
    assert open_lineside(home).plant.source("wms").owns == ("lot.quantity:book",)
    with (home / "plant.toml").open("a", encoding="utf-8") as plant:
        plant.write('[[sources]]\nname = "wms"\nowns = ["lot.location"]\n')

    assert open_lineside(home).plant.source("wms").owns == ("lot.location",)


def test_a_fault_that_only_the_connector_sees_names_the_file_too(home: Path) -> None:
    (home / "mappings/wms.toml").write_text('version = 1\ntime_zone = "Mars/Base"\n' + FIRST[12:], encoding="utf-8")

    with pytest.raises(BadSettings, match=r"option time_zone.*mappings/wms\.toml"):
        open_lineside(home).connectors()
