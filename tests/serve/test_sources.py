"""The command line's side of the sources: how they do, tried before they are saved, paused, mended, and read back."""

from __future__ import annotations

import json
import shutil
import signal
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.journeys.conftest import SAWMILL, SAWMILL_NOW, Ran, event, lineside, started, write

from lineside.app import open_lineside
from lineside.connector import Batch, Trouble, TroubleKind, Unreadable
from lineside.errors import UnreadableMessage
from lineside.memory.feeds import REFUSED_US, feeds_of, pause_source

NOTE = {"text": "Kiln 2 fan bearing squeals.", "author": "grader-1"}


def failed(ran: Ran, code: int, *words: str) -> None:
    """It ended with that code, and standard error says so in words, not in a trace."""
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    assert [word for word in words if word not in ran.err] == [], ran.err


def book(home: Path, *, name: str = "book", poll: str = "") -> Path:
    """A folder of open records that lineside.toml reads as a source."""
    folder = home / name
    folder.mkdir()
    with (home / "lineside.toml").open("a", encoding="utf-8") as file:
        file.write(f'[[sources]]\nname = "{name}"\nconnector = "open_records"\n{poll}\n[sources.options]\n')
        file.write(f'path = "{folder}"\n')
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one source of three notes, read, of which one is none."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    folder = book(home)
    notes = [event(f"n-{day}", "note", f"2026-05-0{day}T06:00:00-07:00", NOTE, "book") for day in (3, 4)]
    write(folder / "days.jsonl", [*notes, event("n-5", "note", SAWMILL_NOW, {}, "book")])
    assert lineside("--home", home, "backfill", "book").code == 0
    return home


class Slow(BaseHTTPRequestHandler):
    """A server that takes a request and never answers, until it is let."""

    asked = Event()
    gate = Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.gate.wait(60)
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def never() -> Iterator[str]:
    """The address of a server that does not answer."""
    Slow.asked.clear()
    Slow.gate.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    Slow.gate.set()
    server.shutdown()
    server.server_close()


# how they do


def test_the_table_is_for_people_and_the_json_has_all(home: Path) -> None:
    said = lineside("--home", home, "sources", "list").out.splitlines()
    (row,) = (each for each in lineside("--home", home, "sources", "list", "--json").json if each["source"] == "book")

    assert said[0].split("\t") == [
        "source", "state", "since", "heard", "lag", "per hour", "errors", "dead", "drift", "gaps",
    ]  # fmt: skip
    assert said[1].split("\t")[-4:] == ["33%", "1", "0", "0"]
    assert len(row["hours"]) == 24
    assert (sum(row["hours"]), row["received"], row["open_letters"], row["drift"]) == (3, 3, 1, 0)


def test_one_source_is_shown_whole(home: Path) -> None:
    opened = open_lineside(home)
    trouble = Trouble(kind=TroubleKind.REFUSED, reason="may not read v_lots", stream="v_lots")
    passing = Trouble(kind=TroubleKind.EPOCH, reason="its server began anew", passing=True)
    opened.memory.remember(Batch(troubles=(trouble, passing)), source="book", translate=unread)
    opened.close()
    shown = lineside("--home", home, "sources", "show", "book")
    row = lineside("--home", home, "sources", "show", "book", "--json").json

    assert "3 received = 2 recorded + 0 known + 1 dead-lettered + 0 held + 0 ignored" in shown.out
    assert "refused: v_lots: may not read v_lots since" in shown.out
    assert "epoch: its server began anew" in shown.out
    assert row["epoch_at"] is not None
    assert row["latency"]["messages"] == 3
    assert [stream["messages"] for stream in row["streams"]] == [3]
    assert row["checkpoints"][""]
    failed(lineside("--home", home, "sources", "show", "mes"), 1, "no source 'mes'")


def unread(_: object) -> Any:
    raise UnreadableMessage("never asked")


# tried before they are saved


