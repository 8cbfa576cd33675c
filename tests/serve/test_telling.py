"""Whoever was told something that is no longer so hears of it, once, before anything else; nobody else does."""

from __future__ import annotations

from datetime import timedelta

from tests.serve.conftest import Served

from lineside.memory.freshness import OURS
from lineside.serve.telling import warn_of_decisions

ASK = "/api/v1/ask"
RECALLED = "/api/v1/answers/recalled"


def ask(client, conversation="c-1", **more):
    asked = {"question": "Why is Linie 7 falling behind?", "conversation": conversation, **more}
    return client.post(ASK, json=asked).json()


def take_back(served: Served) -> None:
    served.tell(
        {"id": "weg-1", "source": "schichtbuch", "type": "lineside.deletion", "time": "{0}",
         "data": {"of": "notiz-1", "reason": "wrong line"}}
    )  # fmt: skip


def test_a_deleted_record_is_told_once_on_top_of_the_next_answer_and_stays_listed(served: Served) -> None:
    with served.client("planer-3") as planner, served.client("qs-1") as other:
        first = ask(planner)
        take_back(served)
        nobody = planner.post(ASK, json={"question": "And without a conversation?"}).json()
        second, third = ask(planner), ask(planner)
        listed = planner.get(RECALLED).json()["recalled"]
        elsewhere = other.get(RECALLED).json()["recalled"]

    assert "notices" not in first
    assert "notices" not in nobody
    assert "deleted" in second["notices"][0]
    assert "wrong line" in second["notices"][0]
    assert second["answer"].startswith("First:\n- An answer of ")
    assert "notices" not in third
    assert [(row["kind"], row["conversation"], [c["how"] for c in row["changes"]]) for row in listed] == [
        ("answer", "c-1", ["deleted"])
    ]
    assert elsewhere == []


def test_the_old_answer_itself_is_marked_in_its_conversation(served: Served) -> None:
    with served.client("planer-3") as planner:
        ask(planner)
        before = planner.get("/c/c-1").text
        take_back(served)
        after, again = planner.get("/c/c-1").text, planner.get("/c/c-1").text

    assert "data-recalled" not in before
    assert after.count("data-recalled") == again.count("data-recalled") == 1
    assert ">First<" in after
    assert ">First<" not in again


def test_who_asks_about_an_earlier_time_is_told_nothing_of_today(served: Served) -> None:
    with served.client("planer-3") as planner:
        ask(planner)
        take_back(served)
        earlier = ask(planner, at=(served.lineside.clock() - timedelta(hours=2)).isoformat())
        assert "notices" not in earlier
        assert (
            planner.get(RECALLED, params={"at": (served.lineside.clock() - timedelta(hours=2)).isoformat()}).json()[
                "recalled"
            ]
            == []
        )
        assert ask(planner)["notices"]


def test_an_approval_whose_evidence_was_taken_back_is_told_to_who_asked_for_it(served: Served) -> None:
    note = next(n for n in served.lineside.memory.view().notes() if n.provenance.source_id == "notiz-1")
    served.lineside.ledger.propose(
        action="hold_lot",
        parameters={"lot": "CH-41", "reason": "it smells sour"},
        requester=served.lineside.person("planer-3"),
        origins={"lot": "question", "reason": "question"},
        evidence=[note.provenance.record_id],
    )
    take_back(served)
    with served.client("planer-3") as planner, served.client("qs-2") as other:
        rows = planner.get(RECALLED).json()["recalled"]
        assert other.get(RECALLED).json()["recalled"] == []

    assert [(row["kind"], row["question"]) for row in rows] == [("proposal", "hold_lot CH-41")]


def decide(served: Served, source: str = "schichtbuch") -> None:
    served.tell(
        {"id": "e-1", "source": source, "type": "lineside.decision", "time": "{-45}",
         "data": {"question": "Womit abfüllen?", "choice": "mit CH-41", "decided_by": "planer-3",
                  "assumptions": ["CH-41 bleibt frei"]}}
    )  # fmt: skip


def lot_is(served: Served, status: str, number: int) -> None:
    served.tell(
        {"id": f"ch-{number}", "source": "labor", "type": "lineside.report", "time": f"{{{number - 20}}}",
         "data": {"entity": "lot:CH-41", "properties": {"quality_status": status}}}
    )  # fmt: skip


def test_a_decisions_owner_hears_once_that_its_ground_is_gone_and_that_it_is_back(served: Served) -> None:
    decide(served)
    with served.client("planer-3") as planner, served.client("qs-1") as other:
        assert "notices" not in ask(planner)
        lot_is(served, "gesperrt", 1)
        told, once, not_hers = ask(planner), ask(planner), ask(other, "c-9")
        lot_is(served, "frei", 2)
        back, silent = ask(planner), ask(planner)
        lot_is(served, "gesperrt", 3)
        again = ask(planner)

    assert '"CH-41 bleibt frei", which no longer holds' in " ".join(told["notices"])
    assert "notices" not in once
    assert "notices" not in not_hers
    assert "holds again" in " ".join(back["notices"])
    assert "notices" not in silent
    assert "no longer holds" in " ".join(again["notices"])


def test_an_alert_opens_once_for_a_broken_decision_and_closes_when_it_holds_again(served: Served) -> None:
    decide(served)
    lot_is(served, "gesperrt", 1)
    assert [warn_of_decisions(served.lineside) for _ in range(3)] == [1, 1, 1]
    opened = served.lineside.memory.alerts(OURS)
    lot_is(served, "frei", 2)
    warn_of_decisions(served.lineside)

    assert [a.kind for a in opened] == ["assumption_broken"]
    assert "which no longer holds" in opened[0].reason
    assert served.lineside.memory.alerts(OURS) == []
    assert len(served.lineside.memory.alerts(OURS, only_open=False)) == 1


def test_no_alert_tells_everybody_of_a_decision_that_only_some_may_read(served: Served) -> None:
    decide(served, source="personalakte")
    lot_is(served, "gesperrt", 1)

    assert warn_of_decisions(served.lineside) == 0


def test_who_decides_hears_that_something_waits_and_who_asked_what_became_of_it(served: Served) -> None:
    with served.client("planer-3") as planner, served.client("qs-1") as quality:
        ask(quality, "q-1")
        proposal = served.proposed()
        waits, again = ask(quality, "q-1"), ask(quality, "q-1")
        asker = ask(planner)
        quality.post(f"/api/v1/proposals/{proposal.id}/reject", json={"reason": "it is meant to be sour"})
        told, once = ask(planner), ask(planner)

    assert any(proposal.id in each and "waits for you" in each for each in waits["notices"])
    assert "notices" not in again
    assert "notices" not in asker
    assert any(proposal.id in each and "it is meant to be sour" in each for each in told["notices"])
    assert "notices" not in once
