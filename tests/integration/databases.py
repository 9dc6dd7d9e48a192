"""Fresh databases for a service: SQLite, PostgreSQL, MariaDB. The test reaches each as an alias of its own."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connections

from tests.support.mysql import install_driver

ALIAS = "service"
Config = dict[str, Any]
Migrate = Callable[[Config], None]


@contextlib.contextmanager
def reachable(config: Config) -> Iterator[str]:
    """The alias under which this process sees the database."""
    filled = connections.configure_settings({"default": {}, ALIAS: dict(config)})
    connections.settings[ALIAS] = filled[ALIAS]
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]


class SQLite:
    def __init__(self, directory: Path, migrate: Migrate) -> None:
        self._directory, self._migrate = directory, migrate
        self._template = directory / "template.sqlite3"

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Config]:
        if not self._template.exists():
            self._migrate(self._config(self._template))
        path = self._directory / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copyfile(self._template, path)
        yield self._config(path)
        path.unlink()

    def _config(self, path: Path) -> Config:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {"timeout": 30}}


class Postgres:
    def __init__(self, url: str, migrate: Migrate) -> None:
        self._url, self._migrate = url, migrate
        self._template: str | None = None

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Config]:
        if self._template is None:
            self._template = self._create("")
            self._migrate(self._config(self._template))
        name = self._create(f'TEMPLATE "{self._template}"')
        yield self._config(name)
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        if self._template is not None:
            self._execute(f'DROP DATABASE "{self._template}" WITH (FORCE)')

    def _create(self, options: str) -> str:
        name = f"service_{uuid.uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}" {options}')
        return name

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _config(self, name: str) -> Config:
        return {**_server("postgresql", self._url), "NAME": name}


class MariaDB:
    def __init__(self, url: str, migrate: Migrate) -> None:
        self._url, self._migrate = url, migrate
        install_driver()

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Config]:
        name = f"service_{uuid.uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        config = {**_server("mysql", self._url), "NAME": name, "OPTIONS": {"charset": "utf8mb4"}}
        self._migrate(config)
        yield config
        self._execute(f"DROP DATABASE {name}")

    def _execute(self, statement: str) -> None:
        import MySQLdb

        server = _server("mysql", self._url)
        connection = MySQLdb.connect(
            host=server["HOST"], port=server["PORT"], user=server["USER"], password=server["PASSWORD"]
        )
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()


def _server(engine: str, url: str) -> Config:
    parts = urlsplit(url)
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }
