"""The demonstration: a simulated plant in its own process, and the product reading it over the network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from lineside.app import Lineside, open_lineside
from lineside.errors import BadRequest, LinesideError, SetupError
from lineside.interpretation.reading import clock
from lineside.serve.executing import beside

MARKER = ".lineside-demo"
READY_WITHIN_S = 240.0
VERIFIED_WITHIN_S = 60.0
LOOK_AGAIN_S = 0.2
UNDER_WAY = ("approved", "executing", "unknown", "executed")
STREAMED_S = 2.0  # what a stream shows at first; the rest comes while the product runs


@dataclass(frozen=True, slots=True)
class DemoPlant:
    """A running simulator: what it printed of itself, and the configuration that it left in its folder."""

    folder: Path
    questions: tuple[str, ...]
    hold_question: str
    proposer: str
    approver: str
    heads: tuple[str, ...]


async def demonstrate(home: Path, *, once: bool, seed: int, days: int, port: int) -> None:
    """The demo plant runs, its history is read, and questions are answered; with `once` it ends by itself.

    Raises BadRequest where `home` holds something that is not a demonstration.
    """
    began = time.monotonic()
    _clear(home)
    _say(began, f"Starting the demo plant (seed {seed}, {days} days of history)")
    async with _simulated(home / "simulated", seed=seed, days=days) as plant:
        shutil.copy(plant.folder / "plant.toml", home)
        settings = 'sign_in = "chooser"\n' + (plant.folder / "lineside.toml").read_text(encoding="utf-8")
        (home / "lineside.toml").write_text(settings, encoding="utf-8")
        lineside = open_lineside(home)
        try:
            await _read_everything(lineside, began, at_rest=once)
            now = clock(lineside.clock(), lineside.plant, day=True)
            _say(
                began, f"Ready. The plant's clock reads {now}; answers come from the {lineside.answerer.name} answerer"
            )
            _arm(lineside, plant)
            if once:
                async with beside(lineside):
                    await _ask_and_act(lineside, plant)
            else:
                await _serve(lineside, plant, port, began)
        finally:
            lineside.close()


def _clear(home: Path) -> None:
    """A demonstration starts anew: its plant's clock does too, so an older one's records would be of the future."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise BadRequest(f"{home} holds something that is not a demonstration; choose another --home")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text("made by lineside demo; cleared at its next start\n", encoding="utf-8")


@contextlib.asynccontextmanager
async def _simulated(folder: Path, *, seed: int, days: int) -> AsyncIterator[DemoPlant]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lineside.simulator", "--dir", str(folder), "--seed", str(seed), "--days", str(days),
        "--with-parent", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    if process.stdout is None:
        raise SetupError("the simulator gave no output to read its addresses from")
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
        except TimeoutError:
            raise SetupError(f"the demo plant was not ready within {READY_WITHIN_S:.0f} s") from None
        if not line:
            raise SetupError(f"the demo plant ended before it was ready (exit code {await process.wait()})")
        said = json.loads(line)
        yield DemoPlant(
            folder=folder,
            questions=tuple(said["questions"]),
            hold_question=said["hold_question"],
            proposer=said["proposer"],
            approver=said["approver"],
            heads=tuple(said["heads"]),
        )
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(ProcessLookupError):
                await process.wait()


async def _read_everything(lineside: Lineside, began: float, *, at_rest: bool) -> None:
    """Every source is read up to now. at_rest: its passages have their vectors too."""
    from lineside.memory.intake import catch_up
    from lineside.serve.running import INDEXED_AT_ONCE, finish

    for name, (source, _) in lineside.connectors().items():
        _say(began, f"Reading {name} ...")
        outcome = await catch_up(lineside.memory, source, longest_s=STREAMED_S if lineside.streams(name) else None)
        _say(
            began,
            f"Read {name}: {outcome.received} messages = {outcome.recorded} recorded + {outcome.known} known"
            f" + {outcome.dead_lettered} dead-lettered",
        )
    waiting = lineside.memory.index_lag()
    if not at_rest:
        _say(began, f"Indexing {waiting} passages in the background; until then they are found by their words and ids")
        return
    _say(began, f"Indexing {waiting} passages ...")
    while await finish(partial(lineside.memory.index_pending, most=INDEXED_AT_ONCE)):
        pass
    _say(began, f"Indexed {waiting} passages")


