"""Who is calling: a signed-in person, a token, or the plant's operator on this very machine.

Tokens and sessions are signed with a key that lies in the home (mode 0600) and expire; deleting the key ends them all.
Roles are never carried in them: the plant file as it was read at the start says what a person may do.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import Request

from lineside.app import Lineside
from lineside.errors import NotPermitted
from lineside.plant.plant import Person

SESSION_COOKIE = "lineside_session"
SESSION_SECONDS = 12 * 3600
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """person: None is the plant's operator. source: the one source that an ingest token may push. signed_in_at: when a
    person last proved who they are at the entrance, by the plant's clock; None for who came by a token alone."""

    person: Person | None = None
    source: str | None = None
    via: str = "loopback"
    signed_in_at: datetime | None = None

    def asking_as(self, lineside: Lineside, as_user: str | None) -> Person | None:
        """Whose rights a reading has. Only the operator may ask as somebody else."""
        if self.source is not None:
            raise NotPermitted(f"this token only brings in {self.source}")
        if not as_user:
            return self.person
        if self.person is not None and as_user not in (self.person.id, self.person.slack, self.person.email):
            raise NotPermitted(f"{self.person.id} may not ask as {as_user}", person=self.person.id)
        return lineside.person(as_user)

    def deciding(self) -> Person:
        """The person who decides. Raises NotPermitted for the operator: a decision has a name."""
        if self.person is None:
            raise NotPermitted("a decision needs a person: sign in, or use the command line with --as")
        return self.person


def issue_token(lineside: Lineside, person: Person, *, days: int) -> str:
    """A token that stands for the person for that many days."""
    return _signer(lineside.home, "token").dumps({"person": person.id, "days": days})


def issue_source_token(lineside: Lineside, source: str, *, days: int) -> str:
    """A token that may push records of one source and nothing else."""
    return _signer(lineside.home, "token").dumps({"source": source, "days": days})


def issue_session(lineside: Lineside, person: Person) -> str:
    """A cookie's value that stands for the person for a working day."""
    return _signer(lineside.home, "session").dumps({"person": person.id})


def read_token(lineside: Lineside, token: str) -> Caller:
    """Whom a token stands for now. Raises NotPermitted on a forged, expired or removed one."""
    try:
        said, stamped = _signer(lineside.home, "token").loads(token, max_age=366 * _DAY_S, return_timestamp=True)
        if int(said["days"]) * _DAY_S < time.time() - stamped.timestamp():
            raise SignatureExpired("past its days")
    except SignatureExpired as error:
        raise NotPermitted(
            "the token has expired; ask for a new one: lineside token PERSON", signed_in=False
        ) from error
    except (BadSignature, KeyError, TypeError, ValueError) as error:
        raise NotPermitted("the token is not one of this installation's", signed_in=False) from error
    if "source" in said:
        return Caller(source=str(said["source"]), via="token")
    return Caller(person=lineside.person(str(said["person"])), via="token")


def identify(lineside: Lineside, request: Request) -> Caller:
    """Who sent `request`. Raises NotPermitted where nobody is known by it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return read_token(lineside, token.strip())
    if cookie := request.cookies.get(SESSION_COOKIE):
        return _from_session(lineside, cookie)
    if lineside.settings.trust_loopback and from_this_machine(request):
        return Caller()
    raise NotPermitted("sign in, or send a token: lineside token PERSON", signed_in=False)


def signed_in(lineside: Lineside, request: Request) -> Person | None:
    """The person of the session, or None; a broken or outdated session is none."""
    try:
        cookie = request.cookies.get(SESSION_COOKIE)
        return _from_session(lineside, cookie).person if cookie else None
    except NotPermitted:
        return None


def from_this_machine(request: Request) -> bool:
    """Whether the caller is on this machine and came without a proxy or a foreign page.

    The Host must be a loopback name too: a foreign page can have its own name resolve to 127.0.0.1.
    """
    client = request.client.host if request.client else ""
    host = _location(f"//{request.headers.get('host', '')}").hostname or ""
    proxied = "forwarded" in request.headers or "x-forwarded-for" in request.headers
    ours = same_origin(request) or _follows_a_link(request)
    return client in _LOOPBACK and host in _LOOPBACK and not proxied and ours


def same_origin(request: Request) -> bool:
    """Whether the request was not sent by another site's page."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or _location(origin).netloc == request.headers.get("host", "")


def _follows_a_link(request: Request) -> bool:
    """Whether somebody came by a link elsewhere, as from Slack; the page it stood on can't read what we answer."""
    return request.method in ("GET", "HEAD") and request.headers.get("sec-fetch-mode") == "navigate"


def _location(address: str) -> SplitResult:
    """The parts of an address; of one that is none, nothing."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _from_session(lineside: Lineside, cookie: str) -> Caller:
    try:
        said, stamped = _signer(lineside.home, "session").loads(cookie, max_age=SESSION_SECONDS, return_timestamp=True)
        age = timedelta(seconds=max(time.time() - stamped.timestamp(), 0.0))
        person = lineside.person(str(said["person"]))
        return Caller(person=person, via="web", signed_in_at=lineside.clock() - age)
    except (BadSignature, KeyError, TypeError) as error:
        raise NotPermitted("the session has ended; sign in again", signed_in=False) from error


def _signer(home: Path, purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_key(home), salt=f"lineside.{purpose}")


def _key(home: Path) -> bytes:
    path = home / "signing.key"
    if not path.exists():
        mine = home / f"signing.{os.getpid()}.{secrets.token_hex(4)}"
        mine.touch(mode=0o600)
        mine.write_bytes(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            os.link(mine, path)
        mine.unlink()
    return path.read_bytes()
