"""What a face was delivered: taken once, finished once, taken over from the dead, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from lineside.memory import deliveries, leases
from lineside.memory.deliveries import Taken, Unfinished

NOW = datetime(2026, 3, 4, 6, tzinfo=UTC)
DEAD = f"here process 999999999 1@{leases._here()} 00"


def test_it_is_taken_once_and_the_same_bytes_are_a_replay(store_url, open_memory):
    memory = open_memory(store_url)

    def take(name: str, *marks: str, at: datetime = NOW) -> Taken:
        return deliveries.take(memory, name, b"{}", holder="me", now=at, marks=marks)

    assert take("chat/1", "chat/sig-1") is Taken.NEW
    assert take("chat/1", "chat/sig-1") is Taken.REPLAYED
    assert take("chat/1", "chat/sig-2") is Taken.KNOWN
    assert take("chat/2", "chat/sig-2") is Taken.REPLAYED
    assert take("chat/2") is Taken.NEW
    assert deliveries.done(memory, "chat/1") is None
    deliveries.finish(memory, "chat/1", now=NOW)
    assert deliveries.done(memory, "chat/1") == NOW
    assert take("chat/1", at=NOW + timedelta(hours=23)) is Taken.KNOWN
    deliveries.forget(memory, "chat/2")
    assert take("chat/2", at=NOW + timedelta(hours=23)) is Taken.NEW
    assert take("chat/1", at=NOW + timedelta(hours=25)) is Taken.NEW


def test_of_many_at_once_one_takes_it(store_url, open_memory):
    memory = open_memory(store_url)
    with ThreadPoolExecutor(8) as pool:
        taken = list(
            pool.map(
                lambda each: deliveries.take(memory, "chat/1", b"{}", holder="me", now=NOW, marks=[f"sig-{each}"]),
                range(16),
            )
        )

    assert sorted(taken) == [*[Taken.KNOWN] * 15, Taken.NEW]


def test_what_the_dead_left_is_taken_over_once_and_nothing_of_the_living(store_url, open_memory):
    memory = open_memory(store_url)
    for name, holder, ago in (
        ("chat/of-the-dead", DEAD, 5),
        ("chat/stranded", "another host", 90),
        ("chat/of-the-living", "another host", 5),
        ("chat/mine", "me", 90),
        ("chat/too-late", DEAD, 700),
        ("post/of-another-face", DEAD, 5),
    ):
        content = name.encode()
        deliveries.take(memory, name, content, holder=holder, now=NOW - timedelta(seconds=ago))

    found = deliveries.adopt(memory, prefix="chat/", holder="me", now=NOW)
    again = deliveries.adopt(memory, prefix="chat/", holder="you", now=NOW)

    assert found == [
        Unfinished("chat/stranded", b"chat/stranded"), Unfinished("chat/of-the-dead", b"chat/of-the-dead")
    ]  # fmt: skip
    assert [each.name for each in again] == ["chat/mine"]
    assert deliveries.done(memory, "chat/too-late") == NOW
