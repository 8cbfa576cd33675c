"""Every interface that is shipped as data, against a recorder: what it sends and keeps quiet, how it takes errors."""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from lineside.actions import ACTIONS
from lineside.actions.action import Form
from lineside.actions.executors import NoAnswer, NoEffect, Writer
from lineside.actions.executors.configured import known
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import Interface, load_interface
from lineside.actions.executors.letter import MailKnown
from lineside.actions.executors.writing import writers
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.plant.entities import Entity
from lineside.settings import TargetSettings

FOLDER = files("lineside") / "actions" / "executors" / "interfaces"
SHIPPED = sorted(each.name.removesuffix(".toml") for each in FOLDER.iterdir())
OVER_HTTP = [name for name in SHIPPED if name != "mail"]
EACH = [(name, action) for name in OVER_HTTP for action in sorted(load_interface(name).offers)]
SECRET, KEY = "hush-hush-hush", "P-0123456789"
SETTING = {"expedite_purchase_order", "pause_shipment"}  # a value shows itself whose it is; all else bears its mark
# What a server answers, and which of the two it is: proved that nothing was done, or nobody knows.
REFUSED, CHANGED, OPEN = (400, 401, 403, 404, 422, 428, 429), (409, 412), (408, 425, 301, 302, 307, 500, 502, 503, 504)


@dataclass
class Recorder:
    """What came, oldest first, and what is answered to all but the fetching of a token. status 0: it hangs up."""

    url: str = ""
    status: int = 200
    content: bytes = b"{}"
    token: str = "tok-1"
    came: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def write(self) -> tuple[str, str, dict[str, str], bytes]:
        [found] = [each for each in self.came if each[2].get("x-csrf-token") != "Fetch"]
        return found


@pytest.fixture(scope="module")
def served() -> Iterator[Recorder]:
    here = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            here.came.append((self.command, self.path, headers, body))
            fetching = headers.get("x-csrf-token") == "Fetch"
            if here.status == 0 and not fetching:
                self.close_connection = True
                return
            content = b"" if fetching else here.content
            self.send_response(200 if fetching else here.status)
            if fetching and here.token:
                self.send_header("X-CSRF-Token", here.token)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 - the server's own names

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield here
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def recorder(served: Recorder) -> Recorder:
    served.status, served.content, served.token = 200, b"{}", "tok-1"
    served.came.clear()
    return served


def options(interface: Interface) -> dict[str, str]:
    return {name: str(7 + place) for place, name in enumerate(interface.described.options)}


def target(name: str, url: str) -> HttpTarget:
    interface = load_interface(name)
    return HttpTarget(url, SECRET, source="s", interface=interface, options=options(interface), timeout_s=20)


def subject(name: str, action: str) -> Entity:
    """One whose kind the interface can read; its id has the parts that any system of the shipped ones wants."""
    of = ACTIONS[action]
    kinds = of.parameter(of.subject).kinds
    readable = load_interface(name).described.read
    return Entity(next(kind for kind in (*kinds, *kinds) if kind in readable or "*" in readable), "A b'?/7")


def approved(action: str, about: Entity) -> bytes:
    said: dict[str, Any] = {"proposal": KEY, "requested_by": "asks", "approved_by": "one, two"}
    for each in ACTIONS[action].parameters:
        match each.form:
            case Form.QUANTITY:
                said |= {each.name: "40", f"{each.name}_unit": "kg"}
            case Form.MOMENT:
                said[each.name] = "2026-11-20T00:00:00+01:00"
            case Form.NUMBER:
                said[each.name] = "3"
            case Form.CHOICE:
                said[each.name] = each.choices[0]
            case _:
                said[each.name] = about.id if each.name == ACTIONS[action].subject else f"the {each.name}"
    return json.dumps(said).encode()


def carried_out(name: str, action: str, url: str, condition: str | None = "17@18") -> Any:
    about = subject(name, action)
    return target(name, url).carry_out(action, about, approved(action, about), key=KEY, condition=condition)


