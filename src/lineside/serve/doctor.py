"""What is wrong with an installation, each finding with a line that mends it."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lineside.actions.at_work import at_work, waiting
from lineside.actions.exporting import EVERY_ENTRIES
from lineside.app import Lineside, open_lineside
from lineside.cases.classes import case_pack
from lineside.cases.owners import unowned
from lineside.connector import Check
from lineside.errors import LinesideError
from lineside.interpretation.pack_files import under

LEAST_FREE_BYTES = 500_000_000


def examine(home: Path) -> list[Check]:
    """Every check, in the order in which one would mend them; what an earlier finding bars is left out."""
    checks = list(_machine(home))
    try:
        lineside = open_lineside(home)
    except LinesideError as error:
        return [*checks, Check(name="configuration", ok=False, detail=error.message, fix="mend the named file")]
    checks.append(Check(name="configuration", ok=True, detail=f"{lineside.plant.name or lineside.plant.site}, {home}"))
    checks.append(_clock(lineside))
    try:
        checks += _memory(lineside)
        checks.append(_owners(lineside))
        checks += _targets(lineside)
        checks += _heads(lineside)
        checks += _model(lineside)
        checks += _slack(lineside)
        checks += asyncio.run(_sources(lineside))
    except LinesideError as error:
        checks.append(Check(name="memory", ok=False, detail=error.message, fix=f"lineside --home {home} migrate"))
    finally:
        lineside.close()
    return checks


def _machine(home: Path) -> Iterator[Check]:
    from lineside import __version__

    yield Check(name="versions", ok=True, detail=f"Lineside {__version__}, Python {sys.version.split()[0]}")
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    yield Check(
        name="disk",
        ok=free >= LEAST_FREE_BYTES,
        detail=f"{free // 1_000_000} MB free at {there}",
        fix="free some space, or move the home with --home",
    )


def _clock(lineside: Lineside) -> Check:
    now = lineside.clock().astimezone(lineside.plant.time_zone)
    offset = lineside.settings.clock_offset_s
    return Check(
        name="clock",
        ok=True,
        detail=f"{now:%Y-%m-%d %H:%M:%S %Z} at the plant ({lineside.plant.time_zone.key})"
        + (f", shifted by {offset:.0f} s for a demonstration" if offset else ""),
    )


def _memory(lineside: Lineside) -> Iterator[Check]:
    memory = lineside.memory
    yield Check(name="database", ok=True, detail=f"{memory.engine.dialect.name}, schema as this program's")
    lag = memory.index_lag()
    yield Check(
        name="index",
        ok=lag == 0,
        detail=f"{lag} passages wait" if lag else "up to date",
        fix="they are indexed by a running `lineside serve`, or by the next import",
    )
    waiting = len(memory.dead_letters())
    yield Check(
        name="dead letters",
        ok=waiting == 0,
        detail=f"{waiting} open",
        fix="lineside dead-letters list",
    )


def _targets(lineside: Lineside) -> Iterator[Check]:
    """What could be written to, and whether it may be. Told, not failed: off is how a target is installed."""
    for switch in lineside.ledger.switches():
        yield Check(name=f"target {switch.target}", ok=True, detail=switch.why or "armed; approved actions are written")
    if lineside.settings.targets:
        who, wait = at_work(lineside.memory), waiting(lineside.ledger)
        own = lineside.settings.executor == "apart"
        yield Check(
            name="executor",
            ok=bool(who) or not wait,
            detail=f"{who} carries out what is approved" if who else f"none lives; {wait} proposals wait for it",
            fix=f"start `lineside {'executor' if own else 'serve'}` and see what it says about its credentials",
        )


def _heads(lineside: Lineside) -> Iterator[Check]:
    """Whether the audit ledger's newest head is where a rewritten ledger can't reach it."""
    head, export = lineside.ledger.export_head(), lineside.audit_export
    if head is None:
        return
    if export is None:
        yield Check(
            name="audit",
            ok=True,
            detail="no place is set for the signed heads: who can write this database could cut the ledger's end "
            "unseen; audit.export names a folder or an address elsewhere",
        )
        return
    seq = export.newest_there()
    if seq is not None:
        behind = head.seq - seq
        yield Check(
            name="audit",
            ok=behind <= EVERY_ENTRIES,
            detail=f"{export.place} has the head of entry {seq}; the ledger ends with {head.seq}",
            fix="start `lineside serve` with the actions, and see that it can write there",
        )


def _owners(lineside: Lineside) -> Check:
    """Who hears of which exceptions. Told, not failed: a plant may well name only some of its people."""
    plant = lineside.plant
    with under(plant.packs):
        pack = case_pack()
        told = [each for of in pack.classes.values() if (each := unowned(pack, plant, of))]
    if not plant.people:
        told = ["the plant file names no people, so nobody hears of exceptions"]
    return Check(
        name="owners",
        ok=True,
        detail="; ".join(told) + f"; [[people]] in {lineside.home / 'plant.toml'} gives roles"
        if told
        else "somebody answers for each class of exceptions",
    )


def _model(lineside: Lineside) -> Iterator[Check]:
    from lineside.agent.model import probe

    model = lineside.settings.model
    if not model.base_url:
        yield Check(name="model", ok=True, detail="none configured: the embedded answerer answers")
        return
    yield from probe(model.base_url, name=model.name, api_key=model.api_key.get_secret_value())


def _slack(lineside: Lineside) -> Iterator[Check]:
    if not lineside.settings.slack.bot_token.get_secret_value():
        yield Check(name="slack", ok=True, detail="none configured: slack.bot_token in lineside.toml switches it on")
        return
    from lineside.serve.slack.looking import checks

    yield from asyncio.run(checks(lineside))


async def _sources(lineside: Lineside) -> list[Check]:
    found = []
    for name, (source, _) in lineside.connectors().items():
        found += [replace(check, name=f"source {name}: {check.name}") for check in await source.check()]
    return found
