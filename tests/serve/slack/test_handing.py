"""A shift's handover in Slack: answered to who asks, posted once for everybody, within Slack's limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import message_of, translate
from tests.serve.slack.conftest import ADA, AWAY, LINE, QUEENIE, Served

from lineside.connector import Batch
from lineside.errors import AlreadyDecided, BadSettings, SourceRefused, SourceUnavailable
from lineside.serve.handover_rows import reading, slot_for
from lineside.serve.slack.handing import everybody, pages, post
from lineside.serve.slack.mrkdwn import LONGEST_SECTION, MOST_BLOCKS, escape, plain, sections
from lineside.serve.slack.speaking import web_client
from lineside.simulator.slack import Fault
from lineside.simulator.slack_rules import block_faults

NASTY = "<!channel> <@U0ADA0000> <https://evil.example|Linie> & *fett*"


def tell(served: Served, text: str, source: str = "schichtbuch") -> None:
    slot = slot_for(served.lineside)
    at = max(slot.start + timedelta(seconds=1), served.lineside.clock() - timedelta(minutes=1))
    event = {
        "id": f"halt-{len(text)}", "source": source, "type": "lineside.event", "time": at.isoformat(),
        "data": {"kind": "stop", "equipment": "brunnthal/abfuellung/linie-7", "text": text},
    }  # fmt: skip
    messages = [message_of(event, received_at=served.lineside.clock())]
    assert not served.lineside.memory.remember(Batch(messages=messages), source=source, translate=translate).dead


def document(served: Served):
    lineside = served.lineside
    return reading(lineside, everybody(lineside)).show(slot_for(lineside))


def add(served: Served, text: str) -> None:
    """An item by hand, which stands in the handover as it was written."""
    lineside = served.lineside
    person = lineside.person("planer-3")
    reading(lineside, lineside.reader(person)).add(person, slot_for(lineside), text)


async def test_who_asks_gets_the_handover_alone(served: Served) -> None:
    add(served, NASTY)
    await served.works.command(ADA, LINE, "/lineside", "handover")
    await served.works.until(lambda: served.told(ADA), "the handover")
    await served.works.command(QUEENIE, LINE, "/lineside", "handover donnerwetter")
    await served.works.until(lambda: served.told(QUEENIE), "a reason")
    await served.works.command(ADA, LINE, "/lineside", "")
    await served.works.until(lambda: len(served.told(ADA)) == 2, "what there is")

    handover, what_there_is = served.told(ADA)
    assert handover.startswith("*Handover of ")
    assert "&lt;!channel&gt; &lt;@U0ADA0000&gt; &lt;https://evil.example|Linie&gt; &amp;" in handover
    assert "<" not in handover
    assert "Es gibt keine Übergabe zu zeigen" in served.told(QUEENIE)[0]
    assert "`/lineside handover [SHIFT]`" in what_there_is
    assert [each for each in served.works.said if each.user == "U0LINESIDE" and not each.to] == []


async def test_it_is_posted_once_as_it_stands_and_anew_when_it_has_changed(served: Served) -> None:
    add(served, NASTY)
    client = web_client(served.lineside.settings.slack)
    posted = await post(served.lineside, document(served), client=client)
    with pytest.raises(AlreadyDecided, match="posted already"):
        await post(served.lineside, document(served), client=client)
    await post(served.lineside, document(served), client=client, again=True)
    add(served, "Das Lager kommt am Mittwoch")
    await post(served.lineside, document(served), client=client)

    first, second, third = (each for each in served.works.said if each.channel == LINE)
    assert (posted.channel, posted.ts, posted.messages) == (LINE, first.ts, 1)
    assert first.words == second.words != third.words
    assert "<" not in first.words
    assert all(each["text"]["verbatim"] for each in first.blocks)


async def test_it_waits_as_long_as_slack_asks_and_gives_up_where_that_is_too_long(served: Served) -> None:
    async def pause(seconds: float) -> None:
        served.waited.append(seconds)

    faults = served.works.faults["chat.postMessage"]
    faults += [Fault("ratelimited", 429, retry_after=30), Fault("ratelimited", 429, retry_after=12)]
    await post(served.lineside, document(served), pause=pause)
    faults.append(Fault("ratelimited", 429, retry_after=3600))
    add(served, "Neu")
    with pytest.raises(SourceUnavailable, match="3600 s"):
        await post(served.lineside, document(served), pause=pause)
    await post(served.lineside, document(served), pause=pause)

    assert served.waited == [30.0, 12.0]
    assert len([each for each in served.works.said if each.channel == LINE]) == 2


async def test_what_slack_refuses_says_what_to_do_and_can_be_posted_later(served: Served) -> None:
    slack = served.lineside.settings.slack
    slack.channel = AWAY
    with pytest.raises(SourceRefused, match=r"not_in_channel; invite the app to it: /invite"):
        await post(served.lineside, document(served))
    slack.channel = LINE
    served.works.faults["chat.postMessage"].append(Fault("invalid_blocks"))
    with pytest.raises(SourceRefused, match="invalid_blocks"):
        await post(served.lineside, document(served))
    await post(served.lineside, document(served))
    slack.channel = ""
    with pytest.raises(BadSettings, match=r"slack\.channel"):
        await post(served.lineside, document(served))

    assert len([each for each in served.works.said if each.channel == LINE]) == 1


async def test_a_channel_reads_only_what_everybody_of_the_site_may(served: Served) -> None:
    tell(served, "Otto hat eine Abmahnung", "vertraulich")
    tell(served, "Folienriss am Schneider")
    everything = reading(served.lineside, served.lineside.reader(None)).show(slot_for(served.lineside))
    await post(served.lineside, document(served))

    (said,) = (each for each in served.works.said if each.channel == LINE)
    assert any("Abmahnung" in line.item.text for line in everything.lines)
    assert "Abmahnung" not in said.words


async def test_a_long_handover_goes_on_in_replies(served: Served) -> None:
    for number in range(110):
        add(served, f"{number}: " + "sehr lang & breit " * 100)
    posted = await post(served.lineside, document(served))

    said = [each for each in served.works.said if each.channel == LINE]
    assert posted.messages == len(said) > 1
    assert {each.thread for each in said[1:]} == {posted.ts}
    text = "".join(each.words for each in said)
    assert all(f"{number}: sehr lang" in text for number in range(110))


@given(st.text(max_size=400).map(lambda text: text * 40))
def test_any_text_fits_slack_and_loses_nothing(text: str) -> None:
    escaped = escape(text)
    blocks = [*sections(escaped)]

    assert all(len(each["text"]["text"]) <= LONGEST_SECTION for each in blocks)
    assert all(len(each) <= MOST_BLOCKS and not block_faults(each, surface="message") for _, each in pages(escaped))
    assert not any(character in escaped for character in "<>")
    shown = "".join(each["text"]["text"] for each in blocks)
    assert plain(shown, lambda _: None).replace("\n", "").strip() == text.replace("\n", "").strip()
