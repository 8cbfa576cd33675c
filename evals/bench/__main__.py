"""python -m evals.bench [questions] [large] [sources] [readings] [--quick] [--json FILE]

Without a part: questions and large.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from evals.bench import kinds, sources

PARTS = ("questions", "large", "sources", "readings")


def main() -> int:
    """Prints the figures; exit 0 whatever they are: they are read, not asserted."""
    chosen = _options()
    figures: dict[str, object] = {}
    for part in chosen.parts or PARTS[:2]:
        if part == "questions":
            from evals.bench import questions

            figures |= _shown(questions.measure(chosen.seed, chosen.days).items())
        elif part == "large" and chosen.large:
            from evals.bench import large

            figures |= _shown(large.measure(chosen.seed, chosen.days, chosen.large).items())
        elif part == "readings":
            from evals.bench import readings

            figures |= _shown(readings.measure(chosen.seed, chosen.records, chosen.home))
        elif part == "sources":
            wanted = chosen.kind or list(kinds.KINDS)
            figures["sources"] = [
                sources.shown(each) for each in sources.measure(wanted, chosen.rows, quick=chosen.quick)
            ]
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    options.add_argument("parts", nargs="*", choices=PARTS, help="what is measured (questions and large)")
    options.add_argument("--seed", type=int, default=3)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--large", type=int, default=100_000, help="records of the long history; 0 leaves it out")
    options.add_argument("--records", type=int, default=1_000_000, help="records that readings are timed over")
    options.add_argument("--home", type=Path, help="where that history is kept for the next run (nowhere)")
    options.add_argument("--kind", action="append", choices=kinds.KINDS, help="of the sources only these (all)")
    options.add_argument("--rows", type=int, help="of each source (100,000; of OPC UA 1,000,000)")
    options.add_argument("--quick", action="store_true", help="small: does it run at all?")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if chosen.quick:
        chosen.days, chosen.large = min(chosen.days, 14), min(chosen.large, 5_000)
        chosen.records = min(chosen.records, 30_000)
    return chosen


def _shown(figures: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Each figure is printed as soon as it is known."""
    shown: dict[str, object] = {}
    for name, value in figures:
        print(f"{name:32} {value}", flush=True)
        shown[name] = value
    return shown


if __name__ == "__main__":
    sys.exit(main())
