"""Packs are installed whole or not at all; what is wrong never reaches what runs, and the way back is always open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.packs.conftest import RULE

from lineside.actions import load_policy
from lineside.app import open_lineside, read_plant
from lineside.errors import BadRequest, BadSettings, NotFound, SetupError
from lineside.interpretation.pack_files import under
from lineside.interpretation.state_models import state_models
from lineside.packs.checking import faults
from lineside.packs.contents import FILES
from lineside.packs.differing import differences
from lineside.packs.installing import install, listed
from lineside.packs.manifest import order
from lineside.packs.opening import open_pack
from lineside.packs.shelf import Shelf
from lineside.plant.packs import Packs

PARSED = FILES.keys()


def put(home, path, site=""):
    return install(home, read_plant(home), path, site=site)


def running(home) -> str:
    lineside = open_lineside(home)
    lineside.close()
    return lineside.plant.packs.called


def lot_rules(packs: Packs) -> list[str]:
    with under(packs):
        return [rule.name for rule in state_models()["lot"].rules]


def content(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text("utf-8") for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_file_that_comes_with_lineside_can_be_in_a_pack():
    import lineside.packs

    folder = Path(lineside.packs.__file__).parent
    there = {path.name for kind in ("core", "default") for path in (folder / kind).glob("*.toml")}
    assert there == set(PARSED)


def test_a_plant_whose_pack_is_missing_says_how_to_install_it(home):
    with pytest.raises(SetupError, match=r"'bakeries', which is not installed.*packs install"):
        open_lineside(home)


def test_a_pack_counts_from_the_next_start_on_and_an_older_one_comes_back_by_installing_it_again(home, make):
    old, new = make(), make(version="1.1.0", state_models=RULE)
    assert put(home, old).before is None
    lineside = open_lineside(home)

    done = put(home, new)

    assert (done.before, [d.key for d in done.differences]) == ("1.0.0", ["lot.rules.cooling"])
    assert (lineside.plant.packs.called, running(home)) == ("core < bakeries 1.0.0", "core < bakeries 1.1.0")
    lineside.close()
    assert [d.change for d in put(home, old).differences] == ["removed"]
    assert running(home) == "core < bakeries 1.0.0"
    assert Shelf(home).versions("bakeries") == ["1.1.0", "1.0.0"]


def test_one_version_has_one_content(home, make):
    put(home, make())
    before = content(home)
    assert put(home, make()).differences == ()
    with pytest.raises(BadSettings, match="give what changed a new version"):
        put(home, make(state_models=RULE))
    assert content(home) == before


BROKEN = {
    "state_models": '[lot.rules.cooling]\nstate = "cool"\nbecause = "so"\nwhen = [{ has = ["x"] }]\n[lots]\nx = 3\n',
    "planning": "[pace]\nrecent_minutes = -1\ndoubts = 3\n",
    "kpis": '[kpi.oee]\nfactors = ["speed"]\n',
}


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_changed(home, make):
    put(home, make())
    before = content(home)

    done = put(home, make(version="2.0.0", more='lineside = "99.0.0"', notes="", **BROKEN))

    assert [(f.file, f.key) for f in done.faults] == [
        ("bakeries/pack.toml", "lineside"),
        ("bakeries/notes.toml", ""),
        ("bakeries/state_models.toml", "lots"),
        ("bakeries/state_models.toml", "lot.rules.cooling.state"),
        ("bakeries/kpis.toml", "kpi.oee.factors"),
        ("bakeries/planning.toml", "pace.doubts"),
        ("bakeries/planning.toml", "pace.recent_minutes"),
    ]
    assert "recent_minutes" in done.faults[5].why, "what is allowed is told"
    assert content(home) == before
    assert running(home) == "core < bakeries 1.0.0"


INSTALL = """
import sys
from pathlib import Path
from lineside.app import read_plant
from lineside.packs.installing import install
home, path = Path(sys.argv[1]), Path(sys.argv[2])
print("begun", flush=True)
sys.stdin.readline()
done = install(home, read_plant(home), path)
print(done.before, done.manifest.version, flush=True)
"""


def test_two_that_install_at_once_wait_for_one_another_and_lose_nothing(home, make):
    """Each process puts a pack of its own in force; without the lock one's line in the file would be lost."""
    packs = [make(name, version=version) for name in ("bakeries", "mills") for version in ("1.0.0", "1.1.0")]
    with Shelf(home).alone():
        working = [_installing(home, path) for path in packs]
        for each in working:
            assert each.stdout.readline() == "begun\n"
            each.stdin.write("go\n")
            each.stdin.flush()
        assert not (Shelf(home).folder / "in_force.json").exists()
    told = [each.communicate(timeout=60) for each in working]

    assert [(each.returncode, err) for each, (_, err) in zip(working, told, strict=True)] == [(0, "")] * 4
    assert Shelf(home).in_force()["*"].keys() == {"bakeries", "mills"}
    for name, mine in (("bakeries", told[:2]), ("mills", told[2:])):
        before = {out.split()[1]: out.split()[0] for out, _ in mine}
        (first,) = [version for version, was in before.items() if was == "None"]
        assert [was for version, was in before.items() if version != first] == [first], "the second saw the first"
        assert Shelf(home).in_force()["*"][name] != first


