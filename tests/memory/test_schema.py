"""The migrations make exactly the tables that the code uses, and old schemas are refused with the way out."""

from __future__ import annotations

import importlib

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from lineside.errors import SchemaBehind
from lineside.memory import Database, Memory
from lineside.memory.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_uses(store_url, open_memory):
    # The ledgers attach their tables to the same metadata once they are imported.
    for module in ("lineside.actions.tables", "lineside.cases.tables", "lineside.cases.handover_tables"):
        if importlib.util.find_spec(module.rpartition(".")[0]) and importlib.util.find_spec(module):
            importlib.import_module(module)
    memory = open_memory(store_url)

    def ours(_object, name, kind, _reflected, _compared):
        return not (kind == "table" and name.startswith("passage_words")) and name != "ix_passages_words"

    with memory.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_empty_or_other_schema_is_refused_until_it_is_migrated(store_url, open_memory):
    database = Database(store_url)
    open_unmigrated = {"index_dir": None, "plant": None, "clock": None}
    with pytest.raises(SchemaBehind, match=r"is empty.*lineside migrate"):
        Memory.open(store_url, **open_unmigrated)
    open_memory(store_url)
    open_memory(store_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'x9999'"))

    with pytest.raises(SchemaBehind, match="x9999"):
        Memory.open(store_url, **open_unmigrated)
    database.close()
