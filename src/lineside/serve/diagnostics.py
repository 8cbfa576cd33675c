"""All that helps to find out what is wrong, fit to be handed to somebody else: no secret and no record is in it."""

from __future__ import annotations

import json
import platform
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lineside import connector
from lineside.app import Lineside
from lineside.errors import BadRequest, NotFound
from lineside.memory import leases
from lineside.memory.accounts import DEAD_LETTERED, HELD
from lineside.memory.message_log import LogLine, latencies, log_lines
from lineside.memory.watchdog import heartbeat
from lineside.plant.records import Json
from lineside.serve.overview import Row, alert_row, source_rows
from lineside.serve.redacting import hidden, without_secrets
from lineside.settings import described, written_options

SHOWN = 20
LOGGED = 500
_ABOUT = """Lineside diagnostics
installation.json   versions, settings with their origin, what is open and waiting
sources/*.json      of each source: configuration, manifest, state, accounts, checkpoints, alerts, last errors
messages/*.jsonl    the last lines of each source's message log: what came and what became of it, without content
Secrets are hidden and no record is in here; a reason may quote a value that could not be read.
"""


def diagnostics(lineside: Lineside, source: str) -> Row:
    """Its configuration and manifest, state, checkpoints, alerts, last errors, counts and versions.

    Raises NotFound for a source that is neither configured, declared nor heard.
    """
    row = next((each for each in source_rows(lineside) if each["source"] == source), None)
    if row is None:
        raise NotFound(f"there is no source {source!r}", source=source)
    return _diagnosed(lineside, row)


def installation(lineside: Lineside) -> Row:
    """Versions, settings but those of sources with their origin, and what is open and waiting."""
    memory = lineside.memory
    looked = heartbeat(memory)
    settings = [
        {"key": key, "value": value, "origin": origin}
        for key, value, origin in described(lineside.settings, lineside.home)
        if not key.startswith("sources.")
    ]
    found: Row = {
        "made_at": lineside.clock().isoformat(),
        "versions": _versions(),
        "site": lineside.plant.site,
        "time_zone": lineside.plant.time_zone.key,
        "database": memory.engine.dialect.name,
        "settings": without_secrets(settings, written={}, resolved={}, own=()),
        "connectors": list[Json](connector.installed()),
        "watchdog_looked_at": looked.isoformat() if looked else None,
        "index_lag": memory.index_lag(),
        "open_letters": sum(account.open_letters for account in memory.sources_seen()),
        "open_alerts": len(memory.alerts()),
    }
    return found


def write_diagnostics(lineside: Lineside, path: Path, sources: Sequence[str] = ()) -> int:
    """A zip at `path` with all of that and the last of the message log, of every source if none is named; how many
    sources are in it. Raises BadRequest where the file is there already or can't be written, NotFound."""
    rows = {str(row["source"]): row for row in source_rows(lineside)}
    if unknown := sorted(set(sources) - set(rows)):
        raise NotFound(f"there is no source {unknown[0]!r}; there are: {', '.join(rows) or 'none'}", source=unknown[0])
    chosen = [row for name, row in rows.items() if not sources or name in sources]
    try:
        with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _ABOUT)
            archive.writestr("installation.json", _text(installation(lineside)))
            for number, row in enumerate(chosen, start=1):
                name = str(row["source"])
                # A source's name may hold what no file's may: the number tells them apart.
                place = f"{number:03d}-{''.join(c if c.isalnum() else '-' for c in name)[:60]}"
                archive.writestr(f"sources/{place}.json", _text(_diagnosed(lineside, row)))
                lines = [_line(each) for each in log_lines(lineside.memory, source=name, limit=LOGGED)]
                told = _redacted(lineside, name, lines)
                archive.writestr(f"messages/{place}.jsonl", "".join(f"{json.dumps(each)}\n" for each in told))
    except FileExistsError as error:
        raise BadRequest(f"{path} is there already; name another file") from error
    except OSError as error:
        raise BadRequest(f"{path} can't be written: {error.strerror}") from error
    return len(chosen)


def _diagnosed(lineside: Lineside, row: Row) -> Row:
    source = str(row["source"])
    settings = next((each for each in lineside.settings.sources if each.name == source), None)
    manifest = connector.installed().get(settings.connector) if settings else None
    memory = lineside.memory
    account = next((each for each in memory.sources_seen() if each.source == source), None)
    with memory.read() as connection:
        reads = leases.holding(connection, source)
    last_look = heartbeat(memory)
    bad = [
        line
        for outcome in (DEAD_LETTERED, HELD)
        for line in log_lines(memory, source=source, outcome=outcome, limit=SHOWN)
    ]
    own = manifest.secrets if manifest else ()
    options = settings.options if settings else {}
    written = written_options(lineside.home, source) or options
    quick = [asdict(each) for each in latencies(memory, since=lineside.clock() - timedelta(days=1), source=source)]
    found: dict[str, Any] = {
        "source": source,
        "versions": _versions(),
        "configuration": (settings.model_dump(mode="json") if settings else {}) | {"options": hidden(written, own)},
        "manifest": asdict(manifest) if manifest else None,
        "state": row,
        "read_by": reads[0] if reads else None,
        "watchdog_looked_at": last_look.isoformat() if last_look else None,
        "checkpoints": dict(account.checkpoints) if account else {},
        "alerts": [alert_row(lineside, each) for each in memory.alerts(source, only_open=False, limit=SHOWN)],
        "latency": quick,
        "last_errors": [_line(line) for line in sorted(bad, key=lambda line: line.kept_at, reverse=True)[:SHOWN]],
    }
    cleaned: Row = _redacted(lineside, source, found)
    return cleaned


def _redacted(lineside: Lineside, source: str, value: Any) -> Any:
    settings = next((each for each in lineside.settings.sources if each.name == source), None)
    manifest = connector.installed().get(settings.connector) if settings else None
    options = settings.options if settings else {}
    written = written_options(lineside.home, source) or options
    return without_secrets(value, written=written, resolved=options, own=manifest.secrets if manifest else ())


def _line(line: LogLine) -> Row:
    return {
        "at": line.kept_at.isoformat(),
        "stream": line.stream,
        "outcome": line.outcome,
        "origin": line.origin,
        "size": line.size,
        "latency_us": line.latency_us,
        "mapping": line.mapping,
        "reason": line.reason,
    }


def _versions() -> Row:
    return {"lineside": version("lineside"), "python": sys.version.split()[0], "system": platform.platform()}


def _text(value: Row) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
