"""Setpoints over OPC UA: whatever is asked for, nothing outside the allow-list's rows reaches the server."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto import security_policies
from hypothesis import example, given
from hypothesis import strategies as st
from tests.actions.oven_server import OVEN, PASSWORD, READER, ROWS, START, STATES, TYPES, WORKS, Oven, Written

from lineside.actions.executors import Answer, Bounded, Done, NoAnswer, NoEffect
from lineside.actions.executors.allowlist import Setpoint, holds, one_spelling, parse_allow_list, said
from lineside.actions.executors.opcua import Attempt, OpcUaTarget
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.plant.entities import Entity

MACHINE = Entity("equipment", OVEN)
LISTED = parse_allow_list(ROWS.encode(), where="rows")
RANDOM_WRITES = int(os.environ.get("OPCUA_RANDOM_WRITES", "2000"))
ALIASES = (
    "ns=3;s=Oven2.Temp", " ns=03;s=Oven2.Temp", "svr=1;ns=3;s=Oven2.Temp", f"nsu={WORKS};s=Oven2.Temp", "s=Oven2.Temp",
    "ns=2;s=Oven2.Temp", "nsu=urn:bakery:hall-2;s=Oven2.Temp", "Oven2.Temp", "Temp", "TEMPERATURE_SETPOINT",
    "temperature_setpoint ", "temperature_setpoint\u200b", "temperature\u005fsetpoint\u0000", "temperature-setpoint",
    "state", "s=Oven2.State", "Hidden", "s=Oven2.Hidden", "i=2256", "valve_opening", "", "*", "temperature_*",
)  # fmt: skip
NO_NUMBERS: tuple[Any, ...] = (
    "NaN", "nan", "sNaN", "inf", "-inf", "Infinity", "1e308", "-1e308", "1e999999999", "1e-999999999", "", " ", "hot",
    "185,3", "0xB9", "1_8_5", "١٨٥", "185 Cel", "9" * 400, True, False, None, 185, 185.3, [185], {"value": 185},
)  # fmt: skip


@pytest.fixture(scope="module")
def oven_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oven]:
    oven = Oven(tmp_path_factory.mktemp("oven"))
    oven.start()
    yield oven
    oven.stop()


@pytest.fixture
def oven(oven_thread: Oven) -> Iterator[Oven]:
    """The oven at 180 °C and idle, with nothing in its account."""
    oven_thread.reset()
    yield oven_thread
    oven_thread.reset()


@pytest.fixture
def target(oven: Oven, home: Path) -> Callable[..., OpcUaTarget]:
    """Makes targets; each call is the program started anew on one home."""

    def build(rows: str = ROWS, password: str = PASSWORD, **options: Any) -> OpcUaTarget:
        allowed = parse_allow_list(rows.encode(), where="rows")
        return OpcUaTarget(
            oven.url, password, source="scada", allowed=allowed, home=home, clock=lambda: oven.now, **options
        )

    return build


@pytest.fixture
def home(oven: Oven, tmp_path: Path) -> Path:
    for each in oven.folder.glob("*.*"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    return tmp_path


def body(value: Any, parameter: Any = "temperature_setpoint", **more: Any) -> bytes:
    return json.dumps({"equipment": OVEN, "parameter": parameter, "value": value, **more}).encode()


def write(target: OpcUaTarget, value: Any, parameter: str = "temperature_setpoint", **options: Any) -> Answer:
    return target.carry_out(
        "write_setpoint", MACHINE, body(value, parameter), key="P-1", condition=options.get("condition")
    )


def single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def breaches(account: list[Written], works: int) -> list[str]:
    """What of the server's account should never have reached it, by bounds written down here once more."""
    #                       least, most, step, per second, states
    bounds = {
        "Oven2.Temp": (150, single(240.5), 10, 20 / 60, {"idle", "baking"}),
        "Oven2.Belt": (10, 90, 15, 30 / 60, {"baking"}),
        "Oven2.Ratio": (0.2, 3, 0.5, 1 / 60, {"idle"}),
    }
    found, last = [], dict[str, Written]()
    for each in account:
        name = str(each.node.Identifier)
        if each.node.NamespaceIndex != works or name not in bounds or each.attribute != ua.AttributeIds.Value:
            found.append(f"not in the list: {each}")
            continue
        least, most, step, pace, states = bounds[name]
        moved, slack = abs(each.value - each.before), 1e-4
        if each.type != TYPES[name.removeprefix("Oven2.")]:
            found.append(f"another type: {each}")
        if not least <= each.value <= most:
            found.append(f"out of range: {each}")
        if moved > step + slack:
            found.append(f"too far: {each}")
        if name in last and moved > pace * (each.at - last[name].at).total_seconds() + slack:
            found.append(f"too soon: {each} after {last[name]}")
        if each.state not in states:
            found.append(f"in the wrong state: {each}")
        last[name] = each
    return found


