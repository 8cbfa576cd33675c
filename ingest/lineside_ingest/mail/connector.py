"""The connector of mail folders."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from lineside.connector import (
    Aside,
    Batch,
    Check,
    Checkpoint,
    Gap,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
    Unreadable,
)
from lineside.connector.rows import NOTATION_OPTIONS, read_notation
from lineside.connector.threads import from_thread
from lineside.errors import SourceError, UnreadableMessage
from lineside.plant.mapping import RowMapping, read_mapping, records_from_row
from lineside.plant.records import Json, Note, Provenance, Record
from lineside_ingest.mail.letter import Letter, read_letter
from lineside_ingest.mail.mailbox import Account, Fetched, FolderRefused, Mailbox, signed_in, since

_OPTIONS = {
    "host", "port", "tls", "ca", "user", "password", "token", "folders", "since_days", "mark", "gaps", "largest_mb",
    "timeout_s", "ignore", "rules", *NOTATION_OPTIONS,
}  # fmt: skip
_RULE_OPTIONS = {"name", "from", "subject", "pattern", "mapping", "note"}
_AT_ONCE = 50
_MOST_BYTES = 20_000_000  # a batch is closed beyond this
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What letters of a known form say. note: whether they are a note as well."""

    name: str
    sender: re.Pattern[str]
    subject: re.Pattern[str]
    pattern: re.Pattern[str]
    mappings: tuple[RowMapping, ...]
    note: bool

    def concerns(self, letter: Letter) -> bool:
        return bool(self.sender.search(f"{letter.author} <{letter.address}>") and self.subject.search(letter.subject))


