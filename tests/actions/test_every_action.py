"""Every action that goes over HTTP, from asking to what its own system reports, through every fault of the system."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.actions.conftest import HEADS_DECIDE, KEY, Clock, people, report
from tests.conftest import message_of, translate

from lineside.actions import ACTIONS, Ledger, Proposal, Refusal, State, parse_policy
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.connector import Batch
from lineside.memory import Memory
from lineside.plant.plant import Person

PEOPLE = people("westhafen", asks="planner", one="head", two="head", three="head")
PLANT = f'site = "westhafen"\ntime_zone = "Europe/Berlin"\n{PEOPLE}[[sources]]\nname = "all"\nkind = "erp"\n'
PLANT += '[[contacts]]\npartner = "C-1"\nemail = "ann@customer.example"\n'
SAID: dict[str, dict[str, Any]] = {
    "lot:A-1": {"quality_status": "unrestricted", "material": "M-1"},
    "lot:A-9": {"quality_status": "unrestricted", "material": "M-1"},
    "hold:H-7": {"status": "active", "subject": "lot:A-9", "reason": "smells"},
    "job_order:W-1": {"status": "planned", "sequence": 4, "components": [{"material": "M-1"}]},
    "material:M-1": {"substitutes": ["M-2"]},
    "material:M-2": {"description": "another"},
    "equipment:westhafen/hall/oven": {"state": "running"},
    "handling_unit:HU-1": {"location": "A-03", "sales_order_line": "S-1/10", "lot": "A-1"},
    "sales_order_line:S-1/10": {"material": "M-1"},
    "sales_order_line:S-2/10": {"material": "M-1"},
    "sales_order:S-2": {"customer": "C-1"},
    "inventory:M-1@WH1": {"quantity": {"value": 40, "unit": "ea"}},
    "purchase_order_line:PO-1/1": {"status": "open", "eta": "2026-11-25T08:00:00+01:00"},
    "shipment:SH-1": {"status": "planned", "planned_departure": "2026-11-20T15:00:00+01:00"},
}
WHY = {"reason": "the line needs it"}
ASKED: dict[str, dict[str, Any]] = {
    "hold_lot": {"lot": "A-1", **WHY},
    "release_hold": {"hold": "H-7", **WHY},
    "dispose": {"hold": "H-7", "disposition": "rework", **WHY},
    "resequence_job_order": {"job_order": "W-1", "sequence": 1, **WHY},
    "substitute_material": {"job_order": "W-1", "material": "M-1", "substitute": "M-2", **WHY},
    "request_staging": {
        "job_order": "W-1", "material": "M-1", "quantity": "40 ea", "to": "westhafen/hall/oven",
        "due": "2026-11-20T11:00:00+01:00", **WHY,
    },
    "reroute_pick": {"handling_unit": "HU-1", "location": "B-07", **WHY},
    "post_count": {"inventory": "M-1@WH1", "quantity": "38 ea", **WHY},
    "post_movement": {
        "movement": "goods_issue", "goods": "A-1", "quantity": "2 ea", "moved_at": "2026-11-20T07:00:00+01:00", **WHY,
    },
    "expedite_purchase_order": {"purchase_order_line": "PO-1/1", "eta": "2026-11-22T08:00:00+01:00", **WHY},
    "reallocate_stock": {"handling_unit": "HU-1", "sales_order_line": "S-2/10", **WHY},
    "pause_shipment": {"shipment": "SH-1", "until": "2026-11-20T17:00:00+01:00", **WHY},
    "split_shipment": {"shipment": "SH-1", "sales_order_line": "S-2/10", "quantity": "5 ea", **WHY},
    "notify_party": {"about": "S-2", "text": "Half of it comes on Monday."},
    "create_maintenance_order": {
        "equipment": "westhafen/hall/oven", "description": "the door sticks", "priority": "high", **WHY,
    },
    "write_back": {"concerns": "job_order:W-1", "outcome": "the door was mended"},
}  # fmt: skip
# What the system does, and how an action that sets something and one that leaves something behind end hours later.
FAULTS = {
    "none": ("executed", "executed", 1),
    "read_fails": ("expired", "expired", 0),
    "read_other": ("expired", "expired", 0),
    "changes_after_read": ("stale", "stale", 0),
    "refuses_writer": ("failed", "failed", 0),
    "too_many": ("failed", "failed", 0),
    "fails_before": ("failed", "failed", 0),
    "silent_before": ("failed", "failed", 0),
    "fails_after": ("executed", "executed", 1),
    "silent_after": ("executed", "executed", 1),
    "drips": ("executed", "executed", 1),
    "wrong_answer": ("executed", "executed", 1),
    "does_otherwise": ("needs_human", "needs_human", 1),
}
# Only what never answers is worth giving up on soon.
SILENT, PATIENT_S = frozenset({"silent_before", "silent_after", "drips", "does_otherwise"}), 20.0
OVER_HTTP = sorted(load_interface("plain").offers)


class Layer:
    """The integration layer as a test steers it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def reset(self) -> None:
        self._http.post("/test/reset", json=SAID)

    def fault(self, fault: str) -> None:
        self._http.post(f"/test/fault/{fault}")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get("/test/state").json()
        return found

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def layer() -> Iterator[Layer]:
    script = Path(__file__).with_name("any_server.py")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = Layer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        yield found
        found.reset()  # what still waits for its answer would keep the process
        found.close()
        process.terminate()