def test_every_shipped_file_is_an_interface_that_settings_can_name(tmp_path: Path) -> None:
    for name in SHIPPED:
        said = {"url": "smtps://mail.example" if name == "mail" else "https://s.example", "token": SECRET}
        with pytest.raises(BadSettings, match=r"has no nonsense|lacks"):
            known("s", TargetSettings(interface=name, options={"nonsense": "x"}, **said), tmp_path)
        wanted = {"from": "a@b.example", "copy": "c@b.example", "user": "u", "ca": ""}
        given = wanted if name == "mail" else options(load_interface(name))
        made = known("s", TargetSettings(interface=name, options=given, **said), tmp_path)
        assert isinstance(made, MailKnown) is (name == "mail")
        assert made.offers <= set(ACTIONS)
        [writer] = writers(
            [("s", TargetSettings(interface=name, options=given, **said))], tmp_path, lambda: datetime.now(UTC)
        )
        assert isinstance(writer, Writer)
        assert writer.interface == made.interface
        assert SECRET not in repr(vars(made))
        if given:
            other = dict.fromkeys(given, "9") if name != "mail" else {**given, "from": "x@b.example"}
            elsewhere = known("s", TargetSettings(interface=name, options=other, **said), tmp_path)
            assert elsewhere.interface != made.interface  # what was approved for one is not for the other


@pytest.mark.parametrize(("name", "action"), EACH)
def test_a_write_names_its_key_its_condition_and_who_decided_and_keeps_the_secret(
    recorder: Recorder, name: str, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    interface = load_interface(name).described
    carried_out(name, action, recorder.url)
    method, path, headers, body = recorder.write
    do = interface.do[action]
    assert (method, headers[do.key_header.lower()]) == (do.method, KEY)
    assert "{" not in path
    assert " " not in path
    assert "?/" not in path
    written = body.decode()
    json.loads(written)
    conditional = interface.read.get(subject(name, action).kind) or interface.read["*"]
    if conditional.condition:
        assert headers.get(do.condition_header.lower()) == "17@18" or "17" in written
    assert KEY in written or action in SETTING
    assert SECRET not in path + written + caplog.text
    assert any(SECRET in value or "Basic " in value for value in headers.values())
    if interface.csrf:
        assert headers["x-csrf-token"] == "tok-1"


@pytest.mark.parametrize(("name", "action"), EACH)
def test_every_answer_is_taken_for_what_it_proves(recorder: Recorder, name: str, action: str) -> None:
    for status in REFUSED:
        recorder.status = status
        answer = carried_out(name, action, recorder.url)
        assert isinstance(answer, NoEffect), status
        assert not answer.changed, status
        assert SECRET not in answer.reason
    for status in CHANGED:
        recorder.status = status
        answer = carried_out(name, action, recorder.url)
        assert isinstance(answer, NoEffect), status
        assert answer.changed, status
    for status in (*OPEN, 0):
        recorder.status = status
        assert isinstance(carried_out(name, action, recorder.url), NoAnswer), status
    do = load_interface(name).described
    recorder.status, recorder.content = 200, b"<html>welcome</html>"
    if do.refused or do.do[action].effect:
        assert isinstance(carried_out(name, action, recorder.url), NoAnswer)
    assert isinstance(carried_out(name, action, "http://127.0.0.1:9"), NoEffect)
    if do.csrf:
        recorder.came.clear()
        recorder.token = ""
        assert isinstance(carried_out(name, action, recorder.url), NoEffect)
        assert {method for method, *_ in recorder.came} == {"GET"}


@pytest.mark.parametrize(("name", "action"), EACH)
def test_a_read_never_takes_an_error_or_another_subject_for_the_subject(
    recorder: Recorder, name: str, action: str
) -> None:
    reader, about = target(name, recorder.url), subject(name, action)
    recorder.status = 404
    assert reader.read(action, about, proposal=KEY) is None
    for status in (401, 403):
        recorder.status = status
        with pytest.raises(SourceRefused):
            reader.read(action, about, proposal=KEY)
    for status, content in ((500, b"{}"), (302, b"{}"), (200, b"<html>"), (200, b"{}"), (200, b"[]"), (0, b"")):
        recorder.status, recorder.content = status, content
        with pytest.raises(SourceUnavailable):
            reader.read(action, about, proposal=KEY)
    assert all("{" not in path and " " not in path for _, path, *_ in recorder.came)
