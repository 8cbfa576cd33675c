"""A mailbox that is only read: sign in, look into folders, fetch letters. It blocks, so it is used in a thread."""

from __future__ import annotations

import imaplib
import re
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from lineside.errors import SourceRefused, SourceUnavailable

_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]")
_FOLDER = re.compile(rb'^\((?P<flags>[^)]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) (?P<name>.+)$')
_UID, _SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)")
_ARRIVED = re.compile(rb'INTERNALDATE "([^"]+)"')


class FolderRefused(Exception):
    """One folder can't be opened; the others can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the mailbox is and how to sign in. tls: implicit, starttls or none."""

    host: str
    port: int
    tls: str
    ca: str
    user: str
    password: str
    token: str
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A letter as it lies in its folder. content: the whole of it, or its header where it is larger than was asked."""

    uid: int
    size: int
    arrived_at: datetime
    content: bytes


class Mailbox:
    """A signed-in session."""

    def __init__(self, imap: imaplib.IMAP4) -> None:
        self._imap = imap

    def folders(self) -> list[str]:
        """The names of all folders that can be opened, as the server writes them."""
        _, lines = self._imap.list()
        found = []
        for line in lines:
            match = _FOLDER.match(line) if isinstance(line, bytes) else None
            if match and rb"\noselect" not in match["flags"].lower():
                found.append(_unquoted(match["name"].decode("ascii", "replace")))
        return found

    def open(self, folder: str, *, writable: bool) -> tuple[int, int]:
        """(UIDVALIDITY, UIDNEXT) of the folder, which is open now. Raises FolderRefused."""
        status, said = self._imap.select(_quoted(folder), readonly=not writable)
        if status != "OK":
            raise FolderRefused(_words(said))
        _, validity = self._imap.response("UIDVALIDITY")
        _, following = self._imap.response("UIDNEXT")
        return _number(validity), _number(following)

    def search(self, *criteria: str) -> list[int]:
        """The UIDs of the letters that meet all criteria, ascending."""
        _, found = self._imap.uid("SEARCH", *criteria)
        return sorted(int(each) for part in found if isinstance(part, bytes) for each in part.split())

    def fetch(self, uids: Sequence[int], *, largest: int) -> Iterator[Fetched]:
        """These letters, read without marking them as seen. One that is gone by now is left out."""
        if not uids:
            return
        for uid, size, arrived_at in sorted(self._sizes(uids)):
            part = "BODY.PEEK[]" if size <= largest else "BODY.PEEK[HEADER]"
            _, answer = self._imap.uid("FETCH", str(uid), f"({part})")
            content = next((each[1] for each in answer if isinstance(each, tuple)), None)
            if isinstance(content, bytes):
                yield Fetched(uid=uid, size=size, arrived_at=arrived_at, content=content)

    def mark(self, uids: Sequence[int], keyword: str) -> None:
        """The letters carry the keyword."""
        if uids:
            self._imap.uid("STORE", _set(uids), "+FLAGS.SILENT", f"({keyword})")

    def _sizes(self, uids: Sequence[int]) -> Iterator[tuple[int, int, datetime]]:
        _, answer = self._imap.uid("FETCH", _set(uids), "(RFC822.SIZE INTERNALDATE)")
        for line in answer:
            text = line[0] if isinstance(line, tuple) else line
            if not isinstance(text, bytes) or not (uid := _UID.search(text)):
                continue
            size, arrived = _SIZE.search(text), _ARRIVED.search(text)
            yield int(uid[1]), int(size[1]) if size else 0, _arrival(arrived[1] if arrived else b"")


@contextmanager
def signed_in(account: Account, source: str) -> Iterator[Mailbox]:
    """A session that is closed in the end. Raises SourceUnavailable or SourceRefused, also for what fails inside."""
    imap: imaplib.IMAP4 | None = None
    try:
        imap = _connected(account)
        _sign_in(imap, account, source)
        yield Mailbox(imap)
    except ssl.SSLCertVerificationError as error:
        raise SourceRefused(
            f"{source}: the certificate of {account.host} is not trusted: {error.verify_message}; set ca"
        ) from error
    except (imaplib.IMAP4.abort, OSError) as error:  # abort: the connection is lost, or the server says BYE
        raise SourceUnavailable(f"{source} does not answer: {type(error).__name__} {error}".rstrip()) from error
    except imaplib.IMAP4.error as error:
        raise SourceRefused(f"{source}: {_words([error])}") from error
    finally:
        if imap is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                imap.logout()
            with suppress(OSError):  # after a lost connection, logging out does not close it
                imap.shutdown()


def _connected(account: Account) -> imaplib.IMAP4:
    if account.tls == "none":
        return imaplib.IMAP4(account.host, account.port, timeout=account.timeout_s)
    context = ssl.create_default_context(cafile=account.ca or None)
    if account.tls == "implicit":
        return imaplib.IMAP4_SSL(account.host, account.port, ssl_context=context, timeout=account.timeout_s)
    imap = imaplib.IMAP4(account.host, account.port, timeout=account.timeout_s)
    imap.starttls(context)
    return imap


def _sign_in(imap: imaplib.IMAP4, account: Account, source: str) -> None:
    try:
        if account.token:
            spoken = f"user={account.user}\1auth=Bearer {account.token}\1\1".encode()
            imap.authenticate("XOAUTH2", lambda _: spoken)
        else:
            # Not imaplib's login(): it can't send a password beyond ASCII.
            spoken = b"\0".join((b"", account.user.encode(), account.password.encode()))
            imap.authenticate("PLAIN", lambda _: spoken)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        said = _words([error])
        if any(each in said for each in _PASSING):
            raise SourceUnavailable(f"{source} can't sign us in now: {said}") from error
        raise SourceRefused(f"{source} refuses our sign-in: {said}") from error


def since(day: date) -> str:
    """The day as a SEARCH criterion writes it, whatever the machine's language."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day:02d}-{months[day.month - 1]}-{day.year}"


def folder_name(name: str) -> str:
    """A folder's name as IMAP spells it: modified UTF-7 (RFC 3501, 5.1.3)."""
    spelled, foreign = [], ""
    for letter in [*name, ""]:
        if letter and not " " <= letter <= "~":
            foreign += letter
            continue
        if foreign:
            encoded = b64encode(foreign.encode("utf-16-be")).decode("ascii")
            spelled.append("&" + encoded.rstrip("=").replace("/", ",") + "-")
            foreign = ""
        spelled.append("&-" if letter == "&" else letter)
    return "".join(spelled)


def _quoted(folder: str) -> str:
    escaped = folder_name(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unquoted(name: str) -> str:
    """A listed folder's name as people read it."""
    bare = re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name

    def plain(found: re.Match[str]) -> str:
        if not found[1]:
            return "&"
        packed = found[1].replace(",", "/")
        try:
            return b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-16-be")
        except ValueError:  # a server that spells names as it likes
            return found[0]

    return re.sub(r"&([^-]*)-", plain, bare)


def _set(uids: Sequence[int]) -> str:
    return ",".join(str(each) for each in uids)


def _number(answer: Sequence[Any]) -> int:
    last = answer[-1] if answer else None
    return int(last) if isinstance(last, bytes) and last.isdigit() else 0


def _arrival(written: bytes) -> datetime:
    parsed = imaplib.Internaldate2tuple(b'INTERNALDATE "' + written + b'"')
    if parsed is None:
        return datetime.fromtimestamp(0, UTC)
    import time

    return datetime.fromtimestamp(time.mktime(parsed), UTC)


def _words(said: Sequence[object]) -> str:
    parts = [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in said if each]
    return " ".join(parts)[:300]
