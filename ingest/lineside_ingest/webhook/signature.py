"""Whether a request is its sender's: signatures as senders really make them, told by data. Pure but for the clock."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lineside.connector import Options
from lineside.errors import NotPermitted

SIGNATURE_OPTIONS = {
    "scheme", "secret", "secret_before", "secret_encoding", "signature_header", "algorithm", "encoding", "prefix",
    "separator", "signed", "timestamp_header", "timestamp_prefix", "tolerance_s", "token", "token_header", "id_header",
}  # fmt: skip
_STANDARD = {
    "signature_header": "webhook-signature", "encoding": "base64", "prefix": "v1,", "separator": " ",
    "signed": "{id}.{timestamp}.{body}", "timestamp_header": "webhook-timestamp", "id_header": "webhook-id",
    "secret_encoding": "base64",
}  # fmt: skip
SCHEMES: Mapping[str, Mapping[str, str]] = {
    "github": {"signature_header": "X-Hub-Signature-256", "prefix": "sha256=", "id_header": "X-GitHub-Delivery"},
    "stripe": {
        "signature_header": "Stripe-Signature", "prefix": "v1=", "separator": ",", "timestamp_prefix": "t=",
        "signed": "{timestamp}.{body}",
    },
    "slack": {
        "signature_header": "X-Slack-Signature", "prefix": "v0=", "timestamp_header": "X-Slack-Request-Timestamp",
        "signed": "v0:{timestamp}:{body}",
    },
    "standard": _STANDARD,
}  # fmt: skip
_SLOT = re.compile(rb"\{(body|timestamp|id)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How a sender proves itself. keys: the present one first. token: instead of a signature, or beside it."""

    keys: tuple[bytes, ...]
    header: str
    algorithm: str
    encoding: str
    prefix: str
    separator: str
    signed: bytes
    timestamp_header: str
    timestamp_prefix: str
    tolerance_s: float
    token: str
    token_header: str
    id_header: str

    @property
    def required(self) -> bool:
        """Whether anything must be proved at all."""
        return bool(self.keys or self.token)

    def verify(self, body: bytes, headers: Mapping[str, str], now: datetime) -> float | None:
        """How far the sender's clock is ahead of `now` in seconds, where it told the time; None where it did not.

        headers: with lower-case names. Raises NotPermitted where the request is not proved to be the sender's.
        """
        if self.token:
            _check_token(self.token, headers.get(self.token_header.lower(), ""))
        if not self.keys:
            return None
        written = headers.get(self.header.lower(), "")
        parts = written.split(self.separator) if self.separator else [written]
        given = [part.strip().removeprefix(self.prefix) for part in parts if part.strip().startswith(self.prefix)]
        stamp = self._stamp(parts, headers)
        values = {b"body": body, b"timestamp": stamp.encode(), b"id": headers.get(self.id_header.lower(), "").encode()}
        content = _SLOT.sub(lambda slot: values[slot[1]], self.signed)
        wanted = [self._encoded(hmac.digest(key, content, self.algorithm)) for key in self.keys]
        matched = [hmac.compare_digest(one.encode(), each.encode()) for one in wanted for each in given]
        if not any(matched):
            raise _refused("the signature is missing" if not given else "the signature is not the sender's")
        if not (self.timestamp_header or self.timestamp_prefix):
            return None
        ahead = (_moment(stamp) - now).total_seconds()
        if abs(ahead) > self.tolerance_s:
            raise _refused(f"it was signed {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'before'} our time")
        return ahead

    def _stamp(self, parts: Sequence[str], headers: Mapping[str, str]) -> str:
        if self.timestamp_prefix:
            found = (part.strip() for part in parts)
            return next(
                (each.removeprefix(self.timestamp_prefix) for each in found if each.startswith(self.timestamp_prefix)),
                "",
            )
        return headers.get(self.timestamp_header.lower(), "") if self.timestamp_header else ""

    def _encoded(self, digest: bytes) -> str:
        return digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()


