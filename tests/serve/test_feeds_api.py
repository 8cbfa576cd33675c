"""The HTTP interface to the sources, over real HTTP: who may look and change, and what watchers are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.conftest import EVENTS, Served, serving

from lineside.connector import Batch, SourceMessage, Trouble, TroubleKind
from lineside.memory.alerts import DRIFTED
from lineside.memory.drift import DriftWatch
from lineside.memory.watchdog import Watchdog
from lineside.plant.mapping_file import SourceMapping, StreamMapping
from lineside.serve.overview import translator_for

CLOUDEVENT = {"Content-Type": "application/cloudevents+json"}
REASON = {"reason": "stocktaking"}


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """A running server whose plant reads one source, named as a URI."""
    folder = home / "notes"
    folder.mkdir()
    with (home / "lineside.toml").open("a", encoding="utf-8") as file:
        file.write(f'[[sources]]\nname = "/bde/1"\nconnector = "open_records"\noptions = {{ path = "{folder}" }}\n')
    with serving(home) as found:
        found.tell(*EVENTS)
        yield found


@pytest.fixture
def operator(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == answer.status_code
    assert said["detail"]
    return answer.status_code, said["code"]


def spoil(operator: httpx.Client, source: str, count: int) -> None:
    """The source pushes that many events that can't be read."""
    for number in range(count):
        sent = operator.post(f"/api/v1/ingest/{source}", content=json.dumps({"id": f"x-{number}"}), headers=CLOUDEVENT)
        assert sent.json()["dead_lettered"] == 1


def test_one_source_is_told_whole_to_those_who_may_read_it(served: Served, operator: httpx.Client) -> None:
    row = operator.get("/api/v1/sources/labor").json()

    assert row["equation"] == "1 received = 1 recorded + 0 known + 0 dead-lettered + 0 held + 0 ignored"
    assert row["streams"] == [{"stream": "", "messages": 1, "last_at": row["streams"][0]["last_at"]}]
    assert (row["state"], row["gap_list"], row["drift_list"], row["past_alerts"]) == ("live", [], [], [])
    with served.client("planer-3") as planner:
        assert planner.get("/api/v1/sources/labor").status_code == 200
        assert problem(planner.get("/api/v1/sources/personalakte")) == (404, "not_found")
    assert problem(operator.get("/api/v1/sources/erp")) == (404, "not_found")


def test_pausing_takes_the_right_and_a_reason_and_is_audited(served: Served, operator: httpx.Client) -> None:
    where = "/api/v1/sources/%2Fbde%2F1"
    with served.client("planer-3") as planner:
        assert problem(planner.post(f"{where}/pause", json=REASON)) == (403, "not_permitted")
    with served.client("it-9") as admin:
        assert problem(admin.post(f"{where}/pause", json={})) == (422, "bad_request")
        paused = admin.post(f"{where}/pause", json=REASON).json()
        assert (paused["state"], paused["paused_by"], paused["reason"]) == ("paused", "it-9", "stocktaking")
        assert admin.post(f"{where}/resume").json()["state"] == "starting"
        assert problem(admin.post("/api/v1/sources/labor/pause", json=REASON)) == (404, "not_found")
        assert problem(admin.post("/api/v1/sources/personalakte/pause", json=REASON)) == (404, "not_found")
    with served.lineside.memory.read() as connection:
        entries = [json.loads(each.content) for each in served.lineside.ledger.journal.entries(connection)]
    assert [(each["kind"], each["actor"], each["data"]["via"]) for each in entries] == [
        ("source_paused", "it-9", "token"), ("source_resumed", "it-9", "token"),
    ]  # fmt: skip
    assert operator.get("/api/v1/audit/verify").json()["ok"] is True


def test_another_sites_page_pauses_nothing(served: Served, operator: httpx.Client) -> None:
    foreign = operator.post("/api/v1/sources/%2Fbde%2F1/pause", json=REASON, headers={"Sec-Fetch-Site": "cross-site"})

    assert problem(foreign)[0] == 403


def test_dead_letters_are_chosen_tried_and_closed_in_bulk(served: Served, operator: httpx.Client) -> None:
    spoil(operator, "labor", 3)
    spoil(operator, "personalakte", 2)
    retry, discard = "/api/v1/dead-letters/retry", "/api/v1/dead-letters/discard"

    assert problem(operator.post(retry, json={})) == (400, "bad_request")
    assert problem(operator.post(discard, json={"all": True})) == (422, "bad_request")
    assert problem(operator.post(discard, json={"all": True, "since": "soon", "reason": "x"})) == (400, "bad_request")
    with served.client("planer-3") as planner:
        assert problem(planner.post(retry, json={"all": True})) == (403, "not_permitted")
    with served.client("it-9") as admin:
        (row,) = admin.post(retry, json={"all": True}).json()
        assert (row["source"], row["tried"], row["open"], row["error"]) == ("labor", 3, 3, "")
        assert admin.post(discard, json={"source": "personalakte", "reason": "x"}).json() == {"discarded": 0}
        assert admin.post(discard, json={"containing": "NOTHING like it", "reason": "x"}).json() == {"discarded": 0}
        assert admin.post(discard, json={"all": True, "reason": "a probe"}).json() == {"discarded": 3}
    assert {each["source"] for each in operator.get("/api/v1/dead-letters?limit=5").json()} == {"personalakte"}


