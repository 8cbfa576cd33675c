"""Exceptions over HTTP and from the command line: who sees them, who may move them, and that they are kept current."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.journeys.conftest import event, lineside, write
from tests.serve.conftest import PLANT, Served

from lineside.cases import Cases, run
from lineside.memory import leases
from lineside.serve.case_watch import NAME, CaseWatch

LINE = "brunnthal/abfuellung/linie-7"


def stop(served: Served, kind: str = "stop", number: int = 1, minutes: int = 5) -> None:
    when = (served.lineside.clock() - timedelta(minutes=minutes)).isoformat()
    served.tell(
        {"specversion": "1.0", "id": f"case-{kind}-{number}", "source": "bde", "type": "lineside.event", "time": when,
         "data": {"kind": kind, "equipment": LINE, "attributes": {"reason": "Etikett gerissen"}}}
    )  # fmt: skip


def test_a_stop_is_listed_told_whole_and_moved_by_who_has_the_right(served: Served) -> None:
    stop(served)
    run(served.lineside.memory)
    with served.client("planer-3") as planner, served.client("qs-1") as quality:
        (row,) = [c for c in planner.get("/api/v1/cases").json()["cases"] if "Etikett" in c["title"]]
        whole = planner.get(f"/api/v1/cases/{row['id']}").json()
        moved = planner.post(f"/api/v1/cases/{row['id']}/acknowledge", json={})
        refused = quality.post(f"/api/v1/cases/{row['id']}/withdraw", json={"why": "kein Stillstand"})
        empty = planner.post(f"/api/v1/cases/{row['id']}/withdraw", json={})
        unknown = planner.post(f"/api/v1/cases/{row['id']}/close", json={"why": "fertig"})
        missing = planner.get("/api/v1/cases/EXC-99")

    assert (row["title"], row["state"], row["place"]) == ("Linie 7 stands still: Etikett gerissen", "new", LINE)
    assert [e["part"] for e in whole["evidence"]] == ["opened"]
    assert (whole["closes_when"][0], whole["story"][0]["move"]) == ("over", "open")
    assert (moved.status_code, moved.json()["state"]) == (200, "acknowledged")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (empty.status_code, unknown.status_code, missing.status_code) == (400, 400, 404)


def test_a_person_reports_one_and_it_is_told_as_it_stood_before(served: Served) -> None:
    before = served.lineside.clock().isoformat()
    with served.client("planer-3") as planner:
        made = planner.post("/api/v1/cases", json={"title": "Palette blockiert den Notausgang", "place": LINE})
        listed = planner.get("/api/v1/cases", params={"class": "reported"}).json()["cases"]
        then = planner.get("/api/v1/cases", params={"class": "reported", "at": before}).json()["cases"]
        wrong = planner.get("/api/v1/cases", params={"class": "weather"})

    assert (made.status_code, made.json()["opened_by"]) == (201, "planer-3")
    assert [c["id"] for c in listed] == [made.json()["id"]]
    assert then == []
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_request")


def test_what_is_remembered_is_a_case_soon_after_and_only_one_process_looks(served: Served) -> None:
    first, second = CaseWatch(served.lineside), CaseWatch(served.lineside)
    first.step()
    stop(served, number=2)
    assert second.step() is False
    assert [c for c in Cases(served.lineside.memory).list() if "Etikett" in c.title] == []
    first.step()
    (case,) = [c for c in Cases(served.lineside.memory).list() if "Etikett" in c.title]
    assert case.is_open
    stop(served, "start", number=2, minutes=1)
    first.leave()
    second.step()

    assert not Cases(served.lineside.memory).show(case.number).is_open
    second.leave()
    with served.lineside.memory.read() as connection:
        assert leases.holding(connection, NAME) is None


def test_asking_what_is_open_tells_whose_it_is_and_cites_what_opened_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "plant.toml").write_text(PLANT, encoding="utf-8")
    about = {"kind": "hold_placed", "lot": "CH-9", "hold": "S-3", "attributes": {"reason": "Keime"}}
    told = [event("e1", "event", "2026-03-02T06:00:00+01:00", about, "labor")]
    lineside("--home", home, "import", write(tmp_path / "told.jsonl", told))
    done = lineside("--home", home, "cases", "run", "--json").json
    listed = lineside("--home", home, "cases", "list", "--json").json
    answer = lineside("--home", home, "ask", "Which exceptions are open and who owns them?", "--json").json
    story = lineside("--home", home, "ask", "Tell me about EXC-1", "--json").json
    mine, again = (lineside("--home", home, "cases", "mine", "--as", "qs-1", "--json").json for _ in range(2))
    moved = lineside("--home", home, "cases", "resolve", "EXC-1", "--as", "qs-1", "--why", "nachgeprüft")

    (hold,) = [c for c in listed if c["class"] == "quality_hold"]
    assert hold["id"] in done["opened"]
    assert (hold["id"], hold["subject"], hold["owner"]) == ("EXC-1", "lot:CH-9", "qs-1")
    assert any("EXC-1" in claim["text"] and "qs-1" in claim["text"] for claim in answer["claims"])
    assert {c["source_id"] for c in answer["citations"]} == {"e1"}
    assert story["verdict"].startswith("EXC-1: Hold S-3 on CH-9: Keime")
    assert [n["text"][:18] for n in mine["notices"] if n["case"] == "EXC-1"] == ["EXC-1 is yours: Ho"]
    assert again["notices"] == []
    assert "EXC-1" in {c["id"] for c in again["cases"]}
    assert moved.out.startswith("EXC-1 is resolved; qs-1 has it")
