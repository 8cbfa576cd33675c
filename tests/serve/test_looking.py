"""Each interpretation by itself: over HTTP and as a page, for whom the records allow it, at any time."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from tests.serve.conftest import Served

from lineside.agent.looking import entries, readable
from lineside.agent.tools import TOOLS
from lineside.errors import NotFound

PAGE = {"Accept": "text/html"}
READS = [name for name, tool in TOOLS.items() if tool.reads]


def test_every_tool_that_reads_is_listed_with_what_it_takes_and_the_others_are_not(served: Served) -> None:
    with served.client("planer-3") as client:
        listed = client.get("/api/v1/look").json()
        page = client.get("/look", headers=PAGE).text

    assert [each["tool"] for each in listed] == READS
    assert all(each["parameters"]["type"] == "object" for each in listed)
    assert [name for name in READS if f'href="/look/{name}"' not in page] == []
    assert "propose_action" not in page
    with pytest.raises(NotFound, match="there are: now"):
        readable("propose_action")


def test_a_lookup_gives_an_answer_with_its_evidence_and_figures(served: Served) -> None:
    with served.client("planer-3") as client:
        found = client.get("/api/v1/look/state", params={"entity": "CH-41"}).json()

    assert found["tool"] == "state"
    assert "unrestricted" in found["answer"]["verdict"]
    assert {each["source"] for each in found["answer"]["citations"]} == {"labor"}
    assert found["answer"]["tools"] == [{"name": "state", "arguments": {"entity": "CH-41"}}]
    assert found["data"]["entity"] == "lot:CH-41"


def test_a_lookup_of_the_past_knows_only_what_was_known_then(served: Served) -> None:
    before = (served.lineside.clock() - timedelta(hours=2)).isoformat()
    with served.client("planer-3") as client:
        now = client.get("/api/v1/look/events", params={"kinds": "stop"}).json()["answer"]
        then = client.get("/api/v1/look/events", params={"kinds": "stop", "as_of": before}).json()["answer"]

    assert (now["abstained"], then["abstained"]) == (False, True)


def test_lists_pairs_choices_numbers_and_flags_come_from_the_address(served: Served) -> None:
    asked = {
        "tally": {"subject": "lot", "where": "quality_status:unrestricted", "late": "false", "measure": "count"},
        "lookup": {"entity": "CH-41", "properties": ["quality_status", "quantity"], "history": "true"},
        "carrier_delay": {"minutes": "90"},
    }
    with served.client("planer-3") as client:
        found = {tool: client.get(f"/api/v1/look/{tool}", params=query) for tool, query in asked.items()}  # type: ignore[arg-type]

    assert {tool: answer.status_code for tool, answer in found.items()} == dict.fromkeys(asked, 200)
    assert "1" in found["tally"].json()["answer"]["verdict"]
    used = found["lookup"].json()["answer"]["tools"][0]["arguments"]
    assert used == {"entity": "CH-41", "properties": ["quality_status", "quantity"], "history": True}


def test_nobody_looks_up_what_they_may_not_read(served: Served) -> None:
    with served.client("planer-3") as client, httpx.Client(base_url=served.url, trust_env=False) as stranger:
        found = client.get("/api/v1/look/recall", params={"text": "Abmahnung Verspätung"}).json()
        refused = stranger.get("/api/v1/look/now", headers={"Host": "plant.example"})

    assert "Abmahnung" not in str(found["answer"]["citations"])
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("nothing", 404, "is nothing to look up; there are: now"),
        ("propose_action", 404, "is nothing to look up"),
        ("state", 400, "entity: field required"),
        ("state?entity=CH-41&colour=red", 400, "colour"),
        ("state?entity=CH-99999", 400, "is not in the memory; nearest ids"),
        ("carrier_delay?minutes=soon", 400, "minutes: input should be a valid number"),
        ("now?as_of=yesterdayish", 400, "is not a time"),
    ],
)
def test_what_can_not_be_looked_up_says_why(served: Served, path: str, status: int, told: str) -> None:
    with served.client("planer-3") as client:
        answer = client.get(f"/api/v1/look/{path}")

    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text


@pytest.mark.parametrize("name", READS)
def test_every_page_has_its_form_and_tells_something_or_what_it_needs(served: Served, name: str) -> None:
    with served.client("planer-3") as client:
        page = client.get(f"/look/{name}", headers=PAGE)

    assert page.status_code in (200, 400), page.text
    assert [each.name for each in entries(TOOLS[name]) if f'name="{each.name}"' not in page.text] == []
    needs = any(each.required for each in entries(TOOLS[name]))
    assert ('class="verdict"' in page.text or 'class="caution"' in page.text) is not needs


def test_a_page_keeps_what_was_typed_and_escapes_it(served: Served) -> None:
    with served.client("planer-3") as client:
        page = client.get("/look/state", params={"entity": '"><script>x</script>'}, headers=PAGE)

    assert page.status_code == 400
    assert "<script>x" not in page.text
    assert "&lt;script&gt;x&lt;/script&gt;" in page.text
