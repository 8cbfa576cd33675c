"""Slack's exports: zips and folders, alone and beside the Web API, and hostile ones."""

import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside_ingest.slack_channels import SlackChannels

from .reading import NOW, drain
from .slack_peer import SlackServer
from .web_peer import serving

DAY = "line-3/2026-05-04.json"
SAID = "1777890000.000100"


def message(ts: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1ANNA00", "text": text, "ts": ts, **more}


def files(*messages: Any) -> dict[str, Any]:
    return {
        "channels.json": [{"id": "C1LINE30", "name": "line-3"}, {"id": "C3OTHER0", "name": "other"}],
        "users.json": [{"id": "U1ANNA00", "name": "anna", "profile": {"real_name": "Anna Müller"}}],
        DAY: list(messages),
        "other/2026-05-04.json": [message("1777890000.000200", "not asked for")],
    }


def zipped(path: Path, content: Mapping[str, Any], *, packed: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, each in content.items():
            archive.writestr(name, each if isinstance(each, bytes) else json.dumps(each))
    return path


def laid_out(path: Path, content: Mapping[str, Any]) -> Path:
    for name, each in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(each if isinstance(each, bytes) else json.dumps(each).encode())
    return path


def below(path: Path) -> list[str]:
    return sorted(each.name for each in path.rglob("*"))


def reading(path: Path, **more: Any) -> SlackChannels:
    options = {"export": str(path), "channels": ["line-3"], **more}
    return SlackChannels("chat", options, time_zone=UTC, clock=lambda: NOW)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    served = SlackServer()
    with serving(served) as url:
        served.url = url
        yield served


@pytest.mark.parametrize(("made", "inside"), [(zipped, ""), (zipped, "Plant Slack export/"), (laid_out, "")])
async def test_an_export_is_read_once_and_only_the_channels_that_are_named(
    tmp_path: Path, made: Callable[..., Path], inside: str
) -> None:
    content = files(message(SAID, "läuft, <@U1ANNA00>"), message("1777890001.000000", "ok", thread_ts=SAID))
    path = made(tmp_path / "export", {inside + name: each for name, each in content.items()})
    connector = reading(path)
    read = await drain(connector)
    assert read.ids == [f"C1LINE30/{SAID}", "C1LINE30/1777890001.000000"]
    first, reply = read.records(connector)
    assert (first.text, first.author, first.channel) == ("läuft, @Anna Müller", "Anna Müller", "#line-3")  # type: ignore[union-attr]
    assert reply.attributes["thread"] == f"C1LINE30/{SAID}"  # type: ignore[union-attr]
    again = await drain(reading(path), read.checkpoint)
    assert (again.messages, again.unreadable) == ([], [])


async def test_an_export_and_the_web_api_together_give_each_message_once(
    tmp_path: Path, server: SlackServer, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(SAID, "one")
    server.say("1777890005.000000", "two")
    server.edit("1777890005.000000", "two, mended", at="1777890300.000000")
    server.say("1700000000.000000", "long ago, and not asked of Slack")
    older = [
        message("1700000000.000000", "long ago, and not asked of Slack"),
        message(SAID, "one", user_profile={"real_name": "Anna"}, team="T1PLANT"),
        message("1777890005.000000", "two"),
    ]
    path = zipped(tmp_path / "export.zip", files(*older))
    options = {"token": "xoxb-right", "url": server.url}
    await catch_up(memory, reading(path, **options))
    await catch_up(memory, reading(path, **options))
    assert sorted(note.text for note in memory.view().notes()) == [
        "long ago, and not asked of Slack", "one", "two, mended",
    ]  # fmt: skip
    assert memory.dead_letters() == []


async def test_an_older_export_that_comes_after_the_edit_does_not_bring_the_old_words_back(
    tmp_path: Path, server: SlackServer, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2026-05-04T12:00:00Z")
    server.say(SAID, "400")
    server.edit(SAID, "350", at="1777890300.000000")
    options = {"token": "xoxb-right", "url": server.url}
    path = tmp_path / "export.zip"
    await catch_up(memory, reading(path, **options))
    zipped(path, files(message(SAID, "400")))
    await catch_up(memory, reading(path, **options))
    assert [note.text for note in memory.view().notes()] == ["350"]


async def test_an_export_that_is_broken_does_not_keep_the_web_api_from_being_read(
    tmp_path: Path, server: SlackServer
) -> None:
    server.say(SAID, "one")
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04 half")
    read = await drain(reading(tmp_path / "export.zip", token="xoxb-right", url=server.url))
    assert [each.key for each in read.messages] == [SAID]
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.UNAVAILABLE, "export")]


async def test_a_zip_that_leads_out_of_itself_is_only_ever_read(tmp_path: Path) -> None:
    content = files(message(SAID, "one")) | {
        "../../outside.json": [],
        "/etc/2026-05-04.json": [message("1777890002.000000", "x")],
        "line-3/../2026-05-04.json": [message("1777890003.000000", "x")],
        "line-3/deep/2026-05-04.json": [message("1777890004.000000", "x")],
    }
    content["channels.json"].append({"id": "C4EVIL00", "name": "../../etc"})
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "export.zip", content)
    read = await drain(reading(path, channels=["line-3", "../../etc"]))
    assert read.ids == [f"C1LINE30/{SAID}"]
    assert below(tmp_path) == ["export.zip", "in"]


async def test_a_folder_whose_links_lead_elsewhere_is_read_without_them(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    laid_out(secret, {"2026-05-05.json": [message("1777890009.000000", "secret")]})
    path = laid_out(tmp_path / "export", files(message(SAID, "one")))
    (path / "line-3" / "2026-05-05.json").symlink_to(secret / "2026-05-05.json")
    (path / "linked").symlink_to(secret)
    content = json.loads((path / "channels.json").read_text())
    (path / "channels.json").write_text(json.dumps([*content, {"id": "C5LINK00", "name": "linked"}]))
    read = await drain(reading(path, channels=["line-3", "linked"]))
    assert read.ids == [f"C1LINE30/{SAID}"]


async def test_a_day_that_unpacks_without_end_is_a_dead_letter_and_the_other_days_come(tmp_path: Path) -> None:
    bomb = b"[" + b" " * (8 << 20) + b"]"
    content = files(message(SAID, "one")) | {"line-3/2026-05-01.json": bomb}
    read = await drain(reading(zipped(tmp_path / "export.zip", content), largest_mb=1))
    assert read.ids == [f"C1LINE30/{SAID}"]
    [letter] = read.unreadable
    assert "largest_mb" in letter.reason


@pytest.mark.parametrize(
    "day", [b"[{", b"\xff\xfe", b"{}", b"null", b'[{"ts": "\\ud800"}]', b"[" * 100_000, b"[1e999]", b'[{"ts":"1"},7]']
)
async def test_a_day_that_is_no_list_of_messages_is_a_dead_letter_and_the_other_days_come(
    tmp_path: Path, day: bytes
) -> None:
    content = files(message(SAID, "one")) | {"line-3/2026-05-01.json": day}
    read = await drain(reading(zipped(tmp_path / "export.zip", content)))
    assert read.ids == [f"C1LINE30/{SAID}"]
    assert read.unreadable


async def test_a_day_whose_bytes_are_damaged_is_a_dead_letter_and_the_other_days_come(tmp_path: Path) -> None:
    broken = message("1777890002.000000", "broken in the middle")
    content = files(message(SAID, "one")) | {"line-3/2026-05-01.json": [broken]}
    path = zipped(tmp_path / "export.zip", content, packed=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"broken in the middle", b"broken in the muddle"))
    read = await drain(reading(path))
    assert read.ids == [f"C1LINE30/{SAID}"]
    [letter] = read.unreadable
    assert "damaged" in letter.reason


async def test_an_export_that_needs_a_password_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", files(message(SAID, "one")))
    raw = bytearray(path.read_bytes())
    for head, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.find(head)
        while place >= 0:
            raw[place + offset : place + offset + 2] = struct.pack("<H", 1)
            place = raw.find(head, place + 4)
    path.write_bytes(bytes(raw))
    with pytest.raises(SourceRefused, match="encrypted"):
        await drain(reading(path))


@pytest.mark.parametrize("content", [{}, {"channels.json": {}}, {"channels.json": b"["}, {"channels.json": [7, {}]}])
async def test_what_is_no_export_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    path = zipped(tmp_path / "export.zip", {"readme.txt": b"x", **content})
    with pytest.raises(SourceRefused):
        await drain(reading(path))
    assert [check.ok for check in await reading(path).check()] == [False]


async def test_an_export_that_is_still_on_its_way_is_waited_for(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", files(message(SAID, "one"))).read_bytes()
    path = tmp_path / "export.zip"
    with pytest.raises(SourceUnavailable):
        await drain(reading(path))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceUnavailable):
        await drain(reading(path))
    path.write_bytes(whole)
    assert len((await drain(reading(path))).messages) == 1


async def test_a_channel_that_the_export_has_not_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", files(message(SAID, "one")))
    read = await drain(reading(path, channels=["line-3", "nowhere"]))
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.REFUSED, "nowhere")]
    with pytest.raises(SourceRefused, match="nowhere"):
        await drain(reading(path, channels=["nowhere"]))


async def test_another_export_at_the_same_path_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    first = await drain(reading(zipped(path, files(message(SAID, "one")))))
    zipped(path, files(message(SAID, "one"), message("1777890009.000000", "two")))
    second = await drain(reading(path), first.checkpoint)
    assert second.ids == [f"C1LINE30/{SAID}", "C1LINE30/1777890009.000000"]
