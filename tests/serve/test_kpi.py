"""The figures on exceptions on every face: the same on each, for who may see them, and none rather than zero."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.journeys.conftest import event, lineside, write
from tests.serve.conftest import PLANT, Served, Watched

from lineside.actions.governed import governed
from lineside.cases import run
from lineside.memory import Reader
from lineside.plant.plant import Person

LINE = "brunnthal/abfuellung/linie-7"
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def stood(served: Served) -> Served:
    """Line 7 stood for a quarter of an hour, beside what stands already."""
    now = served.lineside.clock()
    for kind, minutes in (("stop", 25), ("start", 10)):
        served.tell(
            {"id": f"kpi-{kind}", "source": "bde", "type": "lineside.event",
             "time": (now - timedelta(minutes=minutes)).isoformat(),
             "data": {"kind": kind, "equipment": f"{LINE}/etikettierer", "attributes": {"reason": "Etikett gerissen"}}}
        )  # fmt: skip
    run(served.lineside.memory)
    return served


def test_the_interface_tells_each_figure_with_what_is_behind_it(stood: Served) -> None:
    with stood.client("planer-3") as planner:
        told = planner.get("/api/v1/kpi", params={"by": "class", "kpi": ["time_open", "approval_latency"]}).json()
        sheet = planner.get("/api/v1/kpi", params={"by": "class,day", "format": "csv"})
        refused = planner.get("/api/v1/kpi", params={"by": "mood"})
        backwards = planner.get("/api/v1/kpi", params={"since": "2026-03-02", "until": "2026-03-01"})
        case = planner.get(f"/api/v1/cases/{told['figures'][0]['behind'][0]}").json()

    figure = told["figures"][0]
    assert (figure["group"], figure["median_s"], figure["denominator"]) == ({"class": "downtime"}, 900.0, 1)
    assert case["title"].endswith("Etikett gerissen")
    assert {d["kpi"] for d in told["definitions"]} >= {"time_open", "touchless_rate"}
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert sheet.headers["content-type"].startswith("text/csv")
    assert [r["behind"] for r in rows if r["kpi"] == "time_open" and r["value"]] == [case["id"]]
    assert {r["value"] for r in rows if r["denominator"] == "0"} == {""}
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert backwards.status_code == 400


def test_who_may_read_nothing_here_counts_nothing(stood: Served) -> None:
    with stood.client("qs-1") as quality, stood.client() as nobody:
        seen = quality.get("/api/v1/kpi", params={"kpi": "time_open"}).json()["figures"][0]
        assert seen["denominator"] == 1
        assert nobody.get("/api/v1/kpi", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_an_approval_is_timed_from_when_it_was_asked_for(stood: Served) -> None:
    ledger = stood.lineside.ledger
    asked = stood.proposed()
    ledger.approve(asked.id, stood.lineside.person("qs-1"), asked.digest, "web")
    shown = ledger.show(asked.id)
    with stood.client("planer-3") as planner:
        told = planner.get("/api/v1/kpi", params={"kpi": "approval_latency"}).json()["figures"][0]
        before = planner.get(
            "/api/v1/kpi", params={"kpi": "approval_latency", "at": shown.created_at.isoformat()}
        ).json()["figures"][0]

    assert shown.decided_at is not None
    assert told["behind"] == [asked.id]
    assert told["median_s"] == (shown.decided_at - shown.created_at).total_seconds()
    assert (before["value"], before["denominator"]) == (None, 0)
    memory = stood.lineside.memory
    assert governed(memory, reader=Reader(Person(id="fern-1", sites=("anderswo",)))) == []
    assert [each.id for each in governed(memory)] == [asked.id]


def test_prometheus_hears_the_same_in_bounded_labels(stood: Served) -> None:
    with stood.client() as client:
        lines = client.get("/metrics").text.splitlines()
    wanted = 'lineside_exception_kpi{class="downtime",kpi="time_open",statistic='
    assert f'{wanted}"value"}} 900.0' in lines
    assert f'{wanted}"below"}} 1.0' in lines
    assert not [line for line in lines if "EXC-" in line]


def test_the_command_prints_a_table_csv_or_json_and_the_assistant_says_the_same(tmp_path: Path) -> None:
    home, now = tmp_path / "home", datetime.now(UTC)
    home.mkdir()
    (home / "plant.toml").write_text(PLANT, encoding="utf-8")
    told = [
        event(
            f"e-{kind}", "event", (now - timedelta(minutes=ago)).isoformat(), {"kind": kind, "equipment": LINE}, "bde"
        )
        for kind, ago in (("stop", 90), ("start", 60))
    ]
    lineside("--home", home, "import", write(tmp_path / "tag.jsonl", told))
    lineside("--home", home, "cases", "run")
    found = lineside("--home", home, "kpi", "--kpi", "time_open,touchless_rate", "--json").json
    table = lineside("--home", home, "kpi", "--kpi", "time_open", "--by", "class")
    sheet = lineside("--home", home, "kpi", "--kpi", "time_open", "--csv")
    both = lineside("--home", home, "kpi", "--json", "--csv")
    answer = lineside("--home", home, "ask", "How long do exceptions stay open?", "--json").json

    assert [(f["kpi"], f["value"], f["denominator"]) for f in found["figures"]] == [
        ("time_open", 1800.0, 1), ("touchless_rate", 1.0, 1),
    ]  # fmt: skip
    assert "time open\tdowntime\t30 min\t30 min\t30 min\t1\t-" in table.out.splitlines()
    assert sheet.out.splitlines()[1].startswith("time_open,")
    assert (both.code, "--csv" in both.err) == (2, True)
    assert "median 30 min" in answer["verdict"]
    assert "1 exception" in answer["verdict"]
    assert {c["source_id"] for c in answer["citations"]} >= {"e-stop", "case_kpis.time_open"}


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_page_shows_each_figure_and_leads_to_what_is_behind_it(
    stood: Served, open_page: Callable[..., Watched], width: int, scheme: str
) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    watched = open_page(viewport={"width": width, "height": 760}, color_scheme=scheme, bypass_csp=True)
    page = watched.page
    watched.sign_in("planer-3")
    page.goto(f"{stood.url}/kpis?beside=class")
    card = page.locator("#kpi-time_open")
    expect(card).to_contain_text("15 min")
    page.add_script_tag(path=AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    assert [(r["id"], [n["html"] for n in r["nodes"]]) for r in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    card.get_by_text("What it counts").click()
    card.get_by_role("link", name="EXC-").first.click()
    expect(page.locator("main")).to_contain_text("Etikett gerissen")
