"""A real OPC UA server in the process: it restarts, forgets subscriptions, sends bad values, limits calls."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager

from lineside.connector import Batch, Checkpoint, Gap, Trouble, TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.plant.entities import Entity
from lineside.plant.records import Quality, Report
from lineside_ingest.opcua import OpcUa

URI = "urn:werk-sued:presse"
PRESS = Entity("equipment", "werk-sued/halle-2/presse-7")
AT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


class Press:
    """A server with a press: its state as a code, a counter, a temperature."""

    def __init__(self, *, user_manager: UserManager | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"opc.tcp://127.0.0.1:{free.getsockname()[1]}/"
        self.user_manager = user_manager
        self.server: Server
        self.nodes: dict[str, Any] = {}
        self.other_namespaces = 0
        self.kept: list[Any] | None = None  # the history of its good count, where it keeps one

    async def start(self) -> None:
        self.server = Server(user_manager=self.user_manager)
        await self.server.init()
        self.server.set_endpoint(self.url)
        for number in range(self.other_namespaces):
            await self.server.register_namespace(f"urn:other:{number}")
        index = await self.server.register_namespace(URI)
        hall = await self.server.nodes.objects.add_object(index, "Halle 2")
        self.hall = hall
        for name, value in (("State", 1), ("Good", 100), ("Temp", ua.Variant(12.3, ua.VariantType.Float))):
            self.nodes[name] = await hall.add_variable(ua.NodeId(f"Press7.{name}", index), name, value)
            await self.write(name, value)
        self.index = index
        await self.server.start()

    async def write(
        self, name: str, value: Any, *, at: datetime | None = AT, status: int = ua.StatusCodes.Good
    ) -> None:
        variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
        data = ua.DataValue(variant, ua.StatusCode(status), SourceTimestamp=at, ServerTimestamp=at)
        await self.nodes[name].write_value(data)

    async def stop(self) -> None:
        await self.server.stop()

    def reader(self, *extra: dict[str, Any], **options: Any) -> OpcUa:
        nodes = [
            node("State", property="state", values={"0": "stopped", "1": "running"}),
            node("Good", property="good_count", unit="ea"),
            node("Temp", property="temperature", unit="Cel"),
            *extra,
        ]
        settings = {"url": self.url, "nodes": nodes, "sampling_ms": 20, "keep_alive_s": 0.6, "timeout_s": 3,
                    "resume_s": 0}  # fmt: skip
        return OpcUa("presse", {**settings, **options}, time_zone=UTC)


def node(name: str, **changes: Any) -> dict[str, Any]:
    whole = {"node": f"nsu={URI};s=Press7.{name}", "equipment": PRESS.id, "property": name.lower(), **changes}
    return {key: value for key, value in whole.items() if value is not None}


@pytest.fixture
async def press() -> AsyncIterator[Press]:
    made = Press()
    await made.start()
    yield made
    await made.stop()


class Capture:
    """A capture that is read step by step; `until` waits for what must come, at most half a minute."""

    def __init__(self, connector: OpcUa, batches: Any) -> None:
        self.connector = connector
        self.batches = batches
        self.seen: list[Batch] = []

    async def until(self, arrived: Callable[["Capture"], bool]) -> None:
        async with asyncio.timeout(30):
            while not arrived(self):
                self.seen.append(await anext(self.batches))

    @property
    def reports(self) -> list[Report]:
        found = [record for batch in self.seen for each in batch.messages for record in self.connector.translate(each)]
        return [record for record in found if isinstance(record, Report)]

    @property
    def troubles(self) -> list[Trouble]:
        told = [batch.troubles for batch in self.seen if batch.troubles is not None]
        return list(told[-1]) if told else []

    @property
    def gaps(self) -> list[Gap]:
        return [gap for batch in self.seen for gap in batch.gaps]

    @property
    def checkpoint(self) -> Checkpoint | None:
        return next((batch.checkpoint for batch in reversed(self.seen) if batch.checkpoint), None)

    def values(self, name: str) -> list[object]:
        return [report.properties[name] for report in self.reports if name in report.properties]


def capturing(connector: OpcUa, checkpoint: Checkpoint | None = None) -> Any:
    return aclosing(connector.capture(checkpoint))  # type: ignore[type-var]


async def test_current_values_come_first_with_the_devices_time_and_the_mapped_code(press: Press) -> None:
    connector = press.reader()
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
    said = {name: value for report in capture.reports for name, value in report.properties.items()}
    assert said == {
        "state": "running",
        "good_count": {"value": 100, "unit": "ea"},
        "temperature": {"value": 12.3, "unit": "Cel"},
    }
    first = capture.reports[0]
    assert first.entity == PRESS
    assert (first.provenance.occurred_at, first.provenance.quality) == (AT, Quality.GOOD)


async def test_every_change_comes_and_a_quiet_server_is_told_from_a_dead_one(press: Press) -> None:
    connector = press.reader()
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
        await press.write("State", 0, at=AT + timedelta(seconds=1))
        await capture.until(lambda c: c.values("state") == ["running", "stopped"])
        await capture.until(lambda c: not c.seen[-1].messages)
        assert capture.checkpoint is not None


async def test_a_bad_value_is_kept_as_bad_and_the_others_go_on(press: Press) -> None:
    connector = press.reader()
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
        await press.write("Temp", ua.Variant(None), at=AT, status=ua.StatusCodes.BadSensorFailure)
        await press.write("Good", 101, at=AT + timedelta(seconds=1))
        await capture.until(lambda c: len(c.reports) == 5)
    bad = [report for report in capture.reports if report.provenance.quality is Quality.BAD]
    assert [dict(report.properties) for report in bad] == [{"temperature": None}]
    assert capture.values("good_count")[-1] == {"value": 101, "unit": "ea"}


async def test_a_value_without_a_devices_time_is_uncertain(press: Press) -> None:
    await press.write("State", 0, at=None)
    connector = press.reader()
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: "stopped" in c.values("state"))
    [report] = [each for each in capture.reports if "state" in each.properties]
    assert report.provenance.quality is Quality.UNCERTAIN


async def test_a_node_that_is_not_there_is_named_and_the_others_come(press: Press) -> None:
    unknown = {**node("Fort"), "node": "nsu=urn:nowhere;s=x"}
    connector = press.reader(node("Missing"), unknown)
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
        await capture.until(lambda c: bool(c.troubles))
    assert {(trouble.stream, trouble.kind) for trouble in capture.troubles} == {
        ("nsu=urn:nowhere;s=x", TroubleKind.UNAVAILABLE),
        (f"nsu={URI};s=Press7.Missing", TroubleKind.UNAVAILABLE),
    }
    reasons = [trouble.reason for trouble in capture.troubles]
    assert any("no such namespace" in reason for reason in reasons)
    assert any("Press7.Missing: BadNodeIdUnknown" in reason for reason in reasons)
    checks = await connector.check()
    assert [(check.name, check.ok) for check in checks] == [
        ("connect", True), ("security", True), ("read", False), ("read", False), ("read", True), ("pace", True),
    ]  # fmt: skip
    assert [check.detail for check in checks if check.name == "read" and check.ok] == ["3 of 5 nodes"]
    assert checks[-1].detail.startswith("sampled every 20 ms at the slowest")


async def test_after_a_restart_reading_goes_on_and_the_gap_is_told(press: Press) -> None:
    connector = press.reader()
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
        await press.stop()
        with pytest.raises(SourceUnavailable):
            await capture.until(lambda _: False)
    with pytest.raises(SourceUnavailable):
        await anext(connector.capture(capture.checkpoint))
    press.other_namespaces = 2
    await press.start()
    await press.write("State", 0, at=AT + timedelta(seconds=9))
    async with capturing(connector, capture.checkpoint) as batches:
        after = Capture(connector, batches)
        await after.until(lambda c: c.values("state") == ["stopped"])
    [gap] = [gap for batch in after.seen for gap in batch.gaps]
    assert gap.since == datetime.fromisoformat(str((capture.checkpoint or {})["heard"]))
    assert "no history of 3 of 3 nodes" in gap.reason
    assert after.values("good_count") == []


async def test_what_the_server_kept_of_a_gap_is_read_from_its_history(press: Press) -> None:
    await press.server.historize_node_data_change(press.nodes["State"], period=None, count=100)
    connector = press.reader(nodes=[node("State", property="state")])
    now = datetime.now(UTC)
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: c.checkpoint is not None and bool(c.reports))
    kept = press.server.iserver.history_manager.storage._datachanges[press.nodes["State"].nodeid]
    for number in range(5):
        await press.write("State", number, at=now + timedelta(milliseconds=number + 1))
        async with asyncio.timeout(10):
            while kept[-1].Value.Value != number:  # noqa: ASYNC110 - the server's history has no event to wait for
                await asyncio.sleep(0.01)
    manager, released = press.server.iserver.history_manager, []
    read = manager.read_history

    async def noting(params: Any) -> Any:
        released.append(params.ReleaseContinuationPoints)
        return await read(params)

    manager.read_history = noting  # type: ignore[method-assign]
    heard = {**(capture.checkpoint or {}), "heard": (now - timedelta(seconds=1)).isoformat()}
    async with capturing(connector, heard) as batches:
        after = Capture(connector, batches)
        await after.until(lambda c: c.checkpoint is not None)
    assert [gap for batch in after.seen for gap in batch.gaps] == []
    assert after.values("state") == [0, 1, 2, 3, 4]
    assert released
    assert not any(released)  # asked to release, node-opcua answers nothing else


async def test_a_subscription_that_the_server_forgot_is_noticed(press: Press) -> None:
    connector = press.reader()
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
        subscriptions = press.server.iserver.subscription_service.subscriptions
        for subscription in list(subscriptions.values()):
            await subscription.stop()
        subscriptions.clear()
        with pytest.raises(SourceUnavailable):
            await capture.until(lambda _: False)


async def test_calls_keep_to_the_servers_limits(press: Press) -> None:
    limit = ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall
    await press.server.get_node(ua.NodeId(limit)).write_value(ua.Variant(2, ua.VariantType.UInt32))
    sizes = []
    service = press.server.iserver.subscription_service
    create = service.create_monitored_items

    async def counting(params: Any) -> Any:
        sizes.append(len(params.ItemsToCreate))
        return await create(params)

    service.create_monitored_items = counting  # type: ignore[method-assign]
    connector = press.reader()
    async with capturing(connector) as batches:
        await Capture(connector, batches).until(lambda c: len(c.reports) == 3)
    assert sizes == [2, 1, 1]  # three nodes, and the server's events


async def test_everything_below_a_root_can_be_read_without_naming_it(press: Press) -> None:
    index = await press.server.get_namespace_index(URI)
    connector = press.reader(
        nodes=[], root=f"nsu={URI};i={press.hall.nodeid.Identifier}", root_equipment="Werk/Halle-2"
    )
    part = await press.hall.add_object(index, "Presse 8")
    await part.add_variable(ua.NodeId("Press8.Rate", index), "rate", 7)
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 4)
    found = {(str(each.entity), name) for each in capture.reports for name in each.properties}
    assert ("equipment:werk/halle-2/presse-8", "rate") in found
    assert ("equipment:werk/halle-2", "State") in found


class OnlyOperator(UserManager):
    """Lets one user in."""

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        return User(role=UserRole.User) if (username, password) == ("operator", "right") else None


async def test_a_wrong_password_is_refused_and_the_right_one_reads() -> None:
    press = Press(user_manager=OnlyOperator())
    await press.start()
    try:
        with pytest.raises(SourceRefused):
            await anext(press.reader(user="operator", password="wrong").capture(None))
        connector = press.reader(user="operator", password="right")
        async with capturing(connector) as batches:
            await Capture(connector, batches).until(lambda c: len(c.reports) == 3)
    finally:
        await press.stop()


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"nodes": [], "models": False}, "option nodes is missing"),
        ({"nodes": [node("A", equipment=None)]}, r"option nodes\[0\].equipment or entity"),
        ({"nodes": [node("A"), node("A")]}, "names a node twice"),
        ({"nodes": [{**node("A", equipment=None), "entity": "x"}]}, r"option nodes\[0\].entity"),
        ({"private_key": "k.pem"}, "option private_key needs certificate"),
        ({"root": "i=85"}, "option root_equipment is missing"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], wrong: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=wrong):
        Press().reader(**options)


@pytest.mark.parametrize(("answer", "told"), [("BadUserAccessDenied", True), ("BadNothingToDo", False)])
async def test_a_refused_refresh_of_the_alarms_is_told_and_one_without_conditions_is_not(
    press: Press, answer: str, told: bool
) -> None:
    async def refuse(*_: object) -> ua.StatusCode:
        return ua.StatusCode(getattr(ua.StatusCodes, answer))

    refresh = press.server.get_node(ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh))
    press.server.link_method(refresh, refuse)
    async with capturing(press.reader()) as batches:
        capture = Capture(press.reader(), batches)
        await capture.until(lambda c: any(batch.troubles is not None for batch in c.seen))
    assert [trouble.stream for trouble in capture.troubles] == (["alarms"] if told else [])


async def test_a_server_whose_first_values_are_late_is_not_up_to_date_yet(press: Press) -> None:
    """The library's server sends values with the subscription's first publication: only signs of life come before."""
    service = press.server.iserver.subscription_service
    create = service.create_subscription

    async def late(*given: Any, **named: Any) -> Any:
        made = await create(*given, **named)
        [subscription] = service.subscriptions.values()
        subscription._publishing_enabled = False
        longer_than_a_sign_of_life = 1.6
        asyncio.get_running_loop().call_later(
            longer_than_a_sign_of_life, setattr, subscription, "_publishing_enabled", True
        )
        return made

    service.create_subscription = late
    connector = press.reader(keep_alive_s=1.0, timeout_s=20)
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: any(batch.empty for batch in c.seen))
    assert len(capture.reports) == 3


async def test_when_we_fall_behind_publishing_pauses_and_what_the_servers_queues_could_not_hold_is_a_gap(
    press: Press,
) -> None:
    connector = press.reader(queue=2)  # asyncua's server drops what is too much and says nothing of it
    async with capturing(connector) as batches:
        capture = Capture(connector, batches)
        await capture.until(lambda c: len(c.reports) == 3)
        for number in range(60):  # nobody takes them
            await press.write("Good", number, at=AT + timedelta(seconds=1 + number))
            await asyncio.sleep(0.02)
        await capture.until(lambda c: bool(c.gaps))
    assert len(capture.values("good_count")) < 60
    assert "the server's queues may have overflowed" in capture.gaps[0].reason