def _arm(lineside: Lineside, plant: DemoPlant) -> None:
    """Two people of the plant let its systems be written to; as installed, nothing can be."""
    for target in lineside.ledger.targets:
        for head in plant.heads:
            lineside.ledger.arm(target, lineside.person(head), "the demonstration writes to a simulated plant")
        typer.echo(f"{' and '.join(plant.heads)} arm {target}; `lineside targets stop {target}` ends that in one move")


async def _ask_and_act(lineside: Lineside, plant: DemoPlant) -> None:
    from lineside.serve.asking import ask_once
    from lineside.serve.cards import audit_words, told
    from lineside.serve.terminal import print_answer

    for question in plant.questions:
        typer.echo(f"\n? {question}")
        answer = await ask_once(lineside, question, at=lineside.clock(), person=lineside.person(plant.proposer))
        print_answer(answer.to_json())
    proposer, approver = lineside.person(plant.proposer), lineside.person(plant.approver)
    typer.echo(f"\n? {plant.hold_question}")
    answer = await ask_once(lineside, plant.hold_question, at=lineside.clock(), person=proposer)
    print_answer(answer.to_json())
    if not answer.proposals:
        raise LinesideError("the assistant proposed no hold; see its answer above")
    proposal = lineside.ledger.show(str(answer.proposals[0]["id"]))
    typer.echo(f"\n{approver.id} approves {proposal.id} with the digest that was shown")
    lineside.ledger.approve(proposal.id, approver=approver, digest=proposal.digest, channel="cli")
    await _see_it_come_back(lineside, proposal.id)
    for line in told(lineside, proposal.id):
        typer.echo(f"  {line}")
    found = lineside.ledger.audit_verify()
    typer.echo(audit_words(found))
    if not found.ok:
        raise LinesideError("the audit chain is broken; see above")


async def _see_it_come_back(lineside: Lineside, proposal: str) -> None:
    """The executor carries it out, and the effect is verified through ingest, another way than it was written."""
    from lineside.memory.intake import catch_up

    deadline = time.monotonic() + VERIFIED_WITHIN_S
    sources = {target.source or name for name, target in lineside.settings.targets.items()}
    while lineside.ledger.show(proposal).state in UNDER_WAY and time.monotonic() < deadline:
        for name, (source, _) in lineside.connectors().items():
            if name in sources:
                await catch_up(lineside.memory, source)
        await asyncio.sleep(LOOK_AGAIN_S)
    state = lineside.ledger.show(proposal).state
    typer.echo(f"{proposal} is {state}")
    if state != "verified":
        raise LinesideError(f"{proposal} did not come back through ingest within {VERIFIED_WITHIN_S:.0f} s: {state}")


async def _serve(lineside: Lineside, plant: DemoPlant, port: int, began: float) -> None:
    from lineside.serve.running import run

    def announce(address: str) -> None:
        typer.echo(f"\nLineside answers at {address}   (Ctrl-C ends it)")
        typer.echo(f"Sign in as {plant.proposer} to ask, as {plant.approver} to approve. Try:")
        for question in (*plant.questions, plant.hold_question):
            typer.echo(f"  {question}")

    told = False

    def indexed(new: int) -> None:
        nonlocal told
        if not told:  # afterwards a handful every few seconds
            _say(began, f"Indexed {new} passages; everything is now found by its meaning too")
        told = True

    await run(lineside, parts={"web", "ingest", "actions"}, port=port, ready=announce, indexed=indexed)


def _say(began: float, text: str) -> None:
    typer.echo(f"[{time.monotonic() - began:5.1f} s] {text}")
    sys.stdout.flush()  # into a pipe or a log too
