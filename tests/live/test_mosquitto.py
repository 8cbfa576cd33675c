"""A real mosquitto, an edge of another implementation, and processes that are killed."""

import asyncio
import gc
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import OpenMemory
from tests.ingest.mqtt_peer import PASSWORD, USER, Broker, publish, running, wired

from lineside.connector import Connector
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside_ingest.mqtt import Mqtt

from .installing import program, python_of

HERE = Path(__file__).parent / "sparkplug"
PLANT = 'site = "northfield"\ntime_zone = "UTC"\n'
MAPPING = {"entity": "lot:L-1", "properties": {"n": {"field": "value", "type": "number"}}}
COUNTS = {"topic": "counts", "payload": "number", "mapping": MAPPING}
WAITING_S = 30


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    program("mosquitto", "mosquitto")
    with running(tmp_path / "broker") as started:
        yield started


@pytest.fixture
def memory(tmp_path: Path, open_memory: OpenMemory) -> Memory:
    return open_memory(
        f"sqlite:///{tmp_path / 'lineside.db'}", plant=PLANT, now="2100-01-01T00:00:00Z", index_dir=tmp_path / "index"
    )


def connector(broker: Broker, *streams: dict[str, Any], **options: Any) -> Mqtt:
    whole = {
        "url": broker.url,
        "user": USER,
        "password": PASSWORD,
        "client_id": "counts",
        "keep_alive_s": 1,
        "timeout_s": 5,
        "reorder_s": 1,
        "streams": list(streams or [COUNTS]),
        **options,
    }
    return Mqtt("counts", whole, time_zone=UTC)


async def listen(memory: Memory, source: Connector) -> None:
    """Reads for ever, as the runtime does: committed, then confirmed."""
    async with aclosing(source.capture(memory.checkpoint(source.source))) as batches:  # type: ignore[type-var]
        async for batch in batches:
            await asyncio.to_thread(memory.remember, batch, source=source.source, translate=source.translate)
            if batch.checkpoint is not None:
                await source.confirm(batch.checkpoint)


@asynccontextmanager
async def listening(memory: Memory, source: Connector) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(listen(memory, source))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SourceUnavailable, SourceRefused):
            await task


async def until(true: Callable[[], Any], what: str, *tasks: asyncio.Task[None]) -> Any:
    async with asyncio.timeout(WAITING_S):
        while not (found := true()):
            assert not any(task.done() for task in tasks), f"it ended before {what}"
            await asyncio.sleep(0.05)
        return found


def told(memory: Memory, name: str) -> list[str]:
    return [each.text for each in memory.view().statements(properties=(name,))]


def events(memory: Memory) -> list[str]:
    return [f"{each.kind} {each.equipment}" for each in memory.view().events()]


def certify(key: Path, own: Path) -> None:
    """A certificate for 127.0.0.1 that only itself vouches for."""
    command = [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(own)], check=True, capture_output=True)


