"""One record, one question and one action, on plants that are not the demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.journeys.conftest import (
    ALPSEE_NOW,
    SAWMILL_NOW,
    ask,
    cited,
    event,
    lineside,
    quality_system,
    sawmill_records,
    write,
)

from lineside.app import open_lineside

QUESTION = "What is the status of lot PK-310?"
HOLD = "Put lot PK-310 on hold because the moisture sample reads 24 %"


def armed(home: Path, qms: str, *, clock: str = "") -> None:
    (home / "lineside.toml").write_text(
        f'{clock}\n[targets.lims]\nurl = "{qms}"\ntoken = "write-token"\n', encoding="utf-8"
    )
    for person in ("grader-1", "lab-1"):
        ran = lineside("--home", home, "targets", "arm", "lims", "--as", person, "--reason", "holds go out from here")
        assert ran.code == 0, ran.err


def proposed(home: Path, *more: str) -> dict[str, object]:
    ran = lineside("--home", home, "ask", HOLD, "--as", "grader-1", "--json", *more)
    assert ran.code == 0, ran.err
    (proposal,) = ran.json["proposals"]
    shown: dict[str, object] = lineside("--home", home, "proposals", "show", proposal["id"], "--json").json
    return shown


def test_a_record_is_found_by_its_own_id_and_quoted_as_it_was_written(sawmill: Path) -> None:
    answer = ask(sawmill, QUESTION, SAWMILL_NOW)

    assert cited(answer) == {"li-1"}
    assert "420" in answer["answer"]
    (cite,) = answer["citations"]
    record = open_lineside(sawmill)
    try:
        kept = record.memory.view().record(cite["record_id"])
    finally:
        record.close()
    assert kept is not None
    assert kept.provenance.source_id == "li-1"


def test_a_german_plant_answers_an_english_question_from_its_own_records(alpsee: Path) -> None:
    answer = ask(alpsee, "Why is line 2 behind?", ALPSEE_NOW)

    assert "Folienriss" in answer["answer"]
    assert {"s-1", "s-3"} <= cited(answer)


def test_what_is_not_in_the_memory_is_not_answered(sawmill: Path, alpsee: Path) -> None:
    for home, now in ((sawmill, SAWMILL_NOW), (alpsee, ALPSEE_NOW)):
        answer = ask(home, "Can sales order ZZ-40771 ship?", now)

        assert answer["abstained"]
        assert answer["claims"] == []
        assert answer["missing"]


def test_a_hold_is_proposed_approved_executed_and_verified(sawmill: Path, tmp_path: Path) -> None:
    with quality_system() as qms:
        httpx.post(f"{qms}/test/reset", json={"lots": {"PK-310": "unrestricted"}}, trust_env=False)
        armed(sawmill, qms)
        proposal = proposed(sawmill)
        name, digest = str(proposal["id"]), str(proposal["digest"])

        def approve(who: str, *more: str) -> tuple[int, str]:
            ran = lineside("--home", sawmill, "proposals", "approve", name, "--as", who, *more)
            return ran.code, ran.err + ran.out

        def placed() -> int:
            return len(httpx.get(f"{qms}/test/state", trust_env=False).json()["placed"])

        assert approve("lab-1", "--yes") == (
            2, f"lineside: --yes approves unseen: add the --digest that `lineside proposals show {name}` prints\n",
        )  # fmt: skip
        assert approve("grader-1", "--yes", "--digest", digest)[0] == 1
        assert approve("visitor-1", "--yes", "--digest", digest)[0] == 1
        assert approve("lab-1", "--yes", "--digest", "0" * len(digest))[0] == 1
        assert placed() == 0

        code, said = approve("lab-1", "--yes", "--digest", digest)
        assert (code, f"{name} is executed" in said) == (0, True), said
        assert approve("lab-1", "--yes", "--digest", digest)[0] == 1
        assert placed() == 1

        now = open_lineside(sawmill).clock().isoformat()
        back = [
            event("li-2", "report", now, {"entity": "hold:H-1", "properties": {
                "subject": "lot:PK-310", "status": "active", "reason": "moisture", "proposal": name}}, "lims"),
            event("li-3", "report", now, {"entity": "lot:PK-310", "properties": {"quality_status": "blocked"}}, "lims"),
        ]  # fmt: skip
        assert lineside("--home", sawmill, "import", write(tmp_path / "back.jsonl", back)).code == 0
        opened = open_lineside(sawmill)
        try:
            assert [step.state.value for step in opened.ledger.verify_due()] == ["verified"]
        finally:
            opened.close()

    shown = lineside("--home", sawmill, "proposals", "show", name, "--json").json
    assert (shown["state"], len(shown["story"])) == ("verified", 5)
    listed = lineside("--home", sawmill, "proposals", "list", "--state", "verified", "--json").json
    assert [each["id"] for each in listed] == [name]
    assert lineside("--home", sawmill, "proposals", "list", "--state", "happy").code == 2
    assert lineside("--home", sawmill, "audit", "verify", "--json").json == {"ok": True, "entries": 7, "problems": []}
    later = lineside("--home", sawmill, "ask", "Why is lot PK-310 on hold?", "--json").json
    assert "moisture" in later["answer"]


def test_a_rejected_hold_touches_nothing(sawmill: Path) -> None:
    with quality_system() as qms:
        httpx.post(f"{qms}/test/reset", json={"lots": {"PK-310": "unrestricted"}}, trust_env=False)
        armed(sawmill, qms)
        name = str(proposed(sawmill)["id"])
        refused = lineside("--home", sawmill, "proposals", "reject", name, "--as", "lab-1", "--reason", "resampled")
        again = lineside("--home", sawmill, "proposals", "reject", name, "--as", "lab-1", "--reason", "resampled")
        state = httpx.get(f"{qms}/test/state", trust_env=False).json()

    assert (refused.code, again.code) == (0, 1)
    assert "write" not in state["calls"]
    assert lineside("--home", sawmill, "proposals", "show", name, "--json").json["state"] == "rejected"


def test_without_an_armed_target_an_approved_hold_is_not_carried_out(sawmill: Path) -> None:
    proposal = proposed(sawmill)
    words = ("--yes", "--digest", str(proposal["digest"]))
    lineside("--home", sawmill, "proposals", "approve", str(proposal["id"]), "--as", "lab-1", *words)
    shown = lineside("--home", sawmill, "proposals", "show", str(proposal["id"]), "--json").json

    assert shown["state"] not in ("executing", "executed", "verified")


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE audit_entries SET content = CAST(replace(CAST(content AS TEXT), 'lab-1', 'lab-2') AS BLOB)",
        "DELETE FROM audit_entries WHERE seq = (SELECT max(seq) FROM audit_entries)",
    ],
)
def test_a_tampered_ledger_is_found(sawmill: Path, tmp_path: Path, tamper: str) -> None:
    import sqlite3
    from contextlib import closing

    head = tmp_path / "head.json"
    assert lineside("--home", sawmill, "audit", "export", head).code == 1
    with quality_system() as qms:
        httpx.post(f"{qms}/test/reset", json={"lots": {"PK-310": "unrestricted"}}, trust_env=False)
        armed(sawmill, qms)
        name = str(proposed(sawmill)["id"])
    assert lineside("--home", sawmill, "proposals", "reject", name, "--as", "lab-1", "--reason", "resampled").code == 0
    assert lineside("--home", sawmill, "audit", "export", head).code == 0
    assert lineside("--home", sawmill, "audit", "verify", "--head", head).code == 0

    with closing(sqlite3.connect(sawmill / "lineside.db")) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        assert connection.execute(tamper).rowcount > 0
        connection.commit()

    found = lineside("--home", sawmill, "audit", "verify", "--head", head, "--json")
    assert found.code == 1
    assert not found.json["ok"]
    assert found.json["problems"]
    head.write_text(json.dumps(["not a head"]), encoding="utf-8")
    assert lineside("--home", sawmill, "audit", "verify", "--head", head).code == 2


def test_the_same_records_in_any_order_give_the_same_answer(tmp_path: Path, sawmill: Path) -> None:
    other = tmp_path / "reversed"
    other.mkdir()
    (other / "plant.toml").write_bytes((sawmill / "plant.toml").read_bytes())
    assert lineside("--home", other, "import", write(tmp_path / "r.jsonl", reversed(sawmill_records()))).code == 0

    told: Callable[[Path], object] = lambda home: [  # noqa: E731
        (claim["text"], claim["kind"]) for claim in ask(home, "Why is Kiln 2 behind?", SAWMILL_NOW)["claims"]
    ]
    assert told(other) == told(sawmill)
