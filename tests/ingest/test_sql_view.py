"""Views of real databases: nothing committed late is lost, nothing known is sent again, nothing is written."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
from sqlalchemy.dialects import mssql, mysql, oracle

from lineside.connector import TroubleKind
from lineside.errors import BadSettings, MissingExtra, SourceRefused, SourceUnavailable
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Report
from lineside_ingest.sql_view import SqlView
from lineside_ingest.sql_view.statements import reads

from .reading import NOW, drain, keys

BERLIN = ZoneInfo("Europe/Berlin")
STOCK = {
    "entity": "lot:{charge}",
    "scope": "bestand",
    "properties": {"location": "{platz}", "quantity": {"field": "menge", "unit": "{einheit}"}},
}


class Source:
    """A foreign database with one table, written through an engine of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        self.run(
            "CREATE TABLE bestand (charge VARCHAR(20), platz VARCHAR(20), menge NUMERIC(20, 6), einheit VARCHAR(5),"
            " geaendert TIMESTAMP)"
        )

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    def add(self, charge: str, changed: str | None, *, platz: str = "A-1", menge: str = "12.5") -> None:
        stamp = "NULL" if changed is None else f"'{changed}'"
        self.run(f"INSERT INTO bestand VALUES ('{charge}', '{platz}', {menge}, 'KG', {stamp})")  # noqa: S608

    def view(self, **changes: object) -> SqlView:
        view = {"table": "bestand", "key": ["charge"], "cursor": "geaendert", "mapping": STOCK, **changes}
        view = {name: value for name, value in view.items() if value is not None}
        return SqlView("lvs", {"url": self.url, "views": [view]}, time_zone=BERLIN, clock=lambda: NOW)


@pytest.fixture
def source(store_url: str) -> Iterator[Source]:
    opened = Source(store_url)
    yield opened
    opened.engine.dispose()


async def test_a_row_becomes_a_report_with_exact_numbers_and_the_plants_time(source: Source) -> None:
    source.add("00123", "2026-05-04 10:00:00", menge="12.345678")
    view = source.view()
    read = await drain(view)
    [report] = read.records(view)
    assert isinstance(report, Report)
    assert (report.entity, report.scope) == (Entity("lot", "00123"), "bestand")
    assert report.properties == {"location": "A-1", "quantity": {"value": 12.345678, "unit": "KG"}}
    assert report.provenance.reported_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    assert list(view.translate(read.messages[0])) == [report]


async def test_a_row_committed_behind_the_mark_is_still_found(source: Source) -> None:
    source.add("A", "2026-05-04 10:00:00")
    first = await drain(source.view())
    source.add("B", "2026-05-04 09:57:00")
    source.add("C", "2026-05-04 10:00:00")
    second = await drain(source.view(), first.checkpoint)
    assert (keys(first.messages), sorted(keys(second.messages))) == (["A"], ["B", "C"])
    assert (await drain(source.view(), second.checkpoint)).messages == []


async def test_a_changed_row_comes_again_and_an_unchanged_one_does_not(source: Source) -> None:
    source.add("A", "2026-05-04 10:00:00")
    source.add("B", "2026-05-04 10:00:00")
    first = await drain(source.view())
    source.run("UPDATE bestand SET menge = 7, geaendert = '2026-05-04 10:05:00' WHERE charge = 'B'")
    second = await drain(source.view(), first.checkpoint)
    assert keys(second.messages) == ["B"]
    assert second.ids[0] not in first.ids


async def test_a_change_that_kept_its_stamp_is_seen_within_the_overlap(source: Source) -> None:
    source.add("A", "2026-05-04 10:00:00")
    first = await drain(source.view())
    source.run("UPDATE bestand SET menge = 7")
    assert keys((await drain(source.view(), first.checkpoint)).messages) == ["A"]


async def test_one_row_dated_in_the_future_hides_nothing(source: Source) -> None:
    source.add("A", "2099-01-01 00:00:00")
    source.add("B", "2026-05-04 13:00:00")
    first = await drain(source.view())
    source.add("C", "2026-05-04 13:58:00")
    second = await drain(source.view(), first.checkpoint)
    assert keys(second.messages) == ["C"]
    assert (await drain(source.view(), second.checkpoint)).messages == []


