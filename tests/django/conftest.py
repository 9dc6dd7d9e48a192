from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import override_settings

from services_communication import broker
from services_communication.contracts import registry
from services_communication.settings import Settings, communication_settings
from services_communication.transport import memory
from services_communication.transport.protocol import Topology


@pytest.fixture(autouse=True)
def _begin_anew() -> Iterator[None]:
    """A new broker in memory; contracts that a test declares are forgotten after it."""
    before = set(registry)
    broker.close_publisher()
    memory.forget_brokers()
    yield
    broker.close_publisher()
    memory.forget_brokers()
    for contract in registry:
        if contract not in before:
            registry.discard(contract)


@pytest.fixture(autouse=True)
def _close_the_connections_of_threads() -> Iterator[None]:
    """A worker's or relay's process closes them when it ends; the tests' process goes on."""
    opened: list[BaseDatabaseWrapper] = []

    def remember(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            opened.append(connection)

    connection_created.connect(remember)
    yield
    connection_created.disconnect(remember)
    for connection in opened:
        connection.inc_thread_sharing()
        connection.close()


@pytest.fixture
def queue() -> Callable[..., Callable[[], list[Any]]]:
    """queue("name", (exchange, pattern)…) binds a queue and returns a function that reads it."""
    here = memory.broker("tests")

    def make(name: str, *bindings: tuple[str, str]) -> Callable[[], list[Any]]:
        exchanges = tuple((exchange, "topic") for exchange, _ in bindings)
        here.declare(Topology(queue=name, exchanges=exchanges, bindings=bindings))
        return lambda: here.messages(name)

    return make


@pytest.fixture
def configure() -> Iterator[Callable[..., Settings]]:
    """configure(KEY=value) changes the library's settings for the rest of the test."""
    active: list[override_settings] = []
    base = {"APP_ID": "tests", "BROKER_CONNECTION_URL": "memory://tests", "QUEUE": "tests"}

    def change(**settings: Any) -> Settings:
        override = override_settings(MICROSERVICES_COMMUNICATION_SETTINGS={**base, **settings})
        override.enable()
        active.append(override)
        return communication_settings.get()

    yield change
    for override in reversed(active):
        override.disable()
