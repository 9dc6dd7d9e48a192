"""The service that a client is for: read from the client's arguments or, in their absence, from the settings."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from services_communication.errors import ConfigurationError
from services_communication.rest_api.auth import Auth, TokenAuth, authorization, login_in
from services_communication.rest_api.fork import renew_in_child
from services_communication.rest_api.http import URL
from services_communication.rest_api.url import base_of, origin, shown, without_login
from services_communication.settings import Settings, communication_settings


@dataclass(frozen=True)
class Destination:
    """Where requests go, and the limits they are under."""

    base: URL
    auth: Auth | None
    timeout: float
    allowed_hosts: Collection[str]
    max_response_size: int

    def auth_for(self, url: URL) -> Auth | None:
        """The scheme, if `url` is of the base's scheme, host and port: nobody else gets the token."""
        return self.auth if origin(url) == origin(self.base) else None


class ServiceClient:
    """What the clients for threads and for coroutines have in common.

    `base_url`: scheme, host and perhaps a path; without it REST_API_HOST, with its login (REST_API_AUTH_URL).
    `auth`: a TokenAuth, a BearerAuth, or a user and a password. It is sent to the scheme, host and port of `base_url`.
    `timeout`, `allowed_hosts`, `max_response_size`: in place of REST_API_TIMEOUT, …_ALLOWED_HOSTS, …_MAX_RESPONSE_SIZE.
    `verify`: an SSLContext for a private certificate authority.
    Raises RestApiUrlError for a URL that cannot be a base.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        auth: Auth | tuple[str, str] | None = None,
        timeout: float | None = None,
        allowed_hosts: Collection[str] | None = None,
        max_response_size: int | None = None,
        verify: SSLContext | bool = True,
    ) -> None:
        self._base_url = base_url
        self._name = type(self).__name__ + ("()" if base_url is None else f"({shown(base_of(base_url))!r})")
        self._auth = auth
        self._limits = {"timeout": timeout, "allowed_hosts": allowed_hosts, "max_response_size": max_response_size}
        self._known: tuple[Settings, Destination] | None = None
        self.renew()
        renew_in_child(self)
        self._open(verify)

    def _open(self, verify: SSLContext | bool) -> None:
        """Make the pool and the verbs. Connects nowhere."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._name

    def renew(self) -> None:
        self._lock = threading.Lock()

    def _destination(self) -> Destination:
        """As the settings of the moment have it; made once for them, because it holds the token."""
        settings = communication_settings.get()
        with self._lock:
            if self._known is None or self._known[0] is not settings:
                self._known = settings, self._read(settings)
            return self._known[1]

    def _read(self, settings: Settings) -> Destination:
        limits = {
            name: getattr(settings, f"REST_API_{name.upper()}") if value is None else value
            for name, value in self._limits.items()
        }
        if self._base_url is None:
            return _destination(settings.REST_API_HOST, self._auth or _settings_auth(settings), limits)
        return _destination(self._base_url, self._auth, limits)


def _destination(url: str, auth: Auth | tuple[str, str] | None, limits: dict[str, Any]) -> Destination:
    given = base_of(url)
    base = without_login(given)
    scheme = authorization(auth) or login_in(given)
    return Destination(base, scheme.relative_to(base) if isinstance(scheme, TokenAuth) else scheme, **limits)


def _settings_auth(settings: Settings) -> Auth | None:
    """None without REST_API_AUTH_URL. Raises ConfigurationError when there is no credential to log in with."""
    if not settings.REST_API_AUTH_URL:
        return None
    credential = settings.rest_credential
    if credential is None:
        raise ConfigurationError(
            "REST_API_AUTH_URL needs REST_API_CREDENTIAL, or REST_API_USERNAME and REST_API_PASSWORD"
        )
    return TokenAuth(settings.REST_API_AUTH_URL, credential)
