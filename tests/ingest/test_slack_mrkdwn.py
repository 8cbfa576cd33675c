"""Slack's markup as text: what people wrote stays, what only Slack needs goes."""

import inspect
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.models.blocks import ContextBlock, HeaderBlock, MarkdownTextObject, RichTextBlock, SectionBlock
from slack_sdk.models.blocks.block_elements import (
    RichTextElementParts,
    RichTextListElement,
    RichTextPreformattedElement,
    RichTextSectionElement,
)

from lineside_ingest.slack_channels.mrkdwn import blocks_text, mentioned, readable

NAMES = {"U1ANNA00": "Anna Müller", "C1LINE30": "line-3"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("*Achtung* _jetzt_, ~12~ 15 kg :warning:", "Achtung jetzt, ~12~ 15 kg :warning:"),
        ("LOT_77_A 5*3*2 a*b snake_case_name", "LOT_77_A 5*3*2 a*b snake_case_name"),
        ("&lt;5 bar &amp; &gt;3 bar", "<5 bar & >3 bar"),
        ("&amp;lt; is written so", "&lt; is written so"),
        ("<@U1ANNA00> in <#C1LINE30>", "@Anna Müller in #line-3"),
        ("<@U9STRANGE> <@U8SAID|carla> <#C9GONE00|old-line>", "@U9STRANGE @carla #old-line"),
        ("*<@U1ANNA00> please*", "@Anna Müller please"),
        (
            "<!here> <!channel> <!subteam^S1|@schicht-2> <!date^1777890000^{date}|4 May>",
            "@here @channel @schicht-2 4 May",
        ),
        ("<https://a.example/_b_/c|the sheet>", "the sheet (https://a.example/_b_/c)"),
        ("<https://a.example> <https://b.example|b.example>", "https://a.example https://b.example"),
        ("<mailto:qa@plant.example|qa@plant.example> <tel:+491>", "qa@plant.example +491"),
        ("see ```\nx = *a* _b_\n  y &lt; 3\n``` and `a_b_`", "see x = *a* _b_\n  y < 3 and a_b_"),
        ("&gt; quoted\n• one\n• two", "> quoted\n• one\n• two"),
        ("not a < b or b > a; <>", "not a < b or b > a; <>"),
        ("\x000\x00 <@U1ANNA00>", "0 @Anna Müller"),
        ("Größe: 3 µm, 20 °C — gut 👍", "Größe: 3 µm, 20 °C — gut 👍"),
    ],
)
def test_what_people_wrote_is_read_as_they_meant_it(written: str, read: str) -> None:
    assert readable(written, NAMES) == read


def test_names_are_no_markup() -> None:
    assert readable("<@U1ANNA00> _x_", {"U1ANNA00": "*Anna* <b> `c` 0"}) == "@*Anna* <b> `c` 0 x"


@pytest.mark.parametrize(
    "written", ["<" * 50_000, "*" * 50_000, "_a" * 50_000, "`" * 50_000, "* " * 50_000, "<@" * 50_000]
)
def test_markup_without_end_is_read_in_time(written: str) -> None:
    assert len(readable(written, {})) <= len(written)


def test_who_is_mentioned() -> None:
    assert list(mentioned("<@U1ANNA00> <#C1LINE30|x> <!here> @U2")) == ["U1ANNA00", "C1LINE30"]


def test_blocks_as_slack_s_own_library_builds_them_are_text() -> None:
    parts = RichTextElementParts
    blocks = [
        HeaderBlock(text="Störung Füller 3"),
        SectionBlock(text=MarkdownTextObject(text="*Code* 4711"), fields=["Druck: 5 bar", "Temp: 20 °C"]),
        ContextBlock(elements=[MarkdownTextObject(text="by <@U1ANNA00>")]),
        RichTextBlock(
            elements=[
                RichTextSectionElement(
                    elements=[
                        parts.Text(text="a < b, "),
                        parts.User(user_id="U1ANNA00"),
                        parts.Emoji(name="warning"),
                        parts.Link(url="https://a.example", text="sheet"),
                    ]
                ),
                RichTextListElement(
                    style="bullet", elements=[RichTextSectionElement(elements=[parts.Text(text=each)]) for each in "xy"]
                ),
                RichTextPreformattedElement(elements=[parts.Text(text="z = *1*")]),
            ]
        ),
    ]
    said = readable(blocks_text([block.to_dict() for block in blocks]), NAMES)
    assert said.splitlines() == [
        "Störung Füller 3",
        "Code 4711",
        "Druck: 5 bar",
        "Temp: 20 °C",
        "by @Anna Müller",
        "a < b, @Anna Müller:warning:sheet (https://a.example)",
        "• x",
        "• y",
        "z = *1*",
    ]


def test_blocks_in_blocks_without_end_are_left() -> None:
    block: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": "deep"}}
    for _ in range(200):
        block = {"type": "context", "elements": [block]}
    assert blocks_text([block, {"type": "header", "text": {"type": "plain_text", "text": "seen"}}]) == "seen"


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("conversations_history", {"channel", "oldest", "latest", "limit", "cursor"}),
        ("conversations_replies", {"channel", "ts", "oldest", "limit", "cursor"}),
        ("conversations_list", {"types", "limit", "cursor"}),
        ("conversations_info", {"channel"}),
        ("users_list", {"limit", "cursor"}),
        ("users_info", {"user"}),
    ],
)
def test_what_we_ask_with_is_what_slack_s_own_library_asks_with(method: str, asked: set[str]) -> None:
    assert asked <= set(inspect.signature(getattr(WebClient, method)).parameters)
