"""The HTTP client library: the only place that imports it. Everything else takes its names from here.

Another client library with the same interface is put in by changing the one import.
"""

from __future__ import annotations

import asyncio
import threading
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import TypeVar

import httpx
from httpx import URL, AsyncClient, Client, Headers, InvalidURL, Request, Response, Timeout

from services_communication.rest_api.fork import renew_in_child

__all__ = [
    "EXCEPTIONS",
    "URL",
    "AsyncClient",
    "AsyncPool",
    "Client",
    "Headers",
    "InvalidURL",
    "Pool",
    "Request",
    "Response",
    "Timeout",
]

C = TypeVar("C", Client, AsyncClient)

EXCEPTIONS: dict[str, type[Exception]] = {
    name: value
    for name, value in vars(httpx).items()
    if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
}
"""Every exception of the library by its name."""


class Pool:
    """One client with its pool of connections, opened when first asked for. Thread-safe.

    A forked child gets a client of its own: two processes on one connection would read each other's answers.
    """

    def __init__(self, verify: SSLContext | bool) -> None:
        self._verify = verify
        self._client: Client | None = None
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._client = None

    def client(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = _opened(Client, self._verify)
            return self._client

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class AsyncPool:
    """The same for coroutines: one client for each event loop, because a connection belongs to the loop it began in."""

    def __init__(self, verify: SSLContext | bool) -> None:
        self._verify = verify
        self._clients: dict[asyncio.AbstractEventLoop, AsyncClient] = {}
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._clients = {}

    def client(self) -> AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._clients:
                self._clients = {old: client for old, client in self._clients.items() if not old.is_closed()}
                self._clients[loop] = _opened(AsyncClient, self._verify)
            return self._clients[loop]

    async def close(self) -> None:
        """Close the connections of the running loop. The next request opens new ones."""
        with self._lock:
            client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


def _opened(kind: type[C], verify: SSLContext | bool) -> C:
    # The client is shared by unrelated callers: a cookie that one of them is given must not be sent for another.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return kind(verify=verify, cookies=no_cookies, follow_redirects=False)