class Mail:
    """Reads folders of a mailbox. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        self._notation = read_notation(read, time_zone)
        self._account = _account(read)
        self._folders = read.texts("folders") or ("INBOX",)
        self._since_days = read.number("since_days", 30.0)
        self._mark = read.text("mark", "")
        self._gaps = read.flag("gaps", default=True)
        self._largest = int(read.number("largest_mb", 20.0, at_least=0.001) * 1_000_000)
        self._ignored = [_pattern(read, "ignore", each) for each in read.texts("ignore")]
        self._rules = [_rule(each, place) for place, each in enumerate(read.tables("rules", known=_RULE_OPTIONS))]

    async def check(self) -> Sequence[Check]:
        import asyncio

        return await asyncio.to_thread(self._check)

    def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """The letters that came since `checkpoint`. A folder that can't be opened does not keep the others closed."""
        return from_thread(self._read(checkpoint))

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing yet: what is below the checkpoint is marked when the folder is opened next."""

    def translate(self, message: SourceMessage) -> Translated:
        letter = read_letter(message.content)
        if any(each.search(f"{letter.author} <{letter.address}> {letter.subject}") for each in self._ignored):
            return Aside(reason="its sender or subject is ignored by rule")
        at = message.reported_at or message.received_at
        provenance = Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=min(letter.sent_at or at, at),
            reported_at=at,
            recorded_at=message.received_at,
        )
        rule = next((each for each in self._rules if each.concerns(letter)), None)
        records: list[Record] = []
        if rule is not None:
            records = self._ruled(rule, letter, message.stream, provenance)
            if not rule.note:
                return records
        return [*records, _note(letter, message.stream, replace(provenance, part=len(records)))]

    def _ruled(self, rule: Rule, letter: Letter, folder: str, provenance: Provenance) -> list[Record]:
        """What the rule reads: for each match of its pattern, what its mapping makes of it."""
        written: dict[str, Json] = {
            "from": letter.address, "author": letter.author, "to": letter.to, "subject": letter.subject,
            "text": letter.text, "folder": folder, "sent_at": provenance.occurred_at.isoformat(),
            "attachments": list(letter.attachments),
        }  # fmt: skip
        records: list[Record] = []
        for match in rule.pattern.finditer(f"{letter.subject}\n{letter.text}"):
            found = {**written, **match.groupdict()}
            for record in records_from_row(rule.mappings, found, provenance=provenance, notation=self._notation):
                own = replace(record.provenance, part=len(records))
                records.append(replace(record, provenance=own))
        if not records:
            raise UnreadableMessage(
                f"it is of the form {rule.name!r}, but its pattern is nowhere in it", field="pattern"
            )
        return records

    def _check(self) -> list[Check]:
        try:
            with signed_in(self._account, self.source) as mailbox:
                checks = [Check(name="sign in", ok=True, detail=self._account.host)]
                there = mailbox.folders()
                for folder in self._folders:
                    try:
                        mailbox.open(folder, writable=False)
                    except FolderRefused as error:
                        fix = f"choose among: {', '.join(there[:20])}"
                        checks.append(Check(name=f"read {folder}", ok=False, detail=str(error), fix=fix))
                    else:
                        checks.append(Check(name=f"read {folder}", ok=True, detail="readable"))
                return checks
        except SourceError as error:
            return [Check(name="sign in", ok=False, detail=error.message, fix="mend host, tls or credentials")]

    def _read(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        said = (checkpoint or {}).get("folders")
        after: dict[str, Json] = dict(said) if isinstance(said, dict) else {}
        troubles: list[Trouble] = []
        with signed_in(self._account, self.source) as mailbox:
            for folder in self._folders:
                try:
                    for batch, state in self._read_folder(mailbox, folder, after.get(folder), troubles):
                        after[folder] = state
                        if not batch.empty:
                            yield replace(batch, checkpoint={"folders": dict(after)})
                except FolderRefused as error:
                    reason = f"{folder} can't be opened: {error}"
                    troubles.append(Trouble(kind=TroubleKind.REFUSED, stream=folder, reason=reason))
        yield Batch(checkpoint={"folders": dict(after)}, troubles=troubles)

    def _read_folder(
        self, mailbox: Mailbox, folder: str, before: Json, troubles: list[Trouble]
    ) -> Iterator[tuple[Batch, Json]]:
        validity, following = mailbox.open(folder, writable=bool(self._mark))
        state = before if isinstance(before, dict) else {}
        began = self._clock()
        match state:
            case {"validity": int(before_it), "first": int(first), "last": int(last)} if before_it == validity:
                uids = [uid for uid in mailbox.search("UID", f"{last + 1}:*") if uid > last]
                if self._mark:
                    mailbox.mark(mailbox.search("UID", f"{first}:{last}", "UNKEYWORD", self._mark), self._mark)
            case _:
                uids = mailbox.search("SINCE", since((began - timedelta(days=self._since_days)).date()))
                first = uids[0] if uids else following
                last, state = first - 1, {"was": state.get("validity")}
        if state.get("was") is not None:
            reason = f"{folder} was made anew (UIDVALIDITY {state['was']} is now {validity}): it is read anew"
            troubles.append(Trouble(kind=TroubleKind.EPOCH, stream=folder, reason=reason, passing=True))
        end = max([following - 1, *uids[-1:], last])
        gaps = self._passed_by(folder, state, end - last - len(uids), began)
        if gaps:
            yield Batch(gaps=gaps), state
        for batch, reached in self._batches(mailbox, folder, uids):
            yield batch, {"validity": validity, "first": first, "last": reached, "read_at": state.get("read_at")}
        # Only now: a read that broke off must still know since when it did not look.
        yield Batch(), {"validity": validity, "first": first, "last": end, "read_at": began.isoformat()}

    def _passed_by(self, folder: str, state: Mapping[str, Json], missing: int, now: datetime) -> list[Gap]:
        """A gap where letters came and went while nobody looked: their numbers are used up."""
        read_at = state.get("read_at")
        if not self._gaps or missing <= 0 or not isinstance(read_at, str):
            return []
        word = "letter was" if missing == 1 else "letters were"
        reason = f"{missing} {word} removed from {folder} before being read"
        return [Gap(since=datetime.fromisoformat(read_at), until=now, reason=reason)]

    def _batches(self, mailbox: Mailbox, folder: str, uids: Sequence[int]) -> Iterator[tuple[Batch, int]]:
        """(what was fetched, the highest number that is done with)."""
        messages: list[SourceMessage] = []
        unreadable: list[Unreadable] = []
        waiting = 0
        for start in range(0, len(uids), _AT_ONCE):
            part = uids[start : start + _AT_ONCE]
            for fetched in mailbox.fetch(part, largest=self._largest):
                item = self._message(folder, fetched)
                (unreadable if isinstance(item, Unreadable) else messages).append(item)  # type: ignore[arg-type]
                waiting += len(fetched.content)
                if waiting > _MOST_BYTES:
                    yield Batch(messages=tuple(messages), unreadable=tuple(unreadable)), fetched.uid
                    messages, unreadable, waiting = [], [], 0
            if messages or unreadable:
                yield Batch(messages=tuple(messages), unreadable=tuple(unreadable)), part[-1]
                messages, unreadable, waiting = [], [], 0

    def _message(self, folder: str, fetched: Fetched) -> SourceMessage | Unreadable:
        origin = f"{folder}, number {fetched.uid}"
        try:
            letter = read_letter(fetched.content)
            if fetched.size > self._largest:
                raise UnreadableMessage(
                    f"it has {fetched.size} bytes, more than largest_mb allows: only its header was fetched"
                )
            if not (letter.text or letter.subject):
                raise UnreadableMessage("it has neither text nor subject")
        except UnreadableMessage as error:
            return Unreadable(
                content=fetched.content, reason=error.message, origin=origin, content_type="message/rfc822"
            )
        return SourceMessage(
            source=self.source,
            # Whoever moves or copies a letter does not say it again.
            source_id=f"{letter.message_id or 'without-id'}~{letter.digest}",
            content=fetched.content,
            content_type="message/rfc822",
            received_at=self._clock(),
            stream=folder,
            key=letter.message_id,
            origin=origin,
            reported_at=min(fetched.arrived_at, self._clock()),
        )


def _note(letter: Letter, folder: str, provenance: Provenance) -> Note:
    attributes: dict[str, Json] = {"subject": letter.subject, "to": letter.to, "address": letter.address}
    if letter.attachments:
        attributes["attachments"] = list(letter.attachments)
    if letter.answers:
        attributes["thread"] = letter.answers[0]
    text = "\n".join(each for each in (letter.subject, letter.text) if each)
    if letter.attachments:
        text += f"\n[attached: {', '.join(letter.attachments)}]"
    filled = {name: value for name, value in attributes.items() if value}
    return Note(
        provenance=provenance,
        text=text,
        author=letter.author or letter.address or None,
        channel=folder,
        attributes=filled,
    )


def _account(read: Options) -> Account:
    host = read.text("host")
    tls = read.text("tls", "implicit", choices=("implicit", "starttls", "none"))
    if tls == "none" and host not in _LOOPBACK:
        raise read.bad("tls", "can be none only for a server on this machine: the password would travel in the open")
    if ("password" in read) == ("token" in read):
        raise read.bad("password", "or token: exactly one of them is needed")
    return Account(
        host=host,
        port=int(read.number("port", 993 if tls == "implicit" else 143, at_least=1)),
        tls=tls,
        ca=read.text("ca", ""),
        user=read.text("user"),
        password=read.text("password", ""),
        token=read.text("token", ""),
        timeout_s=read.number("timeout_s", 30.0, at_least=0.1),
    )


def _rule(options: Options, place: int) -> Rule:
    try:
        mappings = read_mapping(options.raw("mapping") or {})
    except ValueError as error:
        raise options.bad("mapping", str(error)) from error
    return Rule(
        name=options.text("name", str(place)),
        sender=_pattern(options, "from", options.text("from", "")),
        subject=_pattern(options, "subject", options.text("subject", "")),
        pattern=_pattern(options, "pattern", options.text("pattern", "^"), re.MULTILINE),
        mappings=mappings,
        note=options.flag("note"),
    )


def _pattern(options: Options, name: str, written: str, flags: int = 0) -> re.Pattern[str]:
    try:
        return re.compile(written, re.IGNORECASE | flags)
    except re.error as error:
        raise options.bad(name, f"is no regular expression: {error}") from error
