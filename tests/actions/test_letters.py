"""Letters to customers and carriers: to whom the plant file names, over a real mail server and its faults."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.actions.conftest import HEADS_DECIDE, KEY, Clock, people, report
from tests.actions.mail_peer import LOGIN, PASSWORD, Peer, mail_server
from tests.conftest import message_of, translate
from tests.ingest.mail_server import PASSWORD as MAILBOX_PASSWORD
from tests.ingest.mail_server import USER, Folder, pymap

from lineside.actions import Ledger, Proposal, Refusal, State, parse_policy
from lineside.actions.executors import NoEffect
from lineside.actions.executors.interface import interface_file
from lineside.actions.executors.letter import MailKnown, parse_letter
from lineside.actions.executors.smtp import MailTarget
from lineside.connector import Batch
from lineside.errors import AlreadyDecided, BadSettings
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.plant.entities import Entity
from lineside.plant.plant import Person
from lineside_ingest.mail import Mail

PLANT = """
site = "westhafen"
time_zone = "Europe/Berlin"
[[sources]]
name = "mail"
kind = "mail"
[[contacts]]
partner = "C-7"
name = "Ännchen Käufer"
email = "orders@customer.example"
language = "de"
for = ["customer"]
[[contacts]]
partner = "Fast Freight"
email = "dispatch@carrier.example"
for = ["carrier"]
""" + people("westhafen", asks="planner", one="head", two="head", three="head")
SAID = (
    report("sales_order:S-2", "erp", customer="C-7"),
    report("shipment:SH-1", "erp", carrier="Fast Freight", customer="C-9", status="planned"),
    report("sales_order:S-3", "erp", customer="C-8"),
    report("sales_order:S-4", "erp", status="open"),
    report("sales_order:S-5", "erp", customer="C-7"),
    report("sales_order:S-5", "crm", customer="C-8"),
)
TEXT = "Half of it comes on Monday.\n.\nEverything else on Tuesday: https://evil.example/x.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Peer]:
    with mail_server(folder) as peer:
        yield peer


@pytest.fixture
def peer(served: Peer) -> Iterator[Peer]:
    served.fault = served.refuses = ""
    served.letters.clear()
    served.deliver = lambda _: None
    yield served
    served.fault = ""


def target(folder: Path, url: str, *, password: str = PASSWORD, timeout_s: float = 20, **options: str) -> MailTarget:
    content, where = interface_file("mail")
    said = {"user": LOGIN, "from": "plant@westhafen.example", "copy": "sent@westhafen.example", "ca": "ca.pem"}
    return MailTarget(
        url, password, source="mail", letter=parse_letter(content, where=where), options=said | options, home=folder,
        timeout_s=timeout_s,
    )  # fmt: skip


@pytest.fixture
def make_ledger(open_memory: Callable[..., Memory], tmp_path: Path) -> Callable[[MailTarget], Ledger]:
    def make(mail: MailTarget, plant: str = PLANT) -> Ledger:
        clock = Clock()
        memory = open_memory(f"sqlite:///{tmp_path / 'l.db'}", plant=plant)
        memory.clock = clock
        made = Ledger(memory, parse_policy(HEADS_DECIDE.encode(), where="here"), clock, KEY, targets=[mail])
        for event in SAID:
            batch = Batch(messages=[message_of(event, received_at=clock())])
            assert memory.remember(batch, source=str(event["source"]), translate=translate).dead == ()
        with suppress(AlreadyDecided):
            for head in ("one", "two"):
                made.arm("mail", Person(id=head), "ready")
        return made

    return make


@pytest.fixture
def ledger(peer: Peer, folder: Path, make_ledger: Callable[[MailTarget], Ledger]) -> Ledger:
    return make_ledger(target(folder, f"smtps://127.0.0.1:{peer.port}"))


def asked(ledger: Ledger, about: str, text: str = TEXT, **more: Any) -> Proposal | Any:
    said = {"about": about, "text": text, **more}
    return ledger.propose(
        action="notify_party", parameters=said, requester=Person(id="asks"), origins=dict.fromkeys(said, "question")
    )


def approved(ledger: Ledger, about: str = "sales_order:S-2", **more: Any) -> Proposal:
    found = asked(ledger, about, **more)
    assert isinstance(found, Proposal), found
    for head in ("two", "three"):
        found = ledger.approve(found.id, Person(id=head), found.digest, "cli")
    return found


def carried_out(ledger: Ledger) -> tuple[State, str]:
    """What came of the one that was due, at once."""
    step = ledger.execute_due()[0]
    return step.state, step.detail


def only(peer: Peer) -> tuple[list[str], EmailMessage]:
    [(to, content)] = peer.letters
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return to, parsed


def test_a_letter_goes_to_the_plant_files_contact_and_a_copy_to_the_mailbox_that_is_read(
    ledger: Ledger, peer: Peer
) -> None:
    proposal = approved(ledger)
    assert proposal.bound["facts"] == [
        "customer: C-7 (erp)", "goes to customer C-7: Ännchen Käufer <orders@customer.example>",
        "from plant@westhafen.example, a copy to sent@westhafen.example; subject: Zu Auftrag S-2",
    ]  # fmt: skip

    assert carried_out(ledger)[0] is State.EXECUTED

    to, letter = only(peer)
    assert to == ["orders@customer.example", "sent@westhafen.example"]
    assert (letter["To"], letter["Bcc"]) == ("Ännchen Käufer <orders@customer.example>", None)
    assert letter["Subject"] == f"Zu Auftrag S-2 ({proposal.id})"
    assert letter["Message-ID"] == f"<{proposal.id}@westhafen.example>"
    assert (letter.get_content_type(), letter["Content-Language"]) == ("text/plain", "de")
    assert (
        letter.get_content().replace("\r\n", "\n") == f"{proposal.parameters['text']}\n\nUnser Zeichen: {proposal.id}\n"
    )


def test_a_carrier_is_told_of_its_shipment_in_english_where_it_says_no_language(ledger: Ledger, peer: Peer) -> None:
    proposal = approved(ledger, "shipment:SH-1")
    assert carried_out(ledger)[0] is State.EXECUTED
    to, letter = only(peer)
    assert (to[0], letter["Subject"]) == ("dispatch@carrier.example", f"About shipment SH-1 ({proposal.id})")


@pytest.mark.parametrize(
    ("about", "more", "code"),
    [
        ("sales_order:S-3", {}, "no_contact"),
        ("sales_order:S-4", {}, "not_told"),
        ("sales_order:S-5", {}, "ambiguous_partner"),
        ("shipment:SH-1", {"party": "customer"}, "no_contact"),
        ("sales_order:S-2", {"party": "carrier"}, "not_told"),
        ("sales_order:S-2", {"party": "all@evil.example"}, "bad_parameters"),
        ("sales_order:S-2", {"recipients": ["all@evil.example"]}, "bad_parameters"),
        ("all@evil.example", {}, "unknown_sales_order"),
    ],
)
def test_nobody_can_be_written_to_whom_master_data_does_not_name(
    ledger: Ledger, about: str, more: dict[str, Any], code: str
) -> None:
    said = {"about": about, "text": TEXT, **more}
    found = ledger.propose(action="notify_party", parameters=said, requester=Person(id="asks"))
    assert isinstance(found, Refusal)
    assert found.code == code


def test_an_id_that_holds_a_header_stays_one_line_of_the_subject(ledger: Ledger, peer: Peer) -> None:
    odd = Entity("sales_order", "S-6\r\nBcc: all@evil.example")
    found = ledger.targets["mail"].carry_out(  # type: ignore[attr-defined]
        "notify_party", odd,
        rb'{"recipients": [{"name": "A", "email": "a@b.example"}], "language": "en", "text": "x\n.\n..y"}',
        key="P-0123456789", condition=None,
    )  # fmt: skip
    assert found.effect == "P-0123456789"
    to, letter = only(peer)
    assert to == ["a@b.example", "sent@westhafen.example"]
    assert letter["Bcc"] is None
    assert letter.get_content().splitlines() == ["x", ".", "..y", "", "Our reference: P-0123456789"]


@pytest.mark.parametrize("email", ["a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example", "A <a@b.example>", ""])
def test_no_recipient_is_more_than_one_address(folder: Path, peer: Peer, ledger: Ledger, email: str) -> None:
    body = f'{{"recipients": [{{"name": "A", "email": {email!r}}}]}}'.replace("'", '"').encode()
    [about] = ledger.memory.view().find("S-2")
    mail = target(folder, f"smtps://127.0.0.1:{peer.port}")
    answer = mail.carry_out("notify_party", about, body, key="P-1", condition=None)
    assert "no address" in getattr(answer, "reason", "")
    assert peer.letters == []


def test_whom_the_plant_file_no_longer_names_is_not_written_to(
    ledger: Ledger, peer: Peer, make_ledger: Callable[..., Ledger], folder: Path
) -> None:
    approved(ledger)
    later = make_ledger(
        target(folder, f"smtps://127.0.0.1:{peer.port}"), PLANT.replace("orders@customer", "other@customer")
    )  # fmt: skip
    assert carried_out(later) == (State.STALE, "recipients changed since it was shown")
    assert peer.letters == []


# What the server does, and what comes of it at once and hours later, where the copy comes back and where it doesn't.
FAULTS = {
    "dropped_before": (State.FAILED, State.FAILED, State.FAILED, 0),
    "refuses_sender": (State.FAILED, State.FAILED, State.FAILED, 0),
    "busy": (State.FAILED, State.FAILED, State.FAILED, 0),
    "refuses_letter": (State.FAILED, State.FAILED, State.FAILED, 0),
    "dropped_after": (State.UNKNOWN, State.VERIFIED, State.NEEDS_HUMAN, 1),
    "silent_after": (State.UNKNOWN, State.VERIFIED, State.NEEDS_HUMAN, 1),
}


@pytest.mark.parametrize("copied", [True, False], ids=["copied", "lost"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_whatever_the_mail_server_does_a_letter_goes_once_and_ends_where_it_should(
    ledger: Ledger, peer: Peer, fault: str, copied: bool
) -> None:
    at_once, with_copy, without, handed = FAULTS[fault]
    ledger.targets["mail"]._timeout_s = 1.0 if fault == "silent_after" else 20.0  # type: ignore[attr-defined]
    proposal = approved(ledger)
    peer.fault = fault
    assert carried_out(ledger)[0] is at_once
    if copied and handed:
        comes_back(ledger, proposal)
    for _ in range(6):
        ledger.execute_due()
        ledger.verify_due()
        ledger.clock.advance(minutes=61)  # type: ignore[attr-defined]
    assert ledger.show(proposal.id).state is (with_copy if copied else without)
    assert len(peer.letters) == handed


def comes_back(ledger: Ledger, proposal: Proposal) -> None:
    note = {
        "id": "copy", "source": "mail", "time": ledger.clock().isoformat(), "type": "lineside.note",
        "data": {"text": f"Zu Auftrag S-2 ({proposal.id})", "author": "plant"},
    }  # fmt: skip
    batch = Batch(messages=[message_of(note, received_at=ledger.clock())])
    assert ledger.memory.remember(batch, source="mail", translate=translate).dead == ()


@pytest.mark.parametrize("refused", ["orders@customer.example", "sent@westhafen.example"])
def test_a_refused_recipient_leaves_everybody_without_a_letter(ledger: Ledger, peer: Peer, refused: str) -> None:
    peer.refuses = refused
    approved(ledger)
    assert carried_out(ledger) == (State.FAILED, f"mail refuses the recipient {refused} (550 no such mailbox)")
    assert peer.letters == []


def test_a_wrong_password_fails_and_stands_in_no_log(
    peer: Peer, folder: Path, make_ledger: Callable[..., Ledger], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ledger = make_ledger(target(folder, f"smtps://127.0.0.1:{peer.port}", password="hush-hush"))
    approved(ledger)
    state, detail = carried_out(ledger)
    assert (state, "535" in detail) == (State.FAILED, True)
    assert "hush" not in detail + caplog.text


def test_a_server_with_a_certificate_of_somebody_else_gets_no_login(
    peer: Peer, tmp_path: Path, make_ledger: Callable[..., Ledger]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with mail_server(other):
        ledger = make_ledger(target(other, f"smtps://127.0.0.1:{peer.port}"))
        approved(ledger)
        state, detail = carried_out(ledger)
    assert (state, "certificate" in detail.lower()) == (State.FAILED, True)


def test_starttls_is_used_where_it_is_offered(tmp_path: Path, make_ledger: Callable[..., Ledger]) -> None:
    with mail_server(tmp_path, tls="starttls") as peer:
        ledger = make_ledger(target(tmp_path, f"smtp://127.0.0.1:{peer.port}"))
        approved(ledger)
        assert carried_out(ledger)[0] is State.EXECUTED
        assert len(peer.letters) == 1


def test_without_tls_only_this_machine_is_spoken_to(tmp_path: Path, make_ledger: Callable[..., Ledger]) -> None:
    with mail_server(tmp_path, tls="none") as peer:
        near = make_ledger(target(tmp_path, f"smtp://127.0.0.1:{peer.port}"))
        approved(near)
        assert carried_out(near)[0] is State.EXECUTED
        far = target(tmp_path, f"smtp://127.0.0.1:{peer.port}")
        far.loopback = False  # as any other machine's address is
        [about] = near.memory.view().find("S-2")
        body = b'{"recipients": [{"name": "", "email": "a@b.example"}], "language": "en", "text": "x"}'
        answer = far.carry_out("notify_party", about, body, key="P-1", condition=None)
        assert "STARTTLS" in getattr(answer, "reason", "")
        assert len(peer.letters) == 1


def test_a_server_that_drips_its_greeting_for_ever_is_cut_off(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def drip() -> None:
            caller, _ = door.accept()
            with caller, suppress(OSError):
                while True:
                    caller.sendall(b"220-wait\r\n")
                    time.sleep(0.01)

        thread = threading.Thread(target=drip)
        thread.start()
        mail = target(folder, f"smtp://127.0.0.1:{door.getsockname()[1]}", timeout_s=0.5)
        body = b'{"recipients": [{"name": "", "email": "a@b.example"}], "language": "en", "text": "x"}'
        answer = mail.carry_out("notify_party", Entity("sales_order", "S-2"), body, key="P-1", condition=None)
        thread.join()
    assert isinstance(answer, NoEffect)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://mail.example", {}),
        ("smtps://user:pass@mail.example", {}),
        ("smtps://mail.example/path", {}),
        ("smtps://mail.example:x", {}),
        ("smtps://mail.example", {"from": "a@b.example, c@d.example"}),
        ("smtps://mail.example", {"copy": "nobody"}),
        ("smtps://mail.example", {"more": "x"}),
    ],
)
def test_settings_that_could_write_elsewhere_are_refused(url: str, options: dict[str, str]) -> None:
    content, where = interface_file("mail")
    said = {"user": "u", "from": "a@b.example", "copy": "c@b.example", "ca": ""} | options
    with pytest.raises(BadSettings):
        MailKnown(url, source="mail", letter=parse_letter(content, where=where), options=said)


def test_the_copy_that_the_mail_connector_reads_closes_the_proposal(ledger: Ledger, peer: Peer) -> None:
    with pymap() as port:
        mailbox = Folder(port, "Sent")
        peer.deliver = mailbox.receive
        account = {"host": "127.0.0.1", "port": port, "tls": "none", "user": USER, "password": MAILBOX_PASSWORD}
        reader = Mail("mail", {**account, "folders": ["Sent"]}, time_zone=UTC)
        ledger.clock.now = ledger.memory.clock.now = datetime.now(UTC)  # type: ignore[attr-defined]
        proposal = approved(ledger)
        assert carried_out(ledger)[0] is State.EXECUTED
        ledger.clock.advance(minutes=1)  # type: ignore[attr-defined]
        assert asyncio.run(catch_up(ledger.memory, reader)).dead == ()
        [step] = ledger.verify_due()
        assert (step.state, step.detail) == (State.VERIFIED, f"{proposal.id} came back from mail")
