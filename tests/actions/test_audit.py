"""The audit ledger: whatever is changed, removed, swapped, added or cut is found."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from tests.actions.conftest import KEY, PLANT, START, MakeDesk

from lineside.actions import Head, signing_key
from lineside.actions.audit import Entry, Journal, check
from lineside.errors import BadRequest, BadSettings
from lineside.memory import Memory

ENTRIES = int(os.environ.get("AUDIT_ENTRIES", "60"))  # each is flipped byte by byte: 200 for a release
JOURNAL = Journal(KEY)
PUBLIC = KEY.public_key()
Tamper = Callable[[list[Entry]], list[Entry]]


@pytest.fixture
def memory(store_url: str, open_memory: Callable[..., Memory]) -> Memory:
    return open_memory(store_url, plant=PLANT)


def write(memory: Memory, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        with memory.write() as connection:
            JOURNAL.append(
                connection,
                at=START + timedelta(seconds=number),
                kind="approved",
                actor="quality-9",
                proposal=f"P-{number % 7}",
                data={"detail": f"Zeile {number} – ünïcode"},
            )


def stored(memory: Memory) -> tuple[list[Entry], Head]:
    with memory.read() as connection:
        head = JOURNAL.head(connection)
        assert head is not None
        return list(JOURNAL.entries(connection)), head


def test_a_whole_ledger_is_found_whole_with_and_without_an_exported_head(memory: Memory) -> None:
    write(memory, 60)
    entries, head = stored(memory)

    assert check(entries, head, PUBLIC).problems == ()
    report = check(entries, head, PUBLIC, exported=head)

    assert (report.ok, report.entries, report.against_head) == (True, 60, True)


def test_an_empty_ledger_is_whole(memory: Memory) -> None:
    with memory.read() as connection:
        assert JOURNAL.verify(connection).ok


@pytest.mark.slow
def test_every_byte_of_every_entry_is_noticed_when_it_is_flipped(remembered: Callable[..., Memory]) -> None:
    memory = remembered(plant=PLANT)
    write(memory, ENTRIES)
    entries, head = stored(memory)

    flips = [(place, changed) for place, entry in enumerate(entries) for changed in flipped(entry)]
    unnoticed = [
        place for place, changed in flips if check([*entries[:place], changed, *entries[place + 1 :]], head, PUBLIC).ok
    ]

    assert len(flips) > ENTRIES * 300
    assert unnoticed == []


def flipped(entry: Entry) -> list[Entry]:
    """The entry with each byte of each column flipped once."""
    content = [
        replace(entry, content=entry.content[:at] + bytes([entry.content[at] ^ 1]) + entry.content[at + 1 :])
        for at in range(len(entry.content))
    ]
    digits = [
        replace(entry, hash=entry.hash[:at] + chr(ord(entry.hash[at]) ^ 1) + entry.hash[at + 1 :])
        for at in range(len(entry.hash))
    ]
    return [*content, *digits, replace(entry, seq=entry.seq ^ 1), replace(entry, proposal=entry.proposal + "0")]


@pytest.mark.parametrize(
    "tamper",
    [
        lambda e: [*e[:5], *e[6:]],
        lambda e: e[1:],
        lambda e: [*e[:5], e[6], e[5], *e[7:]],
        lambda e: [*e[:5], replace(e[6], seq=6), replace(e[5], seq=7), *e[7:]],
        lambda e: [*e[:5], e[4], *e[5:]],
        lambda e: [*e, replace(e[-1], seq=len(e) + 1)],
        lambda e: e[:-1],
        lambda e: [],
    ],
    ids=["removed", "first cut", "swapped", "renumbered", "doubled", "added", "last cut", "emptied"],
)
def test_rows_removed_swapped_added_or_cut_are_found(memory: Memory, tamper: Tamper) -> None:
    write(memory, 12)
    entries, head = stored(memory)

    assert not check(tamper(entries), head, PUBLIC).ok


def test_a_tail_cut_back_to_an_older_signed_head_is_found_by_an_exported_one_alone(memory: Memory) -> None:
    write(memory, 8)
    older_entries, older = stored(memory)
    write(memory, 4, first=9)
    _, exported = stored(memory)

    assert check(older_entries, older, PUBLIC).ok
    report = check(older_entries, older, PUBLIC, exported=exported)

    assert report.problems == ("the exported head counts 12 entries, the ledger has 8",)


def test_a_ledger_written_anew_under_another_key_is_found(memory: Memory, remembered: Callable[..., Memory]) -> None:
    write(memory, 3)
    entries, _ = stored(memory)
    forger = Journal(Ed25519PrivateKey.generate())
    forged = remembered(plant=PLANT)
    with forged.write() as connection:
        forger.append(connection, at=START, kind="approved", actor="nobody", proposal="P-1", data={})
    with forged.read() as connection:
        head = forger.head(connection)

    assert check(entries[:1], head, PUBLIC).problems == ("the stored head is not signed with this installation's key",)


def test_an_older_exported_head_stays_true_while_the_ledger_grows(memory: Memory) -> None:
    write(memory, 5)
    _, exported = stored(memory)
    write(memory, 5, first=6)
    entries, head = stored(memory)
    carried = Head.from_json(json.loads(json.dumps(exported.to_json())))

    assert check(entries, head, PUBLIC, exported=carried).ok
    rewritten = replace(carried, hash=entries[5].hash)
    assert not check(entries, head, PUBLIC, exported=rewritten).ok


@pytest.mark.parametrize("wrong", [{}, {"format": "x"}, {"format": "lineside.audit-head/1", "seq": "1"}])
def test_what_is_no_exported_head_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        Head.from_json(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET content = content || content WHERE seq = 1",
        "UPDATE audit_entries SET proposal = 'P-OTHER' WHERE seq = 1",
        "DELETE FROM audit_entries WHERE seq = 2",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 1",
        "UPDATE audit_head SET signature = 'zz'",
    ],
)
def test_tampering_in_the_database_is_found(desk: MakeDesk, statement: str) -> None:
    built = desk()
    built.approved()
    assert built.ledger.audit_verify(built.ledger.export_head()).ok
    with built.memory.write() as connection:
        connection.execute(text(statement))

    report = built.ledger.audit_verify()

    assert not report.ok
    assert report.problems


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "audit.key"

    first, again = signing_key(path), signing_key(path)

    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["audit.key"]


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    signing_key(path)
    path.chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        signing_key(path)

    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(BadSettings, match="not an audit key"):
        signing_key(path)
