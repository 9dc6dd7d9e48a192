"""Fixtures and markers for every test.

`scripts/test` runs all tests on SQLite, and those marked `database` again on PostgreSQL and MariaDB. The markers are
put on by what a test uses: a server's URL (`rabbitmq`, `postgres`, `mysql`) or the database (`database`). A test of
one database only is marked `postgres` or `mysql` by hand, and then runs on that one alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import hypothesis
import pytest
from django.db import connection
from django.test import TransactionTestCase

from tests.support.servers import MissingServerError, PostgreSQL, RabbitMQ, private_directory

hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

SERVERS_REQUIRED = bool(os.environ.get("SERVICES_COMMUNICATION_REQUIRE_SERVERS"))
MARKER_OF_FIXTURE = {
    "amqp_url": "rabbitmq",
    "private_rabbitmq": "rabbitmq",
    "postgres_url": "postgres",
    "private_postgres": "postgres",
    "mysql_url": "mysql",
}
DATABASE_FIXTURES = frozenset(
    {"db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback", "live_server"}
)
MARKER_OF_VENDOR = {"postgresql": "postgres", "mysql": "mysql"}


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = MARKER_OF_VENDOR.get(connection.vendor)
    elsewhere = [
        item
        for item in items
        if _uses_database(item)
        and (bound := {mark.name for mark in item.iter_markers() if mark.name in MARKER_OF_VENDOR.values()})
        and here not in bound
    ]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        for fixture in fixtures & MARKER_OF_FIXTURE.keys():
            item.add_marker(MARKER_OF_FIXTURE[fixture])
        if _uses_database(item):
            item.add_marker("database")


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    case = getattr(item, "cls", None)
    return (
        item.get_closest_marker("django_db") is not None
        or bool(fixtures & DATABASE_FIXTURES)
        or (isinstance(case, type) and issubclass(case, TransactionTestCase))
    )


def _url(variable: str) -> str:
    return os.environ.get(variable) or _absent(f"{variable} is not set; scripts/servers -- pytest sets it")


def _absent(why: str) -> NoReturn:
    if SERVERS_REQUIRED:
        pytest.fail(f"{why}, and this run must not do without servers", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """The RabbitMQ node that all tests share. Do not break it: that is what `private_rabbitmq` is for."""
    return _url("AMQP_URL")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    return _url("POSTGRES_URL")


@pytest.fixture(scope="session")
def mysql_url() -> str:
    return _url("MYSQL_URL")


@pytest.fixture(scope="session")
def private_rabbitmq_node() -> Iterator[RabbitMQ]:
    with private_directory() as directory:
        try:
            RabbitMQ.find()
        except MissingServerError as error:
            _absent(f"{error} is not installed")
        with RabbitMQ(directory) as node:
            yield node


@pytest.fixture
def private_rabbitmq(private_rabbitmq_node: RabbitMQ) -> RabbitMQ:
    """A node to kill, freeze and starve. One for the session, because it takes seconds to start; running at each
    test's begin, with whatever queues the test before left."""
    if not private_rabbitmq_node.answers():
        private_rabbitmq_node.kill()
        private_rabbitmq_node.start()
    return private_rabbitmq_node


@pytest.fixture
def private_postgres() -> Iterator[PostgreSQL]:
    """A cluster to crash, new for each test."""
    with private_directory() as directory:
        try:
            PostgreSQL.find()
        except MissingServerError as error:
            _absent(f"{error} is not installed")
        with PostgreSQL(directory) as cluster:
            yield cluster
