"""A real mail server for tests: TLS of its own, one login, and faults at each step of handing a letter in."""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOGIN, PASSWORD = "lineside", "a-long-enough-one"


@dataclass
class Peer:
    """What it was handed, and what goes wrong. fault: where the exchange breaks. refuses: a recipient it won't take."""

    port: int = 0
    fault: str = ""
    refuses: str = ""
    letters: list[tuple[list[str], bytes]] = field(default_factory=list)
    deliver: Callable[[bytes], None] = lambda _: None
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(  # noqa: N802 - the server's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        del options
        if not session.authenticated:
            return "530 who are you?"
        if self.fault == "dropped_before":
            server.transport.abort()
        if self.fault == "refuses_sender":
            return "553 not this sender"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the server's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        del server, session, options
        if address == self.refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the server's own name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        match self.fault:
            case "busy":
                return "451 try again later"
            case "refuses_letter":
                return "554 looks like spam"
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append((list(envelope.rcpt_tos), content))
        await asyncio.to_thread(self.deliver, content)
        match self.fault:
            case "dropped_after":
                server.transport.abort()
            case "silent_after":
                await self.release.wait()
        return "250 kept"


def known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: Any) -> AuthResult:
    del server, session, envelope, mechanism
    right = isinstance(said, LoginPassword) and said == LoginPassword(LOGIN.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(folder: Path, *, tls: str = "implicit") -> Iterator[Peer]:
    """It listens at 127.0.0.1; the certificate to trust is `folder/ca.pem`. tls: implicit, starttls or none."""
    peer = Peer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = made(folder)
    context.load_cert_chain(certificate, key)
    how: dict[str, Any] = {
        "implicit": {"auth_require_tls": False},
        "starttls": {"tls_context": context, "require_starttls": True},
        "none": {"auth_require_tls": False},
    }[tls]
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(peer, hostname="mail.test", authenticator=known, loop=loop, **how)

    listening = loop.run_until_complete(
        loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    )
    peer.port = listening.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield peer
    finally:
        asyncio.run_coroutine_threadsafe(_ended(peer, listening), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


async def _ended(peer: Peer, listening: asyncio.Server) -> None:
    peer.release.set()
    listening.close()
    others = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def made(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "ca.pem", folder / "key.pem"