async def test_rows_without_a_cursor_are_compared_and_a_value_that_returns_is_news(source: Source) -> None:
    source.add("A", None)
    checkpoint, seen = None, []
    for amount in ("12.5", "12.5", "7", "12.5"):
        source.run(f"UPDATE bestand SET menge = {amount}")  # noqa: S608
        read = await drain(source.view(), checkpoint)
        checkpoint = read.checkpoint
        seen.append(read.ids)
    assert [len(ids) for ids in seen] == [1, 0, 1, 1]
    assert len({each for ids in seen for each in ids}) == 3


async def test_a_second_cursor_column_stands_in_for_a_null_one(source: Source) -> None:
    source.run("ALTER TABLE bestand ADD COLUMN angelegt TIMESTAMP")
    source.run("INSERT INTO bestand VALUES ('A', 'A-1', 1, 'KG', NULL, '2026-05-04 09:00:00')")
    view = source.view(cursor=["geaendert", "angelegt"])
    [report] = (await drain(view)).records(view)
    assert report.provenance.reported_at == datetime(2026, 5, 4, 7, 0, tzinfo=UTC)


async def test_every_batch_of_a_long_view_can_be_gone_on_from(source: Source) -> None:
    for number in range(60):
        stamp = datetime(2026, 5, 4, 8, 0) + timedelta(seconds=number // 20)  # noqa: DTZ001 - the column has no zone
        source.add(f"L-{number}", str(stamp))
    whole = await drain(source.view(page_size=7))
    assert len(whole.messages) == 60
    done = 0
    for checkpoint in whole.checkpoints[:-1]:
        done += 7
        rest = await drain(source.view(page_size=7), checkpoint)
        assert {*whole.ids[:done], *rest.ids} == set(whole.ids)
        assert not {*whole.ids[:done]} & {*rest.ids}


async def test_a_numeric_cursor_and_a_query_with_colons_are_read(source: Source) -> None:
    source.run("CREATE TABLE buchung (nr INTEGER, art VARCHAR(5), zeit VARCHAR(30))")
    source.run(*(f"INSERT INTO buchung VALUES ({n}, 'WA', '04.05.2026 1{n}:00')" for n in range(3)))  # noqa: S608
    mapping = {
        "kind": {"field": "art", "codes": {"WA": "goods_issue"}},
        "occurred_at": "zeit",
        "attributes": {"document": "{nr}"},
    }
    view = {
        "sql": "SELECT *, ':x' AS marke FROM buchung WHERE zeit > '00:00';",
        "name": "buchung",
        "key": "nr",
        "cursor": "nr",
        "immutable": True,
        "mapping": mapping,
    }
    options = {"url": source.url, "views": [view], "time_format": "%d.%m.%Y %H:%M"}
    connector = SqlView("erp", options, time_zone=BERLIN, clock=lambda: NOW)
    read = await drain(connector)
    assert read.ids == ["buchung/0", "buchung/1", "buchung/2"]
    [first, *_] = read.records(connector)
    assert isinstance(first, Event)
    assert (first.kind, first.attributes["document"]) == ("goods_issue", "0")
    assert first.provenance.occurred_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    assert (await drain(connector, read.checkpoint)).messages == []


async def test_a_row_without_its_key_is_unreadable_and_the_others_come(source: Source) -> None:
    source.run("INSERT INTO bestand VALUES (NULL, 'A-1', 1, 'KG', '2026-05-04 09:00:00')")
    source.add("B", "2026-05-04 09:00:00")
    read = await drain(source.view())
    assert keys(read.messages) == ["B"]
    assert [item.reason for item in read.unreadable] == ["the key column charge is empty"]


async def test_a_broken_view_does_not_keep_the_others_from_being_read(source: Source) -> None:
    source.add("A", "2026-05-04 10:00:00")
    view = {"table": "bestand", "key": "charge", "cursor": "geaendert", "mapping": STOCK}
    options = {"url": source.url, "views": [{**view, "table": "fehlt"}, view]}
    connector = SqlView("lvs", options, time_zone=BERLIN, clock=lambda: NOW)
    read = await drain(connector)
    assert keys(read.messages) == ["A"]
    assert [each.kind for each in read.troubles if each.stream == "fehlt"] == [TroubleKind.REFUSED]
    assert [check.ok for check in await connector.check() if check.name != "clock"] == [False, True]


async def test_nothing_can_be_written_through_the_source(source: Source) -> None:
    source.add("A", "2026-05-04 10:00:00")
    write = "WITH gone AS (DELETE FROM bestand RETURNING *) SELECT * FROM gone"
    with pytest.raises((SourceRefused, SourceUnavailable)):
        await drain(source.view(table=None, sql=write, name="x", cursor=None))
    assert keys((await drain(source.view())).messages) == ["A"]


async def test_check_names_the_columns_that_are_not_there(source: Source) -> None:
    source.add("A", "2026-05-04 10:00:00")
    [check, *_] = await source.view(mapping={"entity": "lot:{Charge}", "properties": {"location": "{ort}"}}).check()
    assert (check.ok, check.detail) == (False, "no column Charge, ort")


@pytest.mark.postgres
async def test_a_wrong_password_and_a_dead_server_are_told_apart(postgres_server: Callable[[], str]) -> None:
    url = sqlalchemy.make_url(postgres_server())
    view = {"table": "t", "key": "k", "mapping": STOCK}
    unknown = url.set(username="nobody_here").render_as_string(hide_password=False)
    with pytest.raises(SourceRefused, match="nobody_here"):
        await drain(SqlView("lvs", {"url": unknown, "views": [view]}, time_zone=UTC))
    dead = "postgresql+psycopg://127.0.0.1:1/x"
    with pytest.raises(SourceUnavailable):
        await drain(SqlView("lvs", {"url": dead, "views": [view]}, time_zone=UTC))


async def test_rows_in_sqlites_write_ahead_log_are_read_and_the_file_is_untouched(tmp_path: Path) -> None:
    path = tmp_path / "erp.db"
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE bestand (charge TEXT, platz TEXT)")
    writer.execute("INSERT INTO bestand VALUES ('A', 'A-1')")
    writer.commit()
    view = {"table": "bestand", "key": "charge", "mapping": {"entity": "lot:{charge}", "properties": {"x": "{platz}"}}}
    connector = SqlView("erp", {"url": f"sqlite:///{path}", "views": [view]}, time_zone=UTC, clock=lambda: NOW)
    read = await drain(connector)
    assert keys(read.messages) == ["A"]
    writer.close()


async def test_a_missing_file_is_unavailable_and_never_created(tmp_path: Path) -> None:
    view = {"table": "t", "key": "k", "mapping": STOCK}
    connector = SqlView("x", {"url": f"sqlite:///{tmp_path / 'no.db'}", "views": [view]}, time_zone=UTC)
    with pytest.raises(SourceUnavailable, match=r"no\.db"):
        await drain(connector)
    assert not (tmp_path / "no.db").exists()


async def test_a_driver_that_is_not_installed_is_named() -> None:
    options = {"url": "mysql+mysqldb://u:p@h/x", "views": [{"table": "t", "key": "k", "mapping": STOCK}]}
    with pytest.raises(MissingExtra, match="MySQLdb"):
        await drain(SqlView("erp", options, time_zone=UTC))


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({}, "option url is missing"),
        ({"url": "sqlite:///x"}, "option views is missing"),
        ({"url": "sqlite:///x", "views": [{"key": "k"}]}, r"option views\[0\].table or sql"),
        ({"url": "sqlite:///x", "views": [{"table": "t", "mapping": STOCK}]}, r"option views\[0\].key is missing"),
        ({"url": "sqlite:///x", "views": [{"table": "t", "key": "k"}]}, r"option views\[0\].mapping is missing"),
        (
            {"url": "sqlite:///x", "views": [{"table": "t", "key": "k", "mapping": {"entity": "lot:{k}"}}]},
            "properties is missing beside entity",
        ),
        ({"url": "sqlite:///x", "time_zone": "Mars", "views": []}, "option time_zone is no time zone"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], wrong: str) -> None:
    with pytest.raises(BadSettings, match=wrong):
        SqlView("erp", options, time_zone=UTC)


