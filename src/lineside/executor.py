"""The process that alone holds the credentials of targets: what was approved is carried out, and seen to come back.

Nothing else imports what writes outside. It reads the same home, and shares only the database with the others.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

import structlog

from lineside.actions.at_work import AtWork
from lineside.actions.executors.writing import writers
from lineside.app import Lineside, collect_seldom, open_lineside
from lineside.errors import LinesideError
from lineside.settings import load_settings

log = structlog.get_logger()

PAUSE_S = 1.0


def work(home: Path, *, once: bool = False, stop: threading.Event | None = None) -> None:
    """Approved actions were carried out until `stop` is set, or once; not while another executor lives.

    Raises SetupError, mostly BadSettings where a credential can't be read.
    """
    lineside, stop = open_lineside(home), stop or threading.Event()
    try:
        _work(lineside, stop, once=once)
    finally:
        lineside.close()


def _work(lineside: Lineside, stop: threading.Event, *, once: bool) -> None:
    targets = load_settings(lineside.home, credentials=True).targets
    ledger = lineside.ledger_over(writers(targets.items(), lineside.home, lineside.clock))
    place = AtWork(lineside.memory)
    failing = False
    try:
        while not stop.is_set():
            try:
                if place.mine():
                    ledger.execute_due()
                    ledger.verify_due()
                failing = False
            except LinesideError as error:
                if once:
                    raise
                if not failing:
                    log.warning("executor_failed", code=error.code, reason=error.message)
                failing = True
            if once:
                break
            stop.wait(PAUSE_S * (10 if failing else 1))
    finally:
        place.leave()


def told_to_stop(*, with_parent: bool = False) -> threading.Event:
    """Set once a signal says so; with_parent: or once standard input closes. What was begun is finished first."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    if with_parent:
        threading.Thread(target=_outlive_nobody, args=(stop,), daemon=True).start()
    return stop


def _outlive_nobody(stop: threading.Event) -> None:
    """A parent that is killed can tell nobody, but its end of the pipe closes."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def main() -> int:
    """As whoever started it wants it: until that one ends, or once."""
    options = argparse.ArgumentParser(prog="python -m lineside.executor")
    options.add_argument("home", type=Path)
    options.add_argument("--once", action="store_true")
    chosen = options.parse_args()
    collect_seldom()
    try:
        work(chosen.home, once=chosen.once, stop=None if chosen.once else told_to_stop(with_parent=True))
    except LinesideError as error:
        sys.stderr.write(f"lineside executor: {error.message} [{error.code}]\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