def test_of_random_writes_none_outside_list_range_step_rate_or_state_reaches_the_server(
    oven: Oven, target: Callable[..., OpcUaTarget]
) -> None:
    draw, built = random.Random(20), target()

    def wanted() -> tuple[Any, Any]:
        kind = draw.random()
        if kind < 0.15:
            return draw.choice(ALIASES), f"{draw.uniform(150, 240):.2f}"
        name, node = draw.choice(
            [
                ("temperature_setpoint", "Temp"),
                ("belt_speed", "Belt"),
                ("dough_ratio", "Ratio"),
                ("valve_opening", "Valve"),
            ]
        )
        if kind < 0.25:
            return name, draw.choice(NO_NUMBERS)
        if kind < 0.35:
            return name, f"{draw.uniform(-500, 500):.3f}"
        if kind < 0.45:
            return name, draw.choice(["150", "149.99", "240.5", "240.51", "10", "9", "90", "91", "0.2", "3", "3.0001"])
        near = float(oven.value(node)) + draw.gauss(0, {"Temp": 8, "Belt": 10, "Ratio": 0.4, "Valve": 20}[node])
        return name, f"{near:.0f}" if node == "Belt" else f"{near:.2f}"

    async def all_of_them() -> dict[str, int]:
        told: dict[str, int] = {}
        async with built.session() as client:
            for _ in range(RANDOM_WRITES):
                oven.now += timedelta(seconds=draw.choice([0, 1, 5, 20, 60, -2]))
                if draw.random() < 0.1:
                    oven.set("State", draw.randrange(4))
                if draw.random() < 0.05:
                    oven.set("Temp", draw.uniform(100, 260))  # somebody at the machine
                name, value = wanted()
                asked = built.asked("write_setpoint", MACHINE, body(value, name))
                if not isinstance(asked, NoEffect):
                    answer = await built.put(client, *asked, None, Attempt())
                    told[type(answer).__name__] = told.get(type(answer).__name__, 0) + 1
        return told

    told = asyncio.run(all_of_them())

    assert breaches(oven.account, oven.nodes["Temp"].nodeid.NamespaceIndex) == []
    assert told["Done"] == len(oven.account)
    assert len(oven.account) > RANDOM_WRITES / 20
    assert {str(each.node.Identifier) for each in oven.account} == {"Oven2.Temp", "Oven2.Belt", "Oven2.Ratio"}
    assert {each.by for each in oven.account} == {"lineside-writer"}


def test_a_value_within_its_row_is_written_with_its_type_and_read_back(
    oven: Oven, target: Callable[..., OpcUaTarget]
) -> None:
    built = target()
    there = built.read("write_setpoint", MACHINE, proposal="P-1")

    assert there is not None
    assert there.values == {
        "temperature_setpoint": "180 Cel", "belt_speed": "40 mm/s", "dough_ratio": "1", "state": "idle",
    }  # fmt: skip
    assert write(built, "187.3", condition=there.condition) == Done(effect=OVEN)
    assert [(each.type, each.value, each.before) for each in oven.account] == [("Float", single(187.3), 180.0)]


@pytest.mark.parametrize("place", range(len(ALIASES)))
def test_a_row_is_named_by_its_name_alone(oven: Oven, target: Callable[..., OpcUaTarget], place: int) -> None:
    assert isinstance(write(target(), "185", ALIASES[place]), NoEffect)
    assert oven.account == []


