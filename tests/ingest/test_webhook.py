"""Webhooks: who is believed, what is kept, and what leaves nothing behind."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.app import Lineside, open_lineside
from lineside.connector import Aside, Batch
from lineside.errors import BadRequest, BadSettings, NotPermitted
from lineside.memory import Memory, Outcome
from lineside.plant.records import Report
from lineside.serve.web import build
from lineside_ingest.webhook import Webhook

from .web_peer import serving

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
MAPPING = {"entity": "lot:{lot}", "properties": {"n": {"field": "n", "type": "number"}}}
PLANT = 'site = "northfield"\ntime_zone = "UTC"\n'

# Published by the senders in their documentation; the clock is set to the time of signing.
GITHUB = (
    {"scheme": "github", "secret": "It's a Secret to Everybody"},
    b"Hello, World!",
    {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
    0,
)
SLACK = (
    {"scheme": "slack", "secret": "8f742231b10e8888abcd99yyyzzz85a5"},
    (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack"
        b".com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    ),
    {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        "Content-Type": "application/x-www-form-urlencoded",
    },
    1531420618,
)
STANDARD = (
    {"scheme": "standard", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    b'{"test": 2432232314}',
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,bm90IHRoaXMgb25l",
    },
    1614265330,
)
_STRIPE_BODY = b'{"id": "evt_1"}'
_STRIPE = hmac.new(b"whsec_x", b"1700000000." + _STRIPE_BODY, hashlib.sha256).hexdigest()
STRIPE = (
    {"scheme": "stripe", "secret": "whsec_x"},
    _STRIPE_BODY,
    {"Stripe-Signature": f"t=1700000000,v1={'0' * 64},v1={_STRIPE},v0=old"},
    1700000000,
)
# A sender with ways of its own: SHA-512 in base64 over the time and the body, its time in ISO's form.
_OWN = hmac.new(bytes.fromhex("00ff"), b"2026-05-04T12:00:00Z|{}", hashlib.sha512).digest()
OWN = (
    {
        "secret": "00ff",
        "secret_encoding": "hex",
        "signature_header": "X-Sign",
        "algorithm": "sha512",
        "encoding": "base64",
        "signed": "{timestamp}|{body}",
        "timestamp_header": "X-Time",
    },
    b"{}",
    {"X-Sign": base64.b64encode(_OWN).decode(), "X-Time": "2026-05-04T12:00:00Z"},
    int(NOW.timestamp()),
)
SENDERS = pytest.mark.parametrize(
    ("options", "body", "headers", "at"),
    [GITHUB, SLACK, STANDARD, STRIPE, OWN],
    ids=["github", "slack", "standard", "stripe", "own"],
)


def webhook(now: datetime = NOW, **options: Any) -> Webhook:
    whole = {"streams": [{"name": "said", "mapping": MAPPING}], **options}
    return Webhook("hook", whole, time_zone=UTC, clock=lambda: now)


def signed_at(seconds: int, options: dict[str, Any], off: float = 0.0) -> Webhook:
    return webhook(datetime.fromtimestamp(seconds, UTC) + timedelta(seconds=off), **options)


def push(hook: Webhook, value: object, **headers: str) -> Batch:
    return hook.receive(json.dumps(value).encode(), {**JSON, **headers})


@SENDERS
def test_a_signature_is_taken_as_its_sender_makes_it(
    options: dict[str, Any], body: bytes, headers: dict[str, str], at: int
) -> None:
    batch = signed_at(at, options).receive(body, headers)
    assert len(batch.messages) + len(batch.unreadable) == 1
    assert len(signed_at(at, options).receive(body, {k.upper(): v for k, v in headers.items()}).messages) == len(
        batch.messages
    )


@SENDERS
def test_what_is_not_signed_or_was_changed_is_refused(
    options: dict[str, Any], body: bytes, headers: dict[str, str], at: int
) -> None:
    hook = signed_at(at, options)
    forged: list[tuple[bytes, dict[str, str]]] = [(body + b" ", headers), (b"", headers), (body, {})]
    changed = {name: value.translate(str.maketrans("05T", "96U")) for name, value in headers.items()}
    forged += [(body, {**headers, name: value}) for name, value in changed.items() if name != "Content-Type"]
    for content, sent in forged:
        with pytest.raises(NotPermitted) as refused:
            hook.receive(content, sent)
        assert refused.value.fields["signed_in"] is False
    with pytest.raises(NotPermitted):
        signed_at(at, {**options, "secret": "ff00"}).receive(body, headers)


@SENDERS
def test_an_old_request_is_not_believed_again(
    options: dict[str, Any], body: bytes, headers: dict[str, str], at: int
) -> None:
    if at == 0:
        assert signed_at(10**9, options).receive(body, headers)  # GitHub signs no time
        return
    for off in (-301.0, 301.0):
        with pytest.raises(NotPermitted, match="301 s"):
            signed_at(at, options, off).receive(body, headers)
    assert signed_at(at, options, 299.0).receive(body, headers)
    assert signed_at(at, {**options, "tolerance_s": 1000}, 900.0).receive(body, headers)


def test_a_clock_that_is_off_is_told_before_its_requests_are_refused() -> None:
    options, body, headers, at = STANDARD
    assert signed_at(at, options, 10).receive(body, headers).troubles is None
    [trouble] = signed_at(at, options, 200).receive(body, headers).troubles or ()
    assert (trouble.kind, trouble.passing) == ("skew", True)
    assert trouble.reason == "the sender's clock is 200 s behind ours; past 300 s its requests are refused"


def test_while_a_secret_is_changed_both_are_taken() -> None:
    options, body, headers, at = STANDARD
    fresh = "whsec_" + base64.b64encode(b"the new one").decode()
    changing = {**options, "secret": fresh, "secret_before": options["secret"]}
    assert signed_at(at, changing).receive(body, headers)
    with pytest.raises(NotPermitted):
        signed_at(at, {**options, "secret": fresh}).receive(body, headers)


def test_a_token_may_stand_in_authorization_or_in_a_header_of_its_own() -> None:
    hook = webhook(token="t-1")
    assert push(hook, {"lot": "L"}, Authorization="Bearer t-1").messages
    plain = webhook(token="t-1", token_header="X-Gitlab-Token")
    assert push(plain, {"lot": "L"}, **{"x-gitlab-token": "t-1"}).messages
    for wrong in ({}, {"Authorization": "Bearer t-2"}, {"Authorization": "Bearer "}, {"X-Gitlab-Token": "t-1"}):
        with pytest.raises(NotPermitted):
            push(hook, {"lot": "L"}, **wrong)
    both = webhook(token="t-1", **GITHUB[0])
    with pytest.raises(NotPermitted):
        both.receive(GITHUB[1], GITHUB[2])
    assert both.receive(GITHUB[1], {**GITHUB[2], "Authorization": "Bearer t-1"})


@pytest.mark.parametrize(
    ("options", "at_fault"),
    [
        ({"scheme": "github"}, "secret"),
        ({"scheme": "gitlab", "secret": "x"}, "scheme"),
        ({"secret": "x"}, "signature_header"),
        ({"signature_header": "X"}, "signature_header"),
        ({"secret_before": "x"}, "secret_before"),
        ({"secret": "x", "signature_header": "X", "signed": "{timestamp}.{body}"}, "signed"),
        ({"secret": "x", "signature_header": "X", "signed": "{id}"}, "signed"),
        ({"secret": "x", "signature_header": "X", "id_header": "I", "signed": "{id}"}, "signed"),
        ({"secret": "x", "signature_header": "X", "timestamp_header": "T"}, "signed"),
        ({"scheme": "standard", "secret": "whsec_not base64!"}, "secret"),
        ({"secret": "xy", "signature_header": "X", "secret_encoding": "hex"}, "secret"),
        ({"secret": "x", "signature_header": "X", "headers": ["x"]}, "headers"),
        ({"streams": []}, "streams"),
        ({"streams": [{"name": "a", "mapping": MAPPING}, {"name": "b", "mapping": MAPPING}]}, "streams"),
        ({"stream_field": "a", "stream_header": "b"}, "stream_field"),
    ],
)
def test_settings_that_prove_nothing_are_refused(options: dict[str, Any], at_fault: str) -> None:
    with pytest.raises(BadSettings) as refused:
        webhook(**options)
    assert refused.value.fields["option"] == at_fault


EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/mes",
    "type": "lot.counted",
    "time": "2026-05-04T10:00:00+02:00",
    "data": {"lot": "L-1", "n": 1.5},
}


def by_kind() -> Webhook:
    streams = [{"name": "counted", "matches": "lot.*", "mapping": MAPPING}]
    return webhook(streams=streams, stream_field="ce.type")


def test_a_cloudevent_is_the_same_in_each_mode() -> None:
    hook = by_kind()
    structured = push(hook, EVENT, **{"Content-Type": "application/cloudevents+json; charset=utf-8"})
    batched = push(hook, [EVENT, {**EVENT, "id": "e-2"}], **{"Content-Type": "application/cloudevents-batch+json"})
    encoded = {k: v for k, v in EVENT.items() if k != "data"}
    encoded["data_base64"] = base64.b64encode(json.dumps(EVENT["data"]).encode()).decode()
    as_base64 = push(hook, encoded, **{"Content-Type": "application/cloudevents+json"})
    attributes = {f"ce-{name}": str(value) for name, value in EVENT.items() if name != "data"}
    binary = push(hook, EVENT["data"], **{**attributes, "ce-source": "%2Fmes"})
    ids = [message.source_id for batch in (structured, batched, as_base64, binary) for message in batch.messages]
    assert ids == ["counted//mes#e-1", "counted//mes#e-1", "counted//mes#e-2", "counted//mes#e-1", "counted//mes#e-1"]
    assert structured.messages[0].content == batched.messages[0].content == binary.messages[0].content
    [report] = hook.translate(structured.messages[0])  # type: ignore[misc]
    assert isinstance(report, Report)
    assert (str(report.entity), dict(report.properties)) == ("lot:L-1", {"n": 1.5})
    assert report.provenance.occurred_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("lacking", ["id", "source", "type", "specversion"])
def test_a_cloudevent_without_what_it_needs_is_kept_unread(lacking: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != lacking}
    batch = push(by_kind(), [event, EVENT], **{"Content-Type": "application/cloudevents-batch+json"})
    assert (len(batch.messages), len(batch.unreadable)) == (1, 1)
    assert lacking in batch.unreadable[0].reason


def test_a_kind_that_no_stream_takes_is_ignored_by_rule_and_kept() -> None:
    hook = by_kind()
    [message] = push(
        hook, {**EVENT, "type": "door.opened"}, **{"Content-Type": "application/cloudevents+json"}
    ).messages
    assert hook.translate(message) == Aside(reason="no stream of the settings takes door.opened")


def test_a_header_may_tell_the_kind_and_stand_in_the_row() -> None:
    mapping = {"kind": "{header.x-kind}", "text": "{title}", "attributes": {"line": "{header.x-line}"}}
    streams = [{"name": "tickets", "matches": ["stop", "start"], "mapping": mapping}]
    hook = webhook(streams=streams, stream_header="X-Kind", headers=["X-Line"])
    [message] = push(hook, {"title": "Jam"}, **{"X-Kind": "stop", "X-Line": "L3"}).messages
    [event] = hook.translate(message)  # type: ignore[misc]
    assert (event.kind, event.text, event.attributes["line"]) == ("stop", "Jam", "L3")
    [other] = push(hook, {"title": "Ping"}, **{"X-Kind": "ping"}).messages
    assert isinstance(hook.translate(other), Aside)


@pytest.fixture
def keep(remembered: Callable[..., Memory]) -> tuple[Memory, Callable[[Webhook, Batch], Outcome]]:
    memory = remembered(now="2026-05-04T12:00:00Z")
    return memory, lambda hook, batch: memory.remember(batch, source="hook", translate=hook.translate)


def test_a_delivery_that_comes_again_is_known_and_an_id_names_one_content(keep: Any) -> None:
    _, remember = keep
    hook = webhook(id_header="X-Delivery")
    send: Callable[[object, str], Outcome] = lambda value, number: remember(  # noqa: E731
        hook, push(hook, value, **{"X-Delivery": number})
    )
    rows = [{"lot": "L-1", "n": 1}, {"lot": "L-2", "n": 2}]
    assert (send(rows, "d-1").recorded, send(rows, "d-1").known) == (2, 2)
    assert send({"lot": "L-1", "n": 1}, "d-2").recorded == 1
    assert send({"lot": "L-1", "n": 9}, "d-2").dead_lettered == 1


def test_a_sender_without_ids_says_the_same_once_and_its_own_id_counts_before_all(keep: Any) -> None:
    _, remember = keep
    plain = webhook()
    row = {"lot": "L-1", "n": 1}
    assert [remember(plain, push(plain, row)).recorded for _ in range(2)] == [1, 0]
    own = webhook(streams=[{"name": "own", "id": ["lot", "no"], "mapping": MAPPING}], id_header="X-Delivery")
    first = push(own, {**row, "no": 7}, **{"X-Delivery": "a"})
    again = push(own, {**row, "no": 7}, **{"X-Delivery": "b"})
    assert (remember(own, first).recorded, remember(own, again).known) == (1, 1)
    assert push(own, row).unreadable[0].reason == "its id is empty: no"


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[1, 2]", b"7", b'{"a": 1, "a": 2}', b'{"n": NaN}', b"[" * 9000])
def test_a_body_that_can_not_be_read_is_kept_with_the_reason(keep: Any, body: bytes) -> None:
    memory, remember = keep
    hook = webhook()
    outcome = remember(hook, hook.receive(body, JSON))
    assert outcome.dead_lettered == outcome.received >= 1
    assert all(letter.reason for letter in memory.dead_letters())


def test_a_form_is_a_row_and_one_that_wraps_json_is_that() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    hook = webhook()
    [plain] = hook.receive(b"lot=L-1&n=4&tag=a&tag=b", form).messages
    [wrapped] = hook.receive(b"payload=%7B%22lot%22%3A%22L-1%22%2C%22n%22%3A4%7D", form).messages
    assert json.loads(plain.content) == {"lot": "L-1", "n": "4", "tag": ["a", "b"]}
    assert json.loads(wrapped.content) == {"lot": "L-1", "n": 4}


@settings(max_examples=200)
@given(
    st.binary(max_size=80),
    st.dictionaries(st.sampled_from(["content-type", "ce-specversion", "ce-id"]), st.text(max_size=40)),
)
def test_whatever_is_posted_is_kept_or_refused(body: bytes, headers: dict[str, str]) -> None:
    batch = webhook().receive(body, headers)
    assert batch.messages or batch.unreadable or b"[" in body  # an empty list says nothing


@contextmanager
def house(home: Path) -> Iterator[tuple[Lineside, str]]:
    """An installation with a signed source and an unsigned one, served by a real server that trusts nobody."""
    (home / "plant.toml").write_text(PLANT)
    mapping = 'mapping = { entity = "lot:{lot}", properties = { n = "{n}" } }'
    (home / "lineside.toml").write_text(
        f"""trust_loopback = false
