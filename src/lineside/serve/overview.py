"""How the sources are doing and what could not be read, as rows that every face shows."""

from __future__ import annotations

from collections.abc import Sequence

from lineside import connector
from lineside.app import Lineside
from lineside.memory import EVERYTHING, DeadLetter, Reader
from lineside.memory.intake import read_status
from lineside.memory.remember import Translate
from lineside.plant.records import Json

STATUS_FILE = "feeds.json"
_BYTES_SHOWN = 4000

Row = dict[str, Json]


def source_rows(lineside: Lineside, reader: Reader = EVERYTHING) -> list[Row]:
    """A row for every source that is configured, declared or was heard, and that `reader` may read.

    received = recorded + known + dead_lettered.
    """
    accounts = {account.source: account for account in lineside.memory.sources_seen()}
    fresh = {found.source: found for found in lineside.memory.view().freshness()}
    feeds = {feed.source: feed for feed in read_status(lineside.home / STATUS_FILE)}
    configured = {source.name: source.connector for source in lineside.settings.sources}
    declared = {card.name: card for card in lineside.plant.sources}
    rows: list[Row] = []
    for name in sorted({*accounts, *fresh, *configured, *declared}):
        if not reader.may_read_source(name, lineside.plant):
            continue
        account, heard, feed, card = accounts.get(name), fresh.get(name), feeds.get(name), declared.get(name)
        last = heard.last_heard if heard else None
        rows.append(
            {
                "source": name,
                "kind": card.kind if card else "",
                "connector": configured.get(name, ""),
                "state": str(heard.state) if heard else "silent",
                "feed": str(feed.state) if feed else "",
                "last_heard": last.astimezone(lineside.plant.time_zone).isoformat() if last else None,
                "cadence_s": heard.cadence_s if heard else None,
                "received": account.received if account else 0,
                "recorded": account.recorded if account else 0,
                "known": account.known if account else 0,
                "dead_lettered": account.dead_lettered if account else 0,
                "open_letters": account.open_letters if account else 0,
                "gaps": account.gaps if account else 0,
                "owner": card.owner if card else None,
                "last_error": feed.last_error if feed else "",
            }
        )
    return rows


def dead_letter_rows(lineside: Lineside, *, source: str | None = None, reader: Reader = EVERYTHING) -> list[Row]:
    """Open dead letters of the sources that `reader` may read, newest first."""
    found = lineside.memory.dead_letters(source=source)
    return [dead_letter_row(each) for each in reversed(found) if reader.may_read_source(each.source, lineside.plant)]


def dead_letter_row(letter: DeadLetter) -> Row:
    """One dead letter; its bytes as text, at most the first few thousand characters."""
    return {
        "id": letter.id,
        "source": letter.source,
        "source_id": letter.source_id,
        "origin": letter.origin,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "received_at": letter.received_at.isoformat(),
        "status": letter.status,
        "closed_by": letter.closed_by,
        "closed_because": letter.closed_because,
        "content_type": letter.content_type,
        "content": letter.content[:_BYTES_SHOWN].decode("utf-8", errors="replace"),
    }


def translator_for(lineside: Lineside, source: str) -> Translate:
    """How messages of a source are read: by its configured connector, or as open records where it has none."""
    sources: Sequence[str] = [each.name for each in lineside.settings.sources]
    if source in sources:
        return lineside.connectors()[source][0].translate
    return connector.load("open_records")(
        source, {}, time_zone=lineside.plant.time_zone, clock=lineside.clock
    ).translate
