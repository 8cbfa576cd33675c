"""What is known of a server from one session to the next, and what it tells twice or not at all. Pure."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua

from lineside.plant.entities import Entity
from lineside.plant.records import Json
from lineside_ingest.opcua import alarms
from lineside_ingest.opcua.position import Position
from lineside_ingest.opcua.values import Item, aware, said

PRESS = Entity("equipment", "werk-sued/presse-7")


def condition(*, active: bool, acked: bool, text: str, branch: str = "", retain: bool = True) -> dict[str, Json]:
    found: dict[str, Json] = {
        "ConditionId": "nsu=urn:x;i=7", "ActiveState/Id": active, "AckedState/Id": acked, "Retain": retain,
        "Severity": 500, "Message": text,
    }  # fmt: skip
    return {**found, "BranchId": branch} if branch else found


def test_a_branch_of_an_alarm_that_was_heard_is_no_second_alarm() -> None:
    position = Position(None)
    assert alarms.change(condition(active=True, acked=False, text="hot"), position) == "alarm"
    assert alarms.change(condition(active=True, acked=False, text="hot", branch="i=9"), position) == ""
    assert alarms.change(condition(active=False, acked=True, text="normal"), position) == "alarm_cleared"
    over = condition(active=True, acked=True, text="hot", branch="i=9", retain=False)
    assert alarms.change(over, position) == "alarm_acknowledged"
    assert position.alarms == {}


def test_a_branch_that_was_made_while_we_were_away_is_an_alarm_if_its_own_was_not_heard() -> None:
    position = Position(None)
    alarms.change(condition(active=True, acked=False, text="hot"), position)
    stood = dict(position.alarms)
    assert alarms.change(condition(active=True, acked=False, text="hot", branch="i=9"), position, stood) == ""
    unheard = condition(active=True, acked=False, text="very hot", branch="i=10")
    assert alarms.change(unheard, position, stood) == "alarm"
    assert alarms.change(unheard, position, stood) == ""
    over = condition(active=True, acked=True, text="very hot", branch="i=10", retain=False)
    assert alarms.change(over, position) == "alarm_cleared"


def test_what_is_known_of_an_entity_outlives_a_session_and_what_is_no_longer_read_does_not() -> None:
    position = Position({"parts": {f"{PRESS}#state": "running", "equipment:gone#state": "idle", "nsu=urn:x;i=1": {}}})
    position.keep_only(["nsu=urn:x;i=1"], [str(PRESS)])
    assert position.parts == {f"{PRESS}#state": "running", "nsu=urn:x;i=1": {}}


@pytest.mark.parametrize("year", [1601, 9999])
def test_the_earliest_and_the_latest_time_of_the_protocol_are_none(year: int) -> None:
    assert aware(datetime(year, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("value", "unread"), [(ua.LocalizedText(), False), (ua.ExtensionObject(), False), (math.nan, True)]
)
def test_an_empty_value_is_no_bad_one_but_a_number_that_is_none_is(value: Any, unread: bool) -> None:
    item = Item(node="nsu=urn:x;i=1", entity=PRESS, property="name")
    content = said(item, ua.DataValue(ua.Variant(value)), lambda _: None)
    assert content["value"] is None
    assert ("unread" in content) == unread
