"""Questions of a plant, asked and scored by code. Run: python -m evals.cases [PLANT ...]"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import copy
from typing import Any

import yaml

from lineside.app import Lineside, open_lineside
from lineside.errors import NotPermitted
from lineside.serve.asking import ask_once
from lineside.serve.importing import import_file

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
    with tempfile.TemporaryDirectory() as home:
        copy(folder / "plant.toml", home)
        lineside = open_lineside(Path(home))
        try:
            imported = import_file(lineside, folder / "records.jsonl", quiet=True)
            if imported.dead:
                raise ValueError(f"{folder}: {imported.dead[0]}")
            lineside.memory.index_pending()
            asked = yaml.safe_load((folder / "questions.yaml").read_text(encoding="utf-8"))
            return [_score(lineside, case, now=str(asked["now"])) for case in asked["questions"]]
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
    text = scored.answer = str(answer["answer"])
    cited = {cite["source_id"] for cite in answer["citations"]}
    for wanted in case.get("says", ()):
        either = wanted if isinstance(wanted, list) else [wanted]
        if not any(one.casefold() in text.casefold() for one in either):
            scored.wrong.append(f"does not say {' or '.join(either)}")
    scored.wrong += [f"says {one}" for one in case.get("never", ()) if one.casefold() in text.casefold()]
    scored.wrong += [f"does not cite {one}" for one in case.get("cites", ()) if one not in cited]
    if bool(answer["abstained"]) != bool(case.get("abstained", False)):
        scored.wrong.append("abstained" if answer["abstained"] else "did not abstain")
    if case.get("refused"):
        scored.wrong.append("was answered")
    for bound, wanted in case.get("window", {}).items():
        if answer["window"][bound] is None or datetime.fromisoformat(answer["window"][bound]) != datetime.fromisoformat(
            wanted
        ):
            scored.wrong.append(f"window {bound} is {answer['window'][bound]}")
    return scored


def main() -> int:
    """Prints every wrong answer and the share right of each plant; exit 1 where one is below its floor."""
    chosen = [PLANTS / name for name in sys.argv[1:]] or sorted(path.parent for path in PLANTS.glob("*/questions.yaml"))
    for folder in chosen:
        scored = score_plant(folder)
        for one in scored:
            if one.wrong:
                print(f"--- {one.case}: {one.question}\n    {'; '.join(one.wrong)}\n{one.answer}\n")
        print(f"{folder.name}: {sum(not one.wrong for one in scored)} of {len(scored)} right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
