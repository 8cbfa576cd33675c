"""One file, read into batches: the rows that are new or changed since it was read last."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from lineside.connector import Batch, SourceMessage, Trouble, TroubleKind, Unreadable
from lineside.connector.rows import RowStream, Versions, digest
from lineside.errors import SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.spreadsheet.files import Place, Shot
from lineside_ingest.spreadsheet.keyed import Keyed, Tally, keyed
from lineside_ingest.spreadsheet.layout import Layout
from lineside_ingest.spreadsheet.meaning import Meaning
from lineside_ingest.spreadsheet.sheets import Sheet
from lineside_ingest.spreadsheet.tables import Tables

ASIDE = "text/plain"  # the content type of a row that a rule leaves out
_BATCH = 500
_KEPT = 1 << 20  # bytes of a damaged file, or of a row, that a dead letter keeps
# What is wrong with a file that was saved just now is likely to be over with the next save.
_BELIEVED_AFTER = timedelta(hours=1)
_RACY_NS = 10_000_000_000  # a file changed so shortly before it was read may have changed again with the same date


@dataclass(slots=True)
class State:
    """What a checkpoint holds of a file. digest: of its content when it was read last; empty where it is to be read
    again. sheets: by name, the versions of their rows. heads: of sheets without a header, the digest of their first
    rows. missing: it was no longer there. advanced: it was read to the end in this round."""

    digest: str = ""
    size: int = 0
    changed_ns: int = 0
    settled: bool = False
    missing: bool = False
    advanced: bool = False
    sheets: dict[str, Json] = field(default_factory=dict)
    heads: dict[str, Json] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Json) -> State:
        state = cls()
        for name, value in (kept if isinstance(kept, dict) else {}).items():
            if name == "troubles":
                state.troubles = [_trouble(each) for each in value] if isinstance(value, list) else []
            elif name in ("sheets", "heads"):
                setattr(state, name, dict(value) if isinstance(value, dict) else {})
            elif name in ("digest", "size", "changed_ns", "settled", "missing"):
                setattr(state, name, value)
        return state

    def kept(self) -> dict[str, Json]:
        return {
            "digest": self.digest, "size": self.size, "changed_ns": self.changed_ns, "settled": self.settled,
            "missing": self.missing, "sheets": self.sheets, "heads": self.heads,
            "troubles": [[each.kind.value, each.reason, each.stream] for each in self.troubles if not each.passing],
        }  # fmt: skip

    def stands(self, size: int, changed_ns: int) -> bool:
        """Whether a file with this size and date was read already."""
        return bool(self.digest) and self.settled and (self.size, self.changed_ns) == (size, changed_ns)

    def read(self, taken: Shot, now_ns: int) -> None:
        """This content was read to the end."""
        self.digest, self.size, self.changed_ns = taken.digest, taken.size, taken.changed_ns
        self.settled = now_ns - taken.changed_ns > _RACY_NS
        self.missing, self.advanced = False, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What all files of a source are read by. clock: ours, aware."""

    stream: RowStream
    tables: Tables
    meaning: Meaning
    clock: Callable[[], datetime]

    def doubtful(self, taken: Shot) -> bool:
        """Whether the file was saved so recently that rows missing in it prove nothing."""
        return abs(self.clock() - taken.changed_at) < _BELIEVED_AFTER

    def read(self, place: Place, taken: Shot, sheets: Sequence[Sheet], state: State) -> Generator[Batch, None, bool]:
        """The batches, without checkpoints; True once `state` holds all that was read, False where the file is to be
        read again."""
        whole = True
        state.troubles = []
        for sheet in sheets:
            whole = (yield from self._sheet(place, taken, sheet, state)) and whole
        names = {stream_name(place, sheet) for sheet in sheets}
        for gone in sorted(set(state.sheets) - names):
            reason = f"the sheet {gone} is no longer read: what stood there still stands"
            state.troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=reason, stream=gone, passing=True))
        return whole

    def _sheet(self, place: Place, taken: Shot, sheet: Sheet, state: State) -> Generator[Batch, None, bool]:
        name = stream_name(place, sheet)
        try:
            layout, rows = self.tables.find(sheet, place.name)
        except ValueError as error:
            return (yield from self._headless(name, taken, sheet, state, str(error)))
        state.heads.pop(name, None)
        versions, tally, stood = Versions(state.sheets.get(name)), Tally(), set[str]()
        stream = replace(self.stream, name=name)
        messages: list[SourceMessage] = []
        unreadable: list[Unreadable] = []
        for row in keyed(rows, sheet, stream, self.meaning, tally):
            stood.add(row.key)
            version = versions.next(row.key, row.values)
            if version is None:
                continue
            if row.wrong:
                unreadable.append(_letter(row, name))
            else:
                messages.append(self._message(stream, row, version, taken))
            if len(messages) + len(unreadable) >= _BATCH:
                yield Batch(messages=messages, unreadable=unreadable)
                messages, unreadable = [], []
        if messages or unreadable:
            yield Batch(messages=messages, unreadable=unreadable)
        state.troubles += [*_drift(layout, name), *tally.troubles(name)]
        before = _standing(state.sheets.get(name))
        if before and not stood and self.doubtful(taken):
            reason = f"{name} had {before} rows and has none now: not believed until it stands for an hour"
            state.troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=reason, stream=name))
            return False
        kept = versions.kept()
        for key in kept.keys() - stood:
            versions.forget(key)  # a row that is put back is news
        state.sheets[name] = versions.kept()
        return True

    def _headless(
        self, name: str, taken: Shot, sheet: Sheet, state: State, reason: str
    ) -> Generator[Batch, None, bool]:
        """A sheet without the columns: its first rows are a dead letter, once."""
        head: list[Json] = [list(line.cells.values()) for line in islice(sheet.lines(), self.tables.within)]
        if not head and name not in state.sheets:
            return True  # workbooks begin with sheets that nobody uses
        if not head and self.doubtful(taken):
            reason = f"{name} is empty: not believed until it stands for an hour"
            state.troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=reason, stream=name))
            return False
        seen = digest({"head": head, "reason": reason})
        if state.heads.get(name) != seen:
            content = json.dumps(head, ensure_ascii=False).encode()[:_KEPT]
            yield Batch(unreadable=[Unreadable(content=content, reason=reason, origin=name)])
        state.heads[name] = seen
        state.troubles.append(Trouble(kind=TroubleKind.DRIFT, reason=reason, stream=name))
        return True

    def _message(self, stream: RowStream, row: Keyed, version: str, taken: Shot) -> SourceMessage:
        made = stream.message(
            row.values, version=version, key=row.key, received_at=self.clock(), reported_at=taken.changed_at,
            origin=f"{stream.name}:{row.number}",
        )  # fmt: skip
        if isinstance(made, Unreadable):  # a key is given
            raise AssertionError(made.reason)
        if not row.aside:
            return made
        return replace(made, content=row.aside.encode() + b"\n" + row.content, content_type=ASIDE)


