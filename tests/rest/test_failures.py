"""What a request fails with: the peer is absent, slow, broken, or says no."""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services_communication.errors import CommunicationError
from services_communication.rest_api import RestClient, error, get
from services_communication.rest_api.error import TRANSLATIONS, RestApiResponseWithError
from tests.rest.http_service import Answer, Configure, Handler, Seen, Service

LONG = 60


def raw(*parts: bytes, pause: float = 0) -> Callable[[Seen, Handler], None]:
    """Write these bytes as they are, and close."""

    def write(seen: Seen, handler: Handler) -> None:
        for part in parts:
            handler.wfile.write(part)
            handler.server.stopping.wait(pause)
        handler.close_connection = True

    return write


def test_every_exception_of_the_http_library_is_translated() -> None:
    """The table holds each exception class that httpx has, and nothing else."""
    classes = {value for value in vars(httpx).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert set(TRANSLATIONS) == classes


@pytest.mark.parametrize("foreign", list(TRANSLATIONS), ids=lambda foreign: foreign.__name__)
def test_the_table_goes_from_special_to_general(foreign: type[Exception]) -> None:
    """No class stands behind one of its ancestors."""
    order = list(TRANSLATIONS)
    assert all(order.index(foreign) <= order.index(other) for other in foreign.__mro__ if other in TRANSLATIONS)


def test_a_host_that_refuses(configure: Configure) -> None:
    """Refused is RestApiConnectionError, which names method and URL without the query."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        configure(REST_API_HOST=f"http://127.0.0.1:{port}")
        with pytest.raises(error.RestApiConnectionError) as caught:
            get("x?key=s3cret")
    assert f"GET http://127.0.0.1:{port}/x failed: " in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["http://host.invalid", "http://127.0.0.1:99999"])
def test_a_host_that_does_not_exist(configure: Configure, host: str) -> None:
    """Neither does an unknown name or an impossible port end otherwise."""
    configure(REST_API_HOST=host)
    with pytest.raises(error.RestApiRequestError):
        get("x")


def test_a_host_that_speaks_no_tls(service: Service) -> None:
    """TLS that fails is RestApiConnectionError."""
    with (
        RestClient(service.url.replace("http:", "https:")) as client,
        pytest.raises(error.RestApiConnectionError, match="SSL"),
    ):
        client.get("x")


def test_no_connection_in_time() -> None:
    """A host that takes no connection is a time-out, and a connection error as well."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            with (
                RestClient(f"http://127.0.0.1:{address[1]}") as client,
                pytest.raises(error.RestApiConnectTimeoutError),
            ):
                client.get("x", timeout=(0.2, LONG))
        finally:
            for one in crowd:
                one.close()
    assert issubclass(error.RestApiConnectTimeoutError, error.RestApiConnectionError)
    assert issubclass(error.RestApiConnectTimeoutError, error.RestApiTimeoutError)


@pytest.mark.parametrize("where", ["settings", "client", "call"])
def test_no_answer_in_time(service: Service, configure: Configure, where: str) -> None:
    """A service that does not answer is RestApiTimeoutError after REST_API_TIMEOUT, the client's or the call's."""
    service.answers["/x"] = raw(b"", pause=LONG)
    configure(REST_API_HOST=service.url, REST_API_TIMEOUT=0.2 if where == "settings" else LONG)
    started = time.monotonic()
    with RestClient(timeout=0.2 if where == "client" else None) as client, pytest.raises(error.RestApiTimeoutError):
        client.get("x", timeout=0.2 if where == "call" else None)
    assert time.monotonic() - started < LONG / 2


