"""The wiring of one installation: what is missing is said, and nothing opens before it is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineside.app import open_lineside
from lineside.errors import BadPlantFile, NotPermitted

PLANT = """
site = "quarry-east"
time_zone = "Europe/Dublin"
people = [
  { id = "here", sites = ["quarry-east"] },
  { id = "anywhere" },
  { id = "elsewhere", sites = ["quarry-west"] },
]
"""


def home_with(home: Path, settings: str = "") -> Path:
    (home / "plant.toml").write_text(PLANT, encoding="utf-8")
    (home / "lineside.toml").write_text(settings, encoding="utf-8")
    return home


def test_a_folder_without_a_plant_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadPlantFile, match="init --site"):
        open_lineside(tmp_path)


def test_a_plant_file_in_another_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_bytes('site = "käserei"'.encode("latin-1"))

    with pytest.raises(BadPlantFile, match="UTF-8"):
        open_lineside(tmp_path)


def test_only_people_of_this_site_are_known(tmp_path: Path) -> None:
    lineside = open_lineside(home_with(tmp_path))

    assert lineside.person("here").id == "here"
    for stranger in ("elsewhere", "nobody", ""):
        with pytest.raises(NotPermitted):
            lineside.person(stranger)


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    lineside = open_lineside(home_with(tmp_path))
    lineside.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["lineside.toml", "plant.toml"]


def test_the_plants_clock_is_this_machines_shifted_as_set(tmp_path: Path) -> None:
    shifted = open_lineside(home_with(tmp_path, "clock_offset_s = -86400.0")).clock()

    assert abs(shifted - (datetime.now(UTC) - timedelta(days=1))) < timedelta(minutes=1)


def test_it_knows_which_sources_have_no_end(tmp_path: Path) -> None:
    sources = "".join(
        f'[[sources]]\nname = "{name}"\nconnector = "{kind}"\n'
        for name, kind in (("plc", "opcua"), ("wms", "sql_view"))
    )
    lineside = open_lineside(home_with(tmp_path, sources))

    assert (lineside.streams("plc"), lineside.streams("wms")) == (True, False)
