"""What people do to a source: pause and resume it, accept how it looks now, read its dead letters again or close them.

Each is written into the audit ledger with who did it and by which face.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from lineside.app import Lineside
from lineside.errors import BadRequest, NotFound, SetupError, SourceError
from lineside.memory.alerts import DRIFTED
from lineside.memory.drift import accept
from lineside.memory.feeds import feeds_of, pause_source, resume_source
from lineside.memory.letters import Wanted
from lineside.memory.mending import Mended, count_letters, discard_letters, refetch_letters, retry_letters
from lineside.plant.records import Json
from lineside.serve.mapping import drift_rows
from lineside.serve.overview import Row, translator_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """Who does it. via: the face, as in `cli`."""

    by: str
    via: str


def pause(lineside: Lineside, source: str, *, reason: str, tender: Tender) -> None:
    """Nobody reads the source until somebody resumes it. Raises NotFound where nothing reads it anyway."""
    _configured(lineside, source)
    pause_source(lineside.memory, source, by=tender.by, reason=reason)
    _audited(lineside, "source_paused", tender, {"source": source, "reason": reason})


def resume(lineside: Lineside, source: str, *, tender: Tender) -> bool:
    """The source is read again; whether it had stopped. Raises NotFound where nothing would read it."""
    _configured(lineside, source)
    was = feeds_of(lineside.memory).get(source)
    resumed = resume_source(lineside.memory, source)
    if resumed:
        _audited(lineside, "source_resumed", tender, {"source": source, "reason": was.reason if was else ""})
    return resumed


def accept_drift(lineside: Lineside, source: str, *, tender: Tender, stream: str | None = None) -> list[Json]:
    """Streams look as they do now from now on, and their alerts are closed; what had drifted. stream: only this one.
    Raises NotFound where the source is not configured."""
    accepted = accept(lineside.memory, lineside.connector(source)[1], stream)
    done = {name for name, _ in accepted}
    left = {
        (each.stream, each.kind): each.reason
        for each in lineside.memory.alerts(source)
        if each.kind == DRIFTED and each.stream not in done
    }
    if accepted:
        lineside.memory.settle_alerts(source, [DRIFTED], left)
        rows = drift_rows(accepted)
        _audited(lineside, "drift_accepted", tender, {"source": source, "drift": rows})
        return rows
    return []


def retry(lineside: Lineside, wanted: Wanted, *, tender: Tender, fetch: bool = False) -> list[Row]:
    """The wanted dead letters are tried once more; what became of those of each source, and with `error` what kept the
    rest of them from it. fetch: as their source has them now, where it can be asked."""
    configured = {each.name for each in lineside.settings.sources}
    rows: list[Row] = []
    for source, count in count_letters(lineside.memory, wanted).items():
        error, done = "", Mended()
        try:
            if fetch and source in configured:
                done = asyncio.run(refetch_letters(lineside.memory, lineside.connector(source)[0], wanted))
            else:
                done = retry_letters(lineside.memory, source, translator_for(lineside, source), wanted)
        except (SourceError, SetupError) as failed:
            error = failed.message
        left = count_letters(lineside.memory, replace(wanted, sources=(source,))).get(source, 0)
        rows.append({"source": source, "tried": count, **asdict(done), "open": left, "error": error})
    if rows:
        _audited(lineside, "letters_retried", tender, {"sources": list[Json](rows), "fetched": fetch})
    return rows


def discard(lineside: Lineside, wanted: Wanted, *, reason: str, tender: Tender) -> int:
    """The wanted dead letters are closed for good with a reason, their bytes stay kept; how many those were."""
    if not reason.strip():
        raise BadRequest("say why they may be forgotten")
    counts = count_letters(lineside.memory, wanted)
    done = discard_letters(lineside.memory, wanted, reason=reason, by=tender.by)
    if done:
        _audited(lineside, "letters_discarded", tender, {"sources": dict[str, Json](counts), "reason": reason})
    return done


def known_to_read(lineside: Lineside) -> Sequence[str]:
    """The sources that a connector reads."""
    return [each.name for each in lineside.settings.sources]


def _configured(lineside: Lineside, source: str) -> None:
    if source not in known_to_read(lineside):
        there = ", ".join(known_to_read(lineside)) or "none"
        raise NotFound(f"{source!r} is not a source of lineside.toml; there are: {there}", source=source)


def _audited(lineside: Lineside, kind: str, tender: Tender, data: dict[str, Json]) -> None:
    with lineside.memory.write() as connection:
        lineside.ledger.journal.append(
            connection,
            at=lineside.clock(),
            kind=kind,
            actor=tender.by,
            proposal="",
            data={**data, "via": tender.via},
        )
