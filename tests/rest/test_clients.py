"""Clients: their connections, their settings, and coroutines."""

from __future__ import annotations

import asyncio
import gzip
import os
import warnings
from typing import Any, assert_type

import pytest

from services_communication import rest_api
from services_communication.contracts import PayloadModel
from services_communication.rest_api import AsyncRestClient, RestClient, SilentRaiseWrapper, error, get
from services_communication.rest_api.auth import TokenAuth
from services_communication.rest_api.formatter import file_response
from tests.rest.http_service import Answer, Configure, Handler, Seen, Service


class Subject(PayloadModel):
    subject_id: int


def test_the_public_names() -> None:
    """These names are public, and no others."""
    names = "AsyncRestClient RestClient SilentRaiseWrapper delete get head patch post put"
    assert rest_api.__all__ == names.split()
    assert all(hasattr(rest_api, name) for name in rest_api.__all__)


def test_a_client_keeps_its_connection(api: Service) -> None:
    """Requests that follow one another share a connection; after `close` there is a new one."""
    api.answers["/x"] = Answer(body=1)
    with RestClient(api.url) as client:
        client.get("x")
        client.get("x")
        client.close()
        client.get("x")
    first, second, third = [seen.client_port for seen in api.seen]
    assert first == second != third


def test_the_settings_are_read_when_needed(api: Service, other_service: Service, configure: Configure) -> None:
    """A change of the settings holds for the next request, of the functions and of a client without a base URL."""
    other_service.answers["/x"] = Answer(body=2)
    api.answers["/x"] = Answer(body=1)
    with RestClient() as client:
        assert (get("x"), client.get("x")) == (1, 1)
        configure(REST_API_HOST=other_service.url)
        assert (get("x"), client.get("x")) == (2, 2)


def test_a_change_of_the_settings_closes_the_connections(api: Service, configure: Configure) -> None:
    """No connection of the functions' client outlives the settings it was opened under."""
    api.answers["/x"] = Answer(body=1)
    get("x")
    get("x")
    configure(REST_API_TIMEOUT=5)
    get("x")
    first, second, third = [seen.client_port for seen in api.seen]
    assert first == second != third


def test_a_forked_child_has_connections_of_its_own(secured: Service) -> None:
    """The child does not speak on its parent's connection, and keeps the token."""
    secured.answers["/x"] = Answer(body=1)
    get("x")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: other threads run, the server's among them
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if get("x") == 1 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    get("x")
    before, in_child, after = [seen.client_port for seen in secured.seen if seen.path == "/x"]
    assert before == after != in_child
    assert secured.paths().count("/login") == 1


def test_a_client_says_what_it_is(api: Service) -> None:
    """The repr names the host, and the functions know their names."""
    assert repr(RestClient("http://user:pw@host/base?".rstrip("?"))) == "RestClient('http://host/base')"
    assert repr(AsyncRestClient("http://host").get) == "<get of AsyncRestClient('http://host')>"
    assert get.__name__ == "get"


def test_coroutines(service: Service) -> None:
    """`AsyncRestClient` has the same methods with the same results, and a type checker knows them."""
    service.answers["/one"] = Answer(body={"subjectId": 1})
    service.answers["/many"] = Answer(body=[{"subjectId": 1}])
    service.answers["/none"] = Answer(204)
    service.answers["/packed"] = Answer(body=gzip.compress(b"1"), headers={"Content-Encoding": "gzip"})

    async def ask() -> None:
        async with AsyncRestClient(service.url) as client:
            one = assert_type(await client.get("one", response_model=Subject), Subject)
            many = assert_type(await client.post("many", json=one, response_model=list[Subject]), list[Subject])
            assert many == [one]
            assert assert_type(await client.get("one", response_formatter=file_response), bytes) == b'{"subjectId": 1}'
            for send in (client.get, client.post, client.put, client.patch, client.delete):
                assert await send("one") == {"subject_id": 1}
                assert await send("none") is None
            assert await client.get("packed") == 1
            assert (await client.head("one")).status_code == 200

    asyncio.run(ask())
    assert service.seen[1].json == {"subjectId": 1}


def test_coroutines_fail_alike(service: Service) -> None:
    """The same errors: status, time, size, model, URL, connection, and a body that breaks off or drips."""

    def silent(seen: Seen, handler: Handler) -> None:
        handler.server.stopping.wait(60)

    def broken(seen: Seen, handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        handler.close_connection = True

    service.answers |= {"/silent": silent, "/large": Answer(body=b" " * 1001), "/html": Answer(body=b"<")}
    service.answers |= {"/broken": broken, "/empty": Answer()}
    cases: list[tuple[str, type[error.RestApiError]]] = [
        ("absent", error.RestApiNotFountError),
        ("silent", error.RestApiTimeoutError),
        ("large", error.RestApiResponseTooLargeError),
        ("html", error.RestApiInvalidResponseError),
        ("empty", error.RestApiInvalidResponseError),
        ("broken", error.RestApiConnectionError),
        ("//evil/x", error.RestApiUrlError),
    ]

    async def ask() -> None:
        async with AsyncRestClient(service.url, timeout=0.3, max_response_size=1000) as client:
            for uri, kind in cases:
                with pytest.raises(kind):
                    await client.get(uri, response_model=Subject)
            with pytest.raises(error.RestApiConnectionError):
                await client.get("x", extra_host="http://127.0.0.1:1")

    asyncio.run(ask())


def test_one_client_in_several_event_loops(service: Service) -> None:
    """A client outlives a loop: in the next one it has new connections."""
    service.answers["/x"] = Answer(body=1)
    client = AsyncRestClient(service.url)

    async def ask() -> Any:
        try:
            return await client.get("x"), await client.get("x")
        finally:
            await client.aclose()

    assert [asyncio.run(ask()) for _ in range(2)] == [(1, 1)] * 2
    ports = [seen.client_port for seen in service.seen]
    assert ports[0] == ports[1] != ports[2] == ports[3]


def test_coroutines_renew_the_token_once(service: Service) -> None:
    """Tasks whose token is refused together share one renewal; refused for ever is RestApiUnauthorizedError."""
    accepted = {"token-2"}
    logins = iter(range(1, 100))

    def answer(seen: Seen, handler: Handler) -> Answer:
        token = seen.headers["Authorization"].removeprefix("Bearer ")
        return Answer(200, 1) if token in accepted else Answer(401)

    service.answers |= {
        "/login": lambda seen, handler: Answer(body={"access": f"token-{next(logins)}"}),
        "/x": answer,
    }

    async def ask() -> None:
        async with AsyncRestClient(service.url, auth=TokenAuth("login", {"a": "b"})) as client:
            assert await asyncio.gather(*(client.get("x") for _ in range(8))) == [1] * 8
            assert service.paths().count("/login") == 2
            accepted.clear()
            with pytest.raises(error.RestApiUnauthorizedError):
                await client.get("x")

    asyncio.run(ask())
    assert service.paths().count("/login") == 3


def test_silence(api: Service) -> None:
    """`SilentRaiseWrapper` returns the result and None, or None and the error; callbacks hear of either."""
    api.answers["/x"] = Answer(body=1)
    heard: list[object] = []
    silent = SilentRaiseWrapper(get).on_error(heard.append).on_success(heard.append)
    assert silent("x") == (1, None)
    result, failure = silent.call("absent")
    assert result is None
    assert isinstance(failure, error.RestApiNotFoundError)
    assert heard == [1, failure]
    assert SilentRaiseWrapper(get, heard.append, heard.append)("x") == (1, None)
    assert SilentRaiseWrapper(int)("no")[0] is None