def test_a_draft_is_tried_without_anything_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, draft = tmp_path / "new", tmp_path / "draft.toml"
    monkeypatch.setenv("PASSWORD", "hunter2-very")
    draft.write_text(
        f'[[sources]]\nname = "good"\nconnector = "open_records"\noptions = {{ path = "{tmp_path}" }}\n'
        '[[sources]]\nname = "view"\nconnector = "sql_view"\n[sources.options]\n'
        'url = "postgresql://reader:written-word@127.0.0.1:1/plant"\npassword = { env = "PASSWORD" }\n'
        '[[sources]]\nname = "odd"\nconnector = "open_records"\noptions = { pth = "x" }\n',
        encoding="utf-8",
    )
    ran = lineside("--home", home, "sources", "check", "--file", draft)
    good = lineside("--home", home, "sources", "check", "--file", draft, "good", "--json")

    assert (ran.code, good.code) == (1, 0)
    assert "ok   good: " in ran.out
    assert "FAIL odd: configuration: " in ran.out
    assert "pth" in ran.out
    assert [word for word in ("hunter2-very", "written-word") if word in ran.out + ran.err] == []
    assert not home.exists()
    failed(lineside("--home", home, "sources", "check", "--file", draft, "erp"), 2, "the draft", "good, view, odd")
    failed(lineside("--home", home, "sources", "check", "--file", tmp_path / "no.toml"), 2, "no.toml")


@pytest.mark.parametrize(
    ("text", "named"),
    [("[[sources]", "not TOML"), ("colour = 1", "colour"), ('[[sources]]\nname = "x"', "connector")],
)
def test_a_draft_that_is_none_says_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text(text, encoding="utf-8")

    failed(lineside("--home", tmp_path, "sources", "check", "--file", draft), 1, "the draft", named, "[bad_settings]")


def test_a_draft_can_come_through_a_pipe(tmp_path: Path) -> None:
    with started("--home", tmp_path, "sources", "check", "--file", "-", stdin=-1) as process:
        out, _ = process.communicate(
            f'[[sources]]\nname = "n"\nconnector = "open_records"\noptions.path = "{tmp_path}"'
        )

    assert process.returncode == 0
    assert out.startswith("ok   n: ")


def test_a_source_that_never_answers_keeps_no_other_from_its_check(home: Path, never: str) -> None:
    with (home / "lineside.toml").open("a", encoding="utf-8") as file:
        file.write(f'[[sources]]\nname = "erp"\nconnector = "odata"\n[sources.options]\nurl = "{never}"\n')
        file.write('[[sources.options.collections]]\npath = "Orders"\nkey = ["Id"]\nmapping = { text = "{Id}" }\n')
    ran = lineside("--home", home, "sources", "check", "--within", "1")

    assert ran.code == 1
    assert "ok   book: " in ran.out
    assert "FAIL erp: answer: no answer within 1 s" in ran.out


def test_a_check_reads_again_what_refused_us_but_not_what_a_person_paused(home: Path) -> None:
    opened = open_lineside(home)
    book(home, name="other")
    pause_source(opened.memory, "book", by="it-9", reason="stocktaking")
    pause_source(opened.memory, "other", by=REFUSED_US, reason="401")
    assert lineside("--home", home, "sources", "check").code == 0
    feeds = feeds_of(opened.memory)
    opened.close()

    assert (feeds["book"].paused_by, feeds["other"].paused_by) == ("it-9", None)


# paused and resumed


def test_a_source_is_paused_with_a_reason_and_resumed_and_the_audit_knows_who(home: Path) -> None:
    paused = lineside("--home", home, "sources", "pause", "book", "--reason", "stocktaking", "--as", "grader-1")
    (row,) = (each for each in lineside("--home", home, "sources", "list", "--json").json if each["source"] == "book")
    resumed = lineside("--home", home, "sources", "resume", "book")
    again = lineside("--home", home, "sources", "resume", "book")
    opened = open_lineside(home)
    with opened.memory.read() as connection:
        entries = [json.loads(each.content) for each in opened.ledger.journal.entries(connection)]
    whole = opened.ledger.audit_verify().ok
    opened.close()

    assert (paused.code, resumed.code, again.code) == (0, 0, 0)
    assert (row["state"], row["paused_by"], row["reason"]) == ("paused", "grader-1", "stocktaking")
    assert "neither paused nor failed" in again.out
    assert [(each["kind"], each["actor"]) for each in entries] == [
        ("source_paused", "grader-1"), ("source_resumed", "operator"),
    ]  # fmt: skip
    assert whole
    failed(lineside("--home", home, "sources", "pause", "erp", "--reason", "x"), 1, "there are: book")
    failed(lineside("--home", home, "sources", "pause", "book"), 2, "--reason")