def test_what_is_wrong_is_told_to_those_who_may_read_the_source(served: Served, operator: httpx.Client) -> None:
    trouble = Trouble(kind=TroubleKind.REFUSED, reason="may not read lots", stream="lots")
    for source in ("labor", "personalakte"):
        served.lineside.memory.remember(
            Batch(troubles=(trouble,)), source=source, translate=translator_for(served.lineside, source)
        )
    served.lineside.memory.remember(Batch(troubles=()), source="labor", translate=translator_for(served.lineside, "l"))

    assert [alert["source"] for alert in operator.get("/api/v1/alerts").json()] == ["personalakte"]
    assert [alert["closed_at"] is None for alert in operator.get("/api/v1/alerts?closed=true").json()] == [True, False]
    with served.client("planer-3") as planner:
        assert [alert["source"] for alert in planner.get("/api/v1/alerts?closed=true").json()] == ["labor"]
        assert problem(planner.get("/api/v1/messages?source=labor")) == (403, "not_permitted")
    (line,) = operator.get("/api/v1/messages?source=labor").json()
    assert (line["outcome"], line["source_id"], "content" in line) == ("recorded", "charge-41-1", False)


def test_drift_is_accepted_once_and_its_alert_is_over(served: Served, operator: httpx.Client) -> None:
    lineside, name = served.lineside, "/bde/1"
    watch = DriftWatch(lineside.memory, SourceMapping(source=name, streams=(StreamMapping(name="*"),)))

    def sends(fields: dict[str, Any], count: int) -> list[Trouble]:
        watch.see([
            SourceMessage(source=name, source_id=f"{len(fields)}-{n}", content=json.dumps(fields).encode(),
                          received_at=lineside.clock(), stream="lots")
            for n in range(count)
        ])  # fmt: skip
        return watch.flush()

    assert sends({"lot": "L-1", "pieces": 5}, 60) == []
    troubles = sends({"lot": "L-1", "pieces": 5, "batch_no": "B"}, 60)
    lineside.memory.settle_alerts(name, [DRIFTED], {(each.stream, DRIFTED): each.reason for each in troubles})
    row = operator.get("/api/v1/sources/%2Fbde%2F1").json()
    accepted = operator.post("/api/v1/sources/%2Fbde%2F1/drift/accept").json()
    after = operator.get("/api/v1/sources/%2Fbde%2F1").json()

    assert (row["drift"], [each["field"] for each in row["drift_list"]]) == (1, ["batch_no"])
    assert [each["field"] for each in accepted] == ["batch_no"]
    assert (after["drift"], after["drift_list"], [each["kind"] for each in after["past_alerts"]]) == (
        0,
        [],
        ["drifted"],
    )
    assert operator.post("/api/v1/sources/%2Fbde%2F1/drift/accept", json={}).json() == []
    assert problem(operator.post("/api/v1/sources/labor/drift/accept")) == (404, "not_found")


# for those who watch


def test_it_is_ready_only_while_the_watchdog_looks(served: Served, operator: httpx.Client) -> None:
    lineside = served.lineside
    never = operator.get("/readyz")
    Watchdog(lineside.memory, {}).look()
    looked = operator.get("/readyz")
    clock = lineside.clock
    lineside.clock = lambda: clock() + timedelta(minutes=5)
    stale = operator.get("/readyz")

    assert problem(never) == (503, "lineside_error")
    assert looked.json()["ready"] is True
    assert problem(stale)[0] == 503
    assert (stale.json()["part"], "5 min ago" in stale.json()["detail"]) == ("watchdog", True)


def test_without_sources_nobody_has_to_watch(home: Path) -> None:
    with serving(home) as found, found.client() as client:
        assert client.get("/readyz").status_code == 200


def test_the_sources_are_measured(served: Served, operator: httpx.Client) -> None:
    spoil(operator, "labor", 2)
    trouble = Trouble(kind=TroubleKind.REFUSED, reason="may not read lots", stream="lots")
    served.lineside.memory.remember(
        Batch(troubles=(trouble,)), source="labor", translate=translator_for(served.lineside, "labor")
    )
    assert "lineside_watchdog_heartbeat_age_seconds -1.0" in operator.get("/metrics").text
    Watchdog(served.lineside.memory, {}).look()
    lines = operator.get("/metrics").text.splitlines()

    for line in (
        'lineside_messages{outcome="dead_lettered",source="labor"} 2.0',
        'lineside_messages{outcome="held",source="labor"} 0.0',
        'lineside_source_state{source="labor",state="degraded"} 1.0',
        'lineside_source_state{source="labor",state="live"} 0.0',
        'lineside_source_open_letters{source="labor"} 2.0',
        'lineside_source_alerts{kind="refused",source="labor"} 1.0',
    ):
        assert line in lines
    told = {line.split(" ")[0]: float(line.split(" ")[1]) for line in lines if not line.startswith("#")}
    assert 0 <= told['lineside_source_last_heard_age_seconds{source="labor"}'] < 60
    assert 0 <= told["lineside_watchdog_heartbeat_age_seconds"] < 60
    assert told["lineside_index_lag_passages"] > 0
