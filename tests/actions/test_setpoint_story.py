"""A setpoint's whole way: asked for, decided on by two, armed, written, come back through the reader's feed, undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from tests.actions.conftest import HEADS, KEY, PLANNER, PLANT, Clock, report
from tests.actions.oven_server import OVEN, PASSWORD, READER, ROWS, WORKS, Oven
from tests.conftest import message_of, translate

from lineside.actions import Ledger, Proposal, Refusal, State, load_policy
from lineside.actions.executors.configured import configured
from lineside.actions.executors.writing import writers
from lineside.connector import Batch
from lineside.errors import BadSettings, NotPermitted
from lineside.memory import Memory
from lineside.plant.records import Json
from lineside.settings import TargetSettings
from lineside_ingest.opcua import OpcUa

SCADA = """
[[sources]]
name = "scada"
kind = "scada"
"""


class Hall:
    """An oven, what is remembered of it, and a ledger that may write to it."""

    def __init__(self, oven: Oven, memory: Memory, home: Path, rows: str = ROWS) -> None:
        self.oven, self.memory, self.clock, self.told = oven, memory, Clock(), 0
        memory.clock = self.clock
        (home / "interfaces").mkdir(exist_ok=True)
        (home / "interfaces" / "oven.toml").write_text(rows)
        self.home = home
        settings = TargetSettings(interface="oven", url=oven.url, token=PASSWORD)
        targets = writers([("scada", settings)], home, self.clock)
        self.ledger = Ledger(memory, load_policy(), self.clock, KEY, targets=targets)
        oven.now = self.clock()

    def says(self, **properties: Any) -> None:
        """The machine's source says so."""
        self.told += 1
        event = report(f"equipment:{OVEN}", "scada", number=self.told, **properties)
        batch = Batch(messages=[message_of(event, received_at=self.clock())])
        assert self.memory.remember(batch, source="scada", translate=translate).dead == ()

    def asked(self, value: str = "185", parameter: str = "temperature_setpoint") -> Proposal | Refusal:
        parameters: dict[str, Json] = {
            "equipment": OVEN, "parameter": parameter, "value": value, "reason": "the crust is too pale",
        }  # fmt: skip
        return self.ledger.propose(
            action="write_setpoint",
            parameters=parameters,
            requester=PLANNER,
            origins=dict.fromkeys(parameters, "question"),
        )

    def proposed(self, value: str = "185", parameter: str = "temperature_setpoint") -> Proposal:
        found = self.asked(value, parameter)
        assert isinstance(found, Proposal), found
        return found

    def decided(self, proposal: Proposal) -> Proposal:
        for head in HEADS:
            proposal = self.ledger.approve(proposal.id, head, proposal.digest, "web", signed_in_at=self.clock())
        return proposal

    def arm(self) -> None:
        for head in HEADS:
            self.ledger.arm("scada", head, "the recipe is being tuned")

    def read_on(self) -> None:
        """The reader's own connector, under its own credential, brings what the server has."""
        nodes = [
            {"node": f"nsu={WORKS};s=Oven2.Temp", "equipment": OVEN, "property": "temperature_setpoint", "unit": "Cel"},
            {"node": f"nsu={WORKS};s=Oven2.State", "equipment": OVEN, "property": "state",
             "values": {"0": "idle", "1": "baking", "2": "cleaning"}},
        ]  # fmt: skip
        reader = OpcUa(
            "scada",
            {
                "url": self.oven.url, "nodes": nodes, "sampling_ms": 20, "timeout_s": 5, "resume_s": 0,
                "user": READER, "password": PASSWORD, "security_policy": "Basic256Sha256",
                "security_mode": "SignAndEncrypt", "certificate": str(self.home / "ours.der"),
                "private_key": str(self.home / "ours.pem"), "server_certificate": str(self.home / "theirs.der"),
            },
            time_zone=UTC,
        )  # fmt: skip

        async def both() -> list[Batch]:
            found: list[Batch] = []
            async with aclosing(reader.capture(None)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    found.append(batch)
                    if sum(len(each.messages) for each in found) >= len(nodes):
                        return found
            return found

        for batch in asyncio.run(both()):
            self.memory.remember(batch, source="scada", translate=reader.translate)


@pytest.fixture(scope="module")
def oven_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oven]:
    oven = Oven(tmp_path_factory.mktemp("oven"))
    oven.start()
    yield oven
    oven.stop()