# dead letters in bulk


@pytest.fixture
def buried(home: Path) -> Path:
    """Two sources with dead letters: of the book one, of the lab three, of which one has no id."""
    lab = [event("l-1", "report", SAWMILL_NOW, {"entity": "lot", "properties": {"a": 1}}, "lab"),
           event("l-2", "event", SAWMILL_NOW, {"text": "no kind"}, "lab")]  # fmt: skip
    assert lineside("--home", home, "import", write(home / "lab.jsonl", lab)).code == 1
    opened = open_lineside(home)
    opened.memory.remember(
        Batch(unreadable=[Unreadable(content=b"{", reason="not JSON")]), source="lab", translate=unread
    )
    opened.close()
    return home


def letters(home: Path, *words: object) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = lineside("--home", home, "dead-letters", "list", *words, "--json").json
    return found


def test_dead_letters_are_found_by_source_reason_and_time(buried: Path) -> None:
    everything = letters(buried)

    assert len(everything) == 4
    assert [each["id"] for each in everything] == sorted((each["id"] for each in everything), reverse=True)
    assert {each["source"] for each in letters(buried, "--source", "lab")} == {"lab"}
    assert [each["reason"] for each in letters(buried, "--reason", "NOT json")] == ["not JSON"]
    assert letters(buried, "--containing", "100 %_") == []
    assert letters(buried, "--since", "2199-01-01") == []
    assert len(letters(buried, "--stream", "")) == 4
    assert "and 3 older ones" in lineside("--home", buried, "dead-letters", "list", "--limit", "1").err


def test_many_are_read_again_and_what_is_still_open_is_counted(buried: Path) -> None:
    ran = lineside("--home", buried, "dead-letters", "retry", "--all", "--json")
    said = lineside("--home", buried, "dead-letters", "retry", "--source", "lab", "--reason", "json")

    assert ran.code == 1
    assert [(row["source"], row["tried"], row["open"], row["nameless"]) for row in ran.json] == [
        ("book", 1, 1, 0), ("lab", 3, 3, 1),
    ]  # fmt: skip
    assert "lab: tried 1, recovered 0, replaced 0, still open 1 (1 without an id" in said.out
    failed(lineside("--home", buried, "dead-letters", "retry"), 2, "--all")
    failed(lineside("--home", buried, "dead-letters", "retry", "1", "--all"), 2, "one dead letter")
    assert "No open dead letter" in lineside("--home", buried, "dead-letters", "retry", "--source", "mes").out


def test_many_are_closed_with_one_reason_and_only_those(buried: Path) -> None:
    words = ("dead-letters", "discard", "--source", "lab", "--containing", "JSON", "--reason", "a broken probe")
    ran = lineside("--home", buried, *words, "--as", "grader-1")

    assert (ran.code, ran.out) == (0, "1 discarded: a broken probe\n")
    assert len(letters(buried)) == 3
    assert lineside("--home", buried, "dead-letters", "discard", "--all", "--reason", "done").code == 0
    assert letters(buried) == []
    assert "No open dead letter" in lineside("--home", buried, *words).out
    assert lineside("--home", buried, "sources", "list", "--json").json[0]["received"] == 3
    failed(lineside("--home", buried, "dead-letters", "discard", "--all"), 2, "--reason")


