"""The open format: what comes in broken is named by its place and reason, what comes in whole comes in once."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.connector import Batch
from lineside.errors import BadRequest, BadSettings, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Correction, Event, Note, Report
from lineside_ingest.open_records import OpenRecords, messages_from_push, read_lines
from lineside_ingest.open_records.envelope import moment

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def event(number: int = 1, **changes: object) -> dict[str, object]:
    whole = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "presse",
        "type": "lineside.event",
        "time": "2026-05-04T10:00:00+02:00",
        "data": {"kind": "stop", "equipment": "werk-sued/halle-2/presse-7"},
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def written(path: Path, *lines: object, end: str = "\n") -> Path:
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines) + end, "utf-8")
    return path


def connector(**options: object) -> OpenRecords:
    return OpenRecords("presse", options, time_zone=UTC, clock=lambda: NOW)


def all_of(path: Path) -> Batch:
    batches = list(read_lines(path, received_at=NOW))
    return Batch(
        messages=[message for batch in batches for message in batch.messages],
        unreadable=[item for batch in batches for item in batch.unreadable],
    )


async def drained(reading: OpenRecords, checkpoint: object = None) -> tuple[list[str], object]:
    ids = []
    async for batch in reading.capture(checkpoint):
        ids += [message.source_id for message in batch.messages]
        checkpoint = json.loads(json.dumps(batch.checkpoint))
    return ids, checkpoint


def test_a_line_becomes_one_record_with_its_three_times(tmp_path: Path) -> None:
    line = event(reportedat="2026-05-04T08:00:31.25Z")
    [message] = all_of(written(tmp_path / "shift.jsonl", line)).messages
    [record] = connector().translate(message)
    assert isinstance(record, Event)
    assert (record.kind, record.equipment) == ("stop", "werk-sued/halle-2/presse-7")
    assert (record.provenance.source, record.provenance.source_id) == ("presse", "e-1")
    assert record.provenance.occurred_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    assert record.provenance.reported_at == datetime(2026, 5, 4, 8, 0, 31, 250_000, tzinfo=UTC)
    assert record.provenance.recorded_at == NOW
    assert message.origin == "shift.jsonl:1"
    assert list(connector().translate(message)) == [record]


def test_broken_lines_are_named_by_their_line_and_the_others_come_in(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    lines = [
        b"\xef\xbb\xbf" + json.dumps(event(1)).encode(),
        b"",
        b"{not json",
        b'{"id": "e-3", "text": "\xff"}',
        b'{"id": "e-4", "id": "e-5", "source": "presse"}',
        b'{"id": "e-6", "source": "presse", "data": {"x": NaN}}',
        b'["a", "list"]',
        json.dumps(event(7, id=...)).encode(),
        json.dumps(event(8, source=...)).encode(),
        b'{"id": "e-9", "source": "presse", "data": {"text": "\\u0000"}}',
        b'{"id": "e-10", "source": "presse", "data": {"text": "\\ud800"}}',
        b'{"id": "e-11", "source": "presse", "data": ' + b"[" * 100_000,
        json.dumps(event(12)).encode(),
        json.dumps(event(13)).encode()[:-9],
    ]
    path.write_bytes(b"\r\n".join(lines))
    found = all_of(path)
    assert [message.source_id for message in found.messages] == ["e-1", "e-12"]
    reasons = {item.origin: item.reason for item in found.unreadable}
    assert list(reasons) == [f"mixed.jsonl:{n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14)]
    assert reasons["mixed.jsonl:3"].startswith("not JSON")
    assert reasons["mixed.jsonl:4"].startswith("not UTF-8: byte 0xff")
    assert reasons["mixed.jsonl:5"] == "the key 'id' stands twice in one object"
    assert reasons["mixed.jsonl:6"] == "NaN is not a JSON number"
    assert reasons["mixed.jsonl:7"] == "not an event: a JSON object is expected"
    assert reasons["mixed.jsonl:8"] == "id is missing"
    assert reasons["mixed.jsonl:9"] == "source is missing"
    assert reasons["mixed.jsonl:10"] == "a text holds the NUL character"
    assert reasons["mixed.jsonl:11"] == "a text holds half a surrogate pair"
    assert reasons["mixed.jsonl:12"].startswith("not JSON")
    assert reasons["mixed.jsonl:14"].startswith("the file ends in the middle of this line")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"specversion": ...}, "specversion is missing"),
        ({"specversion": "0.3"}, "specversion is '0.3', not 1.0"),
        ({"type": ...}, "type is missing"),
        ({"type": "com.example.tick"}, "lineside.event, lineside.report"),
        ({"time": ...}, "time is missing"),
        ({"time": "2026-05-04T10:00:00"}, "time has no offset from UTC"),
        ({"time": "gestern"}, "time is not an RFC 3339 time"),
        ({"time": "2026-02-30T10:00:00Z"}, "time is not a time that exists"),
        ({"reportedat": "2026-05-04 10:00"}, "reportedat has no offset"),
        ({"data": ...}, "data is missing"),
        ({"data": "text"}, "data: must be a JSON object"),
        ({"data": {"equipment": "a/b"}}, "data.kind: is missing"),
        ({"type": "lineside.report", "data": {"entity": "L-7", "properties": {"quantity": 1}}}, "data.entity: "),
        ({"type": "lineside.report", "data": {"entity": "lot:L-7"}}, "data.properties: is missing"),
    ],
)
def test_an_event_that_breaks_the_format_is_kept_and_says_which_field(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    [message] = all_of(written(tmp_path / "one.jsonl", event(**changes))).messages
    with pytest.raises(UnreadableMessage) as refused:
        connector().translate(message)
    assert reason in refused.value.message


def test_numbers_keep_the_value_that_was_written(tmp_path: Path) -> None:
    line = json.dumps(event(type="lineside.report", data={"entity": "lot:L-7", "properties": {"weight": "@"}}))
    exact = "0.10000000000000000555"
    [message] = all_of(written(tmp_path / "exact.jsonl", line.replace('"@"', exact))).messages
    [record] = connector().translate(message)
    assert isinstance(record, Report)
    assert record.properties == {"weight": exact}


def test_corrections_and_data_in_base64_are_read(tmp_path: Path) -> None:
    correction = event(2, type="lineside.correction", data={"corrects": "e-1", "reason": "Zähler", "replacement": {}})
    note = event(3, type="lineside.note", data=..., data_base64="eyJ0ZXh0IjogIkhhbGxvIn0=")
    messages = all_of(written(tmp_path / "two.jsonl", correction, note)).messages
    records = [connector().translate(message)[0] for message in messages]
    assert isinstance(records[0], Correction)
    assert records[0].corrects == "e-1"
    assert isinstance(records[1], Note)
    assert records[1].text == "Hallo"


def test_a_line_longer_than_a_mebibyte_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    huge = event(1, data={"kind": "stop", "text": "x" * 3_000_000})
    found = all_of(written(tmp_path / "huge.jsonl", huge, event(2)))
    assert [message.source_id for message in found.messages] == ["e-2"]
    assert found.messages[0].origin == "huge.jsonl:2"
    assert "bytes long" in found.unreadable[0].reason
    assert len(found.unreadable[0].content) == 65536


@pytest.mark.parametrize("text", [json.dumps([event(1), event(2)], indent=2), "\ufeff[" + json.dumps(event(1)) + "]"])
def test_a_json_list_is_read_as_its_events(tmp_path: Path, text: str) -> None:
    found = all_of(written(tmp_path / "batch.json", text))
    assert [message.source_id for message in found.messages] == ["e-1", "e-2"][: text.count('"id"')]
    assert found.unreadable == []
    assert connector().translate(found.messages[0])


def test_a_torn_list_gives_what_came_before_the_tear(tmp_path: Path) -> None:
    found = all_of(written(tmp_path / "torn.json", json.dumps([event(1), event(2)])[:-20]))
    assert [message.source_id for message in found.messages] == ["e-1"]
    assert found.unreadable[0].reason.startswith("the list breaks off after 1 events")


def test_one_event_over_several_lines_is_one_document(tmp_path: Path) -> None:
    [message] = all_of(written(tmp_path / "single.json", json.dumps(event(1), indent=1))).messages
    assert message.source_id == "e-1"


async def test_only_added_lines_are_read_again_and_a_half_written_one_waits(tmp_path: Path) -> None:
    path = written(tmp_path / "live.jsonl", event(1), event(2), '{"specversion": "1.0", "id"', end="")
    reading = connector(path=str(tmp_path))
    ids, checkpoint = await drained(reading)
    assert ids == ["e-1", "e-2"]
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(event(3)).removeprefix('{"specversion": "1.0", "id"') + "\n" + json.dumps(event(4)))
    ids, checkpoint = await drained(connector(path=str(tmp_path)), checkpoint)
    assert ids == ["e-3", "e-4"]
    written(tmp_path / "later.jsonl", event(5))
    (tmp_path / "ignored.txt").write_text("nothing", "utf-8")
    assert (await drained(reading, checkpoint))[0] == ["e-5"]


async def test_a_replaced_or_cut_file_starts_again(tmp_path: Path) -> None:
    path = written(tmp_path / "live.jsonl", event(1), event(2))
    reading = connector(path=str(path))
    _, checkpoint = await drained(reading)
    written(tmp_path / "new", event(3), event(4), event(5))
    (tmp_path / "new").replace(path)
    ids, checkpoint = await drained(reading, checkpoint)
    assert ids == ["e-3", "e-4", "e-5"]
    written(path, event(6))
    assert (await drained(reading, checkpoint))[0] == ["e-6"]


async def test_every_batch_of_a_long_file_can_be_gone_on_from(tmp_path: Path) -> None:
    path = written(tmp_path / "long.jsonl", *[event(n) for n in range(1234)])
    batches = [batch async for batch in connector(path=str(path)).capture(None)]
    assert max(len(batch.messages) for batch in batches) == 500
    for place, batch in enumerate(batches):
        rest, _ = await drained(connector(path=str(path)), json.loads(json.dumps(batch.checkpoint)))
        assert rest == [f"e-{n}" for n in range(min(1234, 500 * (place + 1)), 1234)]


async def test_a_missing_path_is_unavailable_and_check_says_what_to_do(tmp_path: Path) -> None:
    reading = connector(path=str(tmp_path / "nowhere"))
    with pytest.raises(SourceUnavailable, match="nowhere"):
        await drained(reading)
    [check] = await reading.check()
    assert (check.ok, check.fix) == (False, "create the path or grant the right to read")


async def test_an_import_reads_a_finished_file_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "import.jsonl", event(1), json.dumps(event(2))[:30], end="")
    batches = [batch async for batch in connector(path=str(path), finished=True).capture(None)]
    assert [message.source_id for batch in batches for message in batch.messages] == ["e-1"]
    assert [item.origin for batch in batches for item in batch.unreadable] == ["import.jsonl:2"]


def test_unknown_options_are_refused_by_name() -> None:
    with pytest.raises(BadSettings, match="source presse: option paths is not an option"):
        connector(paths="x")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/cloudevents+json; charset=utf-8", json.dumps(event(1))),
        ("application/cloudevents-batch+json", json.dumps([event(1)])),
        ("application/json", json.dumps(event(1, source=...))),
    ],
)
def test_pushed_events_are_read_in_every_mode(content_type: str, body: str) -> None:
    [message] = messages_from_push("presse", body.encode(), content_type, received_at=NOW).messages
    assert (message.source, message.source_id) == ("presse", "e-1")
    assert isinstance(connector().translate(message)[0], Event)


def test_a_pushed_event_in_binary_mode_is_kept_as_a_whole_one() -> None:
    headers = {f"Ce-{name.title()}": str(value) for name, value in event(1, data=...).items()}
    headers["Content-Type"] = "application/json"
    [message] = connector().receive(b'{"kind": "stop", "attributes": {"depth": 1.50}}', headers).messages
    assert b"1.50" in message.content
    [record] = connector().translate(message)
    assert isinstance(record, Event)
    assert record.kind == "stop"


def test_an_event_of_another_source_does_not_pass_this_door() -> None:
    body = json.dumps([event(1, source="erp"), event(2)]).encode()
    found = messages_from_push("presse", body, "application/cloudevents-batch+json", received_at=NOW)
    assert [message.source_id for message in found.messages] == ["e-2"]
    assert found.unreadable[0].reason == "source is 'erp', but this is the door of 'presse'"


@pytest.mark.parametrize(("content_type", "body"), [("text/csv", b"a;b"), ("application/json", b" ")])
def test_a_request_without_events_is_a_bad_request(content_type: str, body: bytes) -> None:
    with pytest.raises(BadRequest):
        messages_from_push("presse", body, content_type, received_at=NOW)


@given(
    st.integers(min_value=0, max_value=4_000_000_000_000_000),
    st.integers(min_value=-23 * 60, max_value=23 * 60),
)
def test_every_time_with_an_offset_comes_back_as_the_same_moment(microseconds: int, minutes: int) -> None:
    aware = (datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(
        timezone(timedelta(minutes=minutes))
    )
    assert moment(aware.isoformat()) == aware
    assert moment(aware.astimezone(UTC).isoformat().replace("+00:00", "Z")) == aware


def test_times_beyond_microseconds_and_leap_seconds_are_read() -> None:
    assert moment("2026-05-04T10:00:00.123456789Z") == datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC)
    assert moment("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