@pytest.mark.parametrize("place", range(len(NO_NUMBERS)))
def test_what_is_no_finite_number_is_not_sent(oven: Oven, target: Callable[..., OpcUaTarget], place: int) -> None:
    assert isinstance(write(target(), NO_NUMBERS[place]), NoEffect)
    assert oven.account == []


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b'{"parameter": "temperature_setpoint", "value": "185"}'])
def test_bytes_that_are_no_setpoint_of_the_machine_are_not_sent(
    oven: Oven, target: Callable[..., OpcUaTarget], sent: bytes
) -> None:
    assert isinstance(target().carry_out("write_setpoint", MACHINE, sent, key="P-1", condition=None), NoEffect)
    assert isinstance(target().carry_out("hold_lot", MACHINE, body("185"), key="P-1", condition=None), NoEffect)
    assert oven.account == []


def test_steps_add_up_to_no_more_than_the_rate_over_a_restart_too(
    oven: Oven, target: Callable[..., OpcUaTarget]
) -> None:
    assert isinstance(write(target(), "190"), Done)
    refused = write(target(), "195")
    assert (isinstance(refused, NoEffect), "may move by 20 Cel in 60 s" in str(refused)) == (True, True)
    oven.now += timedelta(seconds=16)
    assert isinstance(write(target(), "195"), Done)
    oven.now -= timedelta(seconds=60)
    assert "clock went back" in str(write(target(), "196"))
    assert [each.value for each in oven.account] == [190, 195]


def test_a_lost_record_of_the_last_writes_stops_writing(
    oven: Oven, target: Callable[..., OpcUaTarget], home: Path
) -> None:
    built = target()
    assert isinstance(write(built, "190"), Done)
    [kept] = home.glob("opcua-writes-*.json")
    kept.write_text("[]")
    oven.now += timedelta(hours=1)

    assert isinstance(write(built, "191"), NoEffect)
    assert len(oven.account) == 1


def test_what_changed_between_the_look_and_the_write_is_left_alone(
    oven: Oven, target: Callable[..., OpcUaTarget]
) -> None:
    built = target()
    for name, value, word in (("State", 2, "cleaning"), ("State", 1, "baking"), ("Temp", 181.0, "181")):
        there = built.read("write_setpoint", MACHINE, proposal="P-1")
        assert there is not None
        oven.set(name, value)
        answer = write(built, "185", condition=there.condition)
        assert isinstance(answer, NoEffect)
        assert (answer.changed, word in answer.reason) == (True, True)
    assert oven.account == []


def test_a_value_or_state_that_is_not_good_is_not_built_upon(oven: Oven, target: Callable[..., OpcUaTarget]) -> None:
    built = target()
    for name, missing in (("Temp", "temperature_setpoint"), ("State", "state")):
        oven.set(name, None, status=ua.StatusCodes.BadSensorFailure)
        there = built.read("write_setpoint", MACHINE, proposal="P-1")
        assert there is not None
        assert missing not in there.values
        assert isinstance(write(built, "185"), NoEffect)
        oven.set(name, START[name])
    assert oven.account == []


# fault, kind of answer, writes that reached the node, the value then
FAULTS = [
    ("refuses", NoEffect, 0, 180.0),
    ("fails", NoAnswer, 0, 180.0),
    ("silent before", NoAnswer, 0, 180.0),
    ("silent after", NoAnswer, 1, 185.0),
    ("swallows", NoAnswer, 1, 180.0),
    ("writes another", NoAnswer, 1, 200.0),
]


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case[0].replace(" ", "_"))
def test_what_the_server_does_is_told_as_it_is(
    oven: Oven, target: Callable[..., OpcUaTarget], case: tuple[str, type, int, float]
) -> None:
    fault, kind, writes, value = case
    oven.break_by(fault)

    answer = write(target(timeout_s=1.5), "185")

    assert type(answer) is kind
    assert (len(oven.account), oven.value("Temp")) == (writes, value)


