"""The board and the page of exceptions in a real Chromium, on a phone too and by keyboard, and live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.serve.conftest import PLANT, Served, Watched

from lineside.cases import Moves, run

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LINE = "brunnthal/abfuellung/linie-7"
MORE = """
[[people]]
id = "vera"
name = "Vera Vorne"
roles = ["Schichtleitung"]
sites = ["brunnthal"]
[[people]]
id = "till"
name = "Till Technik"
roles = ["Instandhaltung"]
sites = ["brunnthal"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "plant.toml").write_text(PLANT + MORE, encoding="utf-8")
    (tmp_path / "lineside.toml").write_text('sign_in = "chooser"\nclock_offset_s = -86400.0\n', encoding="utf-8")
    return tmp_path


def tell(served: Served, kind: str, number: int, minutes: float, **attributes: str) -> None:
    when = (served.lineside.clock() - timedelta(minutes=minutes)).isoformat()
    served.tell(
        {"specversion": "1.0", "id": f"b-{kind}-{number}", "source": "bde", "type": "lineside.event", "time": when,
         "data": {"kind": kind, "equipment": LINE, "attributes": attributes}}
    )  # fmt: skip
    run(served.lineside.memory)


def stopped(served: Served) -> str:
    """A stop that stands, twenty minutes old; its case."""
    tell(served, "stop", 1, 20, reason="Etikett <b>gerissen</b>")
    with served.client("vera") as vera:
        rows = vera.get("/api/v1/cases", params={"class": "downtime"}).json()["cases"]
    (row,) = [each for each in rows if "Etikett" in each["title"]]
    return str(row["id"])


def checked(page: object, what: str, width: int) -> None:
    page.add_script_tag(path=AXE)  # type: ignore[attr-defined]
    found = page.evaluate("rules => axe.run(document, rules)", RULES)  # type: ignore[attr-defined]
    assert [(r["id"], [n["html"] for n in r["nodes"]]) for r in found["violations"]] == [], what
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")  # type: ignore[attr-defined]
    assert wider <= 0, f"{what} runs over its {width} px by {wider}"


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_a_case_is_found_on_the_board_and_worked_by_keyboard(
    served: Served, open_page: Callable[..., Watched], width: int, scheme: str
) -> None:
    case = stopped(served)
    watched = open_page(viewport={"width": width, "height": 760}, bypass_csp=True, color_scheme=scheme)
    page = watched.page
    watched.sign_in("vera")
    page.goto(f"{served.url}/cases")
    row = page.locator(f"#{case}")
    expect(row).to_contain_text("Etikett <b>gerissen</b>")
    expect(row).to_contain_text("Vera Vorne")
    checked(page, "the board", width)
    row.get_by_role("link").first.focus()
    page.keyboard.press("Enter")

    expect(page.locator(".criteria li").first).to_contain_text("not proven yet")
    expect(page.locator("#now")).to_contain_text("bde")
    checked(page, "a case", width)
    page.get_by_role("button", name="Acknowledge").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("acknowledged")
    page.get_by_text("Hand over…").focus()
    page.keyboard.press("Enter")
    page.locator("select[name=to]").select_option("till")
    page.get_by_role("button", name="Hand it over").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#now")).to_contain_text("Till Technik")
    page.get_by_text("Add a note…").click()
    page.get_by_label("Note", exact=True).fill("Rolle <i>gewechselt</i>")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".told li").first).to_contain_text("Rolle <i>gewechselt</i>")


