"""Questions asked of plants and scored by code: of plants written by hand, and of the demo plant over several seeds."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from lineside.app import Lineside, open_lineside
from lineside.errors import NotPermitted
from lineside.serve.asking import ask_once
from lineside.serve.importing import import_file
from lineside.simulator.simulation import Simulation

PLANTS = Path(__file__).parent / "plants"


@dataclass(slots=True)
class Scored:
    """One case: what was wrong with its answer; nothing, where it was right."""

    case: str
    question: str
    wrong: list[str] = field(default_factory=list)
    answer: str = ""


def score_plant(folder: Path) -> list[Scored]:
    """Every question of `folder/questions.yaml`, asked of a fresh memory of its records."""
    asked = yaml.safe_load((folder / "questions.yaml").read_text(encoding="utf-8"))
    with _remembered((folder / "plant.toml").read_text(encoding="utf-8"), folder / "records.jsonl") as lineside:
        return [_score(lineside, case, now=str(asked["now"])) for case in asked["questions"]]


def score_seed(seed: int, *, days: int = 30) -> list[Scored]:
    """The questions that the simulator's truth answers, on a demo plant of that seed."""
    simulation = Simulation(seed, days)
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records.jsonl"
        records.write_text(
            "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in simulation.open_records()),
            encoding="utf-8",
        )
        with _remembered(simulation.plant_toml(), records) as lineside:
            asked: list[dict[str, Any]] = simulation.truth()["questions"]  # type: ignore[assignment]
            return [
                _score(
                    lineside,
                    {
                        "id": f"{place}-{question['kind']}",
                        "ask": question["text"],
                        "says": question["says"],
                        "cites_any": question["cites"],
                        "abstained": question["abstains"],
                        "window": {k: v for k, v in (question["window"] or {}).items() if k in ("from", "to")},
                    },
                    now=simulation.now.isoformat(),
                )
                for place, question in enumerate(asked)
            ]


@contextmanager
def _remembered(plant_toml: str, records: Path) -> Iterator[Lineside]:
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "plant.toml").write_text(plant_toml, encoding="utf-8")
        lineside = open_lineside(Path(home))
        try:
            imported = import_file(lineside, records, quiet=True)
            if imported.dead:
                raise ValueError(f"{records}: {imported.dead[0]}")
            lineside.memory.index_pending()
            yield lineside
        finally:
            lineside.close()


def _score(lineside: Lineside, case: dict[str, Any], *, now: str) -> Scored:
    scored = Scored(case=case["id"], question=case["ask"])
    at = datetime.fromisoformat(str(case.get("at", now)))
    try:
        person = lineside.person(case["as"]) if "as" in case else None
    except NotPermitted as error:
        scored.answer = error.message
        scored.wrong += [] if case.get("refused") else ["was refused"]
        return scored
    answer = asyncio.run(ask_once(lineside, case["ask"], at=at, person=person)).to_json()
    scored.answer = str(answer["answer"])
    scored.wrong += _wrong(case, answer)
    return scored


def _wrong(case: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    text = str(answer["answer"]).casefold()
    cited = {cite["source_id"] for cite in answer["citations"]}
    cited |= {f"{cite['source']}:{cite['source_id']}" for cite in answer["citations"]}
    for wanted in case.get("says", ()):
        either = wanted if isinstance(wanted, list) else [wanted]
        if not any(one.casefold() in text for one in either):
            yield f"does not say {' or '.join(either)}"
    yield from (f"says {one}" for one in case.get("never", ()) if one.casefold() in text)
    yield from (f"does not cite {one}" for one in case.get("cites", ()) if one not in cited)
    if case.get("cites_any") and not cited & set(case["cites_any"]):
        yield f"cites none of {', '.join(case['cites_any'])}"
    if case.get("abstained", False) not in ("either", answer["abstained"]):
        yield "abstained" if answer["abstained"] else "did not abstain"
    if case.get("refused"):
        yield "was answered"
    for bound, wanted in case.get("window", {}).items():
        found = answer["window"][bound]
        if found is None or datetime.fromisoformat(found) != datetime.fromisoformat(wanted):
            yield f"window {bound} is {found}"
    numbers = {cite["n"] for cite in answer["citations"]}
    for claim in answer["claims"]:
        if not claim["citations"] or not set(claim["citations"]) <= numbers:
            yield f"a claim without a citation: {claim['text']}"


def main() -> int:
    """python -m evals.cases [PLANT or SEED ...]: every wrong answer, and the share right of each."""
    chosen = sys.argv[1:] or [*sorted(path.parent.name for path in PLANTS.glob("*/questions.yaml")), "3", "4", "5"]
    for name in chosen:
        scored = score_seed(int(name)) if name.isdigit() else score_plant(PLANTS / name)
        for one in scored:
            if one.wrong:
                print(f"--- {one.case}: {one.question}\n    {'; '.join(one.wrong)}\n{one.answer}\n")
        print(f"{name}: {sum(not one.wrong for one in scored)} of {len(scored)} right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
