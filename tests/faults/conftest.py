from __future__ import annotations

from tests.integration.fixtures import (
    make_service,
    mysql_databases,
    postgres_databases,
    service,
    service_on_each,
    sqlite_databases,
)

__all__ = [
    "make_service",
    "mysql_databases",
    "postgres_databases",
    "service",
    "service_on_each",
    "sqlite_databases",
]
