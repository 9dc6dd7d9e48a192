"""Fixtures of the REST tests. Each gets a server of its own on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from tests.rest.http_service import Answer, Configure, Service, serve


@pytest.fixture
def service() -> Iterator[Service]:
    yield from serve()


@pytest.fixture
def other_service() -> Iterator[Service]:
    """Another host, as far as a client can tell."""
    yield from serve()


@pytest.fixture
def configure(settings: Any) -> Configure:
    """Set keys of the library's settings, the others keeping their defaults."""

    def set_keys(**keys: Any) -> None:
        settings.MICROSERVICES_COMMUNICATION_SETTINGS = {
            **getattr(settings, "MICROSERVICES_COMMUNICATION_SETTINGS", {}),
            **keys,
        }

    return set_keys


@pytest.fixture
def api(service: Service, configure: Configure) -> Service:
    """The service that `get`, `post` and so on speak to; without a login."""
    configure(REST_API_HOST=service.url)
    return service


@pytest.fixture
def secured(service: Service, configure: Configure) -> Service:
    """The same with a login at `login`, which hands out `token-1`, `token-2` and so on."""
    configure(
        REST_API_HOST=service.url,
        REST_API_AUTH_URL="login",
        REST_API_USERNAME="robot",
        REST_API_PASSWORD="pa55word",
    )
    numbers = iter(range(1, 1000))
    service.answers["/login"] = lambda seen, handler: Answer(body={"access_token": f"token-{next(numbers)}"})
    return service


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with translation.override("en"):
        yield
