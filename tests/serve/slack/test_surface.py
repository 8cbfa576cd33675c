"""What the manifest names works, what works it names; the commands around it; texts in both languages."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journeys.conftest import lineside
from tests.serve.slack.conftest import ADA, LINE, PLANT, Served, configure

from lineside.agent.captured import CaptureKind, Field
from lineside.errors import BadRequest, BadSettings
from lineside.serve.slack.face import build
from lineside.serve.slack.forms import LONGEST_PRIVATE, Draft
from lineside.serve.slack.manifest import manifest
from lineside.serve.slack.surface import COMMAND, SCOPES
from lineside.serve.slack.wording import TEXTS, Language, field_name, kind_name
from lineside.simulator.slack import Fault, SlackWorkspace
from lineside.simulator.slack_rules import block_faults, view_faults

AT = datetime(2026, 3, 4, 6, tzinfo=UTC)


@pytest.fixture
def aside(home: Path) -> Iterator[SlackWorkspace]:
    """A workspace served from a thread of its own, for commands that run a loop of theirs."""
    works = SlackWorkspace(scopes=SCOPES)
    works.open_channel(LINE, "linie-7")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(works.start(), loop).result()
    configure(home, works)
    yield works
    asyncio.run_coroutine_threadsafe(works.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_the_manifest_names_exactly_what_is_listened_for(served: Served) -> None:
    made = manifest(mode="http", url="https://lineside.example/")
    features = made["features"]
    named = {("shortcut", each["callback_id"]) for each in features["shortcuts"]}
    named |= {("command", each["command"]) for each in features["slash_commands"]}
    face = build(served.lineside)

    assert {each for each in face.listening if each[0] in ("shortcut", "command")} == named
    assert {name for kind, name in face.listening if kind == "view"} == {"keep", "written"}
    for shortcut in features["shortcuts"]:
        message = served.works.write(ADA, LINE, "Linie 7 steht")
        if shortcut["type"] == "message":
            reply = await served.works.choose_on_message(ADA, LINE, message, shortcut["callback_id"])
        else:
            reply = await served.works.choose(ADA, shortcut["callback_id"])
        assert reply.status == 200
    assert (await served.works.command(ADA, LINE, COMMAND, "help")).status == 200
    assert (await served.works.command(ADA, LINE, "/other", "help")).status == 404


def test_the_manifest_keeps_to_slacks_limits_and_to_the_transport() -> None:
    http, socket = manifest(mode="http", url="https://lineside.example/"), manifest(mode="socket", url="")

    for each in http["features"]["shortcuts"]:
        assert len(each["name"]) <= 24
        assert len(each["description"]) <= 150
    assert http["settings"]["interactivity"]["request_url"] == "https://lineside.example/slack/events"
    assert http["features"]["slash_commands"][0]["url"] == "https://lineside.example/slack/events"
    assert (http["settings"]["socket_mode_enabled"], socket["settings"]["socket_mode_enabled"]) == (False, True)
    assert "url" not in json.dumps(socket)


async def test_each_scope_that_is_asked_for_is_needed(served: Served) -> None:
    asked = set(manifest(mode="socket", url="")["oauth_config"]["scopes"]["bot"])

    assert asked - {"commands"} == {"chat:write", "users:read"}
    for scope, method, arguments in (
        ("chat:write", served.works._message, {"channel": LINE, "text": "x"}),
        ("users:read", served.works._answer, {"user": ADA}),
    ):
        served.works.scopes = asked - {scope}
        name = "chat.postMessage" if method == served.works._message else "users.info"
        assert served.works._answer(name, arguments, served.works.bot_token)["error"] == "missing_scope"


def test_the_command_prints_the_manifest_and_refuses_addresses_that_slack_would(tmp_path: Path) -> None:
    printed = lineside("--home", tmp_path / "none", "slack", "manifest").json
    over_http = lineside("slack", "manifest", "--url", "https://lineside.example").json
    refused = lineside("slack", "manifest", "--url", "http://lineside.example")

    assert printed == manifest(mode="socket", url="")
    assert over_http == manifest(mode="http", url="https://lineside.example")
    assert (refused.code, "https" in refused.err) == (2, True)


def test_a_handover_is_posted_from_the_command_line_once(home: Path, aside: SlackWorkspace) -> None:
    shift = ("--home", home, "handover", "--shift", "2026-03-01-nacht")
    posted = lineside(*shift, "--post")
    twice = lineside(*shift, "--post")
    again = lineside(*shift, "--post", "--again", "--json").json
    as_one = lineside(*shift, "--post", "--as", "planer-3")

    assert (as_one.code, "leave --as out" in as_one.err) == (2, True)
    assert (posted.code, posted.out) == (0, f"the handover of nacht 2026-03-01 stands in {LINE}\n")
    assert (twice.code, "posted already" in twice.err, "already_decided" in twice.err) == (1, True, True)
    assert again["posted"] == LINE
    assert [each.channel for each in aside.said] == [LINE, LINE]
    assert aside.said[0].words.startswith("*Handover of nacht 2026-03-01*")


def test_the_doctor_tells_what_slack_lacks(home: Path, aside: SlackWorkspace) -> None:
    def found() -> dict[str, dict[str, object]]:
        told = lineside("--home", home, "doctor", "--json").json
        return {each["name"]: each for each in told if each["name"].startswith("slack")}

    well = found()
    aside.scopes.discard("users:read")
    lacking = found()
    aside.faults["auth.test"].append(Fault("invalid_auth"))
    refused = found()
    configure(home, aside, signing_secret="")
    unsigned = found()
    (home / "lineside.toml").unlink()
    off = found()

    assert [each["ok"] for each in well.values()] == [True, True, True, True]
    assert "4 of 4 people" in str(well["slack: people"]["detail"])
    assert (lacking["slack: scopes"]["ok"], lacking["slack: scopes"]["detail"]) == (False, "lacks users:read")
    assert (refused["slack"]["ok"], "slack.bot_token" in str(refused["slack"]["detail"])) == (False, True)
    assert (unsigned["slack"]["ok"], "slack.signing_secret" in str(unsigned["slack"]["detail"])) == (False, True)
    assert (off["slack"]["ok"], "slack.bot_token" in str(off["slack"]["detail"])) == (True, True)


def test_what_is_set_in_part_is_refused_at_the_start(home: Path, aside: SlackWorkspace) -> None:
    configure(home, aside, app_token="", mode="socket")
    half = lineside("--home", home, "serve", "--only", "slack")
    configure(home, aside)
    other = lineside("--home", home, "serve", "--only", "slack")
    (home / "lineside.toml").unlink()
    off = lineside("--home", home, "serve", "--only", "slack")

    assert (half.code, "slack.app_token" in half.err, "bad_settings" in half.err) == (1, True, True)
    assert (other.code, "--only web" in other.err) == (1, True)
    assert (off.code, "set slack.bot_token" in off.err) == (1, True)


def test_both_languages_say_the_same_things() -> None:
    def holes(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    english, german = TEXTS[Language.EN], TEXTS[Language.DE]

    assert english.keys() == german.keys()
    assert {name for name in english if holes(english[name]) != holes(german[name])} == set()
    for language in Language:
        assert all(kind_name(language, each) for each in CaptureKind)
        assert all(field_name(language, each) for each in Field)
    titles = ("app", "write_title", "keep_title", "kept_title", "next", "keep", "close", "cancel")
    assert all(len(texts[name]) <= 24 for texts in TEXTS.values() for name in titles)


@given(st.text(max_size=2500), st.sampled_from(["", "r-0123456789abcdef0123"]))
def test_a_draft_comes_back_from_a_form_as_it_went_or_is_refused(text: str, record: str) -> None:
    draft = Draft(text=text, at=AT + timedelta(microseconds=7), capture="c", record=record, message="T/C/1.2", by="a")
    try:
        packed = draft.packed()
    except BadRequest:
        assert len(text) > 500
    else:
        assert len(packed) <= LONGEST_PRIVATE
        assert Draft.unpacked(packed) == draft


@pytest.mark.parametrize("packed", ["", "bm8=", "!", "eJyrrgUAAXUA+Q==", "a" * 5000], ids=list("12345"))
def test_what_we_did_not_pack_is_refused(packed: str) -> None:
    with pytest.raises(BadRequest, match="not one of ours"):
        Draft.unpacked(packed)


def _text(text: str, kind: str = "plain_text") -> dict[str, str]:
    return {"type": kind, "text": text}


SELECT = {"type": "static_select", "options": [{"text": _text("a"), "value": "a"}]}
BROKEN = {
    "too many": [{"type": "divider"}] * 51,
    "twice one id": [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
    "an unknown block": [{"type": "alert"}],
    "an unknown key": [{"type": "divider", "color": "red"}],
    "a header in markup": [{"type": "header", "text": _text("x", "mrkdwn")}],
    "a button in context": [{"type": "context", "elements": [{"type": "button", "text": _text("x")}]}],
    "a long section": [{"type": "section", "text": _text("x" * 3001)}],
    "an empty section": [{"type": "section"}],
    "a long field": [{"type": "section", "fields": [_text("x" * 2001)]}],
    "eleven fields": [{"type": "section", "fields": [_text("x")] * 11}],
    "an action twice": [
        {"type": "actions", "elements": [{"type": "button", "text": _text("x"), "action_id": "a"}] * 2}
    ],
    "a long option": [
        {"type": "section", "text": _text("x"),
         "accessory": {"type": "static_select", "options": [{"text": _text("x" * 76), "value": "a"}]}}
    ],
    "a choice that is none": [
        {"type": "section", "text": _text("x"),
         "accessory": {**SELECT, "initial_option": {"text": _text("b"), "value": "b"}}}
    ],
    "an empty text": [{"type": "section", "text": _text("")}],
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN, ids=lambda name: re.sub(r"\W", "-", name))
def test_the_simulated_slack_refuses_what_slack_would(name: str) -> None:
    assert block_faults(BROKEN[name], surface="message")


def test_the_simulated_slack_refuses_forms_that_slack_would() -> None:
    good = {"type": "modal", "title": _text("x"), "blocks": [{"type": "divider"}]}
    entry = {"type": "input", "label": _text("x"), "element": {"type": "plain_text_input"}}

    assert view_faults(good) == []
    assert view_faults({**good, "title": _text("x" * 25)})
    assert view_faults({**good, "title": _text("x", "mrkdwn")})
    assert view_faults({**good, "private_metadata": "x" * 3001})
    assert view_faults({**good, "blocks": [entry]})
    assert view_faults({**good, "blocks": [entry], "submit": _text("x")}) == []
    assert view_faults({**good, "blocks": [{"type": "divider"}] * 101})
    assert view_faults({**good, "colour": "red"})


def test_half_of_a_configuration_is_refused(served_home: Path) -> None:
    from lineside.app import open_lineside

    lineside_here = open_lineside(served_home)
    try:
        with pytest.raises(BadSettings, match=r"slack\.signing_secret"):
            build(lineside_here)
    finally:
        lineside_here.close()


@pytest.fixture
def served_home(tmp_path: Path) -> Path:
    (tmp_path / "plant.toml").write_text(PLANT, encoding="utf-8")
    (tmp_path / "lineside.toml").write_text('[slack]\nbot_token = "xoxb-1"\nmode = "http"\n', encoding="utf-8")
    return tmp_path