def test_what_a_mended_source_has_is_fetched_again(tmp_path: Path) -> None:
    import sqlite3

    (tmp_path / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    (tmp_path / "lineside.toml").write_text(
        f'[[sources]]\nname = "mes"\nconnector = "sql_view"\n[sources.options]\nurl = "sqlite:///{tmp_path}/mes.db"\n'
        '[[sources.options.views]]\ntable = "lots"\nkey = ["lot"]\n'
        'mapping = { entity = "lot:{lot}", properties = { quantity = { field = "pieces", unit = "ea" } } }\n',
        encoding="utf-8",
    )
    with sqlite3.connect(tmp_path / "mes.db") as database:
        database.execute("CREATE TABLE lots (lot TEXT, pieces TEXT)")
        database.execute("INSERT INTO lots VALUES ('L-1', 'some'), ('L-2', '6')")
    assert lineside("--home", tmp_path, "backfill", "mes").code == 0
    assert len(letters(tmp_path)) == 1
    with sqlite3.connect(tmp_path / "mes.db") as database:
        database.execute("UPDATE lots SET pieces = '5' WHERE lot = 'L-1'")
    ran = lineside("--home", tmp_path, "dead-letters", "retry", "--source", "mes", "--fetch")

    assert (ran.code, letters(tmp_path)) == (0, []), ran


# read back


def test_a_backfill_since_a_time_reads_anew_and_brings_nothing_older(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    folder = book(tmp_path)
    for day in (3, 4, 5):
        note = event(f"n-{day}", "note", f"2026-05-0{day}T06:00:00-07:00", NOTE, "book")
        write(folder / f"{day}.jsonl", [note])
    since = lineside("--home", tmp_path, "backfill", "book", "--since", "2026-05-04", "--json")
    after = lineside("--home", tmp_path, "backfill", "book")
    again = lineside("--home", tmp_path, "backfill", "book", "--since", "2026-05-01")

    assert (since.json["received"], since.json["recorded"]) == (2, 2)
    assert "received 0" in after.out
    assert "received 3, recorded 1, known 2, dead-lettered 0, held 0, ignored 0" in again.out
    failed(lineside("--home", tmp_path, "backfill", "book", "--since", "soon"), 2, "not a time")


def test_an_interrupted_backfill_says_how_it_goes_on_and_keeps_what_was_read(tmp_path: Path, never: str) -> None:
    (tmp_path / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    (tmp_path / "lineside.toml").write_text(
        f'[[sources]]\nname = "erp"\nconnector = "odata"\n[sources.options]\nurl = "{never}"\ntimeout_s = 60\n'
        '[[sources.options.collections]]\npath = "Orders"\nkey = ["Id"]\nmapping = { text = "{Id}" }\n',
        encoding="utf-8",
    )
    with started("--home", tmp_path, "backfill", "erp") as process:
        assert Slow.asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "Go on with: lineside backfill erp" in err
    assert "Traceback" not in err


# handed on


def test_diagnostics_are_one_file_without_a_secret_or_a_record(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hunter2-very")
    with (home / "lineside.toml").open("a", encoding="utf-8") as file:
        file.write(
            '[[sources]]\nname = "a/../erp"\nconnector = "odata"\n[sources.options]\npassword = { env = "KEY" }\n'
        )
        file.write('[model]\nbase_url = "http://127.0.0.1:1/v1"\napi_key = "written-key"\n')
    out = home / "diagnostics.zip"
    ran = lineside("--home", home, "diagnostics", "--out", out)
    with zipfile.ZipFile(out) as archive:
        names, told = archive.namelist(), "".join(archive.read(each).decode() for each in archive.namelist())
    printed = lineside("--home", home, "diagnostics", "book").json

    assert ran.code == 0
    assert {"README.txt", "installation.json", "sources/001-a----erp.json", "messages/002-book.jsonl"} <= set(names)
    assert '"outcome": "dead_lettered"' in told
    assert [word for word in ("hunter2-very", "written-key", "squeals") if word in told] == []
    assert set(printed) == {"installation", "sources"}
    assert printed["installation"]["open_letters"] == 1
    failed(lineside("--home", home, "diagnostics", "--out", out), 2, "is there already")
    failed(lineside("--home", home, "diagnostics", "mes"), 1, "mes")
    failed(lineside("--home", home, "diagnostics", "mes", "--out", home / "other.zip"), 1, "there are: a/../erp, book")
    assert not (home / "other.zip").exists()


def test_a_home_can_be_copied_while_its_source_is_paused(home: Path, tmp_path: Path) -> None:
    lineside("--home", home, "sources", "pause", "book", "--reason", "moving")
    copy = shutil.copytree(home, tmp_path / "copy")

    assert lineside("--home", copy, "sources", "show", "book").out.splitlines()[1] == "  because moving"
