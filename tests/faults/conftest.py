from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.databases import Postgres, SQLite
from tests.integration.fixtures import (
    MakeService,
    make_service,
    migrate,
    mysql_databases,
    postgres_databases,
    service,
    service_on_each,
    sqlite_databases,
)
from tests.integration.service import Service
from tests.support.servers import PostgreSQL, RabbitMQ

__all__ = [
    "make_service",
    "mysql_databases",
    "postgres_databases",
    "service",
    "service_on_each",
    "sqlite_databases",
]


@pytest.fixture
def broken_broker(private_rabbitmq: RabbitMQ, sqlite_databases: SQLite, make_service: MakeService) -> Iterator[Service]:
    """A service on the broker that the test breaks, with heartbeats that notice it soon."""
    with sqlite_databases.fresh() as database, make_service(private_rabbitmq.url, database) as made:
        made.settings["BROKER_CONNECTION_URL"] = f"{private_rabbitmq.url}?heartbeat=2"
        made.settings["CONFIRM_TIMEOUT"] = 5
        yield made
        if not private_rabbitmq.answers():  # the test failed in between
            private_rabbitmq.kill()
            private_rabbitmq.start()


@pytest.fixture
def broken_database(private_postgres: PostgreSQL, amqp_url: str, make_service: MakeService) -> Iterator[Service]:
    """A service on the PostgreSQL that the test breaks."""
    with Postgres(private_postgres.url, migrate).fresh() as database, make_service(amqp_url, database) as made:
        yield made
