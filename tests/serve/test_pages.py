"""The pages as a browser gets them, without a browser: rights, escapes, redirects, and what a restart leaves behind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.serve.conftest import EVENTS, Served, serving, until

import lineside.serve.pages
from lineside.cases import run
from lineside.serve.asking import keep_question, questioned
from lineside.serve.identity import SESSION_COOKIE, issue_source_token

ASSETS = Path(lineside.serve.pages.__file__).with_name("assets")
PAGE = {"Accept": "text/html"}
PART = {"Accept": "text/html", "HX-Request": "true"}
PROBE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</hx-partial><hx-partial hx-target='body'>"


@contextmanager
def browser(served: Served, person: str = "", **headers: str) -> Iterator[httpx.Client]:
    """A client that keeps cookies, signed in by the chooser where a person is given."""
    with served.client(**{**PAGE, **headers}) as client:
        if person:
            assert client.post("/sign-in", data={"person": person}).status_code == 303
        yield client


def test_who_is_not_known_is_led_to_the_entrance_and_back(served: Served) -> None:
    with browser(served, Host="plant.example") as client:
        led = client.get("/proposals?x=1")
        part = client.get("/proposals/count", headers=PART)

    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/proposals%3Fx%3D1")
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=/")


def test_a_token_opens_a_session_that_scripts_can_not_read(served: Served) -> None:
    with browser(served, Host="plant.example") as client:
        entered = client.post("/sign-in", data={"token": served.token("qs-1"), "onward": "/sources"})

    cookie = entered.headers["set-cookie"]
    assert (entered.status_code, entered.headers["location"]) == (303, "/sources")
    assert SESSION_COOKIE in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_entrance_leads_nowhere_else(served: Served, onward: str) -> None:
    with browser(served) as client:
        assert client.post("/sign-in", data={"person": "qs-1", "onward": onward}).headers["location"] == "/"


def test_people_are_chosen_only_on_the_machine_itself(served: Served) -> None:
    with browser(served, Host="plant.example") as client:
        assert "Queenie" not in client.get("/sign-in").text
        assert client.post("/sign-in", data={"person": "qs-1"}).status_code == 403


def test_without_the_chooser_nobody_is_chosen(home: Path) -> None:
    (home / "lineside.toml").write_text('sign_in = "token"\n', encoding="utf-8")
    with serving(home) as served, browser(served) as client:
        assert "Queenie" not in client.get("/sign-in").text
        assert client.post("/sign-in", data={"person": "qs-1"}).status_code == 403


def test_wrong_tokens_open_nothing(served: Served) -> None:
    pushing = issue_source_token(served.lineside, "waage", days=1)
    with browser(served) as client:
        for token in ("forged", pushing, ""):
            assert client.post("/sign-in", data={"token": token}).status_code == 403
        assert SESSION_COOKIE not in client.cookies


def test_signing_out_ends_the_session(served: Served) -> None:
    with browser(served, "qs-1") as client:
        assert "Queenie" in client.get("/").text
        client.post("/sign-out")
        assert "Queenie" not in client.get("/proposals").text


def test_the_operator_reads_and_asks_but_does_not_decide(served: Served) -> None:
    proposal = served.proposed()
    with browser(served) as client:
        card = client.get(f"/proposals/{proposal.id}").text
        refused = client.post(f"/proposals/{proposal.id}/approve", data={"digest": proposal.digest})

    assert "Approve…" not in card
    assert "May decide: Queenie Qualität (qs-1), Otto Obermann (qs-2)." in card
    assert refused.status_code == 403


def test_nothing_from_outside_becomes_html(served: Served) -> None:
    """In a question, a note, an id, a source's name, a proposal's reason and a dead letter."""
    now = served.lineside.clock()
    served.tell(
        {"id": f"n-{PROBE}", "source": f"buch {PROBE}", "type": "lineside.note", "time": now.isoformat(),
         "data": {"text": f"Folienriss {PROBE}", "author": PROBE}},
        {"id": "lot-x", "source": "labor", "type": "lineside.report", "time": now.isoformat(),
         "data": {"entity": f"lot:{PROBE}", "properties": {"quality_status": PROBE}}},
    )  # fmt: skip
    record = next(n for n in served.lineside.memory.view().notes(newest_first=True, limit=1)).provenance.record_id
    served.answerer.wanted = [served.proposed(lot=PROBE).id]
    with browser(served, "qs-1") as client:
        client.post("/api/v1/ingest/labor", content=b"x")
        asked = client.post("/ask", data={"question": f"Why {PROBE}?"}, headers=PART)
        where = re.search(r'hx-sse:connect="([^"]+)"', asked.text)
        assert where is not None
        stream = client.get(where[1].replace("&amp;", "&")).text
        pages = [
            client.get(path).text
            for path in (
                asked.headers["hx-push-url"],
                f"/records/{record}?quote=Folienriss",
                f"/records/{record}?quote={PROBE}",
                "/proposals",
                f"/proposals/{served.answerer.wanted[0]}/card",
                "/sources",
                "/suggestions",
                f"/sign-in?next=/{PROBE}",
                f"/records/{PROBE}",
                f"/c/{PROBE}",
            )
        ]
    with browser(served) as operator:
        operator.post("/api/v1/ingest/labor", content=PROBE.encode(), headers={"Content-Type": "application/json"})
        pages += [operator.get(path).text for path in ("/sources", "/sources/labor", "/sources/personalakte")]

    for text in (asked.text, stream, *pages):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "hx-target='body'" not in text


def test_no_line_break_of_a_text_ends_an_event_of_the_stream(served: Served) -> None:
    question = "Why?\r\n\r\nevent: done\r\rdata: <b>x</b>\n\nid: 99"
    with browser(served) as client:
        asked = client.post("/ask", data={"question": question}, headers=PART)
        where = re.search(r'hx-sse:connect="([^"]+)"', asked.text)
        assert where is not None
        lines = client.get(where[1].replace("&amp;", "&")).text.split("\n")

    assert {line.split(":")[0] for line in lines if line} == {"id", "data", "event"}
    assert [line for line in lines if line.startswith("event:")] == ["event: done"]
    assert "id: 99" not in lines


def test_every_page_is_strict_about_where_things_come_from(served: Served) -> None:
    proposal = served.proposed()
    with browser(served, "qs-1") as client:
        for path in (
            "/",
            "/proposals",
            f"/proposals/{proposal.id}",
            "/sources",
            "/sources/labor",
            "/sign-in",
            "/docs",
            "/nowhere",
        ):
            page = client.get(path)

            assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
            assert page.headers["x-content-type-options"] == "nosniff"
            assert not re.search(r"<script(?![^>]+src=\"/assets/)|<style|\sstyle=|\son\w+=|javascript:", page.text)
            assert not re.search(r"(?:href|src|action)=\"(?!/|#)", page.text)
            assert page.headers["cache-control"] == "no-store"


def test_the_vendored_files_are_the_ones_that_were_read_and_named() -> None:
    named = re.findall(r"\| `([^`]+)` \|.*`([0-9a-f]{64})` \|", (ASSETS / "README.md").read_text(encoding="utf-8"))
    there = {str(path.relative_to(ASSETS)) for path in ASSETS.glob("*/*") if path.suffix in (".js", ".css")}

    assert dict(named) == {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in there}
    assert {path.parent.name for path in ASSETS.glob("*/LICENSE")} == {"htmx", "swagger-ui"}


def test_a_record_that_was_taken_back_is_shown_as_it_stood(served: Served) -> None:
    then = served.lineside.clock()
    note = next(n for n in served.lineside.memory.view().notes() if n.provenance.source == "schichtbuch").provenance
    later = {"id": "weg-1", "source": "schichtbuch", "type": "lineside.deletion", "time": "{+0}",
             "data": {"of": "notiz-1", "reason": "wrong line"}}  # fmt: skip
    served.tell(later)
    with browser(served) as client:
        now = client.get(f"/records/{note.record_id}")
        shown = client.get(f"/records/{note.record_id}", params={"as_of": then.isoformat(), "quote": "25 Minuten"})

    assert now.status_code == 404
    assert "<mark>25 Minuten</mark>" in shown.text
    assert "taken back since" in shown.text


def test_a_fact_of_the_plant_file_is_not_told_by_a_link_from_elsewhere(served: Served) -> None:
    with browser(served) as client:
        link = "/records/plant:shifts.nacht?quote=the night shift is cancelled"
        assert "cancelled" not in client.get(link).text
        assert "<mark>the night shift is cancelled</mark>" in client.get(link, headers=PART).text


def test_a_run_is_watched_only_by_who_asked(served: Served) -> None:
    with browser(served, "qs-1") as mine, browser(served, "qs-2") as theirs:
        asked = mine.post("/ask", data={"question": "Secretly?"}, headers=PART)
        where = re.search(r'hx-sse:connect="([^"]+)"', asked.text)
        assert where is not None
        path = where[1].replace("&amp;", "&")

        assert "torn foil" in mine.get(path).text
        assert theirs.get(path).status_code == 404
        assert theirs.get(asked.headers["hx-push-url"]).status_code == 404
        assert "Secretly?" not in theirs.get("/").text


def test_a_stream_goes_on_after_the_last_event_that_arrived(served: Served) -> None:
    with browser(served) as client:
        asked = client.post("/ask", data={"question": "Why?"}, headers=PART)
        where = re.search(r'hx-sse:connect="([^"]+)"', asked.text)
        assert where is not None
        path = where[1].replace("&amp;", "&")
        whole = re.findall(r"^id: (\d+)$", client.get(path).text, re.MULTILINE)
        rest = re.findall(r"^id: (\d+)$", client.get(path, headers={"Last-Event-ID": "3"}).text, re.MULTILINE)

    assert whole == [str(n) for n in range(1, len(whole) + 1)]
    assert rest == whole[3:]


def test_a_run_that_a_restart_lost_says_so_and_is_asked_again(served: Served) -> None:
    """A question is kept before it is answered; without an answer and without its run, the process has gone."""
    lineside, person = served.lineside, served.lineside.person("qs-1")
    asked = questioned(lineside, "Why?", at=lineside.clock(), person=person, conversation="c-1")
    keep_question(lineside, asked, "lost-1")
    with browser(served, "qs-1") as client:
        page = client.get("/c/c-1").text
        stream = client.get("/runs/lost-1/events?conversation=c-1").text
        unknown = client.get("/runs/lost-2/events?conversation=c-1")

    assert 'data-run="lost-1" data-state="lost"' in page
    for said in (page, stream):
        assert "This question was not answered." in said
        assert "Ask again" in said
    assert unknown.status_code == 404


def test_an_answer_outlives_a_restart(home: Path) -> None:
    with serving(home) as served, browser(served, "qs-1") as client:
        served.tell(*EVENTS)
        conversation = client.post("/ask", data={"question": "Why is Linie 7 down?"}).headers["location"]
        until(lambda: 'data-state="answered"' in client.get(conversation).text, "the answer")
        cookies = client.cookies
    with serving(home) as served, served.client(**PAGE) as client:
        client.cookies = cookies
        page = client.get(conversation).text

    assert "Linie 7 lost 25 minutes to torn foil." in page
    assert "Ask the store for the foil" in page


def test_a_decision_without_scripts_works_and_a_late_one_is_told(served: Served) -> None:
    proposal = served.proposed()
    with browser(served, "qs-1") as first, browser(served, "qs-2") as second:
        done = first.post(f"/proposals/{proposal.id}/approve", data={"digest": proposal.digest})
        late = second.post(f"/proposals/{proposal.id}/approve", data={"digest": proposal.digest}, headers=PART)
        back = second.post(f"/proposals/{proposal.id}/reject", data={"reason": "not yet"}, headers=PART)

    assert done.headers["location"] == f"/proposals/{proposal.id}"
    assert late.status_code == 409
    assert "Approved by Queenie Qualität (qs-1)" in late.text
    assert back.status_code == 200  # an approval that was not yet sent may still be revoked
    assert served.lineside.ledger.show(proposal.id).state == "revoked"


def test_suggested_questions_suit_the_role_and_come_from_the_records(served: Served) -> None:
    served.tell(
        *(
            {"id": f"inv-{source}", "source": source, "type": "lineside.report", "time": "{-20}",
             "data": {"entity": "inventory:FOL-3@H1", "properties": {"quantity": {"value": amount, "unit": "m"}}}}
            for source, amount in (("sap", 400), ("lager", 380))
        )
    )  # fmt: skip
    with browser(served, "planer-3") as planner, browser(served, "qs-1") as quality:
        for_planner, for_quality = (client.get("/suggestions").text for client in (planner, quality))

    assert "Why do lager and sap show different stock for FOL-3?" in for_planner
    assert "Has Folienriss on Linie 7 happened before; what worked?" in for_quality


def test_an_empty_plant_has_pages_too(home: Path) -> None:
    (home / "plant.toml").write_text('site = "leer"\ntime_zone = "Asia/Tokyo"\n', encoding="utf-8")
    with serving(home) as served, browser(served) as client:
        for path in ("/", "/proposals", "/sources", "/sign-in", "/suggestions", "/docs"):
            assert client.get(path).status_code == 200


def test_the_outcome_of_a_case_is_written_back_by_a_proposal(served: Served) -> None:
    served.tell(
        {"id": "h-1", "source": "labor", "type": "lineside.report", "time": "{-90}",
         "data": {"entity": "hold:S-7", "properties": {"subject": "lot:CH-41", "status": "active", "reason": "sour"}}},
        {"id": "h-2", "source": "labor", "type": "lineside.report", "time": "{-30}",
         "data": {"entity": "hold:S-7", "properties": {"subject": "lot:CH-41", "status": "released"}}},
    )  # fmt: skip
    run(served.lineside.memory)
    with browser(served, "planer-3") as client:
        (row,) = client.get("/api/v1/cases", params={"class": "quality_hold", "state": "closed"}).json()["cases"]
        page = client.get(f"/cases/{row['id']}").text
        outcome = re.search(r'name="outcome"[^>]*>([^<]+)', page)
        assert outcome is not None
        assert "&lt;" not in outcome[1]  # no markup of ours
        empty = client.post("/write-back", data={"concerns": "lot:CH-41", "outcome": " "})
        filed = client.post("/write-back", data={"concerns": "lot:CH-41", "case": row["id"], "outcome": outcome[1]})
        card = client.get(filed.headers["location"]).text

    assert empty.status_code == 400
    assert filed.status_code == 303
    assert row["id"] in card
    assert "S-7" in card