def _installing(home: Path, path: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", INSTALL, str(home), str(path)]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("step", ["rename", "replace"])
def test_an_installation_that_breaks_off_leaves_what_counted(home, make, monkeypatch, step):
    put(home, make())

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, full)
        with pytest.raises(OSError, match="No space"):
            put(home, make(version="1.1.0", state_models=RULE))
    assert running(home) == "core < bakeries 1.0.0"
    assert not list(home.rglob(".new-*"))
    put(home, make(version="1.1.0", state_models=RULE))
    assert running(home) == "core < bakeries 1.1.0"


def test_a_pack_that_was_damaged_on_the_shelf_is_named_and_cured_by_installing_it_again(home, make):
    put(home, make(state_models=RULE))
    lineside = open_lineside(home)
    damaged = home / "packs/bakeries/1.0.0/state_models.toml"
    damaged.write_text("[lot", encoding="utf-8")
    assert "cooling" in lot_rules(lineside.plant.packs), "what runs has read it"
    lineside.close()
    with pytest.raises(BadSettings, match=r"bakeries/state_models\.toml is no TOML"):
        open_lineside(home)

    assert "changed since it was installed" in str(listed(home, read_plant(home))[1]["wrong"])
    put(home, make(state_models=RULE))
    assert listed(home, read_plant(home))[1]["wrong"] is None
    assert "cooling" in lot_rules(Shelf(home).packs("bakeries", "hafen"))


def test_a_works_lies_over_its_group_and_an_upgrade_of_the_group_must_still_fit(home, make):
    put(home, make(state_models=RULE))
    works = '[lot.rules.shelved]\nstate = "blocked"\nbecause = "so"\nbefore = "cooling"\nwhen = [{ has = ["shelf"] }]\n'
    (home / "plant.toml").write_text('site = "hafen"\ntime_zone = "Europe/Berlin"\npack = "hafen"\n')
    put(home, make("hafen", "0.1.0", more='extends = "bakeries >= 1.0.0"', state_models=works))
    assert running(home) == "core < bakeries 1.0.0 < hafen 0.1.0"

    refused = put(home, make(version="2.0.0"))

    assert "hafen/state_models.toml: lot.rules.shelved.before" in refused.faults[0].why
    assert running(home) == "core < bakeries 1.0.0 < hafen 0.1.0"
    fits = put(home, make(version="1.5.0", state_models=RULE.replace("sold", "sold, by a day")))
    assert (fits.sites, fits.faults) == (("hafen",), ())
    assert running(home) == "core < bakeries 1.5.0 < hafen 0.1.0"


def test_a_pack_that_needs_what_is_not_there_is_refused(home, make):
    needy = make("hafen", more='extends = "bakeries >= 1.2.0"')
    with pytest.raises(SetupError, match="not installed"):
        put(home, needy)
    put(home, make())
    with pytest.raises(SetupError, match=r"needs bakeries 1\.2\.0 or newer, and 1\.0\.0"):
        put(home, needy)
    circle = make("bakeries", "1.3.0", more='extends = "hafen"')
    put(home, make(version="1.2.0"))
    put(home, needy)
    with pytest.raises(SetupError, match="in a circle"):
        put(home, circle)


