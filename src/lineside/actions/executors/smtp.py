"""Hands letters in at a mail server: to whom the approved bytes name, once, encrypted, and no guess about silence."""

from __future__ import annotations

import json
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from threading import Timer
from typing import Any, Self

from lineside.actions.executors import Answer, Done, NoAnswer, NoEffect, There
from lineside.actions.executors.letter import ADDRESS, Letter, MailKnown
from lineside.errors import BadSettings
from lineside.plant.entities import Entity

_DOT = re.compile(rb"(?m)^\.")


class MailTarget(MailKnown):
    """A mail server that takes our letters.

    password: held by this object alone. timeout_s: for one whole exchange, however slowly it drips. home: where the
    certificate lies that the options name. Raises BadSettings where that can't be read.
    """

    def __init__(
        self,
        url: str,
        password: str,
        *,
        source: str,
        letter: Letter,
        options: Mapping[str, str],
        home: Path,
        timeout_s: float = 10.0,
    ) -> None:
        super().__init__(url, source=source, letter=letter, options=options)
        self._password, self._timeout_s = password, timeout_s
        ca = self.options["ca"]
        try:
            self.tls = ssl.create_default_context(cafile=str(home / ca) if ca else None)
        except (OSError, ssl.SSLError) as error:
            raise BadSettings(f"targets, options.ca of {source}: {ca} can't be read: {error}", key="ca") from error

    def read(self, action: str, subject: Entity, *, proposal: str) -> There | None:
        """Nothing: a mail server can't be asked what it delivered. The mailbox that gets the copies tells."""
        del action, subject, proposal
        return There(values={}, effects=None)

    def carry_out(self, action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Answer:
        """What came of handing the letter in. Its Message-ID is the proposal's, so a second copy shows as one."""
        del action, condition
        said: Mapping[str, Any] = json.loads(body)
        to = [each["email"] for each in said["recipients"]]
        if not to or not all(ADDRESS.fullmatch(each) for each in to):
            return NoEffect(reason=f"nothing was sent by {self.source}: it names no address that may be written to")
        try:
            content = self._letter(subject, said, key).as_bytes(policy=SMTP)
        except ValueError as error:
            return NoEffect(reason=f"nothing was sent by {self.source}: {error}")
        with _Exchange(self._timeout_s) as exchange:
            try:
                return self._handed_in(exchange, [*dict.fromkeys([*to, self.options["copy"]])], content, key)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                why = _named(error)
                if exchange.handed_over:
                    return NoAnswer(reason=f"{self.source} gave no answer after the letter was handed over: {why}")
                return NoEffect(reason=f"nothing was sent by {self.source}: {why}")

    def _letter(self, subject: Entity, said: Mapping[str, Any], key: str) -> EmailMessage:
        language = str(said["language"])
        letter = EmailMessage(policy=SMTP)
        letter["From"] = Address(addr_spec=self.options["from"])
        letter["To"] = [Address(each["name"], addr_spec=each["email"]) for each in said["recipients"]]
        letter["Subject"] = f"{self.letter.subject(subject, language)} ({key})"
        letter["Date"] = formatdate(localtime=False)
        letter["Message-ID"] = f"<{key}@{self.options['from'].partition('@')[2]}>"
        letter.set_content(self.letter.text(said["text"], language, key), cte="quoted-printable")
        letter["Content-Language"] = language
        return letter

    def _handed_in(self, exchange: _Exchange, to: list[str], content: bytes, key: str) -> Answer:
        server = exchange.open(self)
        if self.options["user"]:
            server.login(self.options["user"], self._password)
        code, answer = server.mail(self.options["from"])
        if code != 250:
            return NoEffect(reason=f"{self.source} refuses the sender ({code} {_text(answer)})")
        for each in to:
            code, answer = server.rcpt(each)
            if code not in (250, 251):
                return NoEffect(reason=f"{self.source} refuses the recipient {each} ({code} {_text(answer)})")
        code, answer = server.docmd("DATA")
        if code != 354:
            return NoEffect(reason=f"{self.source} refuses the letter ({code} {_text(answer)})")
        exchange.handed_over = True
        server.send(_DOT.sub(b"..", content) + b".\r\n")
        code, answer = server.getreply()
        match code:
            case 250:
                return Done(effect=key)
            case -1:
                return NoAnswer(reason=f"{self.source} gave no answer after the letter was handed over")
            case _:
                return NoEffect(reason=f"{self.source} refuses the letter ({code} {_text(answer)})")


class _Exchange:
    """One connection, which is cut off when its time is over. handed_over: the letter may have left."""

    def __init__(self, timeout_s: float) -> None:
        self.handed_over = self._over = False
        self._timeout_s = timeout_s
        self._server: smtplib.SMTP | None = None
        self._timer = Timer(timeout_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._server is not None:
            self._server.close()

    def open(self, target: MailTarget) -> smtplib.SMTP:
        """The server, over TLS that proves its name; without it only on this machine. Raises SMTPException, OSError."""
        name = target.options["from"].partition("@")[2]
        if target.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=name, timeout=self._timeout_s, context=target.tls)
        else:
            server = smtplib.SMTP(local_hostname=name, timeout=self._timeout_s)
        self._server = server
        # Whose certificate it must be; the constructor would say so, and connect where no timer could cut it off.
        vars(server)["_host"] = target.host
        code, answer = server.connect(target.host, target.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, answer)
        if self._over:
            raise TimeoutError("its time was over before it answered")
        server.ehlo_or_helo_if_needed()
        if not target.implicit_tls and not (target.loopback and not server.has_extn("starttls")):
            server.starttls(context=target.tls)
        return server

    def _cut(self) -> None:
        self._over = True
        server = self._server
        if server is not None and server.sock is not None:
            with suppress(OSError):
                server.sock.shutdown(socket.SHUT_RDWR)


def _named(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(answer: bytes | str) -> str:
    said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(said.split())[:200]
