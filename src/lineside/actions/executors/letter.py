"""What a letter to a customer or carrier says and where it is handed in: known to everybody, without a credential."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from lineside.actions.action import Draft, Refusal, Terms
from lineside.actions.executors.known import bound_to, need
from lineside.actions.types.delivery import NOTIFY, addressed
from lineside.errors import BadSettings
from lineside.plant.entities import Entity

ADDRESS = re.compile(r"[A-Za-z0-9._%+=-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class Words(BaseModel):
    """A letter's frame in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    reference: str
    sales_order: str
    shipment: str


class Described(BaseModel):
    """An interface file of kind smtp."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["smtp"]
    name: str
    version: str
    options: dict[str, str]
    words: dict[str, Words]


@dataclass(frozen=True, slots=True)
class Letter:
    """The frame as it was loaded. digest: of its file's bytes."""

    described: Described
    digest: str

    def subject(self, about: Entity, language: str) -> str:
        words = self._words(language)
        named = words.shipment if about.kind == "shipment" else words.sales_order
        # An id is a system's own text: nothing in it may end the header.
        return " ".join(words.subject.replace("{about}", named.replace("{id}", about.id)).split())

    def text(self, said: str, language: str, proposal: str) -> str:
        return f"{said}\n\n{self._words(language).reference.replace('{proposal}', proposal)}\n"

    def _words(self, language: str) -> Words:
        of = self.described.words
        return of.get(language) or of["en"]


def parse_letter(content: bytes, *, where: str) -> Letter:
    """The frame in a file's bytes. Raises BadSettings."""
    try:
        described = Described(**tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError, TypeError) as error:
        raise BadSettings(f"{where}: {error}", path=where) from error
    if "en" not in described.words:
        raise BadSettings(f"{where}: words.en: the language of who has none of the others is lacking", path=where)
    return Letter(described, hashlib.sha256(content).hexdigest())


class MailKnown:
    """A mail server that letters are handed in at. Raises BadSettings."""

    def __init__(self, url: str, *, source: str, letter: Letter, options: Mapping[str, str]) -> None:
        self.source, self.url, self.letter, self.options = source, url, letter, dict(options)
        of = letter.described
        need(of.options, options, source=source, interface=of.name)
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        host, more = parts.hostname or "", parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if parts.scheme not in ("smtp", "smtps") or not host or more or port == -1:
            raise BadSettings(
                f"targets, url of {source}: as in smtps://host:465, or smtp://host:587 with STARTTLS", key="url"
            )
        self.host, self.port = host, port or (465 if parts.scheme == "smtps" else 587)
        self.implicit_tls = parts.scheme == "smtps"
        self.loopback = host == "localhost" or _is_loopback(host)
        for name in ("from", "copy"):
            if not ADDRESS.fullmatch(options[name]):
                raise BadSettings(f"targets, options.{name} of {source}: {options[name]!r} is no address", key=name)
        where = "\n".join((url, *(f"{name}={options[name]}" for name in sorted(options))))
        self.interface = bound_to(of.name, of.version, letter.digest, where)

    @property
    def offers(self) -> frozenset[str]:
        return frozenset({NOTIFY.name})

    def terms(self, draft: Draft) -> Terms | Refusal:
        """How the letter will look, for the approver; the server is not asked."""
        added = addressed(draft.view, draft.subject, draft.written)
        if isinstance(added, Refusal):
            return added
        subject = self.letter.subject(draft.subject, str(added.payload["language"]))
        return Terms(facts=(f"from {self.options['from']}, a copy to {self.options['copy']}; subject: {subject}",))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
