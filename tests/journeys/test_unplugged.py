"""A plant's sources are unplugged for an hour while `lineside serve` runs, is killed and started anew, and are then
plugged in again: no hole stays that a source could fill, and the one that could not be filled is told.

The hour passes for real: all processes run under libfaketime, whose clock is put forward by ten minutes at a time, so
that an hour on the clock of the plant, its servers and its memory takes a minute here. What a process waits for (pauses
between tries, timeouts, signs of life) goes by the monotonic clock, which is left alone: no thread sleeps through the
hour, and nothing times out because the clock was moved. So the connectors see a short outage, whose length they don't
measure by, and everything that judges by the time of day (silence, alerts, gaps, freshness, answers) sees the hour.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingest.mqtt_peer import PASSWORD, USER, Broker, free_port, publish, running
from tests.journeys.cable import Cable
from tests.journeys.conftest import Ran, event, started
from tests.journeys.conftest import until as awaited

from lineside.app import open_lineside

HERE = Path(__file__).parent
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday
WITHIN_S, EVERY_S = 600.0, 0.25
USUAL = 25  # so often the saw has spoken, each minute, before it says nothing for an hour
FILLED = ("wms", "press", "broker", "scale")
CUT = ("wms", "press", "broker", "line")
UNREACHABLE = {(source, "unreachable") for source in CUT}
STILL = {("scale", "silent"), ("saw", "no_records")}

PLANT = """
site = "works"
time_zone = "UTC"

[[equipment]]
id = "works/hall-2/press-7"
name = "Press 7"

[[equipment]]
id = "works/hall-2/line-3"
name = "Line 3"

[[equipment]]
id = "works/hall-2/saw-1"
name = "Saw 1"

[[people]]
id = "planner-1"
name = "Pat Planner"
roles = ["planner"]
sites = ["works"]

[[sources]]
name = "scale"
cadence_s = 300
"""


def opc_ua(name: str, equipment: str, port: int) -> str:
    return f"""
[[sources]]
name = "{name}"
connector = "opcua"
[sources.options]
url = "opc.tcp://127.0.0.1:{port}/"
sampling_ms = 20
keep_alive_s = 4
resume_s = 1
timeout_s = 10
alarms = false
[[sources.options.nodes]]
node = "nsu=urn:works:hall-2;s={name}"
equipment = "works/hall-2/{equipment}"
property = "good_count"
unit = "ea"
"""


def settings(*, database: Path, broker: int, press: int, line: int, saw: int) -> str:
    return f"""
[[sources]]
name = "wms"
connector = "sql_view"
poll_s = 0.5
[sources.options]
url = "sqlite:///{database}"
[[sources.options.views]]
table = "moves"
key = ["id"]
cursor = "id"
immutable = true
mapping.entity = "lot:W-{{id}}"
mapping.occurred_at = "at"
mapping.properties.count = {{ field = "id", type = "number" }}

[[sources]]
name = "broker"
connector = "mqtt"
[sources.options]
url = "mqtt://127.0.0.1:{broker}"
user = "{USER}"
password = "{PASSWORD}"
keep_alive_s = 2
timeout_s = 10
[[sources.options.streams]]
topic = "works/counts"
payload = "json"
id = ["n"]
mapping.entity = "lot:B-{{n}}"
mapping.occurred_at = "at"
mapping.properties.count = {{ field = "n", type = "number" }}
""" + "".join((opc_ua("press", "press-7", press), opc_ua("line", "line-3", line), opc_ua("saw", "saw-1", saw)))


class PlantClock:
    """The clock that all processes of the plant have. It is put forward for all of them at once."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._ahead = MORNING - datetime.now(UTC)
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            lacking = "libfaketime is not installed: apt-get install libfaketime"
            if os.environ.get("CI"):
                pytest.fail(lacking)
            pytest.skip(lacking)
        self.variables = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else whoever waits for another thread looks at the time without rest
        }
        self.move()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def move(self, **by: float) -> None:
        self._ahead += timedelta(**by)
        written = self._file.with_suffix(".new")
        written.write_text(f"{self._ahead.total_seconds():+.3f}\n", encoding="ascii")
        written.rename(self._file)  # at once, so that nobody reads half of it


