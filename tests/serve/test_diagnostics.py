"""What is handed on to find a fault holds everything but secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.app import Lineside, open_lineside
from lineside.connector import Batch, Unreadable
from lineside.errors import NotFound
from lineside.memory.feeds import pause_source
from lineside.serve.diagnostics import diagnostics
from lineside.serve.overview import source_rows, translator_for

SECRET, SPECIAL = "hunter2-very", "p@ss/w rd?"


@pytest.fixture
def lineside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lineside]:
    monkeypatch.setenv("VIEW_URL", f"postgresql://reader:{SECRET}@db.example/plant")
    monkeypatch.setenv("LOGIN", SPECIAL)
    (tmp_path / "plant.toml").write_text('site = "n"\ntime_zone = "UTC"\n[[sources]]\nname = "wms"\nowner = "anna"\n')
    (tmp_path / "lineside.toml").write_text(
        """
[[sources]]
name = "erp"
connector = "odata"
[sources.options]
url = "https://anna:basic-auth-word@erp.example/api?api_key=query-key-word&plant=1"
password = "written-password"
headers = { Authorization = "Bearer header-word", Accept = "json" }
login = { env = "LOGIN" }

[[sources]]
name = "book"
connector = "open_records"
""",
        encoding="utf-8",
    )
    opened = open_lineside(tmp_path)
    yield opened
    opened.close()


def test_no_secret_is_in_them_whatever_way_it_came_in(lineside: Lineside) -> None:
    reason = f"401 for {SPECIAL} at https://x?login=p%40ss%2Fw%20rd%3F&token=from-the-source, https://u:pw-in-error@h/"
    pause_source(lineside.memory, "erp", by="its source", reason=reason)
    found = json.dumps(diagnostics(lineside, "erp"))
    hidden = (SPECIAL, "p%40ss", "basic-auth-word", "query-key-word", "written-password", "header-word")
    assert [each for each in (*hidden, "from-the-source", "pw-in-error") if each in found] == []
    shown = ("erp.example/api", "plant=1", '{"env": "LOGIN"}', '"Accept": "json"', "401 for", '"paused"')
    assert [each for each in shown if each not in found] == []


def test_they_tell_the_state_the_last_errors_and_the_versions(lineside: Lineside) -> None:
    bad = Batch(unreadable=[Unreadable(content=b"{", reason="not JSON", origin="book.jsonl:7")], checkpoint={"line": 7})
    lineside.memory.remember(bad, source="book", translate=translator_for(lineside, "book"))
    found = diagnostics(lineside, "book")
    [error] = found["last_errors"]
    assert (error["origin"], error["reason"], error["outcome"]) == ("book.jsonl:7", "not JSON", "dead_lettered")
    assert found["checkpoints"] == {"": {"line": 7}}
    assert found["manifest"]["name"] == "open_records"
    assert (found["state"]["received"], found["state"]["dead_lettered"]) == (1, 1)
    assert set(found["versions"]) == {"lineside", "python", "system"}


def test_a_source_that_nobody_knows_has_none(lineside: Lineside) -> None:
    with pytest.raises(NotFound):
        diagnostics(lineside, "mes")


def test_a_row_tells_each_source_whole_also_one_that_was_only_declared(lineside: Lineside) -> None:
    rows = {row["source"]: row for row in source_rows(lineside)}
    assert {name: (row["state"], row["owner"]) for name, row in rows.items()} == {
        "book": ("silent", None),
        "erp": ("silent", None),
        "wms": ("silent", "anna"),
    }
    pause_source(lineside.memory, "erp", by="ops-1", reason="they migrate")
    [erp] = [row for row in source_rows(lineside) if row["source"] == "erp"]
    assert (erp["state"], erp["reason"]) == ("paused", "they migrate")
    balance = ("recorded", "known", "dead_lettered", "held", "ignored")
    assert erp["received"] == sum(erp[each] for each in balance)  # type: ignore[misc]
