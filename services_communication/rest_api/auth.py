"""Who we are to another service: the ``Authorization`` header of a request.

A scheme is a generator free of I/O. It yields a request, which the client sends, and is sent the response; it may
yield a future, on which the client waits. So one body serves threads and coroutines.
The client decides to whom a scheme is applied: to the scheme, host and port of its base URL, and to no other.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from typing import Any, Protocol, TypeAlias

from pydantic_core import from_json, to_json

from services_communication.contracts.casing import camelize, underscoreize
from services_communication.errors import CommunicationError
from services_communication.rest_api.body import ENCODING
from services_communication.rest_api.error import (
    RestApiError,
    RestApiInvalidResponseError,
    RestApiTimeoutError,
    status_error,
)
from services_communication.rest_api.fork import renew_in_child
from services_communication.rest_api.http import URL, Request, Response
from services_communication.rest_api.url import base_of, located, shown

Failure: TypeAlias = CommunicationError | None
Step: TypeAlias = Request | Future[Failure]
Flow: TypeAlias = Generator[Step, Response, Response]

TOKEN_NAMES = ("access_token", "access", "token")
UNAUTHORIZED = 401


class Auth(Protocol):
    def auth_flow(self, request: Request) -> Flow:
        """Yield `request` authorised, and whatever else has to be sent; return its response."""


class HeaderAuth:
    """A fixed ``Authorization`` header."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def auth_flow(self, request: Request) -> Flow:
        request.headers["Authorization"] = self._value
        return (yield request)


class BearerAuth(HeaderAuth):
    """A token that does not change."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


class BasicAuth(HeaderAuth):
    """User and password (RFC 7617)."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__(f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")


class Token:
    """Told from another by identity: a service may hand out the same text twice."""

    def __init__(self, text: str) -> None:
        self.text = text


class TokenAuth:
    """Log in by POSTing `credential` to `login_url` when a token is first needed, and once more when it is refused.

    However many threads or tasks need a token, one of them logs in and the others wait for it. A failed login fails
    them all. A relative `login_url` is relative to the base URL of the client.
    Share an instance among clients for threads, or among clients for coroutines, but not across.
    """

    def __init__(self, login_url: str, credential: Mapping[str, Any]) -> None:
        self._login_url = login_url
        self._credential = dict(credential)
        self._token: Token | None = None
        self.renew()
        renew_in_child(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def renew(self) -> None:
        self._lock = threading.Lock()  # guards the two fields, and is never held while something is sent
        self._flight: Future[Failure] | None = None

    def relative_to(self, base: URL) -> TokenAuth:
        """This scheme with an absolute login URL."""
        if self._login_url.startswith(("http://", "https://")):
            base_of(self._login_url.partition("?")[0])
            return self
        return TokenAuth(str(located("POST", base, self._login_url, ())), self._credential)

    def auth_flow(self, request: Request) -> Flow:
        token = yield from self._current(request, rejected=None)
        response = yield _stamped(request, token)
        if response.status_code == UNAUTHORIZED:
            token = yield from self._current(request, rejected=token)
            response = yield _stamped(request, token)
        return response

    def _current(self, request: Request, rejected: Token | None) -> Generator[Step, Response, Token]:
        """A token other than the rejected one."""
        while True:
            with self._lock:
                if self._token is not None and self._token is not rejected:
                    return self._token
                flight, leading = self._flight, self._flight is None
                if flight is None:
                    flight = self._flight = Future()
            if leading:
                return (yield from self._log_in(flight, request))
            yield flight
            if not flight.done():
                raise RestApiTimeoutError(shown(URL(self._login_url)), "POST", "the login under way does not end")
            if (failure := flight.result()) is not None:
                raise failure

    def _log_in(self, flight: Future[Failure], request: Request) -> Generator[Step, Response, Token]:
        token: Token | None = None
        failure: Failure = None  # and no token: the leader was cancelled, and one of those who wait leads next
        try:
            response = yield self._login_request(request)
            token = Token(_token_text(response))
        except CommunicationError as error:
            failure = error
            raise
        finally:
            with self._lock:
                self._token = self._token if token is None else token
                self._flight = None
            flight.set_result(failure)
        return token

    def _login_request(self, request: Request) -> Request:
        return Request(
            "POST",
            self._login_url,
            content=to_json(camelize(self._credential)),
            headers={"Content-Type": "application/json", "Accept-Encoding": ENCODING},
            extensions=request.extensions,
        )


def authorization(value: Auth | tuple[str, str] | None) -> Auth | None:
    return BasicAuth(*value) if isinstance(value, tuple) else value


def login_in(url: URL) -> Auth | None:
    """User and password that stand in a URL, as a scheme."""
    return BasicAuth(url.username, url.password) if url.userinfo else None


def _stamped(request: Request, token: Token) -> Request:
    request.headers["Authorization"] = f"Bearer {token.text}"
    return request


def _token_text(response: Response) -> str:
    """The token in a login's answer. Errors do not quote the answer, which may echo the credential."""
    url = shown(response.request.url)
    if not response.is_success:
        raise _silent(url, response)
    try:
        body = underscoreize(from_json(response.content))
    except ValueError:
        body = None
    found = [body[name] for name in TOKEN_NAMES if name in body] if isinstance(body, dict) else []
    if not found or not isinstance(found[0], str) or not found[0].isprintable() or not found[0]:
        raise RestApiInvalidResponseError(f"POST {url}: the login's answer has no {' or '.join(TOKEN_NAMES)}")
    return found[0]


def _silent(url: str, response: Response) -> RestApiError:
    return status_error(response.status_code)(url, "POST", Response(response.status_code))
