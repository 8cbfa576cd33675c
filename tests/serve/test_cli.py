"""The command line: each command, each exit code, and errors that say what to do next."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.journeys.conftest import SAWMILL, SAWMILL_NOW, Ran, ask, event, lineside, sawmill_records, started, write

from lineside.serve.terminal import print_answer

QUESTION = "What is the status of lot PK-310?"
CONTRACT = {
    "answer", "verdict", "claims", "citations", "window", "as_of", "freshness", "against", "missing", "abstained",
    "tools", "proposals", "answerer",
}  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sawmill's home with a morning's records; read only, or copied."""
    home = tmp_path_factory.mktemp("sawmill")
    (home / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    assert lineside("--home", home, "import", write(home / "morning.jsonl", sawmill_records())).code == 0
    return home


@pytest.fixture
def home(kept: Path, tmp_path: Path) -> Path:
    """A home of one's own to change."""
    return Path(shutil.copytree(kept, tmp_path / "home"))


def failed(ran: Ran, code: int, *words: str) -> None:
    """It ended with that code, and standard error says so in words, not in a trace."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert "Traceback" not in ran.err
    assert [word for word in words if word not in ran.err] == [], ran.err


# init


def test_init_makes_a_home_that_answers_and_imports(tmp_path: Path) -> None:
    made = lineside("--home", tmp_path / "h", "init", "--site", "riverside", "--time-zone", "Europe/Berlin")
    answer = ask(tmp_path / "h", "What is happening right now?", "2026-05-06 09:00")

    assert made.code == 0
    assert f"lineside --home {tmp_path / 'h'} import FILE" in made.out
    assert (tmp_path / "h" / "lineside.toml").is_file()
    assert answer["abstained"]
    assert answer["as_of"] == "2026-05-06T09:00:00+02:00"


def test_init_keeps_what_is_there(home: Path) -> None:
    failed(lineside("--home", home, "init", "--site", "x", "--time-zone", "UTC"), 2, "plant.toml is there already")
    assert (home / "plant.toml").read_text(encoding="utf-8") == SAWMILL


@pytest.mark.parametrize(("site", "zone", "named"), [("bad site", "UTC", "site"), ("ok", "Mars/Olympus", "time_zone")])
def test_init_refuses_a_bad_site_or_zone_and_writes_nothing(tmp_path: Path, site: str, zone: str, named: str) -> None:
    failed(lineside("--home", tmp_path / "h", "init", "--site", site, "--time-zone", zone), 2, named)
    assert not (tmp_path / "h").exists()


# import


def test_importing_twice_records_each_line_once(kept: Path, home: Path) -> None:
    again = lineside("--home", home, "import", kept / "morning.jsonl", "--json")

    assert again.code == 0
    assert [(each["received"], each["recorded"], each["known"]) for each in again.json] == [(5, 0, 5)]


def test_broken_lines_are_dead_letters_with_their_numbers_and_the_good_ones_are_recorded(
    home: Path, tmp_path: Path
) -> None:
    good = [json.dumps(event(f"n-{n}", "note", SAWMILL_NOW, {"text": f"note {n}"}, "kilnlog")) for n in (1, 2)]
    unknown = json.dumps({**json.loads(good[0]), "id": "n-3", "type": "lineside.poem"})
    timeless = json.dumps({**json.loads(good[0]), "id": "n-4", "time": "yesterday"})
    file = tmp_path / "mixed.jsonl"
    file.write_text("\n".join([good[0], "{broken", unknown, "", timeless, good[1]]) + "\n", encoding="utf-8")
    ran = lineside("--home", home, "import", file)

    assert ran.code == 1
    assert "received 5, recorded 2, already known 0, dead-lettered 3" in ran.out
    assert [line.split(": ")[0].strip().rpartition(":")[2] for line in ran.err.splitlines()] == ["2", "3", "5"]
    assert "lineside.poem" in ran.err
    assert "yesterday" in ran.err

    letters = lineside("--home", home, "dead-letters", "list", "--json").json
    assert sorted(letter["origin"].rpartition(":")[2] for letter in letters) == ["2", "3", "5"]
    rows = lineside("--home", home, "sources", "list", "--json").json
    assert all(row["received"] == row["recorded"] + row["known"] + row["dead_lettered"] for row in rows)


def test_a_missing_file_is_bad_usage_and_an_empty_one_is_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()

    failed(lineside("--home", home, "import", tmp_path / "none.jsonl"), 2, "none.jsonl is not a file")
    failed(lineside("--home", home, "import"), 2, "files")
    assert "received 0, recorded 0" in lineside("--home", home, "import", tmp_path / "empty.jsonl").out


def test_a_huge_line_stops_no_other(home: Path, tmp_path: Path) -> None:
    huge = event("n-1", "note", SAWMILL_NOW, {"text": "x" * 20_000_000}, "kilnlog")
    small = event("n-2", "note", SAWMILL_NOW, {"text": "small"}, "kilnlog")
    ran = lineside("--home", home, "import", write(tmp_path / "huge.jsonl", [huge, small]), "--json")

    (became,) = ran.json
    assert (became["received"], became["recorded"] + became["dead_lettered"]) == (2, 2)
    assert ran.code == (1 if became["dead_lettered"] else 0)
    assert [record["source_id"] for record in ask(home, "small", SAWMILL_NOW)["citations"]] != []


def test_without_a_plant_file_every_command_says_how_to_make_one(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [])
    for words in (("import", file), ("ask", QUESTION), ("sources", "list"), ("proposals", "list"), ("migrate",)):
        failed(lineside("--home", tmp_path / "none", *words), 1, "has no plant.toml", "init --site")


# ask


def test_an_answer_as_json_is_the_contract(kept: Path) -> None:
    answer = ask(kept, QUESTION, SAWMILL_NOW)

    assert set(answer) == CONTRACT
    assert answer["claims"]
    numbers = {cite["n"] for cite in answer["citations"]}
    for claim in answer["claims"]:
        assert set(claim) == {"text", "kind", "citations"}
        assert claim["kind"] in ("fact", "derived", "claimed", "guessed")
        assert claim["citations"]
        assert set(claim["citations"]) <= numbers
    for cite in answer["citations"]:
        assert set(cite) == {"n", "record_id", "source", "source_id", "occurred_at", "quote"}
    assert set(answer["window"]) == {"from", "to", "shift", "time_zone"}
    assert all(set(one) == {"source", "last_heard", "state"} for one in answer["freshness"])
    assert answer["abstained"] is False
    assert isinstance(answer["verdict"], str)


def test_a_time_without_an_offset_is_plant_time(kept: Path) -> None:
    assert ask(kept, QUESTION, "2026-05-06 09:00") == ask(kept, QUESTION, SAWMILL_NOW)


def test_an_unknown_person_fails_and_a_bad_time_is_bad_usage(kept: Path) -> None:
    failed(lineside("--home", kept, "ask", QUESTION, "--as", "nobody"), 1, "nobody")
    failed(lineside("--home", kept, "ask", QUESTION, "--at", "teatime"), 2, "'teatime' is not a time")
    failed(lineside("--home", kept, "ask", " "), 2, "empty")
    failed(lineside("--home", kept, "ask", QUESTION, "--colour"), 2, "--colour")


def test_a_conversation_goes_on_and_stays_its_owners(home: Path) -> None:
    first = ask(home, QUESTION, SAWMILL_NOW, "--conversation", "c-1", "--as", "grader-1")
    next_one = ask(home, "And its quantity?", SAWMILL_NOW, "--conversation", "c-1", "--as", "grader-1")

    assert first["claims"]
    assert "420" in next_one["answer"]
    failed(lineside("--home", home, "ask", "And now?", "--conversation", "c-1", "--as", "lab-1"), 1, "c-1")


def test_people_read_a_screenful_and_are_told_of_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    cites = [{"n": n, "source": "wms", "source_id": f"m-{n}", "occurred_at": None, "quote": f"{n}\n" + "pallet " * 60}
             for n in range(1, 31)]  # fmt: skip
    print_answer({"answer": "Thirty moved.", "citations": cites})
    first, _, *lines, more = capsys.readouterr().out.splitlines()

    assert (first, more) == ("Thirty moved.", "  15 more: --json shows all")
    assert len(lines) == 15
    assert {len(line.partition(": ")[2]) for line in lines} <= {159, 160}
    assert lines[0].startswith("  [1] wms m-1 : 1 pallet pallet")


def test_the_handover_is_drafted_and_limited_to_a_place(kept: Path) -> None:
    whole = lineside("--home", kept, "handover", "--at", SAWMILL_NOW, "--json")
    place = lineside("--home", kept, "handover", "--at", SAWMILL_NOW, "--equipment", "Kiln 2", "--json")

    assert (whole.code, place.code) == (0, 0)
    assert (whole.json["equipment"], place.json["equipment"] is None) == (None, False)
    texts = [{item["text"] for part in each.json["sections"] for item in part["items"]} for each in (whole, place)]
    assert texts[0]
    assert len(texts[1]) <= len(texts[0])


# sources and dead letters


def test_sources_are_listed_with_their_accounts(kept: Path) -> None:
    rows = {row["source"]: row for row in lineside("--home", kept, "sources", "list", "--json").json}

    assert set(rows) == {"lims", "kilnlog", "plc", "personnel"}
    assert (rows["plc"]["received"], rows["plc"]["recorded"]) == (2, 2)
    assert lineside("--home", kept, "sources", "list").out.splitlines()[0].startswith("source\tstate\tsince")


def test_checking_sources_tells_of_each_and_fails_if_one_does(home: Path) -> None:
    (home / "notes").mkdir()
    (home / "lineside.toml").write_text(
        f'[[sources]]\nname = "book"\nconnector = "open_records"\noptions = {{ path = "{home / "notes"}" }}\n'
        f'[[sources]]\nname = "gone"\nconnector = "spreadsheet"\n[sources.options]\npath = "{home / "no.xlsx"}"\n'
        'key = ["A"]\nmapping = { text = "{A}" }\n',
        encoding="utf-8",
    )
    good = lineside("--home", home, "sources", "check", "book", "--json")
    both = lineside("--home", home, "sources", "check")

    assert (good.code, both.code) == (0, 1)
    assert all(check["ok"] for check in good.json)
    assert "FAIL gone" in both.out
    assert "fix: " in both.out
    failed(lineside("--home", home, "sources", "check", "erp"), 2, "erp", "book, gone")
    failed(lineside("--home", home, "backfill", "erp"), 2, "erp", "book, gone")


def test_a_dead_letter_is_shown_retried_and_discarded(home: Path, tmp_path: Path) -> None:
    correction = event("c-1", "correction", SAWMILL_NOW, {"reason": "typo"}, "lims")
    assert lineside("--home", home, "import", write(tmp_path / "bad.jsonl", [correction])).code == 1
    (letter,) = lineside("--home", home, "dead-letters", "list", "--json").json
    shown = lineside("--home", home, "dead-letters", "show", letter["id"], "--json").json
    retried = lineside("--home", home, "dead-letters", "retry", letter["id"])
    discarded = lineside("--home", home, "dead-letters", "discard", letter["id"], "--reason", "typo", "--as", "lab-1")

    assert "typo" in json.dumps(shown)
    failed(retried, 1, "still unreadable")
    assert discarded.code == 0
    assert lineside("--home", home, "dead-letters", "list", "--json").json == []
    failed(lineside("--home", home, "dead-letters", "show", 999), 1, "999")
    failed(lineside("--home", home, "dead-letters", "discard", letter["id"], "--reason", "again"), 2, "discarded")
    failed(lineside("--home", home, "dead-letters", "show", "first"), 2, "integer")


# configuration


def test_settings_show_their_origin_and_keep_their_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "lineside.toml").write_text(
        'port = 8800\n[targets.lims]\nurl = "http://127.0.0.1:1/qms"\ntoken = "hush-hush"\n', encoding="utf-8"
    )
    monkeypatch.setenv("LINESIDE_LOG_LEVEL", "error")
    ran = lineside("--home", home, "config", "show", "--json")
    rows = {row["key"]: (row["value"], row["origin"]) for row in ran.json}

    assert rows["port"] == ("8800", "lineside.toml")
    assert rows["log_level"] == ("error", "LINESIDE_LOG_LEVEL")
    assert rows["host"] == ("127.0.0.1", "default")
    assert rows["targets.lims.token"] == ("********", "lineside.toml")
    assert "hush" not in ran.out + lineside("--home", home, "config", "show").out


@pytest.mark.parametrize(
    ("text", "named"),
    [("prot = 1", "prot"), ("[model]\ntoken_limit = 3", "model.token_limit"), ("port = 'x'", "port"), ("=", "TOML")],
)
def test_a_faulty_setting_is_named(home: Path, text: str, named: str) -> None:
    (home / "lineside.toml").write_text(text, encoding="utf-8")

    failed(lineside("--home", home, "config", "show"), 1, named, "bad_settings")


def test_an_unknown_variable_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_PROT", "1")

    failed(lineside("--home", home, "ask", QUESTION), 1, "LINESIDE_PROT is not a setting")


def test_an_unknown_key_of_the_plant_file_is_an_error(home: Path) -> None:
    (home / "plant.toml").write_text(SAWMILL + "\n[[machines]]\nid = 'x'\n", encoding="utf-8")

    failed(lineside("--home", home, "ask", QUESTION), 1, "machines", "bad_plant_file")


def test_the_doctor_finds_what_is_wrong_and_how_to_mend_it(home: Path) -> None:
    well = lineside("--home", home, "doctor", "--json")
    (home / "lineside.db").write_bytes(b"not a database, " * 500)
    ill = lineside("--home", home, "doctor")

    assert (well.code, ill.code) == (0, 1)
    assert {check["name"] for check in well.json} >= {"versions", "disk", "configuration", "clock", "database", "index"}
    assert "FAIL memory" in ill.out
    assert "Traceback" not in ill.err


# keeping


def test_a_backup_brings_back_what_was(home: Path, tmp_path: Path) -> None:
    before = ask(home, QUESTION, SAWMILL_NOW)
    assert lineside("--home", home, "backup", tmp_path / "kept.db").code == 0
    blocked = event("li-2", "report", "2026-05-06T08:00:00-07:00",
                    {"entity": "lot:PK-310", "properties": {"quality_status": "blocked"}}, "lims")  # fmt: skip
    lineside("--home", home, "import", write(tmp_path / "more.jsonl", [blocked]))
    assert ask(home, QUESTION, SAWMILL_NOW)["claims"] != before["claims"]

    assert lineside("--home", home, "restore", tmp_path / "kept.db").code == 0
    assert ask(home, QUESTION, SAWMILL_NOW)["claims"] == before["claims"]
    failed(lineside("--home", home, "restore", tmp_path / "none.db"), 2, "none.db")


def test_tokens_are_for_people_of_the_plant_and_for_sources(home: Path) -> None:
    assert lineside("--home", home, "token", "lab-1").out.strip()
    assert lineside("--home", home, "token", "--source", "scale").out.strip()
    failed(lineside("--home", home, "token", "visitor-1"), 1, "visitor-1")
    failed(lineside("--home", home, "token"), 2, "--source")


def test_migrating_again_changes_nothing(home: Path) -> None:
    assert lineside("--home", home, "migrate").code == 0
    assert ask(home, QUESTION, SAWMILL_NOW)["claims"]


def test_a_database_of_another_schema_says_migrate(home: Path) -> None:
    with closing(sqlite3.connect(home / "lineside.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()

    failed(lineside("--home", home, "ask", QUESTION), 1, "schema_behind")


# what goes wrong around it


def test_a_broken_database_file_is_said_not_traced(home: Path) -> None:
    (home / "lineside.db").write_bytes(b"not a database, " * 500)

    failed(lineside("--home", home, "ask", QUESTION), 1, "the database can't be used", "store_unavailable")


def test_a_home_that_is_a_file_or_can_not_be_made_is_said_not_traced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/lineside")):
        failed(lineside("--home", home, "init", "--site", "x", "--time-zone", "UTC"), 1, str(home))


def test_a_port_that_is_taken_is_said_not_traced(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = lineside("--home", home, "serve", "--port", taken.getsockname()[1])

    failed(ran, 1, "can't be taken", "--port")


def test_an_unknown_command_and_an_unknown_part_are_bad_usage(home: Path) -> None:
    failed(lineside("--home", home, "brew"), 2, "brew")
    failed(lineside("--home", home, "serve", "--only", "kitchen"), 2, "kitchen")
    failed(lineside("--home", home, "demo"), 2, "is not a demonstration")


@pytest.mark.parametrize("part", ["web", "ingest", "actions"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_each_part_runs_alone_and_a_signal_ends_it_well(home: Path, part: str, sent: signal.Signals) -> None:
    (home / "notes").mkdir()
    (home / "lineside.toml").write_text(
        'port = 0\n[[sources]]\nname = "book"\nconnector = "open_records"\n[sources.options]\n'
        f'path = "{home / "notes"}"\n',
        encoding="utf-8",
    )
    with started("--home", home, "serve", "--only", part) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert ("Lineside answers at http://127.0.0.1:" if part == "web" else f"Lineside runs: {part}") in said
        process.send_signal(sent)
        _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")


def test_a_closed_pipe_is_no_fault(home: Path) -> None:
    with started("--home", home, "sources", "list") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=30)

    assert "Traceback" not in err


def test_help_names_every_command_without_heavy_imports() -> None:
    code = (
        "import sys; from lineside.serve import commands; from lineside.serve.cli import root; commands.register(root);"
        "print([m for m in ('langchain', 'chromadb', 'sqlalchemy', 'asyncua', 'fastapi', 'rich.console', 'numpy')"
        " if m in sys.modules])"
    )
    shown = lineside("--help")

    assert shown.code == 0
    assert all(name in shown.out for name in ("init", "import", "ask", "handover", "serve", "demo", "doctor", "audit"))
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