@pytest.mark.parametrize(
    ("dialect", "quoted", "alias", "bound", "order"),
    [
        (mssql.dialect(), "v.[order]", " AS", ":coalesce_1", "lineside_cursor"),
        (oracle.dialect(), 'v."order"', "", ":coalesce_1", 'coalesce(v."order", v.made)'),
        (mysql.dialect(), "v.`order`", " AS", "%s", "lineside_cursor"),
    ],
)
def test_the_statement_for_a_database_that_was_not_at_hand(
    dialect: sqlalchemy.Dialect, quoted: str, alias: str, bound: str, order: str
) -> None:
    *_, statement = reads("lvs.bestand", "", ("order", "made"), datetime(2026, 5, 4, 10, 0))  # noqa: DTZ001
    cursor = f"coalesce({quoted}, v.made)"
    assert " ".join(str(statement.compile(dialect=dialect)).split()) == (
        f"SELECT v.*, {cursor} AS lineside_cursor FROM lvs.bestand{alias} v WHERE {cursor} >= {bound}"  # noqa: S608
        f" ORDER BY {order}"
    )


@pytest.mark.parametrize(
    "url", ["mssql://u:p@127.0.0.1:1/x", "oracle://u:p@127.0.0.1:1/x", "mysql://u:p@127.0.0.1:1/x"]
)
async def test_an_installed_driver_that_finds_nobody_says_so(url: str) -> None:
    view = {"table": "t", "key": "k", "mapping": STOCK}
    with pytest.raises(SourceUnavailable):
        await drain(SqlView("erp", {"url": url, "timeout_s": 2, "views": [view]}, time_zone=UTC, clock=lambda: NOW))


