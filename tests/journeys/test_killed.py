"""`lineside serve` killed again and again in the middle of its work loses nothing and doubles nothing."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.journeys.conftest import event, lineside, started, until

from lineside.app import open_lineside
from lineside.memory import tables

KILLS = 15
WITHIN_S = 600.0
Kept = dict[tuple[str, str], list[str]]
POLLED = ("erp", "cmms", "qms", "wms", "mes", "tracker", "notes")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The demo plant in a process of its own; what it said of itself, and its folder."""
    folder = tmp_path / "plant"
    command = [sys.executable, "-m", "lineside.simulator", "--dir", str(folder), "--days", "14", "--with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield {**json.loads(process.stdout.readline()), "folder": folder}
        process.terminate()


def made_home(path: Path, folder: Path) -> Path:
    path.mkdir()
    for name in ("plant.toml", "lineside.toml"):
        shutil.copy(folder / name, path)
    return path


class Pusher(threading.Thread):
    """Sends note after note over HTTP to whatever serves now; one is done only when it was acknowledged."""

    def __init__(self, token: str) -> None:
        super().__init__(daemon=True)
        self.url = ""
        self.done = 0
        self.ended = threading.Event()
        self.token = token

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/cloudevents+json"}
        with httpx.Client(trust_env=False, timeout=5, headers=headers) as client:
            while not self.ended.is_set():
                note = event(f"w-{self.done}", "note", "2026-11-12T08:00:00-06:00", {"text": f"w {self.done}"}, "scale")
                try:
                    sent = client.post(f"{self.url}/api/v1/ingest/scale", json=note)
                except httpx.HTTPError:
                    self.ended.wait(0.05)
                    continue
                if sent.is_success:
                    self.done += 1


def serve(home: Path) -> tuple[subprocess.Popen[str], str]:
    process = started("--home", home, "serve", "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Lineside answers at "), (line, process.communicate()[1])
    return process, line.split()[-1]


def kept(home: Path) -> Kept:
    """Record ids by the source and its own id, for what is polled or pushed."""
    lineside = open_lineside(home)
    found: Kept = {}
    records = tables.records
    try:
        with lineside.memory.read() as connection:
            ids = list(connection.scalars(select(records.c.id)))
        for record_id, record in lineside.memory.view(as_of=lineside.clock()).records(ids).items():
            own = record.provenance
            if own.source in (*POLLED, "scale"):
                found.setdefault((own.source, own.source_id), []).append(record_id)
    finally:
        lineside.close()
    return found


def caught_up(home: Path) -> Kept:
    """What is kept once every polled source was read to its end."""
    for name in POLLED:
        assert lineside("--home", home, "backfill", name).code == 0
    return kept(home)


def polled(found: Kept) -> set[tuple[str, str, str]]:
    """(source, its own id, record id) of what is polled."""
    return {(*key, record_id) for key, ids in found.items() if key[0] in POLLED for record_id in ids}


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, plant: dict[str, Any]) -> None:
    home = made_home(tmp_path / "killed", plant["folder"])
    dice = random.Random(20261112)
    pusher = Pusher(lineside("--home", home, "token", "--source", "scale").out.strip())
    proposal = ""
    for head in plant["heads"]:
        assert lineside("--home", home, "targets", "arm", "qms", "--as", head, "--reason", "ready").code == 0
    try:
        for kill in range(KILLS):
            process, pusher.url = serve(home)
            if kill == 0:
                pusher.start()
            if kill == KILLS // 2:  # by now everything that it is about has been read
                until(lambda: _all_live(home), "the sources", within_s=WITHIN_S)
                asked = lineside("--home", home, "ask", plant["hold_question"], "--as", plant["proposer"], "--json")
                (wanted,) = asked.json["proposals"]
                proposal = wanted["id"]
                opened = open_lineside(home)
                digest = opened.ledger.show(proposal).digest
                approver = opened.person(plant["approver"])
                opened.ledger.approve(proposal, approver=approver, digest=digest, channel="cli")
                opened.close()
            time.sleep(dice.uniform(0.0, 1.5))  # the moment of the kill, not a wait for anything
            process.kill()
            process.communicate()
        process, pusher.url = serve(home)
        ended = until(lambda: _ended(home, proposal), "what became of the hold", within_s=WITHIN_S)
        pushed = pusher.done
        until(lambda: pusher.done > pushed, "one more push", within_s=WITHIN_S)
    finally:
        pusher.ended.set()
        pusher.join()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=WITHIN_S)
    told = [
        line for line in err.splitlines() if "kind=gap" not in line
    ]  # what a machine shows can't be asked for later
    assert (process.returncode, told) == (0, [])

    calm = made_home(tmp_path / "calm", plant["folder"])
    # the plant goes on meanwhile, one of its clocks being minutes off: what was there before must have been kept, what
    # was kept must be there after
    before, disturbed, after = (caught_up(each) for each in (calm, home, calm))

    notes = {key for key in disturbed if key[0] == "scale"}
    assert {("scale", f"w-{number}") for number in range(pusher.done)} <= notes
    assert len(notes) <= pusher.done + 1
    assert all(len(disturbed[key]) == 1 for key in notes)
    assert polled(before) - polled(disturbed) == set()
    assert polled(disturbed) - polled(after) == set()
    assert len(polled(disturbed)) == sum(len(ids) for key, ids in disturbed.items() if key[0] in POLLED)
    for row in lineside("--home", home, "sources", "list", "--json").json:
        outcomes = ("recorded", "known", "dead_lettered", "held", "ignored")
        assert row["received"] == sum(row[outcome] for outcome in outcomes), row
    writes = plant["folder"] / "qms-writes.jsonl"
    effects = writes.read_text(encoding="utf-8").splitlines() if writes.exists() else []
    # a kill between the intent and the call: it was never sent, nobody sends it unasked, and that is told
    assert len(effects) == {"verified": 1, "failed": 0}[ended]
    assert lineside("--home", home, "audit", "verify").code == 0


def _all_live(home: Path) -> bool:
    rows = {row["source"]: row for row in lineside("--home", home, "sources", "list", "--json").json}
    return all(rows[name]["state"] == "live" for name in POLLED)


def _ended(home: Path, proposal: str) -> str:
    """The state it ended in, or nothing as long as it goes on."""
    state = str(lineside("--home", home, "proposals", "show", proposal, "--json").json["state"])
    return state if state in ("verified", "failed") else ""
