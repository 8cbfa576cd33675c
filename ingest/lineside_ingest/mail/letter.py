"""One letter: who wrote what to whom, without the words of others that it quotes. Pure.

Broken charsets and headers are read as far as they go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256
from html.parser import HTMLParser

from lineside.errors import UnreadableMessage

_ATTRIBUTION = re.compile(
    r"^\s*(-{2,}\s*(original message|ursprüngliche nachricht|message d'origine|mensaje original)\s*-{2,}"
    r"|_{10,}"
    r"|(on|am|le|el) .{4,200}(wrote|schrieb|a écrit|escribió).{0,80}:\s*)$",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^\s*(from|von|de)\s*:\s.*", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\u00a0]+")
_SKIPPED = frozenset({"script", "style", "head", "template"})
_BREAKING = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table"})
_NESTING = re.compile(rb"^content-type:\s*(?:message|multipart)/", re.IGNORECASE | re.MULTILINE)
_DEEPEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """author: the sender's name or address. text: what this sender wrote. answers: the ids of the letters before."""

    message_id: str
    author: str
    address: str
    to: str
    subject: str
    text: str
    sent_at: datetime | None
    attachments: tuple[str, ...]
    answers: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Tells letters apart that claim the same id; the same for copies that went another way."""
        said = "\0".join((self.address, self.subject, self.text, str(self.sent_at), *self.attachments))
        return sha256(said.encode("utf-8", "replace")).hexdigest()[:8]


def read_letter(content: bytes) -> Letter:
    """The letter in these bytes (RFC 5322). Raises UnreadableMessage where it is nested beyond all use."""
    if len(_NESTING.findall(content)) > _DEEPEST:  # the parser recurses
        raise UnreadableMessage(f"its parts are nested too deeply, or more than {_DEEPEST}")
    # compat32 hands headers out as they came; the newer policies raise on malformed ones.
    message: Message = message_from_bytes(content, policy=policy.compat32)
    authors = getaddresses([_header(message, "From")])
    author, address = authors[0] if authors else ("", "")
    plain, html, attachments = _parts(message)
    text = plain if plain.strip() else text_of_html(html)
    return Letter(
        message_id=_header(message, "Message-ID").strip().strip("<>").strip(),
        author=(author or address).strip(),
        address=address.strip().lower(),
        to=", ".join(each for _, each in getaddresses([_header(message, "To"), _header(message, "Cc")]) if each),
        subject=_BLANKS.sub(" ", _header(message, "Subject")).strip(),
        text=own_words(text),
        sent_at=_moment(_header(message, "Date")),
        attachments=tuple(attachments),
        answers=tuple(
            re.findall(r"<([^<>\s]+)>", f"{_header(message, 'References')} {_header(message, 'In-Reply-To')}")
        ),
    )


def own_words(text: str) -> str:
    """The text without what it quotes: those are another's words, said at another time."""
    kept: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for place, line in enumerate(lines):
        if line.lstrip().startswith(">"):
            continue
        two = f"{line.strip()} {lines[place + 1].strip()}" if place + 1 < len(lines) else line
        forwarded = _HEADER.match(line) and any(_is_header(each) for each in lines[place + 1 : place + 3])
        if any(each.strip() for each in kept) and (_ATTRIBUTION.match(line) or _ATTRIBUTION.match(two) or forwarded):
            break
        if line.rstrip() == "--":  # the signature follows
            break
        kept.append(_BLANKS.sub(" ", line).rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def text_of_html(html: str) -> str:
    """What a reader of the page would see, a line for each block."""
    reader = _Seen()
    reader.feed(html)
    reader.close()
    return "".join(reader.seen)


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag in _SKIPPED:
            self._skipping += 1
        elif tag in _BREAKING:
            self.seen.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag in _BREAKING:
            self.seen.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.seen.append(re.sub(r"\s+", " ", data))


def _is_header(line: str) -> bool:
    return bool(re.match(r"^\s*\w[\w -]{1,20}:\s", line))


def _header(message: Message, name: str) -> str:
    """The header as people read it; several of one name are one list."""
    found = message.get_all(name, [])
    return ", ".join(_decoded(str(each)) for each in found)


def _decoded(raw: str) -> str:
    from email.header import decode_header

    try:
        parts = decode_header(raw.replace("\r", "").replace("\n", ""))
    except (MessageError, ValueError):
        return raw.encode("utf-8", "replace").decode()
    words = [_text(part, charset or "utf-8") if isinstance(part, bytes) else part for part, charset in parts]
    return "".join(words).encode("utf-8", "replace").decode()


def _parts(message: Message) -> tuple[str, str, list[str]]:
    """(plain text, HTML, the names of what is attached)."""
    plain: list[str] = []
    html: list[str] = []
    attachments: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        name = part.get_filename()
        kind = part.get_content_type()
        if name or "attachment" in str(part.get("Content-Disposition", "")).lower():
            attachments.append(_decoded(str(name)) if name else kind)
        elif kind in {"text/plain", "text/html"}:
            (plain if kind == "text/plain" else html).append(_content(part))
        elif isinstance(part, EmailMessage | Message) and not kind.startswith("multipart/"):
            attachments.append(kind)
    return "\n".join(plain), "\n".join(html), attachments


def _content(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    if not isinstance(payload, bytes):
        return str(part.get_payload())
    return _text(payload, part.get_content_charset() or "utf-8")


def _text(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "strict")
    except (LookupError, UnicodeDecodeError, ValueError):
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content.decode("cp1252", "replace")  # what most programs meant that say nothing true


def _moment(written: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(written)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