@pytest.fixture
def ledger(layer: Layer, open_memory: Callable[..., Memory], tmp_path: Path) -> Ledger:
    clock = Clock()
    memory = open_memory(f"sqlite:///{tmp_path / 'l.db'}", plant=PLANT)
    memory.clock = clock
    layer.reset()
    target = HttpTarget(layer.url, "t", source="all", interface=load_interface("plain"), timeout_s=PATIENT_S)
    made = Ledger(memory, parse_policy(HEADS_DECIDE.encode(), where="here"), clock, KEY, targets=[target])
    for name, said in SAID.items():
        tell(made, name, **said)
    for head in ("one", "two"):
        made.arm("all", Person(id=head), "ready")
    return made


def tell(ledger: Ledger, entity: str, **said: Any) -> None:
    event = {**report(entity, "all", number=len(ledger.list()) + ledger.clock().toordinal(), **said)}
    event["id"] = f"{entity}-{ledger.clock().isoformat()}-{len(said)}"
    event["time"] = ledger.clock().isoformat()
    ledger.memory.remember(
        Batch(messages=[message_of(event, received_at=ledger.clock())]), source="all", translate=translate
    )


def approved(ledger: Ledger, action: str) -> Proposal:
    asked = ASKED[action]
    found = ledger.propose(
        action=action, parameters=asked, requester=Person(id="asks"), origins=dict.fromkeys(asked, "question")
    )
    assert isinstance(found, Proposal), found
    for head in ("two", "three"):
        found = ledger.approve(found.id, Person(id=head), found.digest, "cli")
    assert found.state is State.APPROVED
    return found


def test_every_action_has_a_way_over_http_or_says_which_target_it_wants() -> None:
    assert set(OVER_HTTP) == {name for name, each in ACTIONS.items() if not each.bounded} == set(ASKED)


@pytest.mark.parametrize("action", OVER_HTTP)
def test_an_action_is_asked_decided_done_and_closed_by_what_its_system_reports(
    ledger: Ledger, layer: Layer, action: str
) -> None:
    proposal = approved(ledger, action)

    [step] = ledger.execute_due()

    assert step.state is State.EXECUTED
    [done] = layer.state["done"]
    sent = dict(done["body"])
    assert (done["action"], sent.pop("approved_by")) == (action, "three, two")
    assert sent == proposal.bound["payload"]
    assert ledger.verify_due() == []
    ledger.clock.advance(minutes=5)  # type: ignore[attr-defined]
    its_system_reports(ledger, layer, proposal, done["effect"])
    [step] = ledger.verify_due()
    assert (step.state, ledger.show(proposal.id).verified_record is not None) == (State.VERIFIED, True)
    [decision] = ledger.memory.view().decisions()
    assert decision.decided_by == "three"
    assert "{" not in f"{decision.question}{decision.choice}"


