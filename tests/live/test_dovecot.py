"""The mail connector against a real Dovecot: the whole suite, and what only it can do; a letter's copy comes back."""

import grp
import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.actions.conftest import report
from tests.actions.mail_peer import LOGIN, mail_server
from tests.actions.mail_peer import PASSWORD as LETTERS_PASSWORD
from tests.conftest import message_of, translate
from tests.ingest.conformance import Bench, Conformance
from tests.ingest.mail_server import PASSWORD, USER, Folder, letter
from tests.ingest.reading import drain
from tests.ingest.test_mail_conformance import MailBench

from lineside.actions import State
from lineside.actions.executors.interface import interface_file
from lineside.actions.executors.letter import parse_letter
from lineside.actions.executors.smtp import MailTarget
from lineside.connector import Batch
from lineside.memory import Memory
from lineside_ingest.mail import Mail

from .governed import approved, carried_out, ledger_over, read_in
from .installing import free_port, listens, program, started

NUMBERS = count(1)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder through which others may pass: pytest's own are closed to Dovecot's users."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="module")
def dovecot_port(home: Path) -> Iterator[int]:
    dovecot, port = program("dovecot", "dovecot-imapd"), free_port()
    me, mine = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    # Started by root, Dovecot wants users without rights for what faces the network; its package brings them.
    inner, outer, group = ("dovecot", "dovenull", "dovecot") if me == "root" else (me, me, mine)
    configuration = home / "dovecot.conf"
    configuration.write_text(
        f"""
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
log_path = {home}/log
mail_location = maildir:~
ssl = no
disable_plaintext_auth = no
default_internal_user = {inner}
default_internal_group = {group}
default_login_user = {outer}
first_valid_uid = 1
first_valid_gid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/users
}}
userdb {{
  driver = static
  args = uid={inner} gid={group} home={home}/mail
}}
""",
        encoding="utf-8",
    )
    (home / "users").write_text(f"{USER}:{PASSWORD}\n", encoding="utf-8")
    (home / "run").mkdir()
    (home / "mail").mkdir()
    shutil.chown(home / "mail", inner, group)
    with started([dovecot, "-F", "-c", str(configuration)], log=home / "out", ready=lambda: listens(port)):
        yield port


class TestDovecot(Conformance):
    @pytest.fixture
    def bench(self, dovecot_port: int) -> Iterator[Bench]:
        made = MailBench(Folder(dovecot_port, f"Line {next(NUMBERS)}"))
        yield made
        made.wire.close()


async def test_only_what_is_kept_is_marked(dovecot_port: int) -> None:
    folder = Folder(dovecot_port, "Marked")
    account = {"host": "127.0.0.1", "port": dovecot_port, "tls": "none", "user": USER, "password": PASSWORD}
    connector = Mail("mailbox", {**account, "folders": ["Marked"], "mark": "$Lineside"}, time_zone=UTC)
    folder.receive(letter("one"))
    kept = await drain(connector)
    folder.receive(letter("two"))

    await drain(connector, kept.checkpoint)  # fetches the second; nobody said yet that it is kept

    assert [b"$Lineside" in flags for flags in folder.flags()] == [True, False]
    assert not any(b"Seen" in flags for flags in folder.flags())


CONTACT = """
[[contacts]]
partner = "C-7"
name = "Ann Käufer"
email = "orders@customer.example"
language = "de"
"""


def test_a_letter_to_a_customer_is_proved_by_its_copy(
    dovecot_port: int, tmp_path: Path, open_memory: Callable[..., Memory]
) -> None:
    sent = Folder(dovecot_port, "Sent")
    with mail_server(tmp_path) as peer:
        peer.deliver = sent.receive
        content, where = interface_file("mail")
        here = {"user": LOGIN, "from": "plant@hall.example", "copy": "sent@hall.example", "ca": "ca.pem"}
        target = MailTarget(
            f"smtps://127.0.0.1:{peer.port}", LETTERS_PASSWORD, source="mail",
            letter=parse_letter(content, where=where), options=here, home=tmp_path, timeout_s=20,
        )  # fmt: skip
        ledger = ledger_over(open_memory, tmp_path, target, kind="mail", more=CONTACT)
        told = message_of(report("sales_order:S-2", "erp", customer="C-7"), received_at=datetime.now(UTC))
        ledger.memory.remember(Batch(messages=[told]), source="erp", translate=translate)
        proposal = approved(ledger, "notify_party", about="S-2", text="Halb am Montag, der Rest übermorgen.")
        assert carried_out(ledger)[0] is State.EXECUTED

    account = {"host": "127.0.0.1", "port": dovecot_port, "tls": "none", "user": USER, "password": PASSWORD}
    read_in(ledger, Mail("mail", {**account, "folders": ["Sent"]}, time_zone=UTC))
    assert [step.state for step in ledger.verify_due()] == [State.VERIFIED]
    [note] = ledger.memory.view().notes()
    assert note.text == (
        f"Zu Auftrag S-2 ({proposal.id})\nHalb am Montag, der Rest übermorgen.\n\nUnser Zeichen: {proposal.id}"
    )
