"""What the tests of mail share: a folder on a real IMAP server, used as any mail program would."""

import imaplib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

USER, PASSWORD = "lineside", "sécret"


@contextmanager
def pymap() -> Iterator[int]:
    """The port of an IMAP server in pure Python."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = int(door.getsockname()[1])
    account = ["--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]
    command = [
        "-c",
        "from pymap.main import main; main()",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
        "dict",
    ]
    server = subprocess.Popen(
        [sys.executable, *command, *account], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not _answers(port):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait()


class Folder:
    """A folder of one's own, seen by a mail program."""

    def __init__(self, port: int, name: str, *, spelled: str = "") -> None:
        self.port, self.name = port, name
        self._spelled = f'"{spelled or name}"'
        with self.session() as imap:
            imap.create(self._spelled)

    @contextmanager
    def session(self) -> Iterator[imaplib.IMAP4]:
        imap = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
        yield imap
        imap.logout()

    def receive(self, content: bytes | EmailMessage, *, arrived_at: datetime | None = None) -> None:
        """The letter lies in the folder."""
        said = content if isinstance(content, bytes) else content.as_bytes()
        stamp = imaplib.Time2Internaldate(arrived_at) if arrived_at else None
        with self.session() as imap:
            assert (
                imap.append(self._spelled, None, stamp, said.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))[0] == "OK"
            )

    def remove(self, *subjects: str) -> None:
        """Letters of these subjects are gone for good."""
        with self.session() as imap:
            imap.select(self._spelled)
            for subject in subjects:
                _, found = imap.uid("SEARCH", "SUBJECT", f'"{subject}"')
                for uid in found[0].split():
                    imap.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
            imap.expunge()

    def letters(self) -> list[bytes]:
        with self.session() as imap:
            imap.select(self._spelled, readonly=True)
            _, found = imap.uid("SEARCH", "ALL")
            return [imap.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1] for uid in found[0].split()]

    def flags(self) -> list[bytes]:
        with self.session() as imap:
            imap.select(self._spelled, readonly=True)
            _, found = imap.uid("FETCH", "1:*", "(FLAGS)")
            return [each for each in found if each]

    def make_anew(self) -> None:
        """The folder is deleted and restored with the same letters, as after a move to another server."""
        before = self.letters()
        with self.session() as imap:
            imap.delete(self._spelled)
            imap.create(self._spelled)
        for each in before:
            self.receive(each)


def letter(
    subject: str, text: str = "", *, sent_at: datetime | None = None, sender: str = "Press <press@plant>"
) -> EmailMessage:
    """A letter as a machine or a person writes one."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "line@plant", subject
    made["Date"] = format_datetime(sent_at or datetime.now(UTC))
    made["Message-ID"] = f"<{sha256(f'{subject}{text}'.encode()).hexdigest()[:12]}@plant>"
    made.set_content(text)
    return made


class Wire:
    """Between a client and a server: lets through, delays, or cuts after so many bytes from the server."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.cut_after: int | None = None
        self.stalls = False
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._accepting.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            while True:
                for each in select.select([client, server], [], [])[0]:
                    data = each.recv(4096)
                    if not data or (each is server and self._cuts(data)):
                        return
                    if each is client:
                        server.sendall(data)
                    elif not self.stalls:
                        client.sendall(data)

    def _cuts(self, data: bytes) -> bool:
        if self.cut_after is None:
            return False
        self.cut_after -= len(data)
        if self.cut_after > 0:
            return False
        self.cut_after = None
        return True


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