def damaged(place: Place, taken: Shot, error: SourceUnavailable, state: State) -> Batch:
    """A file that stands broken is a dead letter with its bytes; `state` says so until it is saved again."""
    taken.file.seek(0)
    state.troubles = [Trouble(kind=TroubleKind.UNAVAILABLE, reason=error.message, stream=place.name)]
    content = taken.file.read(_KEPT)
    return Batch(unreadable=[Unreadable(content=content, reason=error.message, origin=place.name)])


def stream_name(place: Place, sheet: Sheet) -> str:
    """What the rows of a sheet are kept under."""
    return f"{place.name}!{sheet.name}" if sheet.name else place.name


def _letter(row: Keyed, name: str) -> Unreadable:
    return Unreadable(
        content=row.content[:_KEPT], reason=row.wrong, origin=f"{name}:{row.number}", content_type="application/json"
    )


def _drift(layout: Layout, name: str) -> list[Trouble]:
    if not layout.missing:
        return []
    missing, titles = ", ".join(layout.missing), ", ".join(layout.titles)[:300]
    reason = f"the header in row {layout.header + 1} lacks {missing}; it has: {titles}"
    return [Trouble(kind=TroubleKind.DRIFT, reason=reason, stream=name)]


def _standing(versions: Json) -> int:
    """How many rows stood there."""
    return (
        sum(isinstance(each, list) and each[-1:] != [""] for each in versions.values())
        if isinstance(versions, dict)
        else 0
    )


def _trouble(kept: Any) -> Trouble:
    kind, reason, stream = kept
    return Trouble(kind=TroubleKind(kind), reason=reason, stream=stream)
