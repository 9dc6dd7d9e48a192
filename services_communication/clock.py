"""The database's clock: due times and leases are compared on the one clock that all processes share."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler


class DatabaseNow(Now):
    """Django's ``Now``, in UTC on MySQL and MariaDB too, where that follows the session's time zone."""

    def as_mysql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        sql, parameters = self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra_context)
        return sql, tuple(parameters)
