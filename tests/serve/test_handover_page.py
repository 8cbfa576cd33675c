"""The handover in a real Chromium, on a phone too and by keyboard: added to, signed off, taken over, printed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.serve.conftest import PLANT, Served, Watched

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
MORE = """
[[people]]
id = "vera"
name = "Vera Vorne"
roles = ["Schichtleitung"]
sites = ["brunnthal"]
[[people]]
id = "till"
name = "Till Danach"
roles = ["Schichtleitung"]
sites = ["brunnthal"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "plant.toml").write_text(PLANT + MORE, encoding="utf-8")
    (tmp_path / "lineside.toml").write_text('sign_in = "chooser"\nclock_offset_s = -86400.0\n', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("width", [360, 1280])
def test_a_shift_is_handed_over_by_keyboard(served: Served, open_page: Callable[..., Watched], width: int) -> None:
    when = (served.lineside.clock() - timedelta(seconds=1)).isoformat()
    served.tell(
        {"id": "page-1", "source": "schichtbuch", "type": "lineside.note", "time": when,
         "data": {"text": "Deckelspender <b>bitte nicht verstellen</b>", "equipment": "brunnthal/abfuellung/linie-7"}}
    )  # fmt: skip
    watched = open_page(viewport={"width": width, "height": 760}, bypass_csp=True)
    page = watched.page

    def check(what: str) -> None:
        page.add_script_tag(path=AXE)
        found = page.evaluate("rules => axe.run(document, rules)", RULES)
        assert [(r["id"], [n["html"] for n in r["nodes"]]) for r in found["violations"]] == [], what
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{what} runs over its {width} px by {wider}"

    watched.sign_in("vera")
    page.goto(f"{served.url}/handover")
    expect(page.locator("h1")).to_contain_text("Handover of")
    expect(page.locator(".rows")).to_contain_text(["<b>bitte nicht verstellen</b>"])
    check("a draft")
    page.get_by_role("link", name="New here? The briefing").click()
    expect(page.locator("h1")).to_contain_text("Briefing for")
    check("a briefing")
    page.get_by_role("link", name="The handover of the shift").click()
    page.get_by_label("What the next shift should know").focus()
    page.keyboard.type("Kühlung läuft auf Reserve")
    page.keyboard.press("Enter")
    expect(page.locator("li:target")).to_contain_text("Kühlung läuft auf Reserve")
    page.get_by_role("button", name="Sign it off").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Signed off by vera")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)

    asked = page.url.partition("#")[0]
    watched.sign_in("till")
    page.goto(asked)
    waiting = page.get_by_role("button", name="Acknowledge")
    count = waiting.count()
    check("signed off")
    for left in range(count, 0, -1):
        waiting.first.focus()
        page.keyboard.press("Enter")
        expect(waiting).to_have_count(left - 1)
    expect(page.get_by_role("status")).to_contain_text("all acknowledged")
    assert count > 1

    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_text("Add to it")).to_be_hidden()
    expect(page.get_by_text("Taken over: ")).to_be_visible()
    expect(page.get_by_text("Kühlung läuft auf Reserve", exact=True)).to_be_visible()
