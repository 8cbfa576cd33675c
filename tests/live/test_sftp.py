"""OpenSSH's own server with EDI in its folder: read over SFTP, refused, cut off, replaced."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.reading import NOW, drain
from tests.ingest.test_b2mml import PERFORMANCE
from tests.ingest.test_drop_folder_conformance import lot
from tests.ingest.test_edi import DESADV

from lineside.connector import TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside_ingest.drop_folder import DropFolder

from .installing import free_port, listens, program, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sshd as Debian packs it")


@dataclass
class Server:
    folder: Path
    port: int
    home: Path

    def connector(self, **more: Any) -> DropFolder:
        options = {
            "path": f"sftp://{user()}@127.0.0.1:{self.port}{self.folder}",
            "key": str(self.home / "user"),
            "host_key": (self.home / "host.pub").read_text(),
            "settle_s": 0.05,
            "timeout_s": 10,
            **more,
        }
        return DropFolder("partner", options, time_zone=UTC, clock=lambda: NOW)

    def put(self, name: str, content: str, *, at: float = 1_777_500_000) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="iso8859-1")
        os.utime(path, (at, at))
        return path


def user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    sshd, keygen = program("sshd", "openssh-server"), program("ssh-keygen", "openssh-client")
    home = tmp_path / "ssh"
    (tmp_path / "out").mkdir()
    home.mkdir(mode=0o700)
    for name in ("host", "user", "stranger"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)], check=True)
    (home / "authorized").write_text((home / "user.pub").read_text())
    port = free_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd, started by root, takes its rights off
    (home / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nPidFile {home}/pid\n"
        f"AuthorizedKeysFile {home}/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication yes\n"
        "PermitRootLogin yes\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\nMaxAuthTries 6\n"
    )
    command = [sshd, "-D", "-e", "-f", str(home / "config")]
    with started(command, log=home / "log", ready=lambda: listens(port)):
        yield Server(tmp_path / "out", port, home)


async def test_what_a_partner_leaves_on_its_server_is_recorded_once_and_left_there(
    server: Server, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2027-01-01T00:00:00Z")
    server.put("desadv.edi", DESADV)
    server.put("mes/perf.xml", PERFORMANCE)
    server.put("broken.edi", DESADV[:200])
    server.put("half.edi.part", DESADV)
    streams = [{"name": "edi", "pattern": "*.edi"}, {"name": "mes", "pattern": "mes/*.xml"}]
    first = await catch_up(memory, server.connector(streams=streams))
    again = await catch_up(memory, server.connector(streams=streams))
    server.put("desadv-again.edi", DESADV)
    renamed = await catch_up(memory, server.connector(streams=streams))

    statuses = [each.text for each in memory.view().statements(properties=("status",))]
    assert {"departed", "issued", "complete"} <= set(statuses)
    assert (first.recorded, again.received, renamed.known) == (2, 0, 1)
    assert [letter.reason for letter in memory.dead_letters()]
    assert (server.folder / "desadv.edi").read_text("iso8859-1") == DESADV


@pytest.mark.parametrize("wrong", ["key", "password", "host_key"])
async def test_a_wrong_key_password_or_host_key_is_refused_after_one_attempt(server: Server, wrong: str) -> None:
    stranger = server.home / "stranger"
    more = {"key": str(stranger)} if wrong == "key" else {"host_key": stranger.with_suffix(".pub").read_text()}
    own = server.connector(**more) if wrong != "password" else _by_password(server)
    with pytest.raises(SourceRefused):
        await drain(own)
    log = (server.home / "log").read_text()
    assert log.count("Failed ") <= 1


async def test_a_server_that_is_gone_is_tried_again(server: Server) -> None:
    gone = DropFolder(
        "partner",
        {
            "path": f"sftp://{user()}@127.0.0.1:{free_port()}/x",
            "password": "x",
            "host_key": (server.home / "host.pub").read_text(),
        },
        time_zone=UTC,
    )
    with pytest.raises(SourceUnavailable):
        await drain(gone)
    with pytest.raises(SourceUnavailable):
        await drain(server.connector(path=f"sftp://{user()}@127.0.0.1:{server.port}/no/such/folder"))


async def test_links_are_told_and_not_followed(server: Server) -> None:
    server.put("a.xml", lot(1))
    (server.folder / "b.xml").symlink_to("/etc/hostname")
    batches = [batch async for batch in server.connector().capture(None)]
    assert [len(batch.messages) for batch in batches] == [1, 0]
    assert [(each.kind, "link" in each.reason) for each in batches[-1].troubles or []] == [(TroubleKind.REFUSED, True)]


async def test_times_come_in_whole_seconds(server: Server) -> None:
    server.put("a.xml", lot(1), at=1_777_500_000.75)
    read = await drain(server.connector())
    assert read.checkpoint is not None
    assert read.checkpoint["files"]["a.xml"][1] == 1_777_500_000 * 10**9


def _by_password(server: Server) -> DropFolder:
    options = {
        "path": f"sftp://{user()}@127.0.0.1:{server.port}{server.folder}",
        "password": "never this one",
        "host_key": (server.home / "host.pub").read_text(),
    }
    return DropFolder("partner", options, time_zone=UTC, clock=lambda: NOW)
