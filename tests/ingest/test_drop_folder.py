"""Drop folders by their faults: half files, replaced files, links, rights, counters, bounds."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import TroubleKind
from lineside.connector.folders import matches
from lineside.errors import BadSettings, SourceRefused
from lineside_ingest.drop_folder import DropFolder

from .reading import NOW, drain
from .test_drop_folder_conformance import lot
from .test_edi import DESADV, IFTSTA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def connector(folder: Path | str, **more: Any) -> DropFolder:
    return DropFolder("drop", {"path": str(folder), "settle_s": 0.01, **more}, time_zone=UTC, clock=lambda: NOW)


def put(path: Path, content: str | bytes, *, at: float = 1_777_500_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (at, at))
    return path


async def test_a_file_that_still_grows_waits_until_it_is_whole(folder: Path) -> None:
    path = put(folder / "a.xml", lot(1)[:50])
    growing = DropFolder("drop", {"path": str(folder), "settle_s": 0.2}, time_zone=UTC, clock=lambda: NOW)
    reading = asyncio.create_task(drain(growing))
    while not reading.done():
        with path.open("a") as file:
            file.write(" ")
        await asyncio.sleep(0)
    assert (await reading).messages == []
    put(path, lot(1))
    assert len((await drain(connector(folder))).messages) == 1


async def test_with_an_ending_agreed_for_done_a_file_waits_for_its_mark(folder: Path) -> None:
    put(folder / "a.xml", lot(1))
    first = await drain(connector(folder, done=".done"))
    put(folder / "a.xml.done", "")
    second = await drain(connector(folder, done=".done"), first.checkpoint)
    assert (len(first.messages), len(second.messages)) == (0, 1)


@pytest.mark.parametrize("name", ["a.xml.tmp", "a.xml.part", "a.xml~", ".a.xml", "sub/a.xml"])
async def test_what_is_not_meant_for_us_is_left_alone(folder: Path, name: str) -> None:
    put(folder / name, lot(1))
    read = await drain(connector(folder))
    assert (read.messages, read.unreadable) == ([], [])


async def test_nothing_in_the_folder_is_changed(folder: Path) -> None:
    path = put(folder / "a.xml", lot(1))
    before = path.stat()
    await drain(connector(folder))
    after = path.stat()
    assert os.listdir(folder) == ["a.xml"]  # noqa: PTH208 - pathlib blocks no less
    assert (before.st_mtime_ns, before.st_ino, before.st_size) == (after.st_mtime_ns, after.st_ino, after.st_size)


async def test_a_touched_file_is_known_and_a_replaced_one_is_news(folder: Path) -> None:
    put(folder / "a.xml", lot(1))
    first = await drain(connector(folder))
    put(folder / "a.xml", lot(1), at=1_777_600_000)
    touched = await drain(connector(folder), first.checkpoint)
    put(folder / "a.xml", lot(2), at=1_777_600_000)
    same_time_and_size = await drain(connector(folder), touched.checkpoint)
    put(folder / "a.xml", lot(2), at=1_777_700_000)
    replaced = await drain(connector(folder), touched.checkpoint)
    assert [len(each.messages) for each in (first, touched, same_time_and_size, replaced)] == [1, 0, 0, 1]


async def test_the_same_content_under_another_name_has_the_same_id(folder: Path) -> None:
    put(folder / "a.xml", lot(1))
    put(folder / "b.edi", DESADV)
    put(folder / "c.xml", lot(1))
    put(folder / "d.edi", DESADV)
    read = await drain(connector(folder))
    assert len(read.ids) == 4
    assert len(set(read.ids)) == 2


async def test_the_checkpoint_forgets_what_vanished(folder: Path) -> None:
    path = put(folder / "a.xml", lot(1))
    put(folder / "b.xml", lot(2))
    first = await drain(connector(folder))
    path.unlink()
    second = await drain(connector(folder), first.checkpoint)
    assert second.checkpoint is not None
    assert list(second.checkpoint["files"]) == ["b.xml"]


async def test_a_link_is_not_followed_and_told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = put(tmp_path_factory.mktemp("elsewhere") / "secret.xml", lot(1))
    (folder / "a.xml").symlink_to(secret)
    (folder / "b").symlink_to(secret.parent)
    read = await drain(connector(folder, streams=[{"pattern": "*"}, {"name": "all", "pattern": "*/*"}]))
    assert read.messages == []
    assert read.checkpoint == {"files": {}, "counts": {}}


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


@contextmanager
def without_root() -> Iterator[None]:
    """The process has no more rights than anybody."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


async def test_a_file_without_rights_is_a_trouble_and_the_others_come() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        open_to_all = Path(name)
        allow(open_to_all, 0o755)
        allow(put(open_to_all / "a.xml", lot(1)), 0o000)
        allow(put(open_to_all / "b.xml", lot(2)), 0o644)
        with without_root():
            batches = [batch async for batch in connector(open_to_all).capture(None)]
    assert [len(batch.messages) for batch in batches] == [1, 0]
    [trouble] = batches[-1].troubles or []
    assert trouble.kind is TroubleKind.REFUSED
    assert "a.xml" in trouble.reason


async def test_a_folder_without_rights_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        allow(Path(name), 0o700 if os.geteuid() == 0 else 0o000)
        with without_root(), pytest.raises(SourceRefused):
            await drain(connector(name))
        allow(Path(name), 0o700)


