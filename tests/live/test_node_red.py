"""Node-RED as a sender of webhooks, signing in a function node and trying again, to a running `lineside serve`."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.ingest.mqtt_peer import wired

from lineside.app import open_lineside

from .installing import free_port, listens, npm_folder, program, started

HERE = Path(__file__).parent / "node_red"
LINESIDE = Path(sys.executable).with_name("lineside")
SECRET = "whsec_bm9kZSByZWQncyBvd24="
TOKEN = "node-red-7"
PLANT = 'site = "northfield"\ntime_zone = "UTC"\n'
_MAPPING = 'mapping = { entity = "lot:{lot}", properties = { n = { field = "n", type = "number" }, line = "line" } }'
SETTINGS = f"""trust_loopback = false
[[sources]]
name = "signed"
connector = "webhook"
[sources.options]
scheme = "standard"
secret = "{SECRET}"
largest_kb = 8
[[sources.options.streams]]
{_MAPPING}
[[sources]]
name = "tokened"
connector = "webhook"
[sources.options]
token = "{TOKEN}"
id_header = "X-Request-Id"
[[sources.options.streams]]
{_MAPPING}
[[sources]]
name = "events"
connector = "webhook"
[sources.options]
stream_field = "ce.type"
[[sources.options.streams]]
name = "counted"
matches = ["lot.*"]
{_MAPPING}
"""


class House:
    """A home of ours, and its server as a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self._logs = 0
        home.mkdir()
        (home / "plant.toml").write_text(PLANT)
        (home / "lineside.toml").write_text(SETTINGS)

    def serving(self) -> AbstractContextManager[subprocess.Popen]:
        self._logs += 1
        command = [str(LINESIDE), "--home", str(self.home), "serve", "--only", "web", "--port", str(self.port)]
        return started(command, log=self.home / f"serve-{self._logs}.log", ready=lambda: listens(self.port))

    def token(self, source: str) -> str:
        command = [str(LINESIDE), "--home", str(self.home), "token", "--source", source]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def kept(self, source: str) -> tuple[list[tuple[str, str]], list[str]]:
        """What stands of a source: each lot's count, as (lot, n), and the contents of its dead letters."""
        lineside = open_lineside(self.home)
        try:
            stands = lineside.memory.view().statements(properties=("n",))
            said = [each for each in stands if each.source == source]
            letters = lineside.memory.dead_letters(source=source)
            return sorted((each.entity.id, each.text) for each in said), [each.content.decode() for each in letters]
        finally:
            lineside.close()


class Sender:
    """Node-RED's flow. What it was answered at last: the status, how often it posted, the body."""

    def __init__(self, url: str, port: int) -> None:
        self.url = url
        self.port = port

    def sends(self, source: str, value: object, **more: Any) -> tuple[int, int, dict[str, Any]]:
        ask = {"url": f"http://127.0.0.1:{self.port}/api/v1/ingest/{source}", "value": value, **more}
        said = httpx.post(self.url, json=ask, timeout=60).json()
        return said["status"], said["tries"], json.loads(said["body"])

    def signs(self, value: object, number: str, **more: Any) -> tuple[int, int, dict[str, Any]]:
        return self.sends("signed", value, id=number, **{"secret": SECRET, **more})


def with_token(number: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "X-Request-Id": number}


