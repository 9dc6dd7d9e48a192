"""Where the services find each other: environment variables, which their settings read."""

from __future__ import annotations

import os
import random
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

SERVICES = ("shop", "delivery")


@contextmanager
def memory() -> Iterator[None]:
    """One process has one broker and one outbox, so both services share a database."""
    with tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=True) as directory:
        _set("memory://demo", dict.fromkeys(SERVICES, f"sqlite:///{directory}/demo.sqlite3"))
        yield


@contextmanager
def rabbitmq() -> Iterator[None]:
    """A database and a queue for each service, under names that nobody else has."""
    server, run = os.environ["POSTGRES_URL"], secrets.token_hex(4)
    names = {service: f"demo_{service}_{run}" for service in SERVICES}
    with psycopg.connect(server, autocommit=True) as postgres:
        try:
            for name in names.values():
                postgres.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
            urls = {service: urlsplit(server)._replace(path=f"/{name}").geturl() for service, name in names.items()}
            _set(os.environ["AMQP_URL"], urls, queue_suffix=f"-demo-{run}")
            yield
        finally:
            for name in names.values():
                postgres.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def _set(broker: str, databases: dict[str, str], queue_suffix: str = "") -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "examples.demo.settings", "AMQP_URL": broker}
    for service, database in databases.items():
        os.environ |= {
            f"{service.upper()}_DATABASE_URL": database,
            f"{service.upper()}_QUEUE": f"{service}{queue_suffix}",
            f"{service.upper()}_URL": f"http://127.0.0.1:{_free_port()}",
        }


def _free_port() -> int:
    """Below those that the system hands out to outgoing connections: nobody takes it before our server does."""
    while True:
        port = random.randint(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