def test_a_refusal_is_said_in_words_and_keeps_what_was_typed(served: Served, open_page: Callable[..., Watched]) -> None:
    case = stopped(served)
    watched = open_page(bypass_csp=True)
    page = watched.page
    watched.sign_in("vera")
    page.goto(f"{served.url}/cases/{case}")
    page.get_by_text("Propose closure…").click()
    page.get_by_label("What was done").fill("neue Rolle eingelegt")
    Moves(served.lineside.memory, served.lineside.person("vera")).withdraw(case, why="war ein Test")
    page.get_by_role("button", name="Propose closure").click()

    expect(page.get_by_role("alert").filter(has_text="withdrawn: that can't be done to it")).to_be_visible()
    expect(page.get_by_text("neue Rolle eingelegt")).to_be_visible()
    checked(page, "a refusal", 1280)
    page.get_by_text("It is not over…").click()
    page.get_by_label("Why not").fill("doch nicht")
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("status")).to_contain_text("reopened")
    page.get_by_text("Propose closure…").click()
    page.get_by_label("What was done").fill("Ersatzrolle")
    page.locator("#main").get_by_label("Records that show it").first.wait_for(state="attached")
    page.locator("form[action$='/resolve'] [name=cites]").fill("kein-satz")
    page.get_by_role("button", name="Propose closure").click()
    expect(page.get_by_label("What was done")).to_have_value("Ersatzrolle")
    expect(page.get_by_role("alert").filter(has_text="kein-satz")).to_be_visible()
    watched.console[:] = [said for said in watched.console if "400" not in said]


def test_the_board_and_the_page_follow_the_records(served: Served, open_page: Callable[..., Watched]) -> None:
    watched = open_page()
    page = watched.page
    watched.sign_in("vera")
    page.goto(f"{served.url}/cases?of=downtime")
    expect(page.locator("#board")).to_contain_text("No exception is like that.")
    case = stopped(served)
    expect(page.locator(f"#{case}")).to_be_visible()
    page.locator(f"#{case} a").first.click()
    page.get_by_text("Add a note…").click()
    page.get_by_label("Note", exact=True).fill("halb geschrieben")
    tell(served, "start", 1, 0.1)

    expect(page.get_by_role("status")).to_contain_text("closed")
    expect(page.locator(".criteria li").first).to_contain_text("proven")
    expect(page.get_by_label("Note", exact=True)).to_have_value("halb geschrieben")


def test_every_page_tells_what_is_new_for_its_reader_until_they_have_seen_it(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    case = stopped(served)
    watched = open_page(viewport={"width": 360, "height": 760}, bypass_csp=True)
    page = watched.page
    watched.sign_in("vera")
    page.goto(f"{served.url}/sources")
    news = page.locator("#news")
    news.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(news).to_contain_text(f"{case} is yours: Linie 7 stands still: Etikett <b>gerissen</b>")
    checked(page, "what is new", 360)
    page.get_by_role("button", name="I have seen").focus()
    page.keyboard.press("Enter")
    expect(news.locator("summary")).to_have_count(0)
    page.goto(f"{served.url}/notices")
    expect(page.locator(".rows")).to_contain_text("is yours")
    checked(page, "all that stands", 360)
    with served.client("vera") as vera, served.client("qs-1") as other:
        assert vera.get("/api/v1/notices").json()["notices"] == []
        (known,) = vera.get("/api/v1/notices", params={"all": True}).json()["notices"]
        assert (known["case"], known["kind"], known["to"]) == (case, "opened", "vera")
        assert other.get("/api/v1/notices", params={"all": True}).json()["notices"] == []
        assert other.post("/api/v1/notices/told", json={"keys": [known["key"]]}).json() == {"told": 0}


def test_an_open_page_of_a_case_is_how_its_reader_hears_of_it(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    case = stopped(served)
    watched = open_page()
    watched.sign_in("vera")
    with watched.page.expect_response(lambda answer: answer.status == 204 and f"/cases/{case}" in answer.url):
        watched.page.goto(f"{served.url}/cases/{case}")
    with served.client("vera") as vera:
        assert vera.get("/api/v1/notices").json()["notices"] == []


def test_who_is_not_signed_in_reads_and_is_led_to_the_entrance(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    case = stopped(served)
    page = open_page().page
    page.goto(f"{served.url}/cases/{case}")
    expect(page.get_by_role("link", name="Sign in").last).to_have_attribute("href", f"/sign-in?next=/cases/{case}")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