def test_two_sites_of_one_memory_go_by_packs_and_versions_of_their_own(home, make):
    plant = 'site = "hafen"\ntime_zone = "Europe/Berlin"\npack = "bakeries"\n[site_packs]\nNord = "bakeries"\n'
    (home / "plant.toml").write_text(plant)
    put(home, make())
    done = put(home, make(version="1.1.0", state_models=RULE), site="nord")
    assert done.sites == ("nord",)
    lineside = open_lineside(home)
    lineside.close()
    assert ["cooling" in lot_rules(lineside.plant.packs_at(site)) for site in ("hafen", "NORD", "elsewhere")] == [
        False, True, False,
    ]  # fmt: skip
    rows = {(row["name"], row["version"]): row["sites"] for row in listed(home, read_plant(home))}
    assert rows["bakeries", "1.0.0"] == ["hafen"]
    assert rows["bakeries", "1.1.0"] == ["nord"]
    with pytest.raises(BadRequest, match="is no site"):
        put(home, make(), site="mond")


def test_grants_of_a_pack_go_over_the_default_and_void_what_was_approved_under_it(home, make):
    own = '[[rules]]\nname = "the baker decides"\nactions = ["hold_lot"]\nrisks = ["medium"]\nsites = ["hafen"]\n'
    own += 'propose = ["baker"]\napprove = ["master"]\nexpires_minutes = 60\nverify_minutes = 10\n'
    put(home, make(policy=own))
    found = load_policy(home, Shelf(home).packs("bakeries", "hafen"))
    assert found.rules[0].name == "the baker decides"
    assert len(found.rules) == len(load_policy().rules) + 1
    assert found.digest != load_policy().digest
    (home / "policy.toml").write_text(f'name = "own"\nversion = "1"\nopen_per_requester = 3\n{own}')
    assert load_policy(home, Shelf(home).packs("bakeries", "hafen")).name == "own"


def test_a_difference_is_told_by_what_it_means(make):
    one = Packs(layers=(open_pack(make(state_models=RULE)).layer,))
    other = Packs(layers=(open_pack(make(
        version="2.0.0",
        state_models=RULE.replace('"released"', '"held"').replace("bread", "warm bread"),
        states='[quality_status]\nunrestricted = ["...", "duftend", "!free"]\n',
        planning="[pace]\ndoubt_pct = 20\n",
    )).layer,))  # fmt: skip
    told = {d.key: (d.change, d.text) for d in differences(one, other)}
    assert set(told) == {"lot.rules.cooling", "lot.rules", "quality_status.unrestricted", "pace.doubt_pct"}
    assert told["pace.doubt_pct"] == ("changed", "pace.doubt_pct 10 -> 20")
    assert told["quality_status.unrestricted"][1].endswith("also 'duftend'; no longer 'free'")
    assert told["lot.rules"][0] == "moved"
    assert 'before "released" -> "held"' in told["lot.rules.cooling"][1]
    assert differences(other, other) == []


def test_versions_sort_as_semantic_versioning_has_it():
    said = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11", "1.0.0", "1.2.0", "1.10.0"]
    assert sorted(set(said), key=order) == said


def test_what_is_named_to_compare_is_found_or_its_lack_told(home, make):
    put(home, make())
    shelf = Shelf(home)
    assert shelf.named("core", "hafen") == Packs()
    assert (
        shelf.named("bakeries", "hafen") == shelf.named("bakeries@1.0.0", "hafen") == shelf.named(str(make()), "hafen")
    )
    with pytest.raises(NotFound, match=r"bakeries 1\.0\.0"):
        shelf.named("bakeries@3.0.0", "hafen")
    (home / "packs/in_force.json").write_text(json.dumps({"*": {"bakeries": "9.9.9"}}))
    with pytest.raises(SetupError, match=r"9\.9\.9.*there are: 1\.0\.0"):
        shelf.named("bakeries", "hafen")
    (home / "packs/in_force.json").write_text("[")
    with pytest.raises(BadSettings, match=r"in_force\.json"):
        shelf.named("bakeries", "hafen")


def test_each_file_of_the_core_laid_over_itself_is_a_pack_that_changes_nothing(make):
    import lineside.packs

    core = Path(lineside.packs.__file__).parent
    files = {p.stem: p.read_text("utf-8") for kind in ("core", "default") for p in (core / kind).glob("*.toml")}
    pack = open_pack(make(**files))
    assert faults(pack, Packs()) == []
    assert differences(Packs(), Packs(layers=(pack.layer,))) == []
