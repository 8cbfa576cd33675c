"""Slack's channels: edits, late replies, deletions and what is none, names, rights, limits."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk import WebClient

from lineside.connector import Aside, Batch, TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.plant.records import Note
from lineside_ingest.slack_channels import SlackChannels
from lineside_ingest.slack_channels.message import ts_at
from lineside_ingest.slack_channels.web import Pace

from .reading import NOW, Read, drain
from .slack_peer import SlackServer
from .web_peer import serving

CHANNEL = "C1LINE30"


class Clock:
    """Ours, which the tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[SlackServer]:
    served = SlackServer()
    with serving(served) as url:
        served.url = url
        yield served


@pytest.fixture
def slack(server: SlackServer, clock: Clock) -> Callable[..., SlackChannels]:
    def made(**more: Any) -> SlackChannels:
        options = {"url": server.url, "token": "xoxb-right", "channels": ["line-3"], "look_back_minutes": 0, **more}
        return SlackChannels("chat", options, time_zone=UTC, clock=clock)

    return made


def ts(**before: float) -> str:
    """The ts of so long ago."""
    return ts_at(NOW - timedelta(**before))


def texts(memory: Memory) -> list[str]:
    return sorted(note.text for note in memory.view().notes())


def notes(read: Read, connector: SlackChannels) -> list[Note]:
    told = [connector.translate(message) for message in read.messages]
    return [record for each in told if not isinstance(each, Aside) for record in each if isinstance(record, Note)]


