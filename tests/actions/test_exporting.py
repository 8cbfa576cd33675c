"""Signed heads leave the machine as the ledger grows, and what was rewritten here is found by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text
from tests.actions.conftest import QUALITY, MakeDesk

from lineside.actions.exporting import EVERY_S, FILE, Export, checked_place, newest_head
from lineside.errors import BadRequest, BadSettings


class Passed:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_head_leaves_once_a_minute_at_most_and_finds_what_was_rewritten(desk: MakeDesk, tmp_path: Path) -> None:
    built, passed = desk(), Passed()
    export = Export(checked_place(str(tmp_path)), "", passed)
    assert not export.step(built.ledger), "nothing was done yet"
    built.proposed("A-1")
    assert export.step(built.ledger)
    proposal = built.proposed("A-2")
    assert not export.step(built.ledger)
    passed.now += EVERY_S
    assert export.step(built.ledger)
    assert not export.step(built.ledger)

    lines = (tmp_path / FILE).read_text().splitlines()
    head = newest_head("\n".join([*lines, lines[-1][:40]]))  # the machine stopped in the middle of a line
    assert [json.loads(line)["seq"] for line in lines] == [1, 2]
    assert built.ledger.audit_verify(head).ok
    with built.memory.write() as connection:  # the tail is cut, and the older head put back
        old = json.loads(lines[0])
        connection.execute(text("DELETE FROM audit_entries WHERE seq = 2"))
        connection.execute(text("UPDATE audit_head SET seq = 1, hash = :hash, signature = :signature"), old)
    assert built.ledger.audit_verify().ok
    assert not built.ledger.audit_verify(head).ok
    del proposal


def test_a_thousand_entries_do_not_wait_for_the_minute(desk: MakeDesk, tmp_path: Path) -> None:
    built = desk()
    export = Export(str(tmp_path), "", Passed())
    proposal = built.proposed("A-1")
    assert export.step(built.ledger)
    with built.memory.write() as connection:
        for number in range(1000):
            built.ledger.journal.append(
                connection, at=built.clock(), kind="noted", actor="x", proposal=proposal.id, data={"n": number}
            )

    assert export.step(built.ledger)


def test_a_place_that_is_away_is_told_and_tried_again(desk: MakeDesk, tmp_path: Path) -> None:
    built, passed = desk(), Passed()
    away = tmp_path / "share"
    export = Export(str(away), "", passed)
    built.proposed("A-1")
    assert not export.step(built.ledger)
    assert "did not reach" in export.behind
    away.mkdir()
    assert not export.step(built.ledger), "not each second"
    passed.now += EVERY_S

    assert export.step(built.ledger)
    assert export.behind == ""


@pytest.fixture
def keeper() -> Iterator[tuple[str, list[tuple[str, dict[str, object]]]]]:
    """Another machine that keeps what it is sent."""
    kept: list[tuple[str, dict[str, object]]] = []

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.append((self.headers["authorization"], json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Keeper)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/heads", kept
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address_takes_each_head_with_its_token(
    desk: MakeDesk, keeper: tuple[str, list[tuple[str, dict[str, object]]]]
) -> None:
    url, kept = keeper
    built = desk()
    proposal = built.proposed("A-1")
    built.ledger.reject(proposal.id, QUALITY, "no")

    assert Export(checked_place(url), "t-1", Passed()).step(built.ledger)

    assert [(who, head["seq"]) for who, head in kept] == [("Bearer t-1", 2)]


def test_what_is_no_place_or_no_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"audit\.export"):
        checked_place(str(tmp_path / "nowhere"))
    for wrong in ("", "[]", "{", '{"seq": 1}'):
        with pytest.raises(BadRequest):
            newest_head(wrong)