async def test_a_file_that_is_too_large_is_a_dead_letter_with_its_beginning(folder: Path) -> None:
    put(folder / "a.xml", lot(1) + " " * 200_000)
    put(folder / "b.xml", lot(2))
    first = await drain(connector(folder, largest_mb=0.1))
    again = await drain(connector(folder, largest_mb=0.1), first.checkpoint)
    assert len(first.messages) == 1
    [letter] = first.unreadable
    assert (len(letter.content), "largest_mb" in letter.reason) == (65536, True)
    assert again.unreadable == []


@pytest.mark.parametrize("content", [b"%PDF-1.7 ...", b"\x00\x01\x02", "<invoice><ID>1</ID></invoice>", "hello"])
async def test_what_is_no_message_is_a_dead_letter(folder: Path, content: str | bytes) -> None:
    from lineside.errors import UnreadableMessage

    put(folder / "a.dat", content)
    own = connector(folder)
    [message] = (await drain(own)).messages
    with pytest.raises(UnreadableMessage):
        own.translate(message)


async def test_numbers_that_never_came_are_a_gap_and_order_within_a_round_is_none(folder: Path) -> None:
    streams = [{"name": "asn", "pattern": "*.xml", "sequence": "_([0-9]+)"}]
    put(folder / "a_1.xml", lot(1), at=1_777_500_003)
    put(folder / "a_2.xml", lot(2), at=1_777_500_002)
    first = await drain(connector(folder, streams=streams))
    put(folder / "a_6.xml", lot(6), at=1_777_500_009)
    second = await drain(connector(folder, streams=streams), first.checkpoint)
    put(folder / "a_4.xml", lot(4), at=1_777_500_010)
    third = await drain(connector(folder, streams=streams), second.checkpoint)
    assert first.gaps == third.gaps == []
    [gap] = second.gaps
    assert gap.reason == "asn: numbers 3 to 5 never came"
    assert gap.since < gap.until == datetime.fromtimestamp(1_777_500_009, UTC)
    assert len(third.messages) == 1


async def test_a_counter_that_starts_again_is_told_and_makes_no_gap(folder: Path) -> None:
    streams = [{"pattern": "*.xml", "sequence": "_([0-9]+)"}]
    put(folder / "a_900.xml", lot(1))
    first = await drain(connector(folder, streams=streams))
    put(folder / "b_1.xml", lot(2))
    batches = [batch async for batch in connector(folder, streams=streams).capture(first.checkpoint)]
    assert [list(batch.gaps) for batch in batches] == [[], []]
    assert [each.kind for each in batches[-1].troubles or []] == [TroubleKind.EPOCH]


async def test_control_numbers_count_for_each_sender(folder: Path) -> None:
    streams = [{"name": "edi", "pattern": "*", "sequence": "control"}]
    put(folder / "a.edi", IFTSTA)
    put(folder / "b.edi", IFTSTA.replace("CARRIER", "OTHER").replace("+77'", "+5'"))
    first = await drain(connector(folder, streams=streams))
    put(folder / "c.edi", IFTSTA.replace("+77'", "+79'"))
    second = await drain(connector(folder, streams=streams), first.checkpoint)
    assert first.gaps == []
    assert [gap.reason for gap in second.gaps] == ["edi: CARRIER: number 78 never came"]


async def test_a_round_that_breaks_off_counts_on_where_it_stopped(folder: Path) -> None:
    streams = [{"pattern": "*.edi", "sequence": "_([0-9]+)"}]
    for number in range(1, 411):
        put(folder / f"a_{number:04d}.edi", IFTSTA.replace("+77", f"+{number}"), at=1_777_500_000 + number)
    batches = connector(folder, streams=streams).capture(None)
    first = await anext(batches)
    await batches.aclose()  # type: ignore[attr-defined]
    rest = await drain(connector(folder, streams=streams), first.checkpoint)
    assert len(first.messages) == 200
    assert len({*(each.source_id for each in first.messages), *rest.ids}) == 410
    assert rest.gaps == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"streams": [{"pattern": "../*.xml"}]},
        {"streams": [{"pattern": "/etc/*"}]},
        {"streams": [{"sequence": "[0-9]+"}]},
        {"streams": [{"sequence": "("}]},
        {"streams": [{"format": "csv"}]},
        {"streams": [{"pattern": "*"}, {"pattern": "*"}]},
        {"password": "x"},
        {"path": "sftp://host/x", "password": "x", "host_key": "ssh-ed25519 AAAA"},
        {"path": "sftp://u@host/x", "password": "x"},
        {"path": "sftp://u@host/x", "host_key": "ssh-ed25519 AAAA"},
        {"path": "sftp://u:p@host/x", "password": "x", "host_key": "ssh-ed25519 AAAA"},
    ],
)
def test_settings_that_cant_work_are_refused_at_once(folder: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        connector(**{"folder": folder, **wrong}) if "path" not in wrong else DropFolder("x", wrong, time_zone=UTC)


async def test_a_host_key_that_is_none_is_refused_before_anything_is_sent() -> None:
    own = connector("sftp://u@127.0.0.1:1/x", password="x", host_key="ssh-ed25519 AAAA")
    with pytest.raises(SourceRefused, match="key"):
        await drain(own)


def test_a_star_never_reaches_over_a_folder() -> None:
    assert matches("in/a.xml", "in/*.xml")
    assert not matches("in/old/a.xml", "in/*.xml")
    assert not matches("in/a.xml", "*.xml")
