"""Handovers over HTTP, from the command line, on a page and for Slack: drafted, signed off, acknowledged by who may."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.journeys.conftest import event, lineside, write
from tests.serve.conftest import Served

LINE = "brunnthal/abfuellung/linie-7"
PLANT = """
site = "hof"
name = "Kelterei Hof"
time_zone = "Europe/Berlin"
[[equipment]]
id = "hof/presse/band-1"
name = "Band 1"
aliases = ["das Band"]
[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"
[[shifts]]
name = "spät"
start = "14:00"
end = "22:00"
[[people]]
id = "vera"
roles = ["Schichtleitung"]
sites = ["hof"]
[[people]]
id = "till"
roles = ["Vorarbeiter"]
sites = ["hof"]
[[people]]
id = "aushilfe"
roles = ["Presse"]
sites = ["hof"]
"""


@pytest.fixture
def pressing(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "plant.toml").write_text(PLANT, encoding="utf-8")
    stop = {"kind": "stop", "equipment": "hof/presse/band-1", "attributes": {"reason": "Band schief"}}
    told = [
        event("e1", "event", "2026-03-03T09:00:00+01:00", stop, "leitstand"),
        event("e2", "note", "2026-03-03T10:00:00+01:00", {"text": "Achtung <!channel> Rutschgefahr am Band"}, "buch"),
    ]
    lineside("--home", folder, "import", write(tmp_path / "told.jsonl", told))
    return folder


def test_a_shift_is_handed_over_on_the_command_line(pressing: Path) -> None:
    asked = ("--home", pressing, "handover", "--shift", "2026-03-03-früh")
    draft = lineside(*asked, "--json").json
    text, slack = lineside(*asked).out, lineside(*asked, "--slack").out
    added = lineside(*asked, "add", "Zulauf bei 40 % lassen", "--section", "do not change", "--as", "aushilfe").out
    signed = lineside(*asked, "sign", "--as", "vera").out
    whole = lineside(*asked, "--json").json
    ids = [item["id"] for part in whole["sections"] for item in part["items"]]
    done = lineside(*asked, "acknowledge", *ids, "--as", "till").out
    after = lineside(*asked, "--equipment", "das Band", "--json").json

    assert [part["section"] for part in draft["sections"]][:2] == ["safety", "new"]
    assert "Handover of früh 2026-03-03\nA draft" in text
    assert "<!channel>" in text
    assert ("*Handover of früh 2026-03-03*" in slack, "&lt;!channel&gt;" in slack, "<!" in slack) == (True, True, False)
    assert added.strip().endswith("stands in the handover of früh 2026-03-03")
    assert "is signed off; " in signed
    assert whole["waiting"] == len(ids)
    assert done.strip().endswith("0 to go")
    assert (after["equipment"], after["signed_by"]) == ("hof/presse/band-1", None)


def test_what_is_asked_for_wrongly_is_refused_with_what_to_write(pressing: Path) -> None:
    for options in (("--shift", "mitternacht"), ("--equipment", "kran 9"), ("--shift", "2026-13-40-früh")):
        refused = lineside("--home", pressing, "handover", *options)
        assert (refused.code, bool(refused.err)) == (2, True)
    refused = lineside("--home", pressing, "handover", "--shift", "2026-03-03-früh", "sign", "--as", "aushilfe")
    assert (refused.code, "supervisor" in refused.err) == (1, True)


def told(served: Served) -> None:
    when = (served.lineside.clock() - timedelta(minutes=1)).isoformat()
    served.tell(
        {"specversion": "1.0", "id": "handed-1", "source": "schichtbuch", "type": "lineside.note", "time": when,
         "data": {"text": "Deckelspender <b>bitte nicht verstellen</b>", "equipment": LINE}}
    )  # fmt: skip


def test_somebody_new_on_a_line_is_briefed_on_the_command_line(pressing: Path) -> None:
    asked = ("--home", pressing, "briefing", "das Band", "--at", "2026-03-03T11:00")
    found, text = lineside(*asked, "--json").json, lineside(*asked).out
    early = lineside(*asked[:-1], "2026-03-03T08:00", "--json").json
    wrong = lineside("--home", pressing, "briefing", "Halle 9")

    assert (found["equipment"], found["as_of"]) == ("hof/presse/band-1", "2026-03-03T11:00:00+01:00")
    items = [item for part in found["sections"] for item in part["items"]]
    assert any("Rutschgefahr" in item["text"] for item in items)
    assert all(item["citations"] or item["plant_facts"] or item["kind"] == "derived" for item in items)
    assert "people" in [part["section"] for part in found["sections"]]
    assert text.startswith("Briefing for Band 1, as of 2026-03-03 11:00 CET\n" + found["verdict"])
    assert not any("Rutschgefahr" in item["text"] for part in early["sections"] for item in part["items"])
    assert (wrong.code, "knows no equipment" in wrong.err) == (2, True)


def test_the_briefing_is_a_page_that_the_handover_leads_to(served: Served) -> None:
    told(served)
    with served.client("planer-3") as planner:
        page = planner.get("/briefing", params={"equipment": LINE}, headers={"Accept": "text/html"})
        handover = planner.get("/handover", params={"equipment": LINE}, headers={"Accept": "text/html"})
        strange = planner.get("/briefing", params={"equipment": "nirgends"}, headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert "<h1>Briefing for " in page.text
    assert "data-print" in page.text
    assert f'href="/briefing?equipment={LINE}"' in handover.text
    assert strange.status_code == 400


def test_over_http_the_draft_is_read_added_to_and_refused_to_who_has_no_right(served: Served) -> None:
    told(served)
    with served.client("planer-3") as planner, served.client("qs-1") as quality:
        draft = planner.get("/api/v1/handovers/now").json()
        made = quality.post(f"/api/v1/handovers/{draft['id']}/items", json={"text": "Probe 7 steht im Kühlraum"})
        said = quality.post(
            f"/api/v1/handovers/{draft['id']}/comments", json={"text": "bis morgen", "item": made.json()["id"]}
        )
        whole = planner.get(f"/api/v1/handovers/{draft['id']}").json()
        refused = planner.post(f"/api/v1/handovers/{draft['id']}/sign", json={"digest": whole["digest"]})
        early = planner.post(f"/api/v1/handovers/{draft['id']}/acknowledge", json={"item": made.json()["id"]})
        wrong = planner.get("/api/v1/handovers/mittag-7")
        listed = planner.get("/api/v1/handovers").json()

    assert (made.status_code, said.status_code) == (201, 201)
    items = {item["id"]: item for part in whole["sections"] for item in part["items"]}
    assert (items[made.json()["id"]]["by"], items[made.json()["id"]]["comments"][0]["text"]) == ("qs-1", "bis morgen")
    assert "*Handover of" in whole["message"]
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert early.status_code == 403
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_request")
    assert [each["id"] for each in listed][:1] == [draft["id"]]