@pytest.mark.postgres
async def test_a_value_that_python_has_not_keeps_no_row_from_being_read(postgres_server: Callable[[], str]) -> None:
    source = Source(postgres_server())
    source.run(
        "CREATE TABLE odd (k TEXT, at TIMESTAMP, n NUMERIC, f FLOAT8, j JSONB, d DATE)",
        "INSERT INTO odd VALUES ('a', 'infinity', 'NaN', 'Infinity', '{\"x\" \\: 1.2345678901234567890123}',"
        " '-infinity'),"
        " ('b', '2026-05-04 10\\:00\\:00', 1, 2, NULL, NULL)",
    )
    mapping = {"entity": "lot:{k}", "properties": {"n": "{n}", "f": "{f}", "x": "{j.x}", "d": "{d}"}}
    view = source.view(table="odd", key="k", cursor="at", mapping=mapping)
    read = await drain(view)
    assert keys(read.messages) == ["b", "a"]
    odd = read.records(view)[1]
    assert isinstance(odd, Report)
    assert odd.properties == {"n": "NaN", "f": "inf", "x": "1.2345678901234567890123", "d": "-infinity"}
    assert (await drain(view, read.checkpoint)).messages == []


async def test_the_hour_that_comes_twice_is_read_again(tmp_path: Path) -> None:
    source = Source(f"sqlite:///{tmp_path / 'x.db'}")
    view = {"table": "bestand", "key": ["charge"], "cursor": "geaendert", "mapping": STOCK}
    now = [datetime(2026, 10, 25, 0, 58, tzinfo=UTC)]
    reading = SqlView("lvs", {"url": source.url, "views": [view]}, time_zone=BERLIN, clock=lambda: now[0])
    source.add("A", "2026-10-25 02:57:00")
    first = await drain(reading)
    source.add("B", "2026-10-25 02:10:00")  # in winter time
    now[0] = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    assert keys((await drain(reading, first.checkpoint)).messages) == ["B"]


async def test_a_table_put_back_to_an_older_state_is_read_anew(source: Source) -> None:
    source.add("A", "2026-05-04 09:00:00")
    source.add("B", "2026-05-04 11:00:00")
    first = await drain(source.view())
    source.run("DELETE FROM bestand WHERE charge = 'B'")
    source.add("C", "2026-05-04 09:30:00")
    second = await drain(source.view(), first.checkpoint)
    assert "C" in keys(second.messages)
    assert TroubleKind.EPOCH in [each.kind for each in second.troubles]


async def test_what_a_listing_misses_is_fetched_under_the_id_that_reading_gives_it(source: Source) -> None:
    source.add("A", "2026-05-04 09:00:00")
    view = source.view()
    read = await drain(view)
    [listed] = [each async for each in view.listing()]
    assert listed.keys == {"A"}
    batch = await view.resolve("bestand", ["A", "nobody"])
    assert [each.source_id for each in batch.messages] == read.ids
