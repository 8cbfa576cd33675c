"""What letters say, and what of a hostile one does not get through."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.connector import Aside, Connector, SourceMessage, TroubleKind
from lineside.errors import BadSettings, UnreadableMessage
from lineside_ingest.mail import Mail
from lineside_ingest.mail.letter import own_words, read_letter, text_of_html
from lineside_ingest.mail.mailbox import folder_name, since

from .mail_server import PASSWORD, USER, Folder, letter, pymap
from .reading import NOW, drain

ACCOUNT = {"host": "127.0.0.1", "tls": "none", "user": USER, "password": PASSWORD}
NUMBERS = count(1)


@pytest.fixture(scope="module")
def imap_port() -> Iterator[int]:
    with pymap() as port:
        yield port


@pytest.fixture
def folder(imap_port: int) -> Folder:
    number = next(NUMBERS)
    return Folder(imap_port, f"Schicht & Übergabe {number}", spelled=f"Schicht &- &ANw-bergabe {number}")


def reading(folder: Folder, **more: Any) -> Connector:
    return Mail("mailbox", {**ACCOUNT, "port": folder.port, "folders": [folder.name], **more}, time_zone=UTC)


def message(content: bytes | EmailMessage) -> SourceMessage:
    said = content if isinstance(content, bytes) else content.as_bytes()
    return SourceMessage(source="mailbox", source_id="1", content=said, received_at=NOW, stream="INBOX")


def offline(**more: Any) -> Connector:
    return Mail("mailbox", {**ACCOUNT, **more}, time_zone=UTC, clock=lambda: NOW)


async def test_a_letter_is_a_note_by_its_sender_at_its_own_time(folder: Folder) -> None:
    sent_at = datetime(2026, 5, 4, 5, 30, tzinfo=UTC)
    said = letter(
        "Füller 3 tropft", "Dichtung getauscht.\n-- \nMeister\n", sent_at=sent_at, sender="Jörg Weiß <j@plant>"
    )
    said.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Prüfplan.pdf")
    folder.receive(said)

    [note] = (await drain(reading(folder))).records(reading(folder))

    assert note.text == "Füller 3 tropft\nDichtung getauscht.\n[attached: Prüfplan.pdf]"
    assert (note.author, note.channel) == ("Jörg Weiß", folder.name)
    assert note.provenance.occurred_at == sent_at
    assert note.provenance.reported_at > sent_at


async def test_reading_leaves_a_letter_unseen(folder: Folder) -> None:
    folder.receive(letter("one"))
    await drain(reading(folder))
    assert [flags for flags in folder.flags() if b"Seen" in flags] == []


async def test_a_letter_in_two_folders_is_said_once(folder: Folder) -> None:
    said = letter("same", "words")
    folder.receive(said)
    folder.receive(b"Received: from elsewhere\r\n" + said.as_bytes())
    read = await drain(reading(folder))
    assert len(read.ids) == 2
    assert len(set(read.ids)) == 1


async def test_two_letters_that_claim_one_id_are_both_kept(folder: Folder) -> None:
    one, other = letter("truth", "the seal leaks"), letter("truth", "all is well")
    del other["Message-ID"]
    other["Message-ID"] = one["Message-ID"]
    folder.receive(one)
    folder.receive(other)
    assert len(set((await drain(reading(folder))).ids)) == 2


async def test_a_folder_that_is_not_there_keeps_no_other_closed(folder: Folder) -> None:
    folder.receive(letter("one"))
    connector = Mail("mailbox", {**ACCOUNT, "port": folder.port, "folders": ["Nowhere", folder.name]}, time_zone=UTC)
    batches = [batch async for batch in connector.capture(None)]
    assert sum(len(batch.messages) for batch in batches) == 1
    assert [(each.kind, each.stream) for each in batches[-1].troubles or ()] == [(TroubleKind.REFUSED, "Nowhere")]
    assert [check.ok for check in await connector.check()] == [True, False, True]


async def test_a_letter_too_large_is_told_by_its_header(folder: Folder) -> None:
    folder.receive(letter("huge", "x" * 30_000))
    folder.receive(letter("small"))
    read = await drain(reading(folder, largest_mb=0.02))
    assert [each.reason.partition(",")[0] for each in read.unreadable] == [read.unreadable[0].reason.partition(",")[0]]
    assert b"Subject: huge" in read.unreadable[0].content
    assert b"xxx" not in read.unreadable[0].content
    assert len(read.messages) == 1


async def test_the_first_read_goes_no_further_back_than_it_may(folder: Folder) -> None:
    folder.receive(letter("old"), arrived_at=datetime.now(UTC) - timedelta(days=40))
    folder.receive(letter("new"))
    read = await drain(reading(folder))
    assert [each.text for each in read.records(reading(folder))] == ["new"]
    assert read.gaps == []


def test_a_rule_reads_every_match_and_ignored_senders_make_nothing() -> None:
    rule = {
        "subject": "delay",
        "pattern": r"Shipment (?P<id>\S+): (?P<eta>[\d-]+ [\d:]+)",
        "mapping": {"entity": "shipment:{id}", "properties": {"eta": {"field": "eta", "type": "time"}}},
        "note": True,
    }
    connector = offline(rules=[rule], ignore=["noreply@"])
    text = "Shipment S-1: 2026-05-05 14:00\nShipment S-2: 2026-05-05 15:30\n"

    records = connector.translate(message(letter("Delay", text)))

    assert [getattr(each, "entity", None) and each.entity.id for each in records] == ["S-1", "S-2", None]
    assert [each.provenance.part for each in records] == [0, 1, 2]
    with pytest.raises(UnreadableMessage, match="pattern is nowhere"):
        connector.translate(message(letter("delay", "no form")))
    assert isinstance(connector.translate(message(letter("x", "y", sender="noreply@carrier"))), Aside)


@pytest.mark.parametrize(
    "quoted",
    [
        "Am 04.05.2026 um 06:10 schrieb Jörg <j@plant>:\n> stoppt bei 80 bar",
        "On Mon, May 4, 2026 at 6:10 AM Joe <joe@plant>\nwrote:\n\nit stops at 80 bar",
        "-----Original Message-----\nFrom: Joe\nit stops at 80 bar",
        "Von: Jörg\nGesendet: Montag, 4. Mai 2026 06:10\nAn: Linie\nstoppt bei 80 bar",
        "> it stops at 80 bar",
    ],
)
def test_what_a_letter_quotes_are_not_its_words(quoted: str) -> None:
    assert own_words(f"Ventil getauscht.\n\n{quoted}") == "Ventil getauscht."


def test_a_forwarded_letter_without_words_of_its_own_keeps_what_it_forwards() -> None:
    forwarded = "-----Original Message-----\nFrom: Joe <joe@plant>\nThe seal leaks."
    assert "The seal leaks." in own_words(forwarded)


def test_html_is_read_as_people_see_it() -> None:
    page = "<style>p{}</style><p>Seal&nbsp;leaks<script>alert(1)</script></p><p>since <b>6:10</b><img src=http://x>"
    assert [line.strip() for line in text_of_html(page).split("\n") if line.strip()] == ["Seal leaks", "since 6:10"]


def test_broken_headers_and_charsets_are_read_as_far_as_they_go() -> None:
    raw = (
        b"From: =?utf-8?q?J=C3=B6rg?= <j@plant>, broken <<>\r\nSubject: =?no-such?b?w7Y=?= D\xfcse\r\n"
        b"Date: yesterday\r\n"
        b'Content-Type: text/plain; charset="no-such"\r\n\r\nD\xfcse verstopft\r\n'
    )
    read = read_letter(raw)
    assert read.author == "Jörg"
    assert "Düse verstopft" in read.text
    assert read.sent_at is None


@given(st.binary(max_size=400))
def test_no_letter_breaks_the_reader(content: bytes) -> None:
    for head in (b"", b"Subject: x\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n", b"From: "):
        read_letter(head + content)


def test_a_letter_of_parts_without_end_is_a_dead_letter() -> None:
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 3000
    with pytest.raises(UnreadableMessage, match="nested"):
        offline().translate(message(b"Subject: x\r\n" + nested))


@given(st.text(min_size=1, max_size=30))
def test_a_folders_name_survives_its_spelling(name: str) -> None:
    from lineside_ingest.mail.mailbox import _unquoted

    try:
        name.encode("utf-16")
    except UnicodeEncodeError:
        return
    assert _unquoted(f'"{folder_name(name)}"'.replace("\\", "\\\\")) == name


def test_a_day_is_written_in_the_protocols_own_months() -> None:
    assert since(datetime(2026, 10, 4, tzinfo=UTC).date()) == "04-Oct-2026"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"host": "mail.example", "tls": "none"}, "tls"),
        ({"token": "t"}, "password"),
        ({"ignore": "("}, "ignore"),
        ({"rules": [{"pattern": "x"}]}, "mapping"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(options: dict[str, Any], word: str) -> None:
    with pytest.raises(BadSettings, match=word):
        offline(**options)