class Sender(threading.Thread):
    """Posts what is to be said to the address, each until it is acknowledged, in order."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self.url = f"http://127.0.0.1:{port}/api/v1/ingest/scale"
        self.done = 0
        self.ended = threading.Event()
        self._token = token
        self._waiting: list[dict[str, Any]] = []

    def say(self, number: int, at: datetime) -> None:
        count = {"entity": f"lot:S-{number}", "properties": {"count": number}}
        self._waiting.append(event(f"s-{number}", "report", at.isoformat(), count, "scale"))

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/cloudevents+json"}
        with httpx.Client(trust_env=False, timeout=10, headers=headers) as client:
            while not self.ended.wait(0.05):
                if self.done < len(self._waiting):
                    self._post(client, self._waiting[self.done])

    def _post(self, client: httpx.Client, said: dict[str, Any]) -> None:
        try:
            sent = client.post(self.url, json=said)
        except httpx.HTTPError:
            return
        self.done += sent.is_success


class Works:
    """A plant whose sources each have a cable, and Lineside beside it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.clock = PlantClock(folder)
        self.database, self.parked = folder / "wms.db", folder / "parked.db"
        self.said: dict[str, dict[int, datetime]] = {name: {} for name in (*FILLED, "line", "saw")}
        for counter in ("press", "line", "saw"):
            self.said[counter][0] = self.clock.now()  # what it shows from the start
        with sqlite3.connect(self.database) as connection:
            connection.execute("create table moves (id integer primary key, at text)")
        self.broker: Broker = stack.enter_context(running(folder / "broker"))
        plc = free_port()
        self._plc = stack.enter_context(
            subprocess.Popen(
                [sys.executable, str(HERE / "opcua_plant.py"), str(plc)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, **self.clock.variables},
            )
        )
        stack.callback(self._plc.kill)
        self._answered("ready")
        ends = {"press": plc, "line": plc, "broker": self.broker.port, "scale": 0}
        self.cables = {name: Cable(end) for name, end in ends.items()}
        for cable in self.cables.values():
            stack.callback(cable.close)
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "plant.toml").write_text(PLANT, encoding="utf-8")
        (self.home / "lineside.toml").write_text(
            settings(
                database=self.database,
                broker=self.cables["broker"].port,
                press=self.cables["press"].port,
                line=self.cables["line"].port,
                saw=plc,
            ),
            encoding="utf-8",
        )
        self._server: subprocess.Popen[str] | None = None
        stack.callback(self.kill)
        self._sender = Sender(self.cables["scale"].port, self.run("token", "--source", "scale").out.strip())
        stack.callback(self._sender.ended.set)
        self._sender.start()

    def run(self, *words: object) -> Ran:
        """The command line as a process that has the plant's clock."""
        process = started("--home", self.home, *words, env={**os.environ, **self.clock.variables})
        out, err = process.communicate(timeout=WITHIN_S)
        assert process.returncode == 0, err
        return Ran(process.returncode, out, err)

    def serve(self) -> None:
        environment = {**os.environ, **self.clock.variables}
        self._server = started("--home", self.home, "serve", "--port", "0", env=environment)
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line.startswith("Lineside answers at "), (line, self._server.communicate()[1])
        self.url = line.split()[-1]
        self.cables["scale"].to = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.communicate()

    def stop(self) -> None:
        """It ends as it is asked to."""
        assert self._server is not None
        self._server.send_signal(signal.SIGTERM)
        assert (self._server.communicate(timeout=WITHIN_S), self._server.returncode)[1] == 0

    def get(self, path: str) -> Any:
        """What the interface answers."""
        found = httpx.get(f"{self.url}/api/v1/{path}", trust_env=False, timeout=WITHIN_S)
        assert found.is_success, found.text
        return found.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        found = httpx.post(f"{self.url}/api/v1/{path}", json=body, trust_env=False, timeout=WITHIN_S)
        assert found.is_success, found.text
        return found.json()

    def rows(self) -> dict[str, dict[str, Any]]:
        """Each source with how it is doing."""
        return {each["source"]: each for each in self.get("sources")}

    def open_alerts(self) -> dict[tuple[str, str], int]:
        """The number of each by its source and kind."""
        return {(each["source"], each["kind"]): each["id"] for each in self.get("alerts")}

    def all_live(self) -> None:
        self.all_are("live", *CUT, "saw")

    def all_retried(self) -> None:
        """What is cut off is tried again and again."""
        self.all_are("retrying", *CUT)

    def all_are(self, state: str, *sources: str) -> None:
        self.awaits(lambda rows: all(rows[each]["state"] == state for each in sources), f"all {state}")

    def all_kept(self, *sources: str) -> None:
        """As much as each has said is recorded."""
        said = {source: len(self.said[source]) for source in sources}
        self.awaits(lambda rows: all(rows[each]["recorded"] >= said[each] for each in sources), f"{said} to be kept")

    def marked(self, source: str) -> None:
        """Reading would go on from what was heard just now: a gap can't begin before the clock was last put forward."""
        now = self.clock.now()
        age = f"the checkpoint of {source}"
        self.awaits(lambda rows: rows[source]["checkpoint_age_s"] < (self.clock.now() - now).total_seconds(), age)

    def watched(self) -> None:
        """The watchdog has looked once more."""
        now = self.clock.now()
        self.awaits(lambda rows: datetime.fromisoformat(rows["lineside"]["last_heard"]) > now, "the watchdog's look")

    def alerted(self, wanted: AbstractSet[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """All that are open, as soon as these are among them."""
        awaited(lambda: self.open_alerts().keys() >= wanted, f"{wanted}", within_s=WITHIN_S, every_s=EVERY_S)
        return self.open_alerts()

    def calm(self) -> None:
        """Nothing is wrong."""
        awaited(lambda: not self.open_alerts(), "no alert", within_s=WITHIN_S, every_s=EVERY_S)

    def awaits(self, true: Callable[[dict[str, dict[str, Any]]], bool], what: str) -> None:
        awaited(lambda: true(self.rows()), what, within_s=WITHIN_S, every_s=EVERY_S)

    def say(self, *sources: str, at: datetime | None = None) -> None:
        """Each source has one more to say, at the plant's present time where no other is given."""
        when = at or self.clock.now()
        for source in sources:
            number = len(self.said[source])
            self.said[source][number] = when
            match source:
                case "wms":
                    there = self.database if self.database.exists() else self.parked
                    with sqlite3.connect(there) as connection:
                        connection.execute("insert into moves values (?, ?)", (number, when.isoformat()))
                    connection.close()
                case "broker":
                    told = json.dumps({"n": number, "at": when.isoformat()}).encode()
                    publish(self.broker.port, ("works/counts", told))
                case "scale":
                    self._sender.say(number, when)
                case _:
                    assert self._plc.stdin is not None
                    print(json.dumps([source, number, when.isoformat()]), file=self._plc.stdin, flush=True)
                    self._answered("done")

    def unplug(self) -> None:
        self.database.rename(self.parked)
        self.cables["line"].cut()
        self.cables["scale"].cut()
        self.cables["press"].hang()
        self.cables["broker"].hang()

    def plug_in(self) -> None:
        self.parked.rename(self.database)
        for cable in self.cables.values():
            cable.plug()

    def kept(self, source: str) -> list[int]:
        """The numbers that the memory has of what the source said."""
        opened = open_lineside(self.home)
        try:
            view = opened.memory.view(as_of=self.clock.now())
            told = [each.text for each in view.statements() if each.source == source]
        finally:
            opened.close()
        return sorted(int(each.partition(" ")[0]) for each in told)

    def _answered(self, word: str) -> None:
        assert self._plc.stdout is not None
        assert self._plc.stdout.readline().strip() == word


@dataclass(frozen=True)
class Hour:
    """How the hour went. mid: the alerts before and after a kill in the middle of it; end: at its end."""

    works: Works
    unplugged_at: datetime
    plugged_at: datetime
    mid: Sequence[dict[tuple[str, str], int]]
    end: dict[tuple[str, str], int]
    states: dict[str, str]

    @property
    def middle(self) -> str:
        return (self.unplugged_at + timedelta(minutes=30)).isoformat()


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    """The plant after its hour, with Lineside still at work."""
    with ExitStack() as stack:
        works = Works(tmp_path_factory.mktemp("works"), stack)
        works.serve()
        works.all_live()
        for minute in range(USUAL):
            works.say("saw", at=works.clock.now() - timedelta(minutes=USUAL - minute))
        works.say(*FILLED, "line")
        works.clock.move(minutes=15)
        works.say(*FILLED, "line")
        works.all_kept(*works.said)
        works.marked("line")
        works.calm()

        unplugged_at = works.clock.now()
        works.unplug()
        works.all_retried()
        works.say(*FILLED, "line")
        works.clock.move(minutes=10)
        before = works.alerted(UNREACHABLE)
        works.kill()
        works.say(*FILLED, "line")
        works.serve()
        works.all_retried()
        works.watched()
        after = works.open_alerts()
        works.clock.move(minutes=30)
        works.say(*FILLED, "line")
        works.clock.move(minutes=20)
        end = works.alerted(UNREACHABLE | STILL)
        rows = works.rows()
        states = {source: str(rows[source]["state"]) for source in works.said}

        plugged_at = works.clock.now()
        works.plug_in()
        works.all_kept(*FILLED)
        works.awaits(lambda rows: rows["line"]["gaps"], "the line's gap")
        works.say(*FILLED, "line", "saw")
        works.calm()
        works.stop()
        works.serve()
        works.all_live()
        works.say(*FILLED, "line", "saw")
        works.all_kept(*FILLED, "saw")
        last = max(works.said["line"])
        awaited(lambda: last in works.kept("line"), "the line's last word", within_s=WITHIN_S, every_s=EVERY_S)
        works.watched()
        yield Hour(works, unplugged_at, plugged_at, (before, after), end, states)
        works.stop()


@pytest.mark.slow
def test_what_a_source_kept_meanwhile_is_there_once(hour: Hour) -> None:
    works = hour.works
    rows = {row["source"]: row for row in works.run("sources", "list", "--json").json}
    for source in (*FILLED, "saw"):
        assert works.kept(source) == list(works.said[source]), source
        assert rows[source]["recorded"] == len(works.said[source]), source
        assert (rows[source]["gaps"], rows[source]["open_letters"]) == (0, 0), source


@pytest.mark.slow
def test_what_no_source_kept_is_a_gap_that_every_face_shows(hour: Hour) -> None:
    works = hour.works
    kept, said = works.kept("line"), works.said["line"]
    assert len(kept) == len(set(kept))
    lost = sorted(set(said) - set(kept))
    assert lost
    gaps = works.run("sources", "show", "line", "--json").json["gap_list"]
    [gap] = [each for each in gaps if each["since"] < hour.plugged_at.isoformat() and each["until"] > hour.middle]
    since, until = (datetime.fromisoformat(gap[name]) for name in ("since", "until"))
    assert all(since < said[number] < until for number in lost)
    assert hour.unplugged_at - timedelta(minutes=1) < since < hour.unplugged_at + timedelta(minutes=1)
    assert hour.plugged_at < until < works.clock.now()
    assert "keeps no history of 1 of 1 nodes" in gap["reason"]
    assert gap in works.get("sources/line")["gap_list"]
    shown = works.run("sources", "show", "line").out
    assert f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}: {gap['reason']}" in shown
    told = [each["reason"] for each in works.get("alerts?source=line&closed=true") if each["kind"] == "gap"]
    assert sum(since.isoformat(timespec="seconds") in each for each in told) == 1


@pytest.mark.slow
def test_each_alert_opened_once_and_closed_once_whoever_was_killed_meanwhile(hour: Hour) -> None:
    before, after = hour.mid
    assert {key: before[key] for key in UNREACHABLE} == {key: after.get(key) for key in UNREACHABLE}
    assert {key: hour.end[key] for key in UNREACHABLE} == {key: before[key] for key in UNREACHABLE}
    told = [each for each in hour.works.get("alerts?closed=true") if each["opened_at"] >= hour.unplugged_at.isoformat()]
    found = Counter((each["source"], each["kind"]) for each in told if each["kind"] != "gap")
    assert found == Counter(UNREACHABLE | STILL)
    assert all(each["closed_at"] for each in told)


@pytest.mark.slow
def test_one_that_answers_but_says_nothing_is_silent_and_one_that_does_not_answer_is_tried_again(hour: Hour) -> None:
    assert hour.states == dict.fromkeys(CUT, "retrying") | {"saw": "silent", "scale": "silent"}
    assert not [key for alerts in hour.mid for key in alerts if key[0] == "saw"], "after ten minutes it was no silence"


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "touched"), [("between 08:10 and 09:30", True), ("between 07:50 and 08:10", False)])
def test_an_answer_says_that_it_touches_the_gap_and_one_that_does_not_is_as_it_was(
    hour: Hour, asked: str, touched: bool
) -> None:
    for answer in (
        hour.works.run("ask", f"How did Line 3 run {asked}?", "--json").json,
        hour.works.post("ask", {"question": f"How did Line 3 run {asked}?"}),
    ):
        assert not answer["abstained"]
        states = {each["source"]: each["state"] for each in answer["freshness"]}
        assert states["line"] == ("late" if touched else "live")
        assert {states[source] for source in (*FILLED, "saw")} == {"live"}
        assert any("line may have spoken unheard" in each for each in answer["missing"]) is touched