@pytest.fixture
def hall(oven_thread: Oven, open_memory: Any, tmp_path: Path) -> Callable[..., Hall]:
    """Makes the hall: the oven at 180 °C and idle, and told so."""
    oven_thread.reset()
    for each in oven_thread.folder.glob("*.*"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    memory = open_memory(f"sqlite:///{tmp_path / 'l.db'}", plant=PLANT + SCADA)

    def build(rows: str = ROWS, **told: Any) -> Hall:
        made = Hall(oven_thread, memory, tmp_path, rows)
        made.says(**(told or {"temperature_setpoint": {"value": 180, "unit": "°C"}, "state": "idle"}))
        return made

    return build


def test_a_setpoint_is_asked_for_decided_written_confirmed_and_taken_back(hall: Callable[..., Hall]) -> None:
    built = hall()
    proposal = built.proposed("185.3")

    assert (proposal.case.risk, proposal.quorum) == ("high", 2)
    assert [(c["before"], c["after"]) for c in proposal.bound["changes"]] == [("180 °C", "185.3 Cel")]
    shown = " | ".join(proposal.bound["facts"])
    for said in ("150 Cel to 240.5 Cel", "at most 10 Cel at once", "20 Cel in 60 s", "idle or baking", "SHA-256"):
        assert said in shown
    with pytest.raises(NotPermitted):
        built.ledger.approve(proposal.id, HEADS[0], proposal.digest, "web")  # not signed in anew
    assert built.decided(proposal).state is State.APPROVED
    [step] = built.ledger.execute_due()
    assert (step.state, "not armed" in step.detail) == (State.APPROVED, True)
    built.arm()

    [step] = built.ledger.execute_due()

    assert step.state is State.EXECUTED, step.detail
    assert built.oven.value("Temp") == pytest.approx(185.3, abs=1e-4)
    assert built.ledger.verify_due() == []
    built.read_on()
    assert [step.state for step in built.ledger.verify_due()] == [State.VERIFIED]

    built.clock.advance(minutes=5)
    back = built.ledger.undo(proposal.id, HEADS[0], "the crust is dark now")
    assert isinstance(back, Proposal), back
    assert [(c["before"], c["after"]) for c in back.bound["changes"]] == [("185.3 Cel", "180 Cel")]
    assert back.undoes == proposal.id
    with pytest.raises(NotPermitted):
        built.decided(back)  # who asked for it does not decide on it
    built.ledger.reject(back.id, HEADS[0], "let the planner ask")
    back = built.ledger.undo(proposal.id, PLANNER, "the crust is dark now")
    assert isinstance(back, Proposal), back
    built.decided(back)
    built.ledger.execute_due()
    built.read_on()
    assert [step.state for step in built.ledger.verify_due()] == [State.VERIFIED]
    assert [each.value for each in built.oven.account] == [pytest.approx(185.3, abs=1e-4), 180.0]
    assert built.ledger.audit_verify().ok


def test_nothing_is_written_on_what_has_changed_since(hall: Callable[..., Hall]) -> None:
    for name, value, word in (("Temp", 182.0, "182 Cel"), ("State", 1, "baking")):
        built = hall()
        proposal = built.proposed()
        built.decided(proposal)
        built.ledger.stop("scada", "test", "anew")
        built.arm()
        built.oven.set(name, value)

        [step] = built.ledger.execute_due()

        assert (step.state, word in step.detail) == (State.STALE, True)
        assert built.oven.account == []
        built.oven.reset()


def test_what_no_record_told_is_read_and_never_written_blind(hall: Callable[..., Hall]) -> None:
    built = hall(job_order="JO-1")
    unread, read = built.proposed(), None
    built.decided(unread)
    built.arm()
    built.oven.set("Temp", float("nan"))
    [step] = built.ledger.execute_due()
    assert (step.state, built.oven.account) == (State.STALE, [])

    built.oven.reset()
    read = built.proposed()
    assert [c["before"] for c in read.bound["changes"]] == ["not said by scada"]
    built.decided(read)
    [step] = built.ledger.execute_due()

    assert (step.state, len(built.oven.account)) == (State.EXECUTED, 1)
    built.read_on()
    built.ledger.verify_due()
    undone = built.ledger.undo(read.id, HEADS[0], "back")
    assert isinstance(undone, Refusal)  # nobody told what it was


def test_what_the_rows_never_allow_is_refused_when_it_is_asked_for(hall: Callable[..., Hall]) -> None:
    built = hall()
    codes = {
        (value, parameter): getattr(built.asked(value, parameter), "code", "taken")
        for value, parameter in (
            ("300", "temperature_setpoint"), ("1e308", "temperature_setpoint"), ("NaN", "temperature_setpoint"),
            ("1e999999", "temperature_setpoint"), ("195", "temperature_setpoint"), ("180.1", "temperature_setpoint"),
            ("50", "belt_speed"), ("1", "ns=3;s=Oven2.Temp"), ("1", "state"), ("1", "Temperature_Setpoint"),
        )
    }  # fmt: skip

    assert list(codes.values()) == [
        "out_of_bounds", "bad_parameters", "bad_parameters", "bad_parameters", "out_of_bounds", "out_of_bounds",
        "in_the_way", "not_listed", "not_listed", "not_listed",
    ]  # fmt: skip
    assert built.ledger.list() == []


def test_a_source_that_speaks_in_another_unit_is_not_mixed_with_the_list(hall: Callable[..., Hall]) -> None:
    built = hall(temperature_setpoint={"value": 356, "unit": "[degF]"}, state="idle")

    refused = built.asked()

    assert isinstance(refused, Refusal)
    assert refused.code == "unit_differs"


def test_another_list_is_another_interface(hall: Callable[..., Hall]) -> None:
    built = hall()
    built.decided(built.proposed())
    built.arm()
    wider = Hall(built.oven, built.memory, built.home, ROWS.replace("max = 240.5", "max = 280"))

    [step] = wider.ledger.execute_due()
    assert (step.state, "armed for another" in step.detail) == (State.APPROVED, True)
    wider.arm()
    [step] = wider.ledger.execute_due()

    assert step.state is State.STALE
    assert built.oven.account == []


@pytest.mark.parametrize("fault", ["silent before", "silent after", "swallows", "writes another"])
def test_a_write_without_a_clear_outcome_is_settled_by_reading_and_never_repeated(
    hall: Callable[..., Hall], fault: str
) -> None:
    built = hall()
    built.ledger.targets["scada"]._timeout_s = 1.5  # type: ignore[attr-defined]
    proposal = built.proposed()
    built.decided(proposal)
    built.arm()
    built.oven.break_by(fault)
    asked, *_ = built.ledger.execute_due()
    assert asked.state is State.UNKNOWN
    built.oven.break_by("")
    for _ in range(8):
        built.clock.advance(minutes=70)
        built.ledger.execute_due()

    expected = {
        "silent before": (State.FAILED, 0), "silent after": (State.EXECUTED, 1), "swallows": (State.FAILED, 1),
        "writes another": (State.NEEDS_HUMAN, 1),
    }  # fmt: skip
    assert (built.ledger.show(proposal.id).state, len(built.oven.account)) == expected[fault]


def test_no_interface_over_http_may_offer_it(tmp_path: Path) -> None:
    (tmp_path / "interfaces").mkdir()
    (tmp_path / "interfaces" / "loose.toml").write_text(
        'name = "loose"\nversion = "1"\n[read]\n[do.write_setpoint]\npath = "/write"\n'
    )
    loose = TargetSettings(interface="loose", url="http://localhost", token=PASSWORD)
    with pytest.raises(BadSettings, match="bounds of its own"):
        writers([("scada", loose)], tmp_path, Clock())


def test_a_target_over_opc_ua_wants_its_own_kind_of_address(hall: Callable[..., Hall]) -> None:
    home = hall().home
    for wrong in ({"url": "http://oven:4840"}, {"read_url": "opc.tcp://oven:1"}, {"timeout_s": 60}):
        said = {"interface": "oven", "url": "opc.tcp://oven:4840", "token": PASSWORD, **wrong}
        with pytest.raises(BadSettings):
            configured([("scada", TargetSettings(**said))], home)
    (home / "ours.pem").write_bytes((home / "theirs.pem").read_bytes())
    with pytest.raises(BadSettings, match="not the key"):
        writers([("scada", TargetSettings(interface="oven", url="opc.tcp://oven:4840", token=PASSWORD))], home, Clock())