[[sources]]
name = "hook"
connector = "webhook"
[sources.options]
scheme = "github"
secret = "the secret"
largest_kb = 1
[[sources.options.streams]]
{mapping}
[[sources]]
name = "open"
connector = "webhook"
[[sources.options.streams]]
{mapping}
"""
    )
    lineside = open_lineside(home)
    with serving(build(lineside)) as url:
        yield lineside, url.removesuffix("/odata")


def test_a_forged_request_leaves_nothing_and_a_true_one_needs_no_token_of_ours(tmp_path: Path) -> None:
    body = b'{"lot": "L-1", "n": "4"}'
    good = "sha256=" + hmac.new(b"the secret", body, hashlib.sha256).hexdigest()
    with house(tmp_path) as (lineside, url), httpx.Client(base_url=url, headers=JSON) as client:
        post: Callable[..., httpx.Response] = lambda source, content, **headers: client.post(  # noqa: E731
            f"/api/v1/ingest/{source}", content=content, headers=headers
        )
        sent = {"X-Hub-Signature-256": good, "X-GitHub-Delivery": "1"}
        assert post("hook", body, **sent).json()["recorded"] == 1
        assert post("hook", body, **sent).json()["known"] == 1
        assert post("hook", body, **{**sent, "Authorization": "Basic eDp5"}).json()["known"] == 1
        assert post("hook", body).status_code == 401
        assert post("hook", b"x" * 900, **sent).status_code == 401
        assert post("hook", b"x" * 2000, **sent).status_code == 400
        assert post("open", body).status_code == 401
        assert post("nobody", body).status_code == 401
        view = lineside.memory.view()
        assert [statement.text for statement in view.statements(properties=("n",))] == ["4"]
        assert lineside.memory.dead_letters() == []
        poison = b"no json"
        proof = "sha256=" + hmac.new(b"the secret", poison, hashlib.sha256).hexdigest()
        answer = post("hook", poison, **{"X-Hub-Signature-256": proof})
        assert (answer.status_code, answer.json()["dead_lettered"]) == (200, 1)


def test_a_request_that_is_too_large_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(BadRequest, match="larger than 1 KB"):
        webhook(largest_kb=1, **GITHUB[0]).receive(b"x" * 1025, {})


async def test_its_check_says_how_it_is_known() -> None:
    details = [(await hook.check())[0].detail for hook in (webhook(), webhook(token="t"), webhook(**GITHUB[0]))]
    assert ["lineside token --source hook" in details[0], "token" in details[1], "signature" in details[2]] == [
        True
    ] * 3
    assert [batch async for batch in webhook().capture(None)] == []
