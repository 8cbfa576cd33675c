"""What an answer may not do: be too large, hang, unpack without end; and how often a sign-in is tried."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from lineside.errors import SourceRefused, SourceUnavailable
from lineside_ingest.odata import OData

from .reading import NOW, drain, keys
from .test_odata import BERLIN, lot, reader
from .web_peer import Answer, Peer, serving


@pytest.fixture
def peer() -> Iterator[Peer]:
    served = Peer()
    with serving(served) as url:
        served.url = url
        yield served


async def test_an_answer_that_is_too_large_is_asked_for_in_smaller_pages_which_are_remembered(peer: Peer) -> None:
    peer.rows = [lot(f"L-{n}", f"2026-05-04T08:00:0{n}Z") for n in range(7)]
    peer.answer = lambda query: (  # type: ignore[method-assign]
        (413, {}, {}) if int(query["$top"]) > 3 else Peer.answer(peer, query)
    )
    first = await drain(reader(peer, collection={"page_size": 16}))
    assert sorted(keys(first.messages)) == [f"L-{n}" for n in range(7)]
    peer.asked.clear()
    await drain(reader(peer, collection={"page_size": 16}), first.checkpoint)
    assert {query["$top"] for _, query, _ in peer.asked} == {"2"}


async def test_one_row_that_is_too_large_is_refused_with_its_reason(peer: Peer) -> None:
    peer.closed = (413, {}, {})
    with pytest.raises(SourceRefused, match="one row was asked for"):
        await drain(reader(peer))


async def test_a_slow_service_is_asked_for_less_the_next_time(peer: Peer) -> None:
    connector = reader(peer, timeout_s=0.3)
    peer.dripping = True
    with pytest.raises(SourceUnavailable, match=r"within 0\.3 s"):
        await drain(connector)
    peer.dripping = False
    peer.rows = [lot("A", "2026-05-04T08:00:00Z")]
    await drain(connector)
    assert [query["$top"] for _, query, _ in peer.asked] == ["500", "250"]


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_that_grows_without_end_is_given_up(peer: Peer, *, packed: bool) -> None:
    connector = reader(peer)
    connector._http.largest = 1 << 20
    content = b'{"value": [' + b" " * (64 << 20) + b"]}"
    peer.closed = (
        200,
        {"content-encoding": "gzip"} if packed else {},
        gzip.compress(content, 1) if packed else content,
    )
    with pytest.raises(SourceRefused, match="more than 1 MiB"):
        await drain(connector)


@pytest.mark.parametrize(
    ("packing", "content", "error"),
    [
        ("gzip", gzip.compress(b'{"value": []}')[:-9], SourceUnavailable),
        ("gzip", b"no gzip", SourceUnavailable),
        ("br", b"anything", SourceRefused),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), SourceRefused),
    ],
    ids=["cut", "not packed", "another packing", "packed twice"],
)
async def test_what_is_packed_otherwise_or_in_part_is_no_answer(
    peer: Peer, packing: str, content: bytes, error: type[Exception]
) -> None:
    peer.closed = (200, {"content-encoding": packing}, content)
    with pytest.raises(error):
        await drain(reader(peer))


async def test_a_packed_answer_is_read(peer: Peer) -> None:
    body = json.dumps({"value": [lot("A", "2026-05-04T08:00:00Z")]}).encode()
    squeezed = zlib.compressobj(wbits=31)
    peer.faults = [(200, {"content-encoding": "gzip"}, squeezed.compress(body) + squeezed.flush())]
    assert keys((await drain(reader(peer))).messages) == ["A"]


@pytest.mark.parametrize(
    ("said", "wait"),
    [("²", None), ("-5", None), ("99999999999", 86_400.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None)],
)
async def test_a_wait_that_makes_no_sense_is_no_wait(peer: Peer, said: str, wait: float | None) -> None:
    peer.closed = (503, {"retry-after": said.encode().decode("latin-1")}, {})
    with pytest.raises(SourceUnavailable) as raised:
        await drain(reader(peer))
    assert raised.value.retry_after_s == wait


class Granting(Peer):
    """Gives out tokens; only the newest is good. granted: how many; good: whether any token is taken."""

    granted = 0
    good = True
    lasts_s: Any = 3600

    def _answered(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        if path.endswith("/token"):
            assert headers["authorization"] == "Basic aWQ6c2VjcmV0"
            self.granted += 1
            return 200, {}, {"access_token": f"t{self.granted}", "expires_in": self.lasts_s}
        if headers.get("authorization") != f"Bearer t{self.granted}" or not self.good:
            return 401, {}, {}
        return super()._answered(path, query, headers)


@pytest.fixture
def granting() -> Iterator[Granting]:
    served = Granting()
    with serving(served) as url:
        served.url = url
        yield served


def signed_in(peer: Granting) -> OData:
    return reader(peer, token_url=f"{peer.url}/token", client_id="id", client_secret="secret", scope="read")


async def test_a_token_is_kept_until_it_runs_out_and_renewed_once_when_it_is_taken_back(granting: Granting) -> None:
    granting.rows = [lot("A", "2026-05-04T08:00:00Z")]
    connector = signed_in(granting)
    first = await drain(connector)
    await drain(connector, first.checkpoint)
    assert granting.granted == 1
    granting.granted = 5  # all that were given out before are void
    await drain(connector, first.checkpoint)
    assert granting.granted == 6


async def test_a_new_token_that_is_refused_too_stops_the_source(granting: Granting) -> None:
    granting.good = False
    with pytest.raises(SourceRefused):
        await drain(signed_in(granting))
    assert granting.granted == 2


async def test_rows_that_move_while_they_are_listed_are_not_taken_for_gone(peer: Peer) -> None:
    peer.rows = [lot(f"L-{n}", "2026-05-04T08:00:00Z") for n in range(9)]

    def remove_the_first() -> None:
        if len(peer.asked) == 2:
            del peer.rows[0]

    peer.before = remove_the_first
    [listed] = [each async for each in reader(peer, collection={"page_size": 3}).listing()]
    assert listed.keys == {f"L-{n}" for n in range(9)}, "what was there at first and all that is there now"


def test_the_zone_of_a_stamp_may_be_another_than_that_of_the_rows(peer: Peer) -> None:
    one = {"changed_zone": "UTC", "changed_type": "text"}
    collection = reader(peer, collection=one)._collections[0].known(None)
    assert collection.moment("20260504100000") == NOW.replace(hour=10)
    assert collection.stream.notation.time_zone == BERLIN