def test_a_body_that_drips(service: Service) -> None:
    """A byte at a time meets no read timeout; the whole body has ten of them."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    service.answers["/x"] = raw(head, *[b" "] * 1000, pause=0.05)
    with RestClient(service.url) as client, pytest.raises(error.RestApiTimeoutError, match="does not come to an end"):
        client.get("x", timeout=0.1)


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
        raw(b"SSH-2.0-OpenSSH\r\n"),
        raw(b""),
    ],
    ids=["body cut off", "chunk cut off", "head cut off", "another protocol", "nothing"],
)
def test_an_answer_that_breaks_off(api: Service, answer: Any) -> None:
    """Half an answer is RestApiConnectionError, never half a result."""
    api.answers["/x"] = answer
    with pytest.raises(error.RestApiConnectionError):
        get("x")


def test_a_header_that_would_forge_others(api: Service) -> None:
    """CR and LF in a header are refused without showing its value, and nothing is sent."""
    for headers in ({"X-Key": "s3cret\r\nX-Admin: 1"}, {"X-K\r\ney": "s3cret"}):
        with pytest.raises(error.RestApiRequestError) as caught:
            get("x", headers=headers)
        assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert api.seen == []


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "RestApiBadRequestError"),
        (401, "RestApiUnauthorizedError"),
        (403, "RestApiForbiddenError"),
        (404, "RestApiNotFountError"),
        (404, "RestApiNotFoundError"),
        (429, "RestApiClientError"),
        (500, "RestApiServerError"),
        (502, "RestApiBadGatewayError"),
        (504, "RestApiGatewayTimeoutError"),
        (304, "RestApiResponseWithError"),
    ],
)
def test_a_status_that_is_no_success(api: Service, status: int, name: str) -> None:
    """Each status has its class, with the parsed body."""
    body = b"" if status == 304 else {"someDetail": "no"}
    api.answers["/x"] = Answer(status, body)
    with pytest.raises(RestApiResponseWithError) as caught:
        get("x?key=s3cret")
    assert type(caught.value) is getattr(error, name)
    assert caught.value.status_code == status
    assert (caught.value.response_body, caught.value.has_response_body) == (body or {}, bool(body))
    assert str(caught.value) == caught.value.message
    assert f"GET {api.url}/x responded with {status}" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_error_body_is_capped(api: Service, configure: Configure) -> None:
    """A huge error body is read to the limit and shown to 500 characters, on one line."""
    configure(REST_API_MAX_RESPONSE_SIZE=10_000)
    api.answers["/x"] = Answer(500, b"a\r\nb" * 1_000_000)
    with pytest.raises(error.RestApiServerError) as caught:
        get("x")
    assert caught.value.has_response_body is False
    assert caught.value.response_body == {}
    assert 500 < len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("charset", ["hex", "undefined", "absent", "rot13"])
def test_an_error_in_a_charset_that_is_none(api: Service, charset: str) -> None:
    """A charset that cannot be read with, such as `hex`, does not hide the status."""
    api.answers["/x"] = Answer(403, b"caf\xe9", {"Content-Type": f"text/html; charset={charset}"})
    with pytest.raises(error.RestApiForbiddenError, match="caf"):
        get("x")


def test_an_error_in_an_unknown_encoding(api: Service) -> None:
    """The status decides also when the body cannot be read."""
    api.answers["/x"] = Answer(404, b"x", {"Content-Encoding": "br"})
    with pytest.raises(error.RestApiNotFoundError):
        get("x")


def test_the_tree() -> None:
    """Every error is a CommunicationError and a RestApiError, and the docstring draws each."""
    classes = [
        value for value in vars(error).values() if isinstance(value, type) and value.__module__ == error.__name__
    ]
    assert len(classes) == 18
    assert all(issubclass(value, error.RestApiError) for value in classes)
    assert issubclass(error.RestApiError, CommunicationError)
    assert error.__doc__ is not None
    assert [value.__name__ for value in classes if value.__name__ not in error.__doc__] == []


def test_errors_survive_pickling(api: Service) -> None:
    """An error can leave its process, as it must in a task queue."""
    with pytest.raises(error.RestApiNotFoundError) as caught:
        get("absent")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.status_code, copy.response_body) == (str(caught.value), 404, {"detail": "absent"})