def its_system_reports(ledger: Ledger, layer: Layer, proposal: Proposal, effect: str) -> None:
    expected = proposal.bound["expects"]
    if "sets" in expected:
        tell(ledger, str(proposal.entity), **layer.state["subjects"][str(proposal.entity)]["properties"])
        return
    if expected["kind"] == "note":
        event: dict[str, Any] = {"type": "lineside.note", "data": {"text": f"Entry of {proposal.id}", "author": "it"}}
    elif expected["kind"]:
        said = {
            expected["points"]: str(proposal.entity) if expected["points"] == "subject" else proposal.entity.id,
            "status": (expected["statuses"] or ["open"])[0],
        }
        tell(ledger, f"{expected['kind']}:{effect}", **said)
        return
    else:
        kind, id_ = proposal.entity.kind, proposal.entity.id
        event = {
            "type": "lineside.event",
            "data": {"kind": expected["events"][0], kind: id_, "attributes": {"document": effect}},
        }
    event |= {"id": f"back-{proposal.id}", "source": "all", "time": ledger.clock().isoformat()}
    batch = Batch(messages=[message_of(event, received_at=ledger.clock())])
    assert ledger.memory.remember(batch, source="all", translate=translate).dead == ()


@pytest.mark.parametrize("action", [name for name in OVER_HTTP if ACTIONS[name].inverse])
def test_what_is_undone_by_a_proposal_of_its_own_is_compensated(ledger: Ledger, layer: Layer, action: str) -> None:
    proposal = approved(ledger, action)
    carried_through(ledger, layer, proposal)

    back = ledger.undo(proposal.id, Person(id="asks"), "it was the wrong one")
    assert isinstance(back, Proposal), back
    for head in ("two", "three"):
        ledger.approve(back.id, Person(id=head), back.digest, "cli")
    assert ledger.show(proposal.id).state is State.VERIFIED
    carried_through(ledger, layer, back)

    assert [ledger.show(each).state for each in (proposal.id, back.id)] == [State.COMPENSATED, State.VERIFIED]
    assert {d.provenance.source_id for d in ledger.memory.view().decisions()} == {proposal.id, back.id}
    assert isinstance(ledger.undo(proposal.id, Person(id="asks"), "again"), Refusal)


def carried_through(ledger: Ledger, layer: Layer, proposal: Proposal) -> None:
    [step] = ledger.execute_due()
    assert step.state is State.EXECUTED, step
    ledger.clock.advance(minutes=5)  # type: ignore[attr-defined]
    its_system_reports(ledger, layer, proposal, layer.state["done"][-1]["effect"])
    [step] = ledger.verify_due()
    assert step.state is State.VERIFIED
    ledger.clock.advance(minutes=5)  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_whatever_the_system_does_every_action_ends_where_it_should(ledger: Ledger, layer: Layer, fault: str) -> None:
    setting, leaving, effects = FAULTS[fault]
    for action in OVER_HTTP:
        layer.reset()
        before = len(layer.state["done"])
        proposal = approved(ledger, action)
        layer.fault(fault)
        target = ledger.targets["all"]
        target._timeout_s = 0.7 if fault in SILENT else PATIENT_S  # type: ignore[attr-defined]
        ledger.execute_due()
        target._timeout_s = PATIENT_S  # type: ignore[attr-defined]

        for _ in range(12):
            ledger.execute_due()
            ledger.clock.advance(minutes=61)  # type: ignore[attr-defined]

        ends = setting if "sets" in proposal.bound["expects"] else leaving
        found = ledger.show(proposal.id)
        assert found.state == ends, (action, found.detail)
        assert len(layer.state["done"]) - before == effects, action
        assert layer.state["writes"] <= 1, action
        layer.fault("none")
        close(ledger, found)
    assert ledger.audit_verify().ok


def close(ledger: Ledger, proposal: Proposal) -> None:
    """So that the next action on the same subject isn't in its way."""
    if proposal.state is State.NEEDS_HUMAN:
        ledger.reject(proposal.id, Person(id="two"), "looked at by hand")
