"""Migrations at start: under a lock, expanding only, and content with a database that a later release made."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from trading_node.store.schema import REVISION, metadata

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_234_600_115
"""Any number, the same in every release: two nodes that start together migrate one after the other."""


class SchemaError(Exception):
    """A database whose tables this release cannot use; says what to do."""


async def migrate(engine: AsyncEngine, *, target: str = "head", locations: str = "") -> str:
    """Bring the database to this release's schema and return the revision that it is at.

    A revision that this release does not know was made by a later one. Migrations only expand, so this release runs on
    it as long as its own columns are there. Raises SchemaError, and the driver's errors when the database is away.
    """
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        return await connection.run_sync(_migrate, target, locations)


def _migrate(connection: Connection, target: str, locations: str) -> str:
    present = _revision(connection)
    if present == REVISION and target == "head" and not locations:
        return present
    # Imported here: it takes longer than a start on a database that is up to date.
    from alembic import command  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = _config(connection, locations)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present and present not in known:
        _require_columns(connection, present)
        return present
    command.upgrade(config, target)
    return _revision(connection)


def _config(connection: Connection, locations: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if locations:
        config.set_main_option("version_locations", locations.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str:
    try:
        with connection.begin_nested():
            return str(connection.execute(text("SELECT version_num FROM unified_schema_revision")).scalar() or "")
    except (ProgrammingError, OperationalError):
        return ""


def _require_columns(connection: Connection, present: str) -> None:
    inspector = inspect(connection)
    for table in metadata.tables.values():
        there = (
            {column["name"] for column in inspector.get_columns(table.name)} if inspector.has_table(table.name) else ()
        )
        missing = [column.name for column in table.columns if column.name not in there]
        if missing:
            raise SchemaError(
                f"the database is at revision {present}, which this release does not know, and {table.name} lacks "
                f"{', '.join(missing)}: run a release that knows it, or use another database"
            )
