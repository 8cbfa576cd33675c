"""What may come in from Slack: signed, in time, for our workspace, and each thing once, across retries and restarts."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.serve.slack.conftest import ADA, LINE, OTTO, Served, configure, serving, words

from lineside.memory import deliveries, leases
from lineside.memory.deliveries import Taken
from lineside.serve.slack import noting
from lineside.serve.slack.door import name_of
from lineside.simulator.slack import Reply, SlackWorkspace

TEXT = "Linie 7 stand wegen Folienriss, 25 min."
SHORTCUT = "save_message"


async def chosen(served: Served) -> tuple[bytes, dict[str, str]]:
    """The bytes and headers of a shortcut that was worked on."""
    await served.save(ADA, served.works.write(ADA, LINE, TEXT))
    headers, body = served.works.sent[-1]
    return body, headers


def opened(served: Served) -> int:
    return sum(1 for method, _ in served.works.calls if method == "views.open")


async def test_only_what_slack_signed_within_five_minutes_comes_in(served: Served) -> None:
    works = served.works
    body = urlencode({"payload": json.dumps({"type": "shortcut", "callback_id": "write_note"})}).encode()
    good = works.signed(body)
    stamp, mark = "X-Slack-Request-Timestamp", "X-Slack-Signature"
    forged = [
        {**good, mark: "v0=" + "0" * 64},
        {**good, mark: "v0=ü" + "0" * 63},
        {**good, mark: ""},
        {**good, mark: good[mark].upper()},
        {**good, stamp: "yesterday"},
        {**good, stamp: "-1"},
        {**good, stamp: "1e9"},
        {**good, stamp: "٣٣٣"},
        {**good, stamp: "9" * 40},
        {**good, stamp: str(int(good[stamp]) + 1)},
        {key: value for key, value in good.items() if key != stamp},
        {key: value for key, value in good.items() if key != mark},
        works.signed(body, at=works.now() - 301),
        works.signed(body, at=works.now() + 302),
        works.signed(body + b" "),
    ]
    works.signing_secret = "another"
    forged.append(works.signed(body))

    replies = [await works.post(body, each) for each in forged]

    assert [each.status for each in replies] == [401] * len(forged)
    assert opened(served) == 0
    assert all(each.body["code"] == "not_permitted" for each in replies)


async def test_the_same_request_again_is_refused_and_a_retry_is_acknowledged_and_not_done_again(
    served: Served,
) -> None:
    body, headers = await chosen(served)
    replayed = await served.works.post(body, headers)
    retried = await served.works.post(body, served.works.signed(body, at=served.works.now() + 2))

    assert (replayed.status, retried.status, retried.body) == (401, 200, None)
    assert opened(served) == 1


async def test_a_restart_forgets_neither(home: Path, works: SlackWorkspace) -> None:
    configure(home, works)
    with pytest.MonkeyPatch.context() as patch:
        async with serving(home, works, patch) as served:
            body, headers = await chosen(served)
        async with serving(home, works, patch) as served:
            replayed = await works.post(body, headers)
            retried = await works.post(body, works.signed(body, at=works.now() + 2))

    assert (replayed.status, retried.status) == (401, 200)
    assert opened(served) == 1


async def test_what_a_killed_process_had_not_finished_is_kept_once_by_the_next(
    home: Path, works: SlackWorkspace
) -> None:  # fmt: skip
    configure(home, works)
    sent: list[dict[str, Any]] = []
    killed = f"here process 999999999 1@{leases._here()} 00"

    async def lost(payload: dict[str, Any], **_: Any) -> Reply:
        sent.append(payload)
        return Reply(0)

    with pytest.MonkeyPatch.context() as patch:
        async with serving(home, works, patch) as served:
            await served.save(ADA, works.write(OTTO, LINE, TEXT))
            deliver, works.deliver = works.deliver, lost
            await works.submit(ADA)
            works.deliver = deliver
            (payload,) = sent
            content = json.dumps(payload).encode()
            taken = deliveries.take(
                served.lineside.memory, name_of(payload, content), content, holder=killed, now=datetime.now(UTC)
            )
            nothing = served.notes()
        async with serving(home, works, patch) as served:
            await works.until(lambda: served.told(ADA), "the confirmation")
            retried = await works.deliver(payload)
        async with serving(home, works, patch) as served:
            kept = served.notes()
            left = deliveries.adopt(served.lineside.memory, prefix="slack/", holder="me", now=datetime.now(UTC))

    assert (taken, nothing, retried.status) == (Taken.NEW, [], 200)
    assert [each.text for each in kept] == [TEXT]
    assert len(served.told(ADA)) == 1
    assert left == []


async def test_other_workspaces_and_their_guests_stay_outside(served: Served) -> None:
    works = served.works
    works.join("U0GUEST00", "Guest", team="T0OTHER00")
    message = works.write(ADA, LINE, TEXT)
    about = {"type": "shortcut", "callback_id": "write_note", "trigger_id": "1.x"}
    payloads = [
        {**about, "team": {"id": "T0OTHER00"}, "user": {"id": ADA}},
        {**about, "team": {"id": works.team}, "user": {"id": ADA, "team_id": "T0OTHER00"}},
        {**about, "team": None, "user": {"id": ADA}},
        about,
    ]

    replies = [await works.deliver(each) for each in payloads]
    guest = await works.choose_on_message("U0GUEST00", LINE, message, SHORTCUT)

    assert [each.status for each in (*replies, guest)] == [403] * 5
    assert opened(served) == 0


async def test_what_is_no_payload_is_a_bad_request_and_never_a_fault(served: Served) -> None:
    works = served.works
    bodies = [b"", b"payload=", b"payload=[]", b"payload=%7B", b"\xff\xfe", b"payload=1", b"a" * 1_000_001]

    replies = [await works.post(each, works.signed(each)) for each in bodies]
    unnamed = await works.deliver({"type": "shortcut", "callback_id": "no_such", "team": {"id": works.team},
                                   "user": {"id": ADA}, "trigger_id": "7.x"})  # fmt: skip

    assert {each.status for each in replies} <= {400, 403}
    assert unnamed.status == 404


async def test_slack_may_ask_whether_we_are_there(served: Served) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c-17", "token": "t"}).encode()
    headers = served.works.signed(body) | {"Content-Type": "application/json"}

    reply = await served.works.post(body, headers)

    assert (reply.status, reply.body) == (200, {"challenge": "c-17"})


async def test_a_keeping_that_takes_long_is_acknowledged_first_and_told_when_it_is_done(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.save(ADA, served.works.write(ADA, LINE, TEXT))
    monkeypatch.setattr(noting, "ACK_WITHIN_S", 0.0)
    reply = await served.works.submit(ADA)
    await served.works.until(
        lambda: "Kept as a note" in words(served.works.form(ADA)) and served.told(ADA), "what became of it"
    )

    assert "being kept" in words(reply.body["view"])
    assert len(served.notes()) == 1


async def test_over_a_socket_it_is_the_same_and_an_envelope_that_comes_again_is_done_once(connected: Served) -> None:
    works = connected.works
    sent: list[dict[str, Any]] = []
    send = works._by_socket

    async def noted(payload: dict[str, Any], kind: str, envelope: str) -> Reply:
        sent.append(payload)
        return await send(payload, kind, envelope)

    works._by_socket = noted
    await connected.save(ADA, works.write(OTTO, LINE, TEXT))
    again = await works.deliver(sent[-1], envelope="e-again")
    kept = await works.submit(ADA)
    twice = await works.deliver(sent[-1], envelope="e-once-more")
    await works.until(lambda: connected.told(ADA), "the confirmation")

    assert (again.status, twice.status) == (200, 200)
    assert "Kept as a note" in words(kept.body["view"])
    assert opened(connected) == 1
    assert len(connected.notes()) == 1
    assert works.refusals == []


async def test_a_lost_connection_is_made_again(connected: Served) -> None:
    works = connected.works
    (first,) = works.sockets
    await first.send_json({"type": "disconnect", "reason": "refresh_requested"})
    await works.until(lambda: works.sockets and works.sockets != [first], "another connection")
    await works.until(lambda: first not in works.sockets, "the end of the first")
    await connected.save(ADA, works.write(ADA, LINE, TEXT))
    await works.submit(ADA)

    assert len(connected.notes()) == 1


async def test_many_at_once_are_each_done_once(served: Served) -> None:
    body, _ = await chosen(served)
    sent = [served.works.post(body, served.works.signed(body, at=served.works.now() - each)) for each in range(10, 18)]
    replies = await asyncio.gather(*sent)

    assert {each.status for each in replies} == {200}
    assert opened(served) == 1
