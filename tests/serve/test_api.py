"""The HTTP interface over a real server: who may what, and every fault as a problem that says what to do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.serve.conftest import Served, until

from lineside.errors import ModelUnavailable
from lineside.plant.plant import Person
from lineside.serve.identity import SESSION_COOKIE, issue_source_token, issue_token

ASK = "/api/v1/ask"
QUESTION = {"question": "Why is Linie 7 falling behind?"}
CLOUDEVENT = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
STREAM = {"Accept": "text/event-stream"}


def event(number: int, source: str = "waage") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"w-{number}",
        "source": source,
        "type": "lineside.note",
        "time": "2026-11-19T08:00:00+01:00",
        "data": {"text": f"Waage {number} geeicht"},
    }


def problem(response: httpx.Response) -> tuple[int, str]:
    """The status and code of a problem, its form checked."""
    said = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert said["status"] == response.status_code
    assert said["detail"]
    assert "Traceback" not in response.text
    return response.status_code, said["code"]


@pytest.fixture
def operator(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def planner(served: Served) -> Iterator[httpx.Client]:
    with served.client("planer-3") as client:
        yield client


def test_an_answer_has_the_contracts_form(planner: httpx.Client) -> None:
    said = planner.post(ASK, json=QUESTION).json()

    assert set(said) == {
        "answer", "verdict", "claims", "citations", "window", "as_of", "freshness", "against", "missing", "abstained",
        "tools", "proposals", "answerer",
    }  # fmt: skip
    assert said["verdict"] == "Linie 7 lost 25 minutes to torn foil."


def test_the_askers_now_is_taken_in_plant_time(served: Served, operator: httpx.Client) -> None:
    operator.post(ASK, json={**QUESTION, "at": "2026-11-19 08:00"})

    assert served.answerer.asked[-1].at.isoformat() == "2026-11-19T08:00:00+01:00"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"question": ""}, (422, "bad_request")),
        ({"question": "  \n"}, (400, "bad_request")),
        ({"question": "x" * 4001}, (422, "bad_request")),
        ({**QUESTION, "at": "yesterday-ish"}, (400, "bad_request")),
        ({**QUESTION, "who": "me"}, (422, "bad_request")),
        ({**QUESTION, "as_user": "nobody-7"}, (403, "not_permitted")),
        ({**QUESTION, "as_user": "fern-1"}, (403, "not_permitted")),
        ([], (422, "bad_request")),
    ],
)
def test_a_faulty_question_is_a_problem(operator: httpx.Client, body: object, expected: tuple[int, str]) -> None:
    assert problem(operator.post(ASK, json=body)) == expected


def test_broken_json_is_a_problem(operator: httpx.Client) -> None:
    sent = operator.post(ASK, content=b'{"question": ', headers={"Content-Type": "application/json"})

    assert problem(sent) == (422, "bad_request")


def test_the_operator_asks_as_anybody_of_the_plant(served: Served, operator: httpx.Client) -> None:
    operator.post(ASK, json={**QUESTION, "as_user": "qs-1"})

    asked = served.answerer.asked[-1].person
    assert asked is not None
    assert asked.id == "qs-1"


def test_a_person_asks_only_as_themselves(planner: httpx.Client) -> None:
    assert problem(planner.post(ASK, json={**QUESTION, "as_user": "qs-1"})) == (403, "not_permitted")
    assert planner.post(ASK, json={**QUESTION, "as_user": "planer-3"}).status_code == 200


def test_forged_expired_and_foreign_tokens_are_refused(served: Served) -> None:
    lineside = served.lineside
    expired = issue_token(lineside, lineside.person("qs-1"), days=-1)
    tokens = {"forged": 401, expired: 401, issue_token(lineside, Person(id="fern-1"), days=1): 403,
              issue_token(lineside, Person(id="gone-1"), days=1): 403}  # fmt: skip
    for token, status in tokens.items():
        with served.client(Authorization=f"Bearer {token}") as client:
            refused = client.post(ASK, json=QUESTION)

        assert problem(refused) == (status, "not_permitted")
        assert ("www-authenticate" in refused.headers) == (status == 401)


def test_a_broken_session_is_refused_even_on_this_machine(served: Served) -> None:
    with served.client(Cookie=f"{SESSION_COOKIE}=forged") as client:
        assert problem(client.post(ASK, json=QUESTION)) == (401, "not_permitted")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "rebound.example"}, 401),
        ({"Host": "rebound.example:80", "Origin": "http://rebound.example:80"}, 401),
        ({"X-Forwarded-For": "10.0.0.9"}, 401),
        ({"Forwarded": "for=10.0.0.9"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_another_sites_page_is_not_the_operator(served: Served, headers: dict[str, str], status: int) -> None:
    with served.client(**headers) as client:
        assert client.post(ASK, json=QUESTION).status_code == status


def test_another_sites_script_reads_nothing_but_a_link_may_be_followed(served: Served) -> None:
    with served.client(**{"Sec-Fetch-Site": "cross-site"}) as client:
        assert client.get("/api/v1/sources").status_code == 401
        assert client.get("/sources", headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}).status_code == 200


def test_a_foreign_page_can_not_use_a_signed_in_browser(served: Served) -> None:
    with served.client() as client:
        client.post("/sign-in", data={"person": "qs-1"})
        proposal = served.proposed()
        refused = client.post(
            f"/proposals/{proposal.id}/approve",
            data={"digest": proposal.digest},
            headers={"Sec-Fetch-Site": "cross-site"},
        )

    assert refused.status_code == 403
    assert served.lineside.ledger.show(proposal.id).state == "pending"


def test_pushed_events_are_recorded_known_or_dead_lettered(operator: httpx.Client) -> None:
    where = "/api/v1/ingest/waage"
    single = operator.post(where, json=event(1), headers=CLOUDEVENT).json()
    batch = operator.post(where, content=json.dumps([event(n) for n in (1, 2, 3)]), headers=BATCH).json()
    broken = operator.post(where, content=json.dumps([event(4), {"id": "w-5"}]), headers=BATCH).json()

    counts = ("received", "recorded", "known", "dead_lettered")
    assert [[one[name] for name in counts] for one in (single, batch, broken)] == [
        [1, 1, 0, 0],
        [3, 2, 1, 0],
        [2, 1, 0, 1],
    ]
    assert broken["dead_letters"][0]["reason"]


def test_a_token_of_a_source_pushes_that_source_and_nothing_else(served: Served) -> None:
    token = issue_source_token(served.lineside, "waage", days=1)
    with served.client(Authorization=f"Bearer {token}") as client:
        assert client.post("/api/v1/ingest/waage", json=event(1), headers=CLOUDEVENT).json()["recorded"] == 1
        assert problem(client.post("/api/v1/ingest/labor", json=event(1, "labor"), headers=CLOUDEVENT))[0] == 403
        assert problem(client.post(ASK, json=QUESTION))[0] == 403
        for path in ("/api/v1/sources", "/api/v1/search?q=foil", "/api/v1/proposals", "/api/v1/dead-letters"):
            assert problem(client.get(path))[0] == 403


def test_a_person_pushes_no_records(planner: httpx.Client) -> None:
    assert problem(planner.post("/api/v1/ingest/waage", json=event(1), headers=CLOUDEVENT))[0] == 403


def test_an_endless_push_is_refused(operator: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(21):
            yield b" " * 1_000_000

    assert problem(operator.post("/api/v1/ingest/waage", content=endless(), headers=CLOUDEVENT))[0] == 400


def test_a_record_is_shown_whole_with_its_times_in_plant_time(served: Served, planner: httpx.Client) -> None:
    cited = planner.post(ASK, json=QUESTION).json()["citations"][0]
    found = planner.get(f"/api/v1/records/{cited['record_id']}").json()

    assert cited["quote"] in found["text"]
    assert (found["source"], found["source_id"]) == (cited["source"], cited["source_id"])
    assert found["occurred_at"].endswith("+01:00")


def test_what_a_person_may_not_read_is_not_there(served: Served, planner: httpx.Client, operator: httpx.Client) -> None:
    view = served.lineside.memory.view()
    hidden = next(n for n in view.notes() if n.provenance.source == "personalakte").provenance.record_id

    assert problem(planner.get(f"/api/v1/records/{hidden}")) == (404, "not_found")
    assert problem(planner.get("/api/v1/records/r-unknown")) == (404, "not_found")
    assert operator.get(f"/api/v1/records/{hidden}").status_code == 200
    assert "personalakte" not in {row["source"] for row in planner.get("/api/v1/sources").json()}
    assert "Abmahnung" not in planner.get("/api/v1/search", params={"q": "Abmahnung Verspätung"}).text


def test_search_finds_records_with_their_scores(planner: httpx.Client) -> None:
    found = planner.get("/api/v1/search", params={"q": "Folienriss", "limit": 1}).json()["evidence"]

    assert len(found) == 1
    assert "Folienriss" in found[0]["quote"]
    assert problem(planner.get("/api/v1/search", params={"q": "Folienriss", "limit": 0}))[0] == 422


def streamed(client: httpx.Client, body: dict[str, Any]) -> list[tuple[int, str, dict[str, Any]]]:
    """(id, event, data) of a whole stream."""
    found = []
    with client.stream("POST", ASK, json=body, headers=STREAM) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        text = "".join(response.iter_text())
    for block in text.strip().split("\n\n"):
        said = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((int(said["id"]), said["event"], json.loads(said["data"])))
    return found


def test_a_stream_tells_steps_then_claims_then_the_answer(planner: httpx.Client) -> None:
    told = streamed(planner, QUESTION)
    answer = told[-1][2]

    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    assert [name for _, name, _ in told] == ["step", *["claim"] * len(answer["claims"]), "answer"]
    assert [data["text"] for _, name, data in told if name == "claim"] == [claim["text"] for claim in answer["claims"]]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (ModelUnavailable("the model is away"), 503, "model_unavailable"),
        (RuntimeError("secret"), 500, "lineside_error"),
    ],
)
def test_an_answerer_that_fails_is_told_on_both_ways(
    served: Served, planner: httpx.Client, fault: Exception, status: int, code: str
) -> None:
    served.answerer.fails = fault

    refused = planner.post(ASK, json=QUESTION)
    last = streamed(planner, QUESTION)[-1]

    assert problem(refused) == (status, code)
    assert (last[1], last[2]["code"]) == ("failed", code)
    assert "secret" not in refused.text + last[2]["detail"]


def test_questions_are_answered_side_by_side_and_hold_nobody_up(served: Served, planner: httpx.Client) -> None:
    gate = served.answerer.shut(before_claim=1)
    with ThreadPoolExecutor(3) as pool, served.client("qs-1") as other:
        waiting = [pool.submit(planner.post, ASK, json=QUESTION) for _ in range(3)]
        until(lambda: len(served.answerer.asked) == 3, "three questions at once")

        assert other.get("/healthz").text == "ok"
        assert other.get("/api/v1/sources").status_code == 200
        assert not any(one.done() for one in waiting)

        gate.set()
        assert [one.result().status_code for one in waiting] == [200, 200, 200]
    assert threading.active_count() < 60


def test_a_conversation_carries_its_earlier_questions_and_is_ones_own(served: Served, planner: httpx.Client) -> None:
    for text in ("What happened on Linie 7?", "And before?"):
        planner.post(ASK, json={"question": text, "conversation": "mine"})

    assert [turn.question for turn in served.answerer.asked[-1].history] == ["What happened on Linie 7?"]
    with served.client("qs-1") as other:
        assert problem(other.post(ASK, json={**QUESTION, "conversation": "mine"})) == (404, "not_found")


def test_a_proposal_goes_through_other_hands_once(served: Served, planner: httpx.Client) -> None:
    wish = {"action": "hold_lot", "parameters": {"lot": "CH-41", "reason": "smells sour"}}
    filed = planner.post("/api/v1/proposals", json=wish)
    proposal = filed.json()
    where = f"/api/v1/proposals/{proposal['id']}"

    assert filed.status_code == 201
    assert problem(planner.post(f"{where}/approve", json={"digest": proposal["digest"]}))[0] == 403
    with served.client("qs-1") as first, served.client("qs-2") as second:
        assert problem(first.post(f"{where}/approve", json={"digest": "another"})) == (409, "proposal_stale")
        assert first.post(f"{where}/approve", json={"digest": proposal["digest"]}).json()["state"] == "approved"
        late = second.post(f"{where}/approve", json={"digest": proposal["digest"]})
        assert problem(late) == (409, "already_decided")
        assert "qs-1" in late.json()["detail"]
        assert [line.split("  ")[1] for line in first.get(where).json()["story"]] == [
            "proposed by planer-3",
            "approved by qs-1",
        ]


def test_a_chain_is_filed_whole_or_not_at_all(served: Served, planner: httpx.Client) -> None:
    lots = ("CH-41", "CH-99")
    steps = [{"action": "hold_lot", "parameters": {"lot": lot, "reason": "smells sour"}} for lot in lots]

    refused = planner.post("/api/v1/chains", json={"steps": steps})
    assert problem(refused) == (403, "not_permitted")
    assert "step 2" in refused.json()["detail"]
    assert planner.get("/api/v1/proposals").json() == []
    assert problem(planner.post("/api/v1/chains", json={"steps": steps[:1]}))[0] == 422

    served.tell(
        {"id": "more-1", "source": "labor", "type": "lineside.report", "time": "{-5}",
         "data": {"entity": "lot:CH-99", "properties": {"quality_status": "unrestricted"}}}
    )  # fmt: skip
    filed = planner.post("/api/v1/chains", json={"steps": steps})
    assert filed.status_code == 201, filed.text
    first, second = filed.json()
    assert (first["chain"]["of"], second["chain"]["after"]) == (2, first["id"])


def test_a_proposal_is_rejected_with_a_reason(served: Served) -> None:
    where = f"/api/v1/proposals/{served.proposed().id}"
    with served.client("qs-1") as quality:
        assert problem(quality.post(f"{where}/reject", json={"reason": ""}))[0] == 422
        assert problem(quality.post(f"{where}/reject", json={"reason": " "}))[0] == 400
        assert quality.post(f"{where}/reject", json={"reason": "it is yoghurt"}).json()["state"] == "rejected"
        assert problem(quality.post(f"{where}/reject", json={"reason": "again"})) == (409, "already_decided")
        assert [one["state"] for one in quality.get("/api/v1/proposals?state=rejected").json()] == ["rejected"]


def test_what_can_not_be_proposed_or_found_is_refused(
    served: Served, planner: httpx.Client, operator: httpx.Client
) -> None:
    unknown = {"action": "hold_lot", "parameters": {"lot": "CH-99", "reason": "smells"}}

    assert problem(planner.post("/api/v1/proposals", json=unknown)) == (403, "not_permitted")
    assert problem(operator.post("/api/v1/proposals", json=unknown)) == (403, "not_permitted")
    assert problem(planner.get("/api/v1/proposals/P-0")) == (404, "not_found")
    assert problem(planner.get("/api/v1/proposals?state=done")) == (422, "bad_request")
    approve = f"/api/v1/proposals/{served.proposed().id}/approve"
    assert problem(operator.post(approve, json={"digest": "x"})) == (403, "not_permitted")


def test_dead_letters_are_mended_by_whom_they_are_for(
    served: Served, planner: httpx.Client, operator: httpx.Client
) -> None:
    sent = operator.post(
        "/api/v1/ingest/waage", content=json.dumps({"id": "w-5", "source": "waage"}), headers=CLOUDEVENT
    )
    letter = sent.json()["dead_letters"][0]["id"]
    where = f"/api/v1/dead-letters/{letter}"

    assert problem(planner.get("/api/v1/dead-letters"))[0] == 403
    with served.client("it-9") as admin:
        assert [row["id"] for row in admin.get("/api/v1/dead-letters").json()] == [letter]
        retried = admin.post(f"{where}/retry").json()
        assert (retried["status"], retried["attempts"]) == ("open", 2)
        assert admin.post(f"{where}/discard", json={"reason": "a test"}).json()["closed_by"] == "it-9"
        assert problem(admin.post(f"{where}/retry"))[0] == 400
        assert problem(admin.post("/api/v1/dead-letters/999/retry"))[0] == 404


def test_a_closed_sources_dead_letters_stay_closed_to_an_administrator(served: Served, operator: httpx.Client) -> None:
    sent = operator.post("/api/v1/ingest/personalakte", content=json.dumps({"id": "a-5"}), headers=CLOUDEVENT)
    letter = sent.json()["dead_letters"][0]["id"]

    with served.client("it-9") as admin:
        assert admin.get("/api/v1/dead-letters").json() == []
        assert problem(admin.post(f"/api/v1/dead-letters/{letter}/retry"))[0] == 404
    assert [row["id"] for row in operator.get("/api/v1/dead-letters").json()] == [letter]


def test_unknown_ways_are_problems(operator: httpx.Client) -> None:
    assert problem(operator.get("/api/v1/nothing")) == (404, "not_found")
    assert problem(operator.delete(ASK))[0] == 405


def test_the_audit_and_the_state_of_the_server_can_be_asked(operator: httpx.Client) -> None:
    operator.post(ASK, json=QUESTION)

    assert operator.get("/api/v1/audit/verify").json()["ok"] is True
    assert operator.get("/readyz").json()["ready"] is True
    metrics = operator.get("/metrics").text
    assert 'lineside_requests_total{route="/api/v1/ask",status="200"} 1.0' in metrics
    assert 'lineside_messages{outcome="recorded",source="labor"} 1.0' in metrics


def test_the_openapi_document_describes_the_interface_and_no_page(operator: httpx.Client) -> None:
    paths = set(operator.get("/api/v1/openapi.json").json()["paths"])

    assert {f"/api/v1/{name}" for name in ("ask", "search", "sources", "proposals", "dead-letters")} <= paths
    assert {path for path in paths if not path.startswith("/api/v1/")} == set()
