"""Whether the tables are there, asked before a process begins to work for weeks."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

APP = "services_communication"


def require_migrations(alias: str) -> None:
    """Raise CommandError when migrations are missing. A database that is down now is not an error: it is outlasted."""
    connection = connections[alias]
    try:
        executor = MigrationExecutor(connection)
        leaves = [node for node in executor.loader.graph.leaf_nodes() if node[0] == APP]
        missing = [migration.name for migration, _ in executor.migration_plan(leaves)]
    except (OperationalError, InterfaceError):
        connection.close()
        return
    if missing:
        raise CommandError(
            f"database {alias!r} lacks {', '.join(missing)}: run 'manage.py migrate {APP}'", returncode=2
        )
