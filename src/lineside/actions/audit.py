"""The audit ledger: a chain of entries, hashed over their exact stored bytes, under a signed head.

Each entry carries its number and its predecessor's hash, so a changed, removed, swapped or added entry breaks the
chain, and the head, signed anew with each entry, breaks with a cut tail. Whoever can write the database and kept an
older signed head can cut the tail back to it: only a head exported to another machine finds that.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, insert, select, type_coerce, update
from sqlalchemy.types import NullType

from lineside.actions.tables import audit_entries, audit_head
from lineside.errors import BadRequest, BadSettings
from lineside.plant.records import Json

GENESIS = "0" * 64
KEY_FILE = "audit.key"
_ENTRY, _HEAD = "lineside.audit-entry/1", "lineside.audit-head/1"
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The ledger's end: how many entries, the last one's hash, our signature over both. All hex."""

    seq: int
    hash: str
    signature: str
    public_key: str

    def to_json(self) -> dict[str, Json]:
        return {
            "format": _HEAD,
            "seq": self.seq,
            "hash": self.hash,
            "signature": self.signature,
            "public_key": self.public_key,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Head:
        """The head in an exported file. Raises BadRequest where it is none."""
        match data:
            case {
                "format": str(form),
                "seq": int(seq),
                "hash": str(hash_),
                "signature": str(sig),
                "public_key": str(k),
            }:
                if form == _HEAD:
                    return cls(seq=seq, hash=hash_, signature=sig, public_key=k)
        raise BadRequest("this is not an exported head of an audit ledger")


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored row, as it is."""

    seq: int
    proposal: str
    content: bytes
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What checking the chain found. ok: nothing is wrong. against_head: an exported head was checked too."""

    ok: bool
    entries: int
    problems: tuple[str, ...]
    against_head: bool


class Journal:
    """Writes the chain and checks it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def append(
        self,
        connection: Connection,
        *,
        at: datetime,
        kind: str,
        actor: str,
        proposal: str,
        data: Mapping[str, Json],
    ) -> int:
        """The entry is part of the caller's transaction, and the head is signed anew; its number."""
        # The lock on the one head row puts writers in line on PostgreSQL; on SQLite there is one writer anyway.
        last = connection.execute(select(audit_head).with_for_update()).one_or_none()
        seq, previous = (1, GENESIS) if last is None else (last.seq + 1, last.hash)
        content = rfc8785.dumps(
            {
                "format": _ENTRY,
                "seq": seq,
                "previous": previous,
                "at": at.astimezone(UTC).isoformat(),
                "kind": kind,
                "actor": actor,
                "proposal": proposal,
                "data": dict(data),
            }
        )
        found = hashlib.sha256(content).hexdigest()
        connection.execute(insert(audit_entries).values(seq=seq, proposal=proposal, content=content, hash=found))
        head = {"seq": seq, "hash": found, "signature": self._key.sign(_head_bytes(seq, found)).hex()}
        if last is None:
            connection.execute(insert(audit_head).values(id=1, **head))
        else:
            connection.execute(update(audit_head).where(audit_head.c.id == 1).values(**head))
        return seq

    def head(self, connection: Connection) -> Head | None:
        """The stored head; None where nothing was ever written."""
        row = connection.execute(select(audit_head)).one_or_none()
        if row is None:
            return None
        return Head(
            seq=row.seq, hash=row.hash, signature=row.signature, public_key=self._public().public_bytes_raw().hex()
        )

    def entries(self, connection: Connection, *, proposal: str | None = None) -> tuple[Entry, ...]:
        columns = audit_entries.c
        # Unconverted: SQLite would let a tamperer store another type, and reading it must not fail before it is found.
        content = type_coerce(columns.content, NullType()).label("content")
        wanted = select(columns.seq, columns.proposal, content, columns.hash).order_by(columns.seq)
        if proposal is not None:
            wanted = wanted.where(columns.proposal == proposal)
        return tuple(Entry(r.seq, r.proposal, _bytes(r.content), r.hash) for r in connection.execute(wanted))

    def verify(self, connection: Connection, *, exported: Head | None = None) -> AuditReport:
        """What is wrong with the stored chain. exported: a head kept elsewhere, which also finds a cut tail."""
        return check(self.entries(connection), self.head(connection), self._public(), exported=exported)

    def _public(self) -> Ed25519PublicKey:
        return self._key.public_key()


def check(
    entries: Sequence[Entry], head: Head | None, public: Ed25519PublicKey, *, exported: Head | None = None
) -> AuditReport:
    """Whether `entries` are the whole, unchanged chain under `head` and, where given, under `exported`."""
    problems = list(_broken_links(entries))
    problems += _against(entries, head, public, which="the stored head", exact=True)
    if exported is not None:
        problems += _against(entries, exported, public, which="the exported head", exact=False)
    return AuditReport(
        ok=not problems,
        entries=len(entries),
        problems=tuple(problems[:_MOST_PROBLEMS]),
        against_head=exported is not None,
    )


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The ledger's key at `path`, made there on first use, readable by its owner alone. Raises BadSettings."""
    if not path.exists():
        _write_once(path, Ed25519PrivateKey.generate().private_bytes_raw().hex().encode())
    if path.stat().st_mode & 0o077:
        raise BadSettings(f"{path} can be read by others; run chmod 600 on it", path=str(path))
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except ValueError as error:
        raise BadSettings(f"{path} is not an audit key; restore it from a backup", path=str(path)) from error


def _write_once(path: Path, content: bytes) -> None:
    """`path` holds whole content, ours or that of whoever was first; never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def _broken_links(entries: Iterable[Entry]) -> Iterable[str]:
    previous = GENESIS
    for place, entry in enumerate(entries, start=1):
        if entry.seq != place:
            yield f"entry {place} is missing or out of place: number {entry.seq} stands there"
        if hashlib.sha256(entry.content).hexdigest() != entry.hash:
            yield f"entry {place} was changed: its bytes do not have its hash"
        else:
            said = json.loads(entry.content)
            if (said["seq"], said["previous"], said["proposal"]) != (place, previous, entry.proposal):
                yield f"entry {place} does not follow entry {place - 1}"
        previous = entry.hash


def _against(
    entries: Sequence[Entry], head: Head | None, public: Ed25519PublicKey, *, which: str, exact: bool
) -> Iterable[str]:
    if head is None:
        if entries:
            yield f"{which} is missing"
        return
    try:
        public.verify(bytes.fromhex(head.signature), _head_bytes(head.seq, head.hash))
    except (InvalidSignature, ValueError):
        yield f"{which} is not signed with this installation's key"
        return
    if len(entries) < head.seq or (exact and len(entries) != head.seq):
        yield f"{which} counts {head.seq} entries, the ledger has {len(entries)}"
    elif head.seq and entries[head.seq - 1].hash != head.hash:
        yield f"{which} ends in another entry {head.seq} than the ledger has"


def _head_bytes(seq: int, hash_: str) -> bytes:
    return rfc8785.dumps({"format": _HEAD, "seq": seq, "hash": hash_})