def test_a_value_that_does_not_stay_is_not_done(oven: Oven, target: Callable[..., OpcUaTarget]) -> None:
    rows = ROWS.replace("watch_s = 0", "watch_s = 20", 1)
    built, looked = target(rows), 0
    look = built._look

    async def taken_back(*arguments: Any) -> Any:
        nonlocal looked
        looked += 1
        if looked == 3:
            await asyncio.to_thread(oven.set, "Temp", 180.0)
        return await look(*arguments)

    built._look = taken_back  # type: ignore[method-assign]

    answer = write(built, "185")

    assert isinstance(answer, NoAnswer)
    assert "is 180 Cel again" in answer.reason


def test_a_node_that_is_called_a_safety_function_at_the_server_is_not_written(
    oven: Oven, target: Callable[..., OpcUaTarget]
) -> None:
    answer = write(target(), "50", "valve_opening")

    assert (isinstance(answer, NoEffect), "Emergency relief" in str(answer)) == (True, True)
    assert oven.account == []


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ('node = "s=Oven2.Ratio"\ntype = "Double"', 'node = "s=Oven2.Ratio"\ntype = "Float"', "no single Float"),
        ('node = "s=Oven2.Ratio"', 'node = "s=Oven2.Gone"', "has no node"),
        (
            f'namespace = "{WORKS}"\nnode = "s=Oven2.Ratio"',
            'namespace = "urn:bakery:nowhere"\nnode = "s=Oven2.Ratio"',
            "0 namespaces",
        ),
    ],
    ids=["type", "node", "namespace"],
)
def test_a_node_that_is_not_as_its_row_says_is_not_written(
    oven: Oven, target: Callable[..., OpcUaTarget], was: str, now: str, why: str
) -> None:
    assert was in ROWS

    answer = write(target(ROWS.replace(was, now)), "1.2", "dough_ratio")

    assert (isinstance(answer, NoEffect), why in str(answer)) == (True, True)
    assert oven.account == []


def test_another_server_or_credential_gets_nothing(oven: Oven, target: Callable[..., OpcUaTarget], home: Path) -> None:
    with pytest.raises(SourceRefused):
        target(password="guessed").read("write_setpoint", MACHINE, proposal="P-1")
    assert isinstance(write(target(password="guessed"), "185"), NoEffect)
    (home / "theirs.der").write_bytes((home / "stranger.der").read_bytes())
    with pytest.raises((SourceUnavailable, SourceRefused)):
        target(timeout_s=2).read("write_setpoint", MACHINE, proposal="P-1")
    assert isinstance(write(target(timeout_s=2), "185"), NoEffect)
    assert target().interface != replaced(target, home, oven)
    assert oven.account == []


def replaced(target: Callable[..., OpcUaTarget], home: Path, oven: Oven) -> str:
    """The interface with the server's real certificate pinned again."""
    (home / "theirs.der").write_bytes((oven.folder / "theirs.der").read_bytes())
    return target().interface


def test_a_channel_without_security_is_for_a_laboratory_and_says_so(
    oven: Oven, target: Callable[..., OpcUaTarget]
) -> None:
    secured = ['certificate = "ours.der"\n', 'private_key = "ours.pem"\n', 'server_certificate = "theirs.der"\n']
    bare = ROWS
    for line in secured:
        assert line in bare
        bare = bare.replace(line, "")
    with pytest.raises(BadSettings, match="signed, encrypted and pinned"):
        target(bare)
    laboratory = target(bare.replace("[server]\n", "[server]\ninsecure = true\n"))

    assert "INSECURE" in laboratory._channel()
    assert "INSECURE" not in target()._channel()
    assert isinstance(write(laboratory, "185"), Done)
    assert isinstance(laboratory, Bounded)


def test_two_workers_at_once_stay_within_the_rate_together(oven: Oven, target: Callable[..., OpcUaTarget]) -> None:
    with ThreadPoolExecutor(2) as workers:
        answers = list(workers.map(lambda value: write(target(), value), ["189", "190"]))

    assert sorted(type(each).__name__ for each in answers) == ["Done", "NoEffect"]
    assert len(oven.account) == 1


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"ACKF\xff\xff\xff\x7f" * 40, bytes(4096)],
                         ids=["nothing", "http", "endless", "zeros"])  # fmt: skip
