"""The pages in a real Chromium: watch an answer come, open its evidence, decide, all by keyboard, and lose the line."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.serve.conftest import Served, Watched, serving, until

from lineside.actions import State
from lineside.connector import Batch, Trouble, TroubleKind
from lineside.serve.asking import keep_question, questioned
from lineside.serve.overview import translator_for

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

OpenPage = Callable[..., Watched]
QUESTION = "Why is Linie 7 falling behind?"
VERDICT = "Linie 7 lost 25 minutes to torn foil."
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Line:
    """The line between browser and server, which can be cut like a cable."""

    def __init__(self, to: str) -> None:
        self._to = ("127.0.0.1", int(to.rpartition(":")[2]))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """Every connection that stands is torn."""
        for end in list(self._open):
            _shut(end)

    def close(self) -> None:
        _shut(self._server)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while select.select([self._server], [], [])[0]:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._carry, args=(near,))
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._to) as far:
            ends = {near: far, far: near}
            self._open |= set(ends)
            try:
                while True:
                    for one in select.select(list(ends), [], [])[0]:
                        data = one.recv(65536)
                        if not data:
                            return
                        ends[one].sendall(data)
            except OSError:
                return
            finally:
                self._open -= set(ends)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was gone already


@pytest.fixture
def line(served: Served) -> Iterator[Line]:
    made = Line(served.url)
    yield made
    made.close()


def test_claims_arrive_one_by_one_and_then_the_whole_answer(open_page: OpenPage, served: Served) -> None:
    third = served.answerer.shut(before_claim=3)
    watched = open_page()
    page = watched.page
    watched.sign_in("planer-3")
    watched.ask(QUESTION)

    live = page.locator("[data-state=live]")
    expect(live.locator("[data-claim]")).to_have_count(2)
    expect(live.locator(".steps li")).to_have_text(["looking at Linie 7"])
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator(".verdict")).to_have_count(0)

    third.set()
    expect(page.locator(".verdict")).to_have_text(VERDICT)
    expect(page.locator("[data-state=answered] .claims [data-claim]")).to_have_count(4)
    expect(live).to_have_count(0)
    expect(page.locator("#announce")).to_have_text(VERDICT)
    expect(page.locator(".against")).to_contain_text("labor says nothing of it.")
    expect(page.locator(".missing")).to_contain_text("The foil's lot number.")
    expect(page.locator(".next")).to_contain_text("Ask the store for the foil's lot.")
    expect(page.locator(".fresh")).to_contain_text("silent")
    expect(page.locator("#history li")).to_have_count(1)
    assert re.search(r"/c/\w+$", page.url)


def test_a_citation_opens_its_record_with_the_quote_marked(open_page: OpenPage, served: Served) -> None:
    watched = open_page()
    page = watched.page
    page.goto(served.url)
    watched.ask(QUESTION)
    page.locator(".claims .cite").first.click()

    drawer = page.locator("#drawer")
    expect(drawer).to_be_visible()
    expect(drawer.locator("mark")).to_contain_text("Linie 7 stand wegen Folienriss, 25 Minuten.")
    expect(drawer.locator("h2")).to_contain_text("schichtbuch notiz-1")
    expect(drawer.locator("dt")).to_have_text(["What", "Happened", "Reported", "Kept", "About", "Link", "Structure"])
    expect(drawer.locator("dd time").first).to_have_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d CES?T"))
    expect(drawer.locator("img")).to_have_count(0)

    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.locator(".claims .cite").first).to_be_focused()


def test_a_second_question_goes_on_in_the_conversation_and_a_reload_shows_both(
    open_page: OpenPage, served: Served
) -> None:
    watched = open_page()
    page = watched.page
    page.goto(served.url)
    watched.ask(QUESTION)
    expect(page.locator(".verdict")).to_have_count(1)
    watched.ask("And before that?")
    expect(page.locator(".verdict")).to_have_count(2)

    page.reload()

    expect(page.locator(".verdict")).to_have_count(2)
    expect(page.locator(".question h2")).to_have_text([QUESTION, "And before that?"])
    expect(page.locator("[data-state=answered]")).to_have_count(2)
    assert [turn.question for turn in served.answerer.asked[-1].history] == [QUESTION]


def test_a_reload_in_mid_answer_loses_and_doubles_nothing(open_page: OpenPage, served: Served) -> None:
    gate = served.answerer.shut(before_claim=3)
    watched = open_page()
    page = watched.page
    watched.sign_in("planer-3")
    watched.ask(QUESTION)
    expect(page.locator("[data-state=live] [data-claim]")).to_have_count(2)

    page.reload()
    expect(page.locator("[data-state=live] [data-claim]")).to_have_count(2)
    expect(page.locator("[data-state=live] .steps li")).to_have_count(1)

    gate.set()
    expect(page.locator(".answer .claims [data-claim]")).to_have_count(4)
    assert len(served.answerer.asked) == 1


def test_a_line_cut_in_mid_answer_loses_and_doubles_nothing(open_page: OpenPage, served: Served, line: Line) -> None:
    gate = served.answerer.shut(before_claim=3)
    last = served.answerer.shut(before_claim=4)
    watched = open_page(line.url)
    page = watched.page
    resumed: list[str] = []
    page.on(
        "request", lambda sent: resumed.append(sent.headers.get("last-event-id", "")) if "/runs/" in sent.url else None
    )
    page.goto(f"{line.url}/sign-in")
    page.locator("button[value='planer-3']").click()
    watched.ask(QUESTION)
    live = page.locator("[data-state=live]")
    expect(live.locator("[data-claim]")).to_have_count(2)

    line.cut()
    until(lambda: page.wait_for_timeout(50) or len(resumed) > 1, "the browser to come back")
    gate.set()

    expect(live.locator("[data-claim]")).to_have_count(3)
    expect(live.locator(".steps li")).to_have_count(1)
    assert resumed[-1] == "3"
    last.set()
    expect(page.locator(".answer .claims [data-claim]")).to_have_count(4)
    assert len(served.answerer.asked) == 1
    # Chromium and htmx tell of the cut itself.
    watched.console = [said for said in watched.console if "ERR_" not in said and "network error" not in said]


def test_what_a_restart_lost_is_asked_again_with_one_press(open_page: OpenPage, served: Served) -> None:
    lineside = served.lineside
    asked = questioned(lineside, QUESTION, at=lineside.clock(), person=None, conversation="c-1")
    keep_question(lineside, asked, "lost-1")
    page = open_page().page
    page.goto(f"{served.url}/c/c-1")

    page.get_by_role("button", name="Ask again").click()

    expect(page.locator(".verdict")).to_have_text(VERDICT)


def test_a_question_that_fails_says_so(open_page: OpenPage, served: Served) -> None:
    served.answerer.fails = RuntimeError("inside")
    watched = open_page()
    watched.page.goto(served.url)
    watched.ask(QUESTION)

    expect(watched.page.locator(".unanswered")).to_contain_text("This could not be answered.")
    expect(watched.page.locator("body")).not_to_contain_text("inside it")


def test_another_person_approves_in_place_and_every_open_copy_follows(open_page: OpenPage, served: Served) -> None:
    served.answerer.wanted = [served.proposed().id]
    planner, quality, late = open_page(), open_page(), open_page()
    planner.sign_in("planer-3")
    planner.ask(QUESTION)
    mine = planner.page.locator("[data-card]")
    expect(mine.locator(".who-may")).to_contain_text("Queenie Qualität (qs-1)")
    expect(mine.get_by_role("button", name="Approve")).to_have_count(0)
    late.sign_in("qs-2")
    late.page.goto(f"{served.url}/proposals")
    late.page.get_by_role("button", name="Approve…").click()

    quality.sign_in("qs-1")
    quality.page.get_by_role("link", name=re.compile("Approvals")).click()
    card = quality.page.locator("[data-card]")
    expect(card.locator("ins").first).to_have_text("blocked")
    expect(card.locator(".digest")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    card.get_by_role("button", name="Approve…").click()
    card.get_by_role("dialog").get_by_role("button", name="Approve").click()

    for page in (quality.page, planner.page, late.page):
        expect(page.locator("[data-card] .standing")).to_contain_text("by Queenie Qualität (qs-1) at")
        expect(page.locator("[data-card] .state").first).to_have_text("approved")
    expect(late.page.get_by_role("button", name="Approve")).to_have_count(0)
    assert served.lineside.ledger.show(served.answerer.wanted[0]).state is State.APPROVED


def test_who_clicks_late_is_told_who_decided(open_page: OpenPage, served: Served) -> None:
    proposal = served.proposed()
    late = open_page()
    late.sign_in("qs-2")
    late.page.route("**/card?seen=*", lambda route: route.fulfill(status=204))  # this copy heard of nothing
    late.page.goto(f"{served.url}/proposals/{proposal.id}")
    late.page.get_by_role("button", name="Approve…").click()
    served.lineside.ledger.approve(proposal.id, served.lineside.person("qs-1"), proposal.digest, "cli")

    late.page.get_by_role("dialog").get_by_role("button", name="Approve").click()

    expect(late.page.locator("[data-card] [role=alert]")).to_contain_text("decided by qs-1 at")
    expect(late.page.locator("[data-card] .standing")).to_contain_text("Approved by Queenie Qualität (qs-1)")
    late.console = [said for said in late.console if "409" not in said]


def test_a_rejection_takes_a_reason(open_page: OpenPage, served: Served) -> None:
    proposal = served.proposed()
    watched = open_page()
    watched.sign_in("qs-1")
    page = watched.page
    page.goto(f"{served.url}/proposals/{proposal.id}")
    page.get_by_role("button", name="Reject…").click()
    page.get_by_label("Why").fill("It is yoghurt <b>by design</b>.")
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()

    expect(page.locator("[data-card] .standing")).to_contain_text("It is yoghurt <b>by design</b>.")
    assert served.lineside.ledger.show(proposal.id).state is State.REJECTED


def test_all_of_it_works_by_keyboard(open_page: OpenPage, served: Served) -> None:
    served.answerer.wanted = [served.proposed().id]
    watched = open_page()
    watched.sign_in("qs-1")
    page, keys = watched.page, watched.page.keyboard

    def tab_to(name: str) -> None:
        for _ in range(60):
            keys.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()").startswith(name):
                return
        raise AssertionError(f"no Tab leads to {name}")

    keys.press("/")
    expect(page.locator("#question")).to_be_focused()
    keys.type("one /")
    keys.press("Shift+Enter")
    keys.type("two")
    expect(page.locator("#question")).to_have_value("one /\ntwo")
    keys.press("Enter")
    expect(page.locator(".verdict")).to_be_visible()
    expect(page.locator("[data-card] .choices").first).to_be_visible()

    page.locator(".skip").focus()
    tab_to("1")
    keys.press("Enter")
    expect(page.locator("#drawer")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()

    tab_to("Approve…")
    keys.press("Enter")
    expect(page.locator("dialog[data-dialog=approve]")).to_be_visible()
    keys.press("Enter")  # the first control in the dialog approves
    expect(page.locator("[data-card] .standing")).to_contain_text("Approved by Queenie")
    expect(page.locator("[data-card]")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_breaks_a_rule_of_accessibility_or_runs_over(
    open_page: OpenPage, served: Served, scheme: str, width: int
) -> None:
    served.answerer.wanted = [served.proposed().id]
    with served.client() as client:
        for content in (b"x", b"y"):
            client.post("/api/v1/ingest/labor", content=content, headers={"Content-Type": "application/json"})
    trouble = Trouble(kind=TroubleKind.DRIFT, reason="a new field `Charge_No`", stream="lots")
    served.lineside.memory.remember(
        Batch(troubles=(trouble,)), source="labor", translate=translator_for(served.lineside, "labor")
    )
    watched = open_page(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = watched.page

    def check(what: str) -> None:
        page.add_script_tag(path=AXE)
        found = page.evaluate("rules => axe.run(document, rules)", RULES)
        broken = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
        assert broken == [], what
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{what} runs over its {width} px by {wider}"

    page.goto(f"{served.url}/note")
    check("the note's form")
    page.locator("#note-text").fill(
        "Linie 7 stand um 2 wegen Folienriss, 1.200 kg Ausschuss, Charge CH-14 " + "lang" * 40
    )
    page.get_by_role("button", name="Go on").click()
    page.locator("main summary").click()
    check("what was understood of a note")
    page.goto(f"{served.url}/sources")
    check("the sources with a dead letter, as the operator")
    page.goto(f"{served.url}/sources/labor")
    for summary in page.locator("main summary").all():
        summary.click()
    check("a source with its dead letters, all of it open")
    page.goto(f"{served.url}/sign-in")
    check("the entrance")
    watched.sign_in("qs-1")
    expect(page.locator(".ideas button").first).to_be_visible()
    check("the start")
    watched.ask(QUESTION)
    expect(page.locator("[data-card] .choices").first).to_be_visible()
    page.locator(".sources summary").click()
    check("an answer with a proposal")
    page.locator(".claims .cite").first.click()
    expect(page.locator("#drawer")).to_be_visible()
    check("the drawer")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Approve…").click()
    check("the question whether to approve")
    page.goto(f"{served.url}/proposals")
    check("the inbox")
    page.goto(f"{served.url}/nowhere")
    check("a page that is not there")
    watched.console = [said for said in watched.console if "404" not in said]


def test_the_ground_is_dark_where_the_machine_is(open_page: OpenPage, served: Served) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme).page
        page.goto(served.url)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light, dark = (sum(map(int, re.findall(r"\d+", ground))) for ground in grounds)
    assert light > 600
    assert dark < 120


def test_the_interface_is_described_without_asking_anybody(open_page: OpenPage, served: Served) -> None:
    page = open_page().page
    page.goto(f"{served.url}/docs")

    expect(page.locator(".opblock-summary-path", has_text="/api/v1/ask")).to_be_visible()
    page.locator(".opblock-summary", has_text="/api/v1/search").click()
    expect(page.locator(".opblock.is-open")).to_contain_text("nearest to the words")


def test_a_dead_letter_is_read_again_by_hand(open_page: OpenPage, served: Served) -> None:
    with served.client() as client:
        client.post("/api/v1/ingest/labor", content=b'{"id": "<b>x</b>"}', headers={"Content-Type": "application/json"})
    page = open_page().page
    page.goto(f"{served.url}/sources")
    page.get_by_role("link", name="1 open").click()
    page.get_by_text("What came").click()
    expect(page.locator(".letter pre")).to_have_text('{"id": "<b>x</b>"}')
    page.get_by_role("button", name="Read again").click()
    expect(page.locator("#letters [role=status]")).to_contain_text("still can't be read")
    page.get_by_text("Close it…").click()
    page.get_by_role("button", name="Close it").click()
    expect(page.locator(".letter")).to_have_count(1)  # it takes a reason
    page.get_by_label("Reason").fill("a test")
    page.get_by_role("button", name="Close it").click()

    expect(page.locator("#letters")).to_contain_text("is closed; its bytes stay kept.")


def test_many_dead_letters_are_mended_at_once(open_page: OpenPage, served: Served) -> None:
    with served.client() as client:
        for content in (b"{", b'{"id": "x-1"}', b'{"id": "x-2"}'):
            client.post("/api/v1/ingest/labor", content=content, headers={"Content-Type": "application/json"})
    page = open_page().page
    page.goto(f"{served.url}/sources/labor")
    page.get_by_role("button", name="Read all again").click()
    expect(page.locator("#letters [role=status]")).to_contain_text("3 tried: 0 recovered, 0 replaced, 3 still open")
    page.get_by_text("Close all of them…").click()
    page.get_by_label("Only those whose reason has in it").fill("JSON")
    page.get_by_label("Why they may be forgotten").fill("a broken probe")
    page.get_by_role("button", name="Close all").click()

    expect(page.locator("#letters [role=status]")).to_contain_text("1 closed")
    expect(page.locator(".letter")).to_have_count(2)


def test_a_source_is_paused_and_resumed_by_keyboard_and_the_list_follows_by_itself(
    open_page: OpenPage, home: Path
) -> None:
    folder = home / "notes"
    folder.mkdir()
    with (home / "lineside.toml").open("a", encoding="utf-8") as file:
        file.write(f'[[sources]]\nname = "/bde/1"\nconnector = "open_records"\noptions = {{ path = "{folder}" }}\n')
    with serving(home) as served:
        watched = open_page(served.url)
        looking = open_page(served.url)
        looking.page.goto(f"{served.url}/sources")
        expect(looking.page.locator("tr", has_text="/bde/1").locator(".state")).to_have_text("silent")
        looking.page.locator("tbody a").first.focus()
        page, keys = watched.page, watched.page.keyboard
        page.goto(f"{served.url}/sources")
        page.get_by_role("link", name="/bde/1").focus()
        keys.press("Enter")
        page.locator("#pausing summary").focus()
        keys.press("Enter")
        keys.press("Tab")
        keys.type("stocktaking <b>now</b>")
        keys.press("Enter")
        expect(page.locator("#now .state")).to_have_text("paused")
        expect(page.locator("#now strong").first).to_have_text("stocktaking <b>now</b>")

        expect(looking.page.locator("tr", has_text="/bde/1").locator(".state")).to_have_text("paused", timeout=30_000)
        assert (
            looking.page.evaluate("document.activeElement.tagName") == "A"
        )  # who reads by keyboard stays where they are
        page.get_by_role("button", name="Read it again").focus()
        keys.press("Enter")
        expect(page.locator("#now .state")).to_have_text("starting")