def read_signing(read: Options) -> Signing:
    """How senders sign, as the options say, over what their `scheme` says. Raises BadSettings."""
    scheme = read.text("scheme", "", choices=("", *SCHEMES))
    preset = SCHEMES.get(scheme, {})

    def text(name: str, default: str, **more: Any) -> str:
        return read.text(name, preset.get(name, default), **more)

    secrets = [read.text(name) for name in ("secret", "secret_before") if name in read]
    if scheme and not secrets:
        raise read.bad("secret", f"is missing: what a sender of the scheme {scheme} signs with")
    if "secret_before" in read and "secret" not in read:
        raise read.bad("secret_before", "needs secret, the one that is used now")
    header = text("signature_header", "")
    if bool(secrets) != bool(header):
        raise read.bad("signature_header", "and secret belong together")
    how = text("secret_encoding", "text", choices=("text", "base64", "hex"))
    signed = text("signed", "{body}")
    for slot, needed in (("{timestamp}", ("timestamp_header", "timestamp_prefix")), ("{id}", ("id_header",))):
        if slot in signed and not any(text(each, "") for each in needed):
            raise read.bad("signed", f"has {slot}, but there is no {' and no '.join(needed)}")
    if "{body}" not in signed:
        raise read.bad("signed", "must have {body}: what is not signed is not proved")
    stamps = [name for name in ("timestamp_header", "timestamp_prefix") if text(name, "")]
    if len(stamps) > 1:
        raise read.bad("timestamp_prefix", "or timestamp_header: not both")
    if stamps and secrets and "{timestamp}" not in signed:
        raise read.bad("signed", "must have {timestamp}: else anybody can write another time on an old request")
    separator = read.raw("separator") if "separator" in read else preset.get("separator", "")
    if not isinstance(separator, str):  # a space is one, which is no text elsewhere
        raise read.bad("separator", f"must be text, not {separator!r}")
    return Signing(
        keys=tuple(_key(read, each, how) for each in secrets),
        header=header,
        algorithm=text("algorithm", "sha256", choices=("sha256", "sha1", "sha512")),
        encoding=text("encoding", "hex", choices=("hex", "base64")),
        prefix=text("prefix", ""),
        separator=separator,
        signed=signed.encode(),
        timestamp_header=text("timestamp_header", ""),
        timestamp_prefix=text("timestamp_prefix", ""),
        tolerance_s=read.number("tolerance_s", 300.0, at_least=1.0),
        token=read.text("token", ""),
        token_header=read.text("token_header", "Authorization"),
        id_header=text("id_header", ""),
    )


def _check_token(token: str, sent: str) -> None:
    bare = sent.partition(" ")[2].strip() if sent[:7].lower() == "bearer " else sent
    if not hmac.compare_digest(bare.encode(), token.encode()):
        raise _refused("the token is not the sender's" if sent else "the token is missing")


def _key(read: Options, secret: str, how: str) -> bytes:
    if how == "text":
        return secret.encode()
    bare = secret.rpartition("_")[2]  # whsec_...: what stands before is a label
    try:
        return bytes.fromhex(bare) if how == "hex" else base64.b64decode(bare, validate=True)
    except (ValueError, binascii.Error) as error:
        raise read.bad("secret", f"is not written in {how}") from error


def _moment(stamp: str) -> datetime:
    """The time in seconds or milliseconds since 1970, or in ISO's form. Raises NotPermitted."""
    try:
        if re.fullmatch(r"\d{1,14}(\.\d+)?", stamp, re.ASCII):
            seconds = float(stamp)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        found = datetime.fromisoformat(stamp)
    except (ValueError, OverflowError) as error:
        raise _refused("its time can't be read") from error
    if found.tzinfo is None:
        raise _refused("its time has no offset")
    return found


def _refused(why: str) -> NotPermitted:
    return NotPermitted(f"the request is refused: {why}", signed_in=False)
