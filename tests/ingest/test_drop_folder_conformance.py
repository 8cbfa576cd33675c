"""Drop folders against the suite: one on this machine, and one behind an SFTP server that fails as servers do."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest

from lineside.connector import Connector
from lineside.errors import SourceRefused, SourceUnavailable
from lineside_ingest.drop_folder import DropFolder

from .conformance import Bench, Conformance
from .reading import NOW, drain

NAMESPACE = "http://www.mesa.org/xml/B2MML"
YEAR_S = 365 * 86400


def lot(number: int, *, key: str = "ID", verb: str = "Show", action: str = "<Show/>") -> str:
    return f"""<{verb}MaterialLot xmlns="{NAMESPACE}"><ApplicationArea/><DataArea>{action}<MaterialLot>
    <{key}>L-{number}</{key}><MaterialLotProperty><ID>n</ID><Value><ValueString>{number}</ValueString></Value>
    </MaterialLotProperty></MaterialLot></DataArea></{verb}MaterialLot>"""


class FolderBench(Bench):
    """Files that a partner writes, and a connector that reads them where they lie."""

    name = "drop_folder"
    lacks: ClassVar = {
        "throttled": "a folder asks nobody to wait",
        "slow": "a local folder answers at once; SFTP is on the other bench",
        "dropped": "a local folder has no connection; SFTP is on the other bench",
        "hushed": "a poll holds no session; SFTP is on the other bench",
    }

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "inbound"
        self.folder.mkdir()
        self.written = 0

    def connector(self) -> Connector:
        return self._at(str(self.folder))

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._put(lot(number))

    async def say_poison(self) -> None:
        self._put(lot(666)[:-40])

    def unavailable(self) -> Connector:
        return self._at(str(self.folder / "nowhere"))

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self._put(lot(number), at=1_777_000_000 - place)

    async def say_late(self, number: int) -> None:
        self._put(lot(number), at=1_600_000_000)

    async def lose(self, number: int) -> None:
        del number
        self.written += 1

    async def begin_anew(self) -> None:
        texts = [path.read_bytes() for path in sorted(self.folder.iterdir())]
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.written = 0
        for text in texts:
            self._put(text.decode())

    async def rename_field(self, number: int) -> None:
        self._put(lot(number, key="LotNo").replace(NAMESPACE, f"{NAMESPACE}-V0900"))

    def refused(self) -> Connector:
        return self._at(str(next(iter([*self.folder.iterdir(), self._put(lot(0))]))))

    async def say_ahead(self, number: int) -> None:
        self._put(lot(number), at=NOW.timestamp() + YEAR_S)

    async def delete(self, number: int) -> None:
        action = '<Sync><ActionCriteria><ActionExpression actionCode="Delete"/></ActionCriteria></Sync>'
        self._put(lot(number, verb="Sync", action=action))

    def _put(self, text: str, *, at: float | None = None) -> Path:
        self.written += 1
        path = self.folder / f"lot_{self.written:05d}.xml"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (at or 1_777_500_000 + self.written,) * 2)
        return path

    def _at(self, path: str, **more: Any) -> Connector:
        streams = [{"name": "lots", "pattern": "*.xml", "sequence": "lot_([0-9]+)"}]
        options = {"path": path, "settle_s": 0.01, "streams": streams, **more}
        return DropFolder("bench", options, time_zone=UTC, clock=lambda: NOW)


class Files(asyncssh.SFTPServer):
    """An SFTP server over a folder that can be told to break off or to fall silent."""

    root: Path
    reads_left = 1_000_000
    silent = asyncio.Event()
    over = asyncio.Event()

    def __init__(self, chan: Any) -> None:
        super().__init__(chan, chroot=os.fsencode(self.root))

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if type(self).silent.is_set():
            try:
                await type(self).over.wait()
            finally:
                self.close(file_obj)
            return b""
        if type(self).reads_left <= 0:
            type(self).reads_left = 1_000_000
            self.connection.abort()
        type(self).reads_left -= 1
        return super().read(file_obj, offset, size)


class Guard(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("partner", "right")


class SftpBench(FolderBench):
    lacks: ClassVar = {
        "throttled": "SFTP has no word for it",
        "hushed": "each round signs in anew and every answer has its deadline: see the test below",
    }

    def __init__(self, folder: Path, server: type[Files], port: int, host_key: str, deaf_port: int) -> None:
        super().__init__(folder)
        self.server, self.port, self.host_key, self.deaf_port = server, port, host_key, deaf_port
        server.root = folder

    def connector(self) -> Connector:
        return self._remote()

    def unavailable(self) -> Connector:
        return self._remote(port=1)

    def refused(self) -> Connector:
        return self._remote(password="wrong")

    def slow(self) -> Connector:
        return self._remote(port=self.deaf_port, timeout_s=0.3)

    async def cut(self) -> None:
        self.server.reads_left = 2

    def _remote(self, *, port: int | None = None, **more: Any) -> Connector:
        path = f"sftp://partner@127.0.0.1:{port or self.port}/inbound"
        return self._at(path, **{"password": "right", "host_key": self.host_key, "timeout_s": 5, **more})


class TestFolder(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return FolderBench(tmp_path)


class TestSftp(Conformance):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        key = asyncssh.generate_private_key("ssh-ed25519")

        class Own(Files):
            silent = asyncio.Event()
            over = asyncio.Event()

        server = await asyncssh.create_server(Guard, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=Own)
        unanswered = list[asyncio.StreamWriter]()
        deaf = await asyncio.start_server(lambda _, writer: unanswered.append(writer), "127.0.0.1", 0)
        public = key.export_public_key().decode()
        yield SftpBench(tmp_path, Own, server.get_port(), public, deaf.sockets[0].getsockname()[1])
        Own.over.set()
        for writer in unanswered:
            writer.close()
        deaf.close()
        server.close()
        await server.wait_closed()

    async def test_a_server_that_falls_silent_in_the_middle_of_a_file_is_not_waited_for(self, bench: SftpBench) -> None:
        await bench.say(1)
        bench.server.silent.set()
        async with asyncio.timeout(10):
            with pytest.raises(SourceUnavailable, match="in time"):
                await drain(bench._remote(timeout_s=0.3))

    async def test_a_server_with_another_key_is_refused(self, bench: SftpBench) -> None:
        bench.host_key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        with pytest.raises(SourceRefused, match="host_key"):
            await drain(bench.connector())
