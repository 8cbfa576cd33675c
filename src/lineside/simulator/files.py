"""The systems that are only files: the staging tracker (xlsx) and the folder of notes, mails and decisions (jsonl)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lineside.plant.records import RecordType
from lineside.simulator.facts import FIRST_NUMBER, Fact
from lineside.simulator.hours import ZONE
from lineside.simulator.world import World

HEADER: Final = ("No.", "Date", "Time", "Line", "Job order", "Material", "Qty", "Unit", "Remark", "Pallets")
TITLE: Final = "Line-side staging (please fill in before the changeover!)"


def write_tracker(path: Path, world: World, facts: Sequence[Fact]) -> None:
    """The tracker as people keep it: a title, merged group headings, numbers with leading zeros, a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    sheet: Any = book.active  # openpyxl's own types allow a book without sheets
    sheet.title = "Staging"
    sheet["A1"] = TITLE
    sheet["A1"].font = Font(bold=True)
    sheet.merge_cells("A1:J1")
    for first, last, title in (("B", "C", "When"), ("D", "E", "Where"), ("F", "H", "What")):
        sheet[f"{first}3"] = title
        sheet.merge_cells(f"{first}3:{last}3")
    sheet.append(HEADER)
    called = {line.id: line.name for line in world.lines}
    for fact in facts:
        if fact.source != "tracker":
            continue
        number = int(fact.id.partition("/")[2]) - FIRST_NUMBER
        attributes = fact.data["attributes"]
        if not isinstance(attributes, dict):
            raise TypeError(f"{fact.id} has no attributes")
        at = fact.occurred_at.astimezone(ZONE)
        row = sheet.max_row + 1
        sheet.append((
            f"{number:06d}", at.strftime("%Y-%m-%d"), at.strftime("%H:%M"), called[str(fact.data["equipment"])],
            fact.data["job_order"], fact.data["material"], attributes["quantity"], attributes["unit"],
            fact.data.get("text", ""), f"=ROUNDUP(G{row}/1000,0)",
        ))  # fmt: skip
    whole = path.with_suffix(".part")
    book.save(whole)
    said = [fact.said_at.timestamp() for fact in facts if fact.source == "tracker"]
    if said:  # the file's own time is all that tells readers when the tracker last spoke
        os.utime(whole, (said[-1], said[-1]))
    whole.replace(path)


class TrackerFile:
    """The tracker, saved anew whenever somebody wrote into it; there from the start."""

    def __init__(self, path: Path, world: World) -> None:
        self._path, self._world = path, world
        self._facts: list[Fact] = []
        write_tracker(path, world, ())

    def take(self, facts: Sequence[Fact]) -> None:
        new = [fact for fact in facts if fact.source == "tracker"]
        self._facts += new
        if new:
            write_tracker(self._path, self._world, self._facts)


class NotesFolder:
    """One jsonl file a month in the open record format, appended to as people write.

    MES sends its corrections and deletions here too: its views only ever grow.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.jsonl"):
            old.unlink()

    def take(self, facts: Sequence[Fact]) -> None:
        by_file: dict[Path, list[str]] = {}
        for fact in facts:
            if fact.source == "notes" or fact.type in (RecordType.CORRECTION, RecordType.DELETION):
                name = f"{fact.source}-{fact.said_at.astimezone(ZONE):%Y-%m}.jsonl"
                line = json.dumps(fact.cloud_event(), ensure_ascii=False)
                by_file.setdefault(self._folder / name, []).append(line + "\n")
        for path, lines in by_file.items():
            with path.open("a", encoding="utf-8") as file:
                file.writelines(lines)