async def test_a_message_is_a_note_with_its_writer_time_channel_and_permalink(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    server.say("1777890000.000100", "Füller *steht*, <@U2BORIS0> &amp; <#C1LINE30>")
    connector = slack(equipment={"line-3": "northfield/packing/line-3"})
    read = await drain(connector)
    [note] = notes(read, connector)
    assert (note.text, note.author) == ("Füller steht, @Boris Kraus & #line-3", "Anna Müller")
    assert (note.channel, note.equipment) == ("#line-3", "northfield/packing/line-3")
    assert note.provenance.occurred_at == datetime(2026, 5, 4, 10, 20, 0, 100, tzinfo=UTC)
    assert note.attributes == {"author_id": "U1ANNA00"}
    [message] = read.messages
    assert message.origin == "https://plant.slack.com/archives/C1LINE30/p1777890000000100"
    assert (message.source_id, message.key) == ("C1LINE30/1777890000.000100", "1777890000.000100")


async def test_an_edit_replaces_what_it_edits_and_what_was_known_before_stays_answerable(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory], clock: Clock
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(ts(hours=2), "400 cases")
    await catch_up(memory, slack())
    server.edit(ts(hours=2), "350 cases", at=ts(hours=1))
    await catch_up(memory, slack())
    assert texts(memory) == ["350 cases"]
    server.edit(ts(hours=2), "340 cases", at=ts(minutes=30))
    await catch_up(memory, slack())
    await catch_up(memory, slack())
    assert texts(memory) == ["340 cases"]
    earlier = memory.view(as_of=NOW - timedelta(minutes=90))
    assert [note.text for note in earlier.notes()] == ["400 cases"]
    assert memory.dead_letters() == []
    server.delete(ts(hours=2))
    await catch_up(memory, slack())
    assert texts(memory) == []


async def test_the_same_history_read_twice_from_the_start_says_nothing_twice(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(ts(hours=2), "one")
    server.edit(ts(hours=2), "two", at=ts(hours=1))
    for reactions in ([], [{"name": "eyes", "count": 1}]):
        server.find(ts(hours=2))["reactions"] = reactions
        read = await drain(slack())
        connector = slack()
        memory.remember(Batch(messages=read.messages), source="chat", translate=connector.translate)
    assert texts(memory) == ["two"]
    assert memory.dead_letters() == []


async def test_a_reply_that_comes_days_after_its_parent_is_read_and_names_it(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory], clock: Clock
) -> None:
    memory = remembered(now="2026-05-20T12:00:00Z")
    parent = ts(hours=1)
    server.say(parent, "why did it stop?")
    await catch_up(memory, slack())
    clock.now += timedelta(days=9)
    answer = ts_at(clock.now - timedelta(hours=1))
    server.say(answer, "the belt", user="U2BORIS0", thread_ts=parent)
    await catch_up(memory, slack())
    assert texts(memory) == ["the belt", "why did it stop?"]
    [reply] = [note for note in memory.view().notes() if note.text == "the belt"]
    assert reply.attributes["thread"] == f"{CHANNEL}/{parent}"
    server.edit(answer, "the motor", at=ts_at(clock.now))
    await catch_up(memory, slack())
    assert texts(memory) == ["the motor", "why did it stop?"]
    server.say(ts_at(clock.now), "no", thread_ts=parent)
    server.delete(answer)
    await catch_up(memory, slack())
    assert texts(memory) == ["no", "why did it stop?"]


async def test_a_thread_without_news_is_not_asked_for_again(
    server: SlackServer, slack: Callable[..., SlackChannels], clock: Clock
) -> None:
    server.say(ts(days=9), "a")
    server.say(ts(days=8), "b", thread_ts=ts(days=9))
    first = await drain(slack())
    asked = server.count("conversations.replies")
    await drain(slack(), first.checkpoint)
    assert (asked, server.count("conversations.replies")) == (1, 1)


async def test_a_reply_shown_in_the_channel_too_is_one_note(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(ts(hours=2), "a")
    server.say(ts(hours=1), "b", thread_ts=ts(hours=2), subtype="thread_broadcast")
    server.messages[CHANNEL].append(server.replies[ts(hours=2)][0])
    await catch_up(memory, slack())
    assert texts(memory) == ["a", "b"]


async def test_a_removed_parent_is_taken_back_and_its_replies_stay(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(ts(hours=2), "a")
    server.say(ts(hours=1), "b", thread_ts=ts(hours=2))
    await catch_up(memory, slack())
    server.find(ts(hours=2)).update(subtype="tombstone", text="This message was deleted.", user="USLACKBOT")
    await catch_up(memory, slack())
    assert texts(memory) == ["b"]


async def test_what_the_plan_hides_is_not_deleted(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory], clock: Clock
) -> None:
    memory = remembered(now="2027-05-04T12:00:00Z")
    server.say(ts(days=1), "old")
    server.say(ts(hours=1), "new")
    options = {"look_back_days": 200}
    await catch_up(memory, slack(**options))
    clock.now += timedelta(days=89.5)
    server.hidden_before = ts_at(clock.now - timedelta(days=90))
    await catch_up(memory, slack(**options))
    assert texts(memory) == ["new", "old"]
    server.delete(ts(hours=1))
    await catch_up(memory, slack(**options))
    assert texts(memory) == ["old"]
    assert memory.view().gaps() == []


async def test_a_history_that_lost_most_of_what_it_had_is_not_believed(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    for n in range(12):
        server.say(ts(minutes=n + 1), f"{n}")
    await catch_up(memory, slack())
    server.messages[CHANNEL].clear()
    checkpoint = memory.checkpoint("chat")
    read = await drain(slack(), checkpoint)
    assert read.gone == []
    assert "12 of 12" in read.troubles[-1].reason


async def test_a_long_history_that_breaks_off_goes_on_where_it_stopped(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    for n in range(40):
        server.say(ts(hours=n + 1), f"{n}")
    server.cut = 7
    with pytest.raises(SourceUnavailable):
        await catch_up(memory, slack(page_size=5))
    assert 0 < len(texts(memory)) < 40
    server.say(ts(minutes=5), "meanwhile")
    server.asked.clear()
    await catch_up(memory, slack(page_size=5, look_back_minutes=60))
    assert len(texts(memory)) == 40
    first = next(query for method, query in server.asked if method == "conversations.history")
    assert first["latest"] < ts(hours=10)
    await catch_up(memory, slack(page_size=5))
    assert len(texts(memory)) == 41


async def test_pages_without_end_are_left(server: SlackServer, slack: Callable[..., SlackChannels]) -> None:
    page = {"messages": [], "has_more": True, "response_metadata": {"next_cursor": "again"}, "ok": True}
    server._conversations_history = lambda _: page  # type: ignore[method-assign]
    with pytest.raises(SourceUnavailable, match="no end"):
        await drain(slack())


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_refused_token_pauses_the_source_at_the_first_answer(
    server: SlackServer, slack: Callable[..., SlackChannels], error: str
) -> None:
    server.errors["auth.test"] = {"error": error}
    with pytest.raises(SourceRefused, match=error):
        await drain(slack())
    assert [method for method, _ in server.asked] == ["auth.test"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"error": "not_in_channel"}, "invite the app"),
        ({"error": "missing_scope", "needed": "groups:history"}, "lacks the scope groups:history"),
    ],
)
async def test_a_channel_that_is_refused_keeps_no_other_from_being_read(
    server: SlackServer, slack: Callable[..., SlackChannels], error: dict[str, str], told: str
) -> None:
    server.channels["C2QA0000"] = {"id": "C2QA0000", "name": "qa", "is_private": True}
    server.messages["C2QA0000"] = []
    server.errors["conversations.history C2QA0000"] = error
    server.say(ts(hours=1), "a")
    connector = slack(channels=["qa", "line-3"])
    for _ in range(2):
        read = await drain(connector)
        assert [note.text for note in notes(read, connector)] == ["a"]
        [trouble] = read.troubles
        assert (trouble.kind, trouble.stream) == (TroubleKind.REFUSED, "qa")
        assert told in trouble.reason
    assert [q["channel"] for m, q in server.asked if m == "conversations.history"].count("C2QA0000") == 1
    assert [check.ok for check in await connector.check()] == [True, False, True]


async def test_a_channel_that_the_app_does_not_see_is_told_and_alone_refused(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    server.say(ts(hours=1), "a")
    read = await drain(slack(channels=["nowhere", CHANNEL, "C9ABSENT"]))
    assert sorted(trouble.stream for trouble in read.troubles) == ["C9ABSENT", "nowhere"]
    assert len(read.messages) == 1
    with pytest.raises(SourceRefused, match="nowhere"):
        await drain(slack(channels=["nowhere"]))


async def test_an_error_of_one_channel_inside_a_200_is_tried_again_and_a_limit_is_waited_for(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    server.errors[f"conversations.history {CHANNEL}"] = {"error": "internal_error"}
    with pytest.raises(SourceUnavailable, match="internal_error"):
        await drain(slack())
    server.errors[f"conversations.history {CHANNEL}"] = {"error": "ratelimited"}
    with pytest.raises(SourceUnavailable) as asked:
        await drain(slack())
    assert asked.value.retry_after_s == 60


async def test_without_the_right_to_people_they_are_their_ids(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    server.errors["users.list"] = {"error": "missing_scope", "needed": "users:read"}
    server.say(ts(hours=1), "a <@U2BORIS0>")
    connector = slack()
    read = await drain(connector)
    [note] = notes(read, connector)
    assert (note.author, note.text) == ("U1ANNA00", "a @U2BORIS0")
    assert [trouble.stream for trouble in read.troubles] == ["users"]
    assert server.count("users.info") == 0


async def test_people_of_another_workspace_have_names_and_are_asked_for_once(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    server.strangers["U7CARRIER"] = "Carla Carrier"
    for n in (1, 2):
        server.say(ts(hours=n), "arrives <@U8UNKNOWN>", user="U7CARRIER", user_team="T9OTHER")
    connector = slack()
    said = notes(await drain(connector), connector)
    assert {(note.author, note.text) for note in said} == {("Carla Carrier", "arrives @U8UNKNOWN")}
    assert server.count("users.info") == 2


async def test_joins_and_bots_are_ignored_by_rule_and_named_bots_are_kept(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    server.say(ts(hours=3), "<@U1ANNA00> has joined the channel", subtype="channel_join")
    server.say(ts(hours=2), "alarm", user="U5BOT000", bot_id="B1ALARM0", bot_profile={"name": "Filler Alarms"})
    server.say(ts(hours=1), "words")
    for options, kept in (({}, ["words"]), ({"bots": ["Filler Alarms"]}, ["alarm", "words"])):
        connector = slack(**options)
        read = await drain(connector)
        assert sorted(note.text for note in notes(read, connector)) == kept
        assert len(read.messages) == 3
    everything = slack(ignore=[], bots="*")
    assert len(notes(await drain(everything), everything)) == 3


async def test_files_are_their_titles_and_a_long_text_with_a_table_is_whole(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    rows = [[{"type": "raw_text", "text": cell} for cell in row] for row in (("Los", "Menge"), ("L-77", "12"))]
    server.say(
        ts(hours=1),
        "Überlang " * 1000,
        files=[{"id": "F1", "title": "Prüfblatt", "name": "IMG_1.jpg"}, {"id": "F2", "mode": "tombstone"}],
        attachments=[
            {"blocks": [{"type": "table", "rows": rows}]},
            {"from_url": "https://a.example", "text": "nobody's word", "fallback": "x"},
        ],
    )
    connector = slack()
    [note] = notes(await drain(connector), connector)
    assert note.text.count("Überlang") == 1000
    assert note.text.endswith("Los | Menge\nL-77 | 12\n[file: Prüfblatt]\n[file: untitled]")
    assert note.attributes["files"] == ["Prüfblatt", "untitled"]


@pytest.mark.parametrize("odd", ["text", 7, None, {}, {"ts": 5}, {"ts": "soon", "text": "x"}, ["x"]])
async def test_an_item_that_is_no_message_is_a_dead_letter_and_the_others_come(
    server: SlackServer, slack: Callable[..., SlackChannels], odd: Any
) -> None:
    server.messages[CHANNEL].append(odd)
    server.say(ts(hours=1), "a")
    server.find(ts(hours=1)).update(
        blocks=[odd, {"type": "table", "rows": [odd]}], files=[odd], attachments=odd, edited=odd, user=odd, text=None
    )
    server.say(ts(hours=2), "b")
    read = await drain(slack())
    assert len(read.unreadable) >= 1
    assert {message.key for message in read.messages} == {ts(hours=1), ts(hours=2)}


async def test_half_an_emoji_spoils_one_letter_and_no_page(
    server: SlackServer, slack: Callable[..., SlackChannels], remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(ts(hours=1), "cut \ud83d off \\ud83d \U0001f44d\0", username="a\0b", files=[{"title": "x\0y"}])
    server.say(ts(hours=2), "b")
    await catch_up(memory, slack())
    assert texts(memory) == ["b", "cut \ufffd off \\ud83d \U0001f44d\ufffd\n[file: x\ufffdy]"]


async def test_a_page_in_place_of_json_is_refused(server: SlackServer, slack: Callable[..., SlackChannels]) -> None:
    server.closed = (200, {"content-type": "text/html"}, b"<html>Sign in</html>")
    with pytest.raises(SourceRefused, match="mend url"):
        await drain(slack())


async def test_slack_s_own_library_reads_the_same_of_the_server(
    server: SlackServer, slack: Callable[..., SlackChannels]
) -> None:
    for n in range(7):
        server.say(ts(hours=n + 1), f"{n}")
    server.say(ts(minutes=5), "reply", thread_ts=ts(hours=3))
    client = WebClient(token="xoxb-right", base_url=f"{server.url}/")

    def read_by_library() -> set[str]:
        pages = client.conversations_history(channel=CHANNEL, limit=3)
        told = [each for page in pages for each in page["messages"]]
        parents = [each for each in told if each.get("reply_count")]
        for parent in parents:
            told += client.conversations_replies(channel=CHANNEL, ts=parent["ts"])["messages"]
        return {each["ts"] for each in told}

    read = await drain(slack(page_size=3))
    assert {message.key for message in read.messages} == await asyncio.to_thread(read_by_library)
    assert len(read.messages) == 8


async def test_a_channel_named_twice_is_read_once(server: SlackServer, slack: Callable[..., SlackChannels]) -> None:
    server.say(ts(hours=1), "a")
    read = await drain(slack(channels=["line-3", CHANNEL, "#line-3"]))
    assert len(read.messages) == 1
    assert server.count("conversations.history") == 2  # what is new, and the look back


def test_a_pace_of_one_a_minute_leaves_a_minute_between_two() -> None:
    pace = Pace(1)
    assert pace.due_in(100.0) == 0
    pace.sent(100.0)
    assert pace.due_in(115.0) == 45
    assert pace.due_in(160.0) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"channels": []}, {"page_size": 1000}, {"equipment": {"line-3": 7}}, {"since_days": 1e9}, {"per_minute": 0}],
)
def test_settings_that_can_not_be_meant_are_refused(slack: Callable[..., SlackChannels], wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        slack(**wrong)


def test_a_token_or_an_export_is_needed() -> None:
    with pytest.raises(BadSettings, match="token"):
        SlackChannels("chat", {"channels": ["a"]}, time_zone=UTC)