class Edge:
    """The edge's process."""

    def __init__(self, broker: Broker, log: Path, *, session: int = 0) -> None:
        python = python_of("pysparkplug", ["pysparkplug==0.6.1"])
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(python), str(HERE / "edge.py"), str(broker.port), str(session)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                env={"EDGE_USER": USER, "EDGE_PASSWORD": PASSWORD},
            )

    def said(self, what: str) -> bool:
        return what in self.log.read_text()

    def does(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


async def test_an_edge_of_another_make_is_born_asked_killed_and_born_again(
    broker: Broker, memory: Memory, tmp_path: Path
) -> None:
    rules = [{"metric": "Line/State", "property": "state", "values": {"1": "running"}}]
    source = connector(broker, {"topic": "spBv1.0/#", "payload": "sparkplug", "metrics": rules})
    async with listening(memory, source) as task:
        await until(lambda: memory.checkpoint("counts"), "subscribed", task)
        edge = Edge(broker, tmp_path / "edge.log")
        try:
            await until(lambda: told(memory, "Weight"), "the births", task)
            assert (told(memory, "state"), told(memory, "Temperature")) == (["running"], ["20.0"])
            edge.does("data 21.5")
            edge.does("device 4.25")
            await until(lambda: "21.5" in told(memory, "Temperature"), "data by alias", task)
            await until(lambda: "4.25" in told(memory, "Weight"), "a device's data by alias", task)
            assert (memory.view().gaps(), edge.said("asked")) == ([], False)

            edge.does("skip")
            edge.does("data 22.5")
            await until(lambda: "22.5" in told(memory, "Temperature"), "what came after the gap", task)
            await until(lambda: edge.said("asked Node Control/Rebirth"), "the command at the edge", task)
            await until(lambda: told(memory, "Temperature").count("20.0") == 2, "the birth that was asked for", task)
            [gap] = memory.view().gaps()
            assert gap.source == "counts"

            edge.kill()
            await until(lambda: "feed_stopped northfield/line-3" in events(memory), "the will", task)
            edge = Edge(broker, tmp_path / "again.log")
            await until(lambda: events(memory).count("feed_started northfield/line-3") == 2, "another birth", task)
            assert len(memory.view().gaps()) == 2
            assert memory.dead_letters() == []
        finally:
            edge.kill()


async def test_the_will_of_a_session_that_was_replaced_does_not_stop_the_feed_but_a_leave_does(
    broker: Broker, memory: Memory, tmp_path: Path
) -> None:
    source = connector(broker, {"topic": "spBv1.0/#", "payload": "sparkplug"})
    async with listening(memory, source) as task:
        await until(lambda: memory.checkpoint("counts"), "subscribed", task)
        first = Edge(broker, tmp_path / "first.log")
        second = None
        try:
            await until(lambda: told(memory, "Weight"), "the first session", task)
            second = Edge(broker, tmp_path / "second.log", session=1)
            await until(lambda: told(memory, "Weight").count("1.0") == 2, "the second session", task)
            first.kill()
            await until(lambda: broker.log().count("spBv1.0/northfield/NDEATH/line-3") >= 1, "the first's will", task)
            second.does("data 21.5")
            await until(lambda: "21.5" in told(memory, "Temperature"), "data of the second session", task)
            assert "feed_stopped northfield/line-3" not in events(memory)
            second.does("leave")
            await until(lambda: "feed_stopped northfield/line-3" in events(memory), "the second's leave", task)
        finally:
            first.kill()
            if second is not None:
                second.kill()


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho's, of the handshake that failed
async def test_over_tls_the_authority_is_asked_for_and_a_wrong_password_is_asked_once(
    tmp_path: Path, memory: Memory
) -> None:
    key, own = tmp_path / "key.pem", tmp_path / "own.pem"
    program("mosquitto", "mosquitto")
    certify(key, own)
    with running(tmp_path / "secured", certfile=own, keyfile=key) as broker:
        url = broker.url.replace("mqtt:", "mqtts:")
        await catch_up(memory, connector(broker, url=url, ca=str(own)))
        publish(broker.port, ("counts", b"8"), ca=str(own))
        await catch_up(memory, connector(broker, url=url, ca=str(own)))
        assert told(memory, "n") == ["8"]
        with pytest.raises(SourceRefused, match="not trusted"):
            await anext(connector(broker, url=url).capture(None))
        gc.collect()
        before = broker.log().count("not authorised")
        with pytest.raises(SourceRefused, match="mend the credentials"):
            await anext(connector(broker, url=url, ca=str(own), password="wrong").capture(None))
        assert broker.log().count("not authorised") == before + 1


async def test_after_our_own_restart_an_edge_is_asked_what_its_aliases_mean(
    broker: Broker, memory: Memory, tmp_path: Path
) -> None:
    stream = {"topic": "spBv1.0/#", "payload": "sparkplug"}
    async with listening(memory, connector(broker, stream)) as task:
        await until(lambda: memory.checkpoint("counts"), "subscribed", task)
        edge = Edge(broker, tmp_path / "edge.log")
        await until(lambda: told(memory, "Weight"), "the births", task)
    try:
        async with listening(memory, connector(broker, stream)) as task:
            edge.does("data 23.5")
            await until(lambda: edge.said("done data 23.5"), "the edge", task)
            async with asyncio.timeout(WAITING_S):
                while not edge.said("asked"):  # the first ones may have gone by before we were subscribed
                    edge.does("data 24.5")
                    await asyncio.sleep(0.1)
            await until(lambda: "24.5" in told(memory, "Temperature"), "data before the birth", task)
    finally:
        edge.kill()
    reasons = [gap.reason for gap in memory.view().gaps()]
    assert any("not connected, with no lasting session" in reason for reason in reasons)


async def test_killed_between_commit_and_acknowledgement_equal_values_are_neither_lost_nor_doubled(
    broker: Broker, memory: Memory, tmp_path: Path
) -> None:
    await catch_up(memory, connector(broker))
    publish(broker.port, *[("counts", b"5")] * 30)
    command = [
        sys.executable,
        str(HERE / "dying.py"),
        f"sqlite:///{tmp_path / 'lineside.db'}",
        broker.url,
        USER,
        PASSWORD,
    ]
    done = await asyncio.to_thread(subprocess.run, command, check=False)
    assert done.returncode == -signal.SIGKILL
    assert 0 < len(told(memory, "n")) <= 30
    publish(broker.port, ("counts", b"5"))
    await catch_up(memory, connector(broker))
    assert told(memory, "n") == ["5"] * 31
    await catch_up(memory, connector(broker))
    assert told(memory, "n") == ["5"] * 31


async def test_a_broker_that_is_killed_and_started_again_keeps_what_it_had_taken(
    broker: Broker, memory: Memory
) -> None:
    async with listening(memory, connector(broker)) as task:
        await until(lambda: memory.checkpoint("counts"), "subscribed", task)
        publish(broker.port, *[("counts", str(n).encode()) for n in range(20)])
        await until(lambda: len(told(memory, "n")) == 20, "the first", task)
        broker.stop(with_signal=signal.SIGKILL)
        async with asyncio.timeout(WAITING_S):
            with pytest.raises(SourceUnavailable):
                await task
    broker.start()
    publish(broker.port, *[("counts", str(n).encode()) for n in range(20, 40)])
    written = broker.folder / "mosquitto.db"  # mosquitto tells the publisher that it has a message before it writes it
    await until(lambda: b"counts39" in written.read_bytes(), "the broker's database")
    broker.stop(with_signal=signal.SIGKILL)
    broker.start()
    await catch_up(memory, connector(broker))
    assert sorted(int(each) for each in told(memory, "n")) == list(range(40))
    assert memory.view().gaps() == []


async def test_a_full_queue_tells_nobody_but_the_publishers_count_does(tmp_path: Path, memory: Memory) -> None:
    program("mosquitto", "mosquitto")
    mapping = {"entity": "lot:L-1", "properties": {"n": {"field": "n", "type": "number"}}}
    stream = {"topic": "counted", "sequence_field": "seq", "mapping": mapping}
    with running(tmp_path / "small", max_queued_messages=20, max_inflight_messages=5) as broker:
        await catch_up(memory, connector(broker, stream))
        publish(broker.port, ("counted", b'{"n": 0, "seq": 0}'))
        await catch_up(memory, connector(broker, stream))
        publish(broker.port, *[("counted", json.dumps({"n": n, "seq": n}).encode()) for n in range(1, 60)])
        await catch_up(memory, connector(broker, stream))
        publish(broker.port, ("counted", b'{"n": 60, "seq": 60}'))
        await catch_up(memory, connector(broker, stream))
    kept = len(told(memory, "n"))
    assert kept < 61
    assert [gap.reason for gap in memory.view().gaps()] == [
        f"counted: {61 - kept} messages after {kept - 2} never came"
    ]


async def test_a_check_does_not_disturb_the_reading_and_a_second_reader_is_told(broker: Broker, memory: Memory) -> None:
    async with listening(memory, connector(broker)) as task:
        await until(lambda: memory.checkpoint("counts"), "subscribed", task)
        assert all(check.ok for check in await connector(broker).check())
        publish(broker.port, ("counts", b"7"))
        await until(lambda: told(memory, "n") == ["7"], "the message", task)
        async with aclosing(connector(broker).capture(None)) as second, asyncio.timeout(WAITING_S):  # type: ignore[type-var]
            await anext(second)
            # mosquitto 2.0.11 closes the first one's connection without the word that MQTT 5 has for it
            with pytest.raises((SourceRefused, SourceUnavailable), match="client_id"):
                await task


async def test_a_primary_host_tells_that_it_is_there_that_it_goes_and_by_its_will_that_it_was_cut_off(
    broker: Broker, memory: Memory
) -> None:
    heard: list[tuple[bool, int]] = []
    stream = {"topic": "spBv1.0/STATE/us", "name": "states", "mapping": {"text": "{online}"}}
    states = connector(broker, stream, client_id="looking")

    async def look() -> None:
        async with aclosing(states.capture(None)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                said = [json.loads(message.content) for message in batch.messages]
                heard.extend((each["online"], each["timestamp"]) for each in said)

    def host(url: str) -> Mqtt:
        return connector(broker, {"topic": "spBv1.0/+/#", "payload": "sparkplug"}, host_id="us", url=url)

    looking = asyncio.create_task(look())
    async with listening(memory, host(broker.url)) as task:
        await until(lambda: len(heard) == 1, "its birth", task, looking)
    await until(lambda: len(heard) == 2, "its farewell", looking)
    async with wired(broker.port) as wire, listening(memory, host(f"mqtt://127.0.0.1:{wire.port}")) as task:
        await until(lambda: len(heard) == 3, "its second birth", task, looking)
        wire.close()
        await until(lambda: len(heard) == 4, "its will", looking)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    assert [online for online, _ in heard] == [True, False, True, False]
    assert (heard[0][1], heard[2][1]) == (heard[1][1], heard[3][1])