def test_before_what_is_no_server_nothing_is_sent_and_nothing_breaks(
    oven: Oven, target: Callable[..., OpcUaTarget], says: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        oven_url, oven.url = oven.url, f"opc.tcp://127.0.0.1:{listening.getsockname()[1]}/"
        built, oven.url = target(timeout_s=1), oven_url

        def talk() -> None:
            for _ in range(2):
                with listening.accept()[0] as one:
                    one.sendall(says)
                    while one.recv(4096):
                        pass

        with ThreadPoolExecutor(1) as other:
            talking = other.submit(talk)
            assert isinstance(write(built, "185"), NoEffect)
            with pytest.raises(SourceUnavailable):
                built.read("write_setpoint", MACHINE, proposal="P-1")
            talking.result(30)
    with pytest.raises(SourceUnavailable):
        built.read("write_setpoint", MACHINE, proposal="P-1")
    assert isinstance(write(built, "185"), NoEffect)


def test_the_readme_shows_a_list_that_is_taken() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```toml\n(kind = \"opcua\".*?)```", text, re.DOTALL)

    [row] = parse_allow_list(shown.encode(), where="README.md").described.setpoints

    assert row.facts()[0] == "temperature_setpoint: 150 Cel to 240 Cel, at most 10 Cel at once"


def test_the_readers_credential_can_not_write(oven: Oven) -> None:
    async def try_it() -> tuple[float, str]:
        client = Client(oven.url)
        client.application_uri = "urn:bakery:lineside"
        await client.set_security(
            security_policies.SecurityPolicyBasic256Sha256,
            str(oven.folder / "ours.der"),
            str(oven.folder / "ours.pem"),
            server_certificate=str(oven.folder / "theirs.der"),
        )
        client.set_user(READER)
        client.set_password(PASSWORD)
        async with client:
            node = client.get_node(oven.nodes["Temp"].nodeid)
            read = await node.read_value()
            try:
                await node.write_value(ua.Variant(185.0, ua.VariantType.Float))
            except ua.UaStatusCodeError as error:
                return read, type(error).__name__
            return read, "written"

    assert asyncio.run(try_it()) == (180.0, "BadUserAccessDenied")
    assert oven.account == []


ROW = LISTED.rows(OVEN)[0]


@given(
    value=st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(140, 250, places=3),
    now=st.floats(140, 250, width=32),
    elapsed_s=st.none() | st.floats(-10, 200),
)
@example(value=Decimal("240.5"), now=235.0, elapsed_s=None)
def test_what_passes_a_row_is_within_it_as_the_server_will_see_it(
    value: Decimal, now: float, elapsed_s: float | None
) -> None:
    there = said("Float", now)
    if ROW.outside(value) or ROW.too_far(value, there) or ROW.too_soon(value, there, elapsed_s):
        return
    sent = holds("Float", value)
    assert sent is not None
    assert 150 <= sent <= single(240.5)
    assert abs(sent - now) <= 10 + 1e-4
    assert elapsed_s is None or abs(sent - now) <= elapsed_s * 20 / 60 + 1e-4
    assert said("Float", sent) == value or abs(said("Float", sent) - value) <= ROW.tolerance


@given(st.sampled_from(["s=Oven2.Temp", "i=77", "b=aGVpc3M=", "g=6f9619ff-8b86-d011-b42d-00c04fc964ff"]), st.data())
def test_a_node_has_one_spelling_in_the_list(plain: str, data: st.DataObject) -> None:
    before = data.draw(st.sampled_from(["", " ", "ns=0;", "ns=2;", "ns=02;", "svr=1;", f"nsu={WORKS};", "\t"]))
    after = data.draw(st.sampled_from(["", " ", ";", ";x=1", "\n"]))
    kind, _, rest = plain.partition("=")
    rest = data.draw(st.sampled_from([rest, rest.upper(), f"0{rest}", f" {rest}", f"{rest}=", "{" + rest + "}"]))
    alias = f"{before}{kind}={rest}{after}"
    if alias == plain:
        assert one_spelling(alias) == plain
    elif one_spelling(alias) == alias:
        # Another node then, and not the same one in other letters.
        assert ua.NodeId.from_string(alias) != ua.NodeId.from_string(plain)


WRONG = {
    "unknown key": ('unit = "Cel"', 'unit = "Cel"\nsafety = true'),
    "named a safety function": ('parameter = "belt_speed"', 'parameter = "belt_e_stop"'),
    "a safety node": ('node = "s=Oven2.Belt"', 'node = "s=Oven2.NotAus"'),
    "among the never": ('node = "s=Oven2.Belt"', 'node = "s=Oven2.hidden.x"'),
    "a node twice": ('node = "s=Oven2.Belt"', 'node = "s=Oven2.Temp"'),
    "the state itself": ('node = "s=Oven2.Belt"', 'node = "s=Oven2.State"'),
    "the word state": ('parameter = "belt_speed"', 'parameter = "state"'),
    "a name twice": ('parameter = "belt_speed"', 'parameter = "temperature_setpoint"'),
    "an index": ('node = "s=Oven2.Belt"', 'node = "ns=3;s=Oven2.Belt"'),
    "a server": ('node = "s=Oven2.Belt"', 'node = "svr=1;s=Oven2.Belt"'),
    "the server's own nodes": (f'namespace = "{WORKS}"\nnode = "s=Oven2.Belt"',
                               'namespace = "http://opcfoundation.org/UA/"\nnode = "i=2256"'),
    "no bound": ("max = 90", ""),
    "a bound without end": ("max = 90", "max = inf"),
    "a bound that is no number": ("max = 90", "max = nan"),
    "a bound that is a truth": ("max = 90", "max = true"),
    "bounds swapped": ("max = 90", "max = 9"),
    "beyond the type": ("max = 90", "max = 40000"),
    "between whole numbers": ("max = 90", "max = 90.5"),
    "a type of text": ('type = "Int16"', 'type = "String"'),
    "a type of truth": ('type = "Int16"', 'type = "Boolean"'),
    "no step": ("max_step = 15", ""),
    "no rate": ("max_rate = { change = 30, per_s = 60 }", ""),
    "a rate without time": ("change = 30, per_s = 60", "change = 30, per_s = 0"),
    "a state that is none": ('states = ["baking"]', 'states = ["burning"]'),
    "no state": ('states = ["baking"]', "states = []"),
    "no such machine": (f'[states."{OVEN}"]', '[states."another"]'),
    "a weak channel": ('user = "', 'policy = "Basic128Rsa15"\nuser = "'),
    "nobody": ('user = "lineside-writer"', 'user = ""'),
    "a watch past the lease": ("watch_s = 0", "watch_s = 90"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_list_with_a_fault_is_refused_when_it_is_loaded(case: str) -> None:
    was, now = WRONG[case]
    assert was in ROWS
    with pytest.raises(BadSettings):
        parse_allow_list(ROWS.replace(was, now, 1).encode(), where="rows")


def test_words_that_only_look_like_safety_are_taken() -> None:
    assert LISTED.described.forbids("line_stop_delay", "s=Basis.Linestop", "s=Feed.Override") == ""
    for name in ("E-Stop", "s=Line1.EStop", "s=ESTOP_reset", "Not-Halt", "SafetyGate", "s=door.INTERLOCK", "Notaus2"):
        assert LISTED.described.forbids(name)


def test_the_row_is_the_same_whatever_its_numbers_type() -> None:
    rows = {each.parameter: each for each in LISTED.described.setpoints}
    assert isinstance(rows["belt_speed"], Setpoint)
    assert (rows["belt_speed"].outside(Decimal("40.5")), rows["belt_speed"].outside(Decimal(41))) == (
        f"belt_speed of {OVEN} is a Int16, which can't hold 40.5", "",
    )  # fmt: skip
    assert set(STATES.values()) == {"idle", "baking", "cleaning"}
