"""The schema's version: checked at every start, brought up to date only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from lineside.errors import SchemaBehind
from lineside.memory.database import Database

if TYPE_CHECKING:
    from alembic.config import Config


def migrate_to_head(database: Database) -> None:
    """The schema is this program's. Idempotent; an empty database becomes a new memory."""
    from alembic import command

    configuration = _configuration()
    with database.write() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")


def require_head(database: Database) -> None:
    """Raises SchemaBehind unless the schema is exactly this program's."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_configuration()).get_current_head()
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        empty = not inspect(connection).get_table_names()
    if found != head:
        state = "is empty" if empty else f"has schema {found}"
        raise SchemaBehind(f"the database {state}, this program needs {head}: run `lineside migrate`", found=found)


def _configuration() -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", "lineside.memory:migrations")
    return configuration
