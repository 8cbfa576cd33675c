"""Packs from the command line and over HTTP: what is there, what is wrong, what another one would change."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from tests.journeys.conftest import event, lineside, write
from tests.serve.conftest import PLANT, Served, serving

PACK = 'name = "molkereien"\nversion = "{}"\ntitle = "Was unsere Molkereien gemeinsam haben"\n'
RIPE = """
[lot.rules.ripening]
state = "blocked"
because = "it ripens, and nobody may sell it"
before = "released"
when = [{ has = ["ripens_until"] }]
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return written(tmp_path / "pack", "1.0.0", RIPE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "plant.toml").write_text(PLANT, encoding="utf-8")
    (folder / "lineside.toml").write_text('sign_in = "chooser"\n', encoding="utf-8")
    return folder


def written(folder: Path, version: str, rules: str) -> Path:
    folder.mkdir()
    (folder / "pack.toml").write_text(PACK.format(version), encoding="utf-8")
    (folder / "state_models.toml").write_text(rules, encoding="utf-8")
    return folder


def named(home: Path) -> None:
    (home / "plant.toml").write_text(f'pack = "molkereien"\n{PLANT}', encoding="utf-8")


def test_a_pack_is_checked_installed_listed_and_compared(home: Path, pack: Path, tmp_path: Path) -> None:
    records = [
        event("l1", "report", "2026-03-02T06:00:00+01:00", {"entity": "lot:KS-7", "properties": said}, "labor")
        for said in [{"quality_status": "frei", "ripens_until": "2026-05-01"}]
    ]
    assert lineside("--home", home, "import", write(tmp_path / "r.jsonl", records)).code == 0
    *notes, found = lineside("--home", home, "packs", "check").out.splitlines()
    assert found == "the core pack, the only one: ok"
    assert "Nobody has the role supervisor or maintenance for downtime: such cases go to planner at once." in notes
    assert lineside("--home", home, "packs", "check", pack).out.splitlines() == [*notes, "molkereien 1.0.0: ok"]

    told = lineside("--home", home, "packs", "install", pack)

    assert told.code == 0, told.err
    assert 'write pack = "molkereien" into plant.toml' in told.out
    assert "1 lot: released -> blocked\n    KS-7 is blocked: it ripens, and nobody may sell it" in told.out
    named(home)
    rows = lineside("--home", home, "packs", "list", "--json").json
    assert [(row["name"], row["in_force"], row["sites"]) for row in rows] == [
        ("core", True, ["brunnthal"]),
        ("molkereien", True, ["brunnthal"]),
    ]
    assert "blocked" in lineside("--home", home, "ask", "What is the status of lot KS-7?").out
    newer = written(tmp_path / "newer", "1.1.0", RIPE.replace("sell", "ship"))
    (found,) = lineside("--home", home, "packs", "diff", "molkereien", newer, "--json").json
    assert (found["key"], found["change"]) == ("lot.rules.ripening", "changed")
    assert lineside("--home", home, "packs", "diff", "core", "core").out == "They mean the same.\n"


def test_a_zip_file_that_is_wrong_changes_nothing_and_ends_in_failure(home: Path, pack: Path, tmp_path: Path) -> None:
    assert lineside("--home", home, "packs", "install", pack).code == 0
    named(home)
    broken = written(tmp_path / "broken", "2.0.0", RIPE.replace("blocked", "ripe"))
    shutil.make_archive(str(tmp_path / "broken"), "zip", broken)

    told = lineside("--home", home, "packs", "install", tmp_path / "broken.zip")
    checked = lineside("--home", home, "packs", "check", tmp_path / "broken.zip", "--json")

    assert (told.code, checked.code) == (1, 1)
    assert "molkereien 2.0.0 is not installed: 1 wrong; nothing was changed." in told.out
    assert checked.json["faults"][0]["key"] == "lot.rules.ripening.state"
    assert "allowed: blocked" in checked.json["faults"][0]["why"]
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../plant.toml", "site = 'evil'")
    evil = lineside("--home", home, "packs", "install", tmp_path / "evil.zip")
    assert (evil.code, evil.out) == (1, "")
    assert "leads out of the pack's folder" in evil.err
    assert "brunnthal" in (home / "plant.toml").read_text(encoding="utf-8")
    assert lineside("--home", home, "packs", "list", "--json").json[1]["version"] == "1.0.0"


def test_a_plant_without_its_pack_does_not_start_and_says_why(home: Path) -> None:
    named(home)
    told = lineside("--home", home, "ask", "What is happening right now?")
    assert told.code == 1
    assert "packs install DIR|FILE.zip" in told.err
    assert lineside("--home", home, "packs", "check").code == 1
    assert lineside("--home", home, "packs", "install", home, "--site", "mond").code == 1


def test_what_is_installed_while_it_runs_counts_from_the_next_start_on(home: Path, pack: Path, tmp_path: Path) -> None:
    assert lineside("--home", home, "packs", "install", pack).code == 0
    named(home)
    with serving(home) as served:
        before = rows(served)
        newer = written(tmp_path / "newer", "1.1.0", RIPE.replace("sell", "ship"))
        assert lineside("--home", home, "packs", "install", newer).code == 0
        after = rows(served)
    assert before == {"core": (True, True), "1.0.0": (True, True)}
    assert after == {"core": (True, True), "1.1.0": (True, False), "1.0.0": (False, True)}
    with serving(home) as served:
        assert rows(served) == {"core": (True, True), "1.1.0": (True, True), "1.0.0": (False, False)}


def rows(served: Served) -> dict[str, tuple[bool, bool]]:
    """Whether each version counts from the next start on, and whether it counts now."""
    with served.client() as client:
        found = client.get("/api/v1/packs").raise_for_status().json()
    return {"core" if row["name"] == "core" else row["version"]: (row["in_force"], row["running"]) for row in found}
