"""All that helps to find out what is wrong with one source, fit to be handed to somebody else: no secret is in it."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, quote_plus

from lineside import connector
from lineside.app import Lineside
from lineside.errors import NotFound
from lineside.memory import leases
from lineside.memory.accounts import DEAD_LETTERED, HELD
from lineside.memory.message_log import latencies, log_lines
from lineside.memory.watchdog import heartbeat
from lineside.serve.overview import Row, alert_row, source_rows
from lineside.settings import written_options

HIDDEN = "********"
SHOWN = 20
_SHORTEST = 4  # a shorter secret would blot out words that are none
# All before the last @: a password may hold one, and showing too little of a URL leaks nothing.
_IN_URL = re.compile(r"(://)[^\s\"'<>]*@")
_SECRET_WORD = re.compile(
    r"token|passw|pwd|secret|credential|authori[sz]ation|api_?key|private|cookie|signature", re.IGNORECASE
)
_IN_QUERY = re.compile(rf"([?&;][^=&;\s]*(?:{_SECRET_WORD.pattern}|key|sig|auth)[^=&;\s]*=)[^&;\s\"']+", re.IGNORECASE)


def diagnostics(lineside: Lineside, source: str) -> Row:
    """Its configuration and manifest, state, checkpoints, alerts, last errors, counts and versions.

    Raises NotFound for a source that is neither configured, declared nor heard.
    """
    row = next((each for each in source_rows(lineside) if each["source"] == source), None)
    if row is None:
        raise NotFound(f"there is no source {source!r}", source=source)
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
    quick = [
        asdict(each) for each in latencies(memory, since=lineside.clock() - timedelta(days=1)) if each.source == source
    ]
    found: dict[str, Any] = {
        "source": source,
        "versions": {"lineside": version("lineside"), "python": sys.version.split()[0], "system": platform.platform()},
        "configuration": (settings.model_dump(mode="json") if settings else {}) | {"options": _hidden(written, own)},
        "manifest": asdict(manifest) if manifest else None,
        "state": row,
        "read_by": reads[0] if reads else None,
        "watchdog_looked_at": last_look.isoformat() if last_look else None,
        "checkpoints": dict(account.checkpoints) if account else {},
        "alerts": [alert_row(lineside, each) for each in memory.alerts(source, only_open=False, limit=SHOWN)],
        "latency": quick,
        "last_errors": [
            {"at": line.kept_at.isoformat(), "outcome": line.outcome, "origin": line.origin, "reason": line.reason}
            for line in sorted(bad, key=lambda line: line.kept_at, reverse=True)[:SHOWN]
        ],
    }
    secrets = {each for each in _secrets(written, options, own) if len(each) >= _SHORTEST}
    spelled = {form for each in secrets for form in (each, quote(each, safe=""), quote_plus(each))}
    cleaned: Row = _cleaned(found, sorted(spelled, key=len, reverse=True))
    return cleaned


def _hidden(options: Any, own: Collection[str]) -> Any:  # TOML values are any JSON-like shape
    """The options with what their names tell to be a secret hidden; a reference to a variable or file is none."""
    if isinstance(options, list):
        return [_hidden(each, own) for each in options]
    if not isinstance(options, Mapping):
        return options
    return {
        name: HIDDEN if _is_secret(name, own) and not _is_reference(value) else _hidden(value, own)
        for name, value in options.items()
    }


def _secrets(written: Any, resolved: Any, own: Collection[str], *, below: bool = False) -> Iterator[str]:
    """Every text of the resolved options that a reference stood for, or that stands below a secret's name."""
    if _is_reference(written) or below:
        yield from _texts(resolved)
    elif isinstance(resolved, Mapping):
        for name, value in resolved.items():
            there = written.get(name) if isinstance(written, Mapping) else None
            yield from _secrets(there, value, own, below=_is_secret(name, own))
    elif isinstance(resolved, list):
        for place, value in enumerate(resolved):
            there = written[place] if isinstance(written, list) and place < len(written) else None
            yield from _secrets(there, value, own)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def _is_secret(name: str, own: Collection[str]) -> bool:
    return name in own or _SECRET_WORD.search(name) is not None


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and set(value) <= {"env", "file"}


def _cleaned(value: Any, secrets: Sequence[str]) -> Any:
    """No text in it, wherever it came from, holds one of the secrets or the credentials of a URL."""
    if isinstance(value, Mapping):
        return {_cleaned(name, secrets): _cleaned(each, secrets) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each, secrets) for each in value]
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return _IN_QUERY.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1{HIDDEN}@", value))