@pytest.fixture(scope="module")
def node_red(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the running flow is asked to send."""
    folder = npm_folder("node-red", {"node-red": "4.1.15"})
    own, port = tmp_path_factory.mktemp("node-red"), free_port()
    for name in ("flows.json", "settings.js"):
        shutil.copy(HERE / name, own / name)
    command = [program("node", "nodejs"), str(folder / "node_modules/node-red/red.js"), "--userDir", str(own)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(own), "PORT": str(port)}
    log = own / "log"
    with started(command, log=log, ready=lambda: "Started flows" in log.read_text(), env=environment):
        yield f"http://127.0.0.1:{port}/send"


@pytest.fixture(scope="module", autouse=True)
def no_such_setting(node_red: str) -> Iterator[None]:
    """What begins with LINESIDE_ is a setting to Lineside, also the word that let Node-RED be installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LINESIDE_LIVE", raising=False)
        yield


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    served = House(tmp_path_factory.mktemp("house") / "home")
    with served.serving():
        yield served


@pytest.fixture
def sender(node_red: str, house: House) -> Sender:
    return Sender(node_red, house.port)


def test_what_is_signed_in_a_function_node_is_kept_once_and_what_is_forged_leaves_nothing(
    sender: Sender, house: House
) -> None:
    row = {"lot": "L-1", "n": 0.1 + 0.2, "line": "Füller 3"}
    answers = [sender.signs(row, "d-1") for _ in range(2)]
    assert [(status, body["recorded"], body["known"]) for status, _, body in answers] == [(200, 1, 0), (200, 0, 1)]
    forged = {**row, "lot": "L-forged"}
    for how, reason in (
        ({"secret": "whsec_Zm9yZ2Vk"}, "the signature is not the sender's"),
        ({"secret": ""}, "the signature is missing"),
        ({"late_s": 400}, r"it was signed 40\d s before our time"),
        ({"sent_instead": {**forged, "n": 9}}, "the signature is not the sender's"),
    ):
        status, _, problem = sender.signs(forged, "d-2", **how)
        assert (status, problem["status"], problem["title"]) == (401, 401, "Unauthorized")
        assert re.fullmatch(f"the request is refused: {reason}", problem["detail"])
    status, _, problem = sender.signs({**forged, "line": "x" * 9000}, "d-3")
    assert (status, problem["detail"]) == (400, "the request is larger than 8 KB")
    assert house.kept("signed") == ([("L-1", "0.30000000000000004")], [])


def test_poison_is_answered_once_kept_as_it_came_and_stops_nothing(sender: Sender, house: House) -> None:
    poisons = ['{"lot": "L-9", "n": ', "<stop/>", {"n": 4}, {"lot": "L-9", "n": "many"}]
    for number, poison in enumerate(poisons * 2):
        status, tries, body = sender.sends("tokened", poison, tries=5, headers=with_token(f"p-{number % 4}"))
        assert (status, tries, body["received"], body["recorded"]) == (200, 1, 1, 0)
    _, _, mixed = sender.sends("tokened", [1, {"lot": "L-2", "n": 2}], headers=with_token("m"))
    assert (mixed["recorded"], mixed["dead_lettered"]) == (1, 1)
    form = {"lot": "L-3", "n": "3", "line": "Füller & Co"}
    as_form = {**with_token("f"), "content-type": "application/x-www-form-urlencoded"}
    assert sender.sends("tokened", form, headers=as_form)[2]["recorded"] == 1
    assert sender.sends("tokened", form, headers={**as_form, "Authorization": "Bearer no"})[0] == 401
    said, letters = house.kept("tokened")
    assert said == [("L-2", "2"), ("L-3", "3")]
    assert letters.count('{"lot": "L-9", "n": ') == letters.count("<stop/>") == 1
    assert len(letters) == 5


def test_cloudevents_are_one_in_every_mode_and_need_a_token_of_their_source(sender: Sender, house: House) -> None:
    bearer = {"Authorization": f"Bearer {house.token('events')}"}
    attributes = {"specversion": "1.0", "id": "e-1", "source": "/node-red/Füller 3", "type": "lot.counted"}
    attributes["time"] = "2026-05-04T10:00:00+02:00"
    event = {**attributes, "data": {"lot": "L-5", "n": 5}}
    quoted = {f"ce-{name}": quote(value, safe="/:+") for name, value in attributes.items()}

    def outcome(value: object, headers: dict[str, str]) -> tuple[int, int, int]:
        status, _, body = sender.sends("events", value, headers={**bearer, **headers})
        return status, body.get("recorded", 0), body.get("known", 0)

    assert outcome(event, {"content-type": "application/cloudevents+json; charset=utf-8"}) == (200, 1, 0)
    assert outcome(event["data"], quoted) == (200, 0, 1)
    batch = [event, {**event, "id": "e-2", "data": {"lot": "L-6", "n": 6}}]
    assert outcome(batch, {"content-type": "application/cloudevents-batch+json"}) == (200, 1, 1)
    assert outcome(event, {"Authorization": ""})[0] == 401
    assert outcome(event, {"Authorization": f"Bearer {house.token('tokened')}"})[0] == 403
    assert house.kept("events") == ([("L-5", "5"), ("L-6", "6")], [])


async def test_a_try_that_was_not_answered_is_made_again_and_recorded_once(node_red: str, tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    sender = Sender(node_red, house.port)
    begin = asyncio.get_running_loop().run_in_executor
    waiting = begin(None, lambda: sender.signs({"lot": "L-7", "n": 7}, "r-1", tries=200))
    with house.serving():
        status, tries, body = await waiting
        assert (status, body["recorded"]) == (200, 1)
        assert tries > 1
        async with wired(house.port) as wire:
            wire.cut_after = 0  # the request gets through, its answer does not
            cut = Sender(node_red, wire.port)
            status, tries, body = await begin(None, lambda: cut.signs({"lot": "L-8", "n": 8}, "r-2", tries=5))
        assert (status, tries, body["recorded"], body["known"]) == (200, 2, 0, 1)
        same = [begin(None, lambda: sender.signs({"lot": "L-9", "n": 9}, "r-3", tries=5)) for _ in range(12)]
        answers = await asyncio.gather(*same)
        assert [(status, tries) for status, tries, _ in answers] == [(200, 1)] * 12
        assert sum(body["recorded"] for _, _, body in answers) == 1
    assert house.kept("signed") == ([("L-7", "7"), ("L-8", "8"), ("L-9", "9")], [])
