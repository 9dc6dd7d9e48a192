"""Fixtures that the folders integration, faults and acceptance share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.integration.databases import Config, MariaDB, Postgres, SQLite, reachable
from tests.integration.service import Service, environment, run_to_its_end

MakeService = Callable[[str, Config], contextlib.AbstractContextManager[Service]]


def migrate(config: Config, *applications: str) -> None:
    settings = {"BROKER_CONNECTION_URL": "memory://unused"}
    variables = environment(config, Path("unused"), settings, applications)
    done = run_to_its_end(variables, "migrate", "--run-syncdb", "--verbosity", "0")
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLite:
    return SQLite(tmp_path_factory.mktemp("databases"), migrate)


@pytest.fixture(scope="session")
def postgres_databases(postgres_url: str) -> Iterator[Postgres]:
    databases = Postgres(postgres_url, migrate)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def mysql_databases(mysql_url: str) -> MariaDB:
    return MariaDB(mysql_url, migrate)


@pytest.fixture
def make_service(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> MakeService:
    @contextlib.contextmanager
    def make(url: str, database: Config) -> Iterator[Service]:
        with django_db_blocker.unblock(), reachable(database) as alias:
            service = Service(tmp_path, url, database, alias)
            try:
                yield service
            finally:
                service.end()
            service.delete_queues()

    return make


@pytest.fixture
def service(sqlite_databases: SQLite, amqp_url: str, make_service: MakeService) -> Iterator[Service]:
    """On the shared broker and a SQLite database of its own."""
    with sqlite_databases.fresh() as database, make_service(amqp_url, database) as made:
        yield made


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mysql", marks=pytest.mark.mysql),
    ]
)
def service_on_each(request: pytest.FixtureRequest, amqp_url: str, make_service: MakeService) -> Iterator[Service]:
    """On the shared broker, once with each database."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    with databases.fresh() as database, make_service(amqp_url, database) as made:
        yield made
