"""A real mosquitto under a test, what publishes to it, and a wire between that can be cut or go dead."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

USER, PASSWORD = "lineside", "right"
WAITING_S = 20


def mosquitto() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI must test against mosquitto: apt-get install mosquitto")
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return str(found)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


class Broker:
    """mosquitto with a password file and a database on disk."""

    def __init__(self, folder: Path, *, port: int | None = None, **config: object) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.passwords = folder / "passwords"
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", str(self.passwords), USER, PASSWORD], check=True, capture_output=True
        )
        self.passwords.chmod(0o644)
        wanted = {
            "listener": f"{self.port} 127.0.0.1",
            "allow_anonymous": "false",
            "password_file": self.passwords,
            "persistence": "true",
            "persistence_location": f"{folder}/",
            "autosave_interval": 1,
            "autosave_on_changes": "true",
            "user": "root",
            "log_type": "all",
            **config,
        }
        self.config = folder / "mosquitto.conf"
        self.config.write_text("".join(f"{name} {value}\n" for name, value in wanted.items()))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([mosquitto(), "-c", str(self.config)], stdout=log, stderr=log)
        until(lambda: listens(self.port))

    def stop(self, *, with_signal: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(10)
            self.process = None

    def log(self) -> str:
        return (self.folder / "mosquitto.log").read_text()

    def forget(self) -> None:
        """Its database is gone, as after a reinstallation."""
        for file in self.folder.glob("mosquitto.db*"):
            file.unlink()


@contextmanager
def running(folder: Path, **config: object) -> Iterator[Broker]:
    folder.mkdir(exist_ok=True)
    mosquitto()
    broker = Broker(folder, **config)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def publish(
    port: int, *messages: tuple[str, bytes], qos: int = 1, retain: bool = False, user: str = USER, ca: str = ""
) -> None:
    """The broker has them all. ca: whom to trust, where it speaks TLS."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(user, PASSWORD)
    if ca:
        client.tls_set(ca)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(WAITING_S)
    client.disconnect()
    client.loop_stop()


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def until(true: Callable[[], Any]) -> Any:
    """What `true` returned as soon as it was something."""
    deadline = time.monotonic() + WAITING_S
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


class Wire:
    """A wire to a broker. dead: nothing passes any more. cut_after: bytes from the broker until it breaks, once."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.port = 0
        self.dead = False
        self.cut_after: int | None = None
        self._ends: list[asyncio.StreamWriter] = []

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        self._ends += [writer, back]
        await asyncio.gather(self._pass(reader, back, counted=False), self._pass(there, writer, counted=True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                if self.dead:
                    continue
                if counted and self.cut_after is not None:
                    data, left = data[: self.cut_after], self.cut_after - len(data)
                    self.cut_after = left if left > 0 else None
                    if left <= 0:
                        writer.write(data)
                        await writer.drain()
                        break
                writer.write(data)
                await writer.drain()
        self.close()

    def close(self) -> None:
        for end in self._ends:
            end.close()


@asynccontextmanager
async def wired(port: int) -> AsyncIterator[Wire]:
    wire = Wire(port)
    server = await asyncio.start_server(wire.join, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.close()
        server.close()
