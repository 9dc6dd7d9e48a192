"""Who gets the token, and how often it is fetched."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services_communication.errors import CommunicationError, ConfigurationError
from services_communication.rest_api import AsyncRestClient, RestClient, get, post
from services_communication.rest_api.auth import BasicAuth, BearerAuth, TokenAuth
from services_communication.rest_api.destination import Destination
from services_communication.rest_api.error import (
    RestApiConnectionError,
    RestApiError,
    RestApiInvalidResponseError,
    RestApiResponseWithError,
    RestApiServerError,
    RestApiUnauthorizedError,
)
from services_communication.rest_api.exchange import exchange
from services_communication.rest_api.http import URL, Request, Response
from tests.rest.http_service import Answer, Configure, Handler, Seen, Service

THREADS = 8


def accepting(*tokens: str) -> Any:
    """An answer that wants one of these tokens."""

    def answer(seen: Seen, handler: Handler) -> Answer:
        right = seen.headers.get("Authorization") in {f"Bearer {token}" for token in tokens}
        return Answer(200, {"ok": True}) if right else Answer(401, {"detail": "no"})

    return answer


def authorizations(service: Service, path: str) -> list[str | None]:
    return [seen.headers.get("Authorization") for seen in service.seen if seen.path == path]


def test_without_a_login_url_there_is_no_token(api: Service) -> None:
    """No REST_API_AUTH_URL, no Authorization header."""
    api.answers["/x"] = Answer()
    get("x")
    assert authorizations(api, "/x") == [None]


def test_the_login_is_made_once(secured: Service) -> None:
    """Username and password are POSTed as JSON; the token is sent as a bearer, and kept for later requests."""
    secured.answers["/x"] = accepting("token-1")
    assert get("x", headers={"Accept-Encoding": None}) == post("x", json={"a": 1}) == {"ok": True}
    assert secured.paths() == ["/login", "/x", "/x"]
    login = secured.seen[0]
    assert (login.method, login.json) == ("POST", {"username": "robot", "password": "pa55word"})
    assert authorizations(secured, "/login") == [None]


def test_a_credential_of_other_names(secured: Service, configure: Configure) -> None:
    """REST_API_CREDENTIAL is the login's body, camelized; a relative login URL is below the base URL's path."""
    configure(REST_API_CREDENTIAL={"user_login": "sarvar", "pin": "1"}, REST_API_HOST=f"{secured.url}/base")
    secured.answers["/base/login"] = Answer(body={"access_token": "t"})
    secured.answers["/base/x"] = accepting("t")
    assert get("x") == {"ok": True}
    assert secured.seen[0].json == {"userLogin": "sarvar", "pin": "1"}


@pytest.mark.parametrize("name", ["access_token", "accessToken", "access", "token"])
def test_the_tokens_names(secured: Service, name: str) -> None:
    """The token is read from any of the names that login endpoints use."""
    secured.answers["/login"] = Answer(body={name: "t"})
    secured.answers["/x"] = accepting("t")
    assert get("x") == {"ok": True}


def test_no_auth(secured: Service) -> None:
    """`no_auth=True` and a caller's own Authorization need no login."""
    secured.answers["/x"] = Answer()
    get("x", no_auth=True)
    get("x", headers={"authorization": "Token mine"})
    get("x", auth=("user", "password"))
    assert authorizations(secured, "/x") == [None, "Token mine", "Basic dXNlcjpwYXNzd29yZA=="]
    assert "/login" not in secured.paths()


def test_a_login_without_credential_is_a_mistake(api: Service, configure: Configure) -> None:
    """REST_API_AUTH_URL alone raises ConfigurationError naming what is missing."""
    configure(REST_API_AUTH_URL="login")
    with pytest.raises(ConfigurationError, match="REST_API_CREDENTIAL"):
        get("x")


def test_a_refused_token_is_renewed_once(secured: Service) -> None:
    """On 401 the client logs in again and repeats the request, body and all."""
    secured.answers["/x"] = accepting("token-2")
    assert post("x", json={"a": 1}) == {"ok": True}
    assert secured.paths() == ["/login", "/x", "/login", "/x"]
    assert secured.seen[-1].json == {"a": 1}


def test_refused_for_ever(secured: Service) -> None:
    """The second 401 is the answer: RestApiUnauthorizedError after one renewal."""
    secured.answers["/x"] = accepting()
    with pytest.raises(RestApiUnauthorizedError) as caught:
        get("x")
    assert secured.paths() == ["/login", "/x", "/login", "/x"]
    assert caught.value.response_body == {"detail": "no"}


@pytest.mark.parametrize("same_text", [False, True])
def test_one_login_for_many_threads(secured: Service, same_text: bool) -> None:
    """Threads that start together, and those whose token is refused together, share one login each time.

    Also when the service hands out the same text again.
    """
    barrier = threading.Barrier(THREADS)
    logins = iter(range(1, 1000))
    accepted = {"token-1"}

    def log_in(seen: Seen, handler: Handler) -> Answer:
        number = next(logins)
        handler.server.stopping.wait(0.2)  # long enough for the others to need it, too
        accepted.add("token-same" if same_text else f"token-{number}")
        return Answer(body={"access_token": "token-same" if same_text else f"token-{number}"})

    def answer(seen: Seen, handler: Handler) -> Answer:
        return accepting(*accepted)(seen, handler)  # type: ignore[no-any-return]  # its value is of no fixed type

    def ask(_: int) -> Any:
        barrier.wait(10)
        return get("x")

    secured.answers |= {"/login": log_in, "/x": answer}
    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(ask, range(THREADS))) == [{"ok": True}] * THREADS
        assert secured.paths().count("/login") == 1
        accepted.clear()
        assert list(threads.map(ask, range(THREADS))) == [{"ok": True}] * THREADS
        assert secured.paths().count("/login") == 2


def test_a_failed_login_fails_all_who_wait_for_it(secured: Service) -> None:
    """One login fails for everyone, rather than everyone trying one after the other."""
    barrier = threading.Barrier(THREADS)

    def log_in(seen: Seen, handler: Handler) -> Answer:
        handler.server.stopping.wait(1)
        return Answer(503, {"password": "pa55word"})

    def ask(_: int) -> Any:
        barrier.wait(10)
        with pytest.raises(RestApiServerError):
            get("x")

    secured.answers["/login"] = log_in
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(ask, range(THREADS)))
    assert secured.paths() == ["/login"]


@pytest.mark.parametrize(
    ("login", "kind"),
    [
        (Answer(401, {"password": "pa55word"}), RestApiUnauthorizedError),
        (Answer(302, b"pa55word", {"Location": "http://127.0.0.2:9/"}), RestApiResponseWithError),
        (Answer(200, {"pa55word": "pa55word"}), RestApiInvalidResponseError),
        (Answer(200, b"<html>pa55word"), RestApiInvalidResponseError),
        (Answer(200, {"access_token": "a\r\npa55word"}), RestApiInvalidResponseError),
        (Answer(200, {"access_token": None}), RestApiInvalidResponseError),
    ],
)
def test_a_login_that_fails_is_quoted_nowhere(secured: Service, login: Answer, kind: type[RestApiError]) -> None:
    """A failed login raises by its status, and never shows its answer, which may echo the password."""
    secured.answers["/login"] = login
    with pytest.raises(kind) as caught:
        get("x")
    assert type(caught.value) is kind
    assert f"POST {secured.url}/login" in str(caught.value)
    assert "pa55word" not in repr(caught.value) + str(vars(caught.value))
    assert secured.paths() == ["/login"]


def test_a_login_that_nobody_answers(service: Service) -> None:
    """A login host that is down is a connection error, for each request anew."""
    with RestClient(service.url, auth=TokenAuth("http://127.0.0.1:1/login", {"a": "b"})) as client:
        for _ in range(2):
            with pytest.raises(RestApiConnectionError, match=r"POST http://127\.0\.0\.1:1/login"):
                client.get("x")


def test_the_token_stays_on_its_host(secured: Service, other_service: Service, configure: Configure) -> None:
    """Another port, another name of the host: neither `extra_host=` nor an allowed absolute URL carries the token."""
    configure(REST_API_ALLOWED_HOSTS=["127.0.0.1", f"localhost:{secured.server_port}"])
    other_service.answers["/x"] = Answer()
    secured.answers["/x"] = accepting("token-1")
    get("x")
    get("x", extra_host=other_service.url)
    get(f"{other_service.url}/x")
    by_name = f"http://localhost:{secured.server_port}"
    with pytest.raises(RestApiUnauthorizedError):
        get("x", extra_host=by_name)
    with pytest.raises(RestApiUnauthorizedError):
        get(f"{by_name}/x")
    assert authorizations(other_service, "/x") == [None, None]
    assert authorizations(secured, "/x") == ["Bearer token-1", None, None]
    assert get(f"{secured.url}/x") == {"ok": True}  # absolute, but of the token's own host


def test_a_redirect_is_not_followed(secured: Service, other_service: Service) -> None:
    """3xx is RestApiResponseWithError; nothing is sent to where it points."""
    secured.answers["/x"] = Answer(302, headers={"Location": f"{other_service.url}/x"})
    with pytest.raises(RestApiResponseWithError) as caught:
        get("x")
    assert (caught.value.status_code, other_service.seen) == (302, [])


def test_a_redirect_to_https_leaves_the_token_behind(api: Service) -> None:
    """The same host by another scheme is another origin, although the HTTP library keeps the header there."""
    base = URL("http://host")
    flow = exchange(
        Destination(base, BearerAuth("s3cret"), 1, (), 1000),
        "GET",
        "x",
        lambda value: value,
        {"follow_redirects": True},
    )
    request = next(flow)
    assert isinstance(request, Request)
    assert request.headers["Authorization"] == "Bearer s3cret"
    response = Response(301, request=request)
    response.next_request = Request("GET", "https://host/x", headers=request.headers)
    following = flow.send(response)
    assert isinstance(following, Request)
    assert (str(following.url), following.headers.get("Authorization")) == ("https://host/x", None)


@pytest.mark.parametrize("argument", ["follow_redirects", "allow_redirects"])
def test_a_redirect_followed_leaves_the_token_behind(secured: Service, other_service: Service, argument: str) -> None:
    """Asked to follow, the client does so without the token on another host, and with it on its own."""
    secured.answers["/away"] = Answer(302, headers={"Location": f"{other_service.url}/x"})
    secured.answers["/here"] = Answer(307, headers={"Location": "/x"})
    secured.answers["/x"] = accepting("token-1")
    other_service.answers["/x"] = Answer(body=5)
    options: Any = {argument: True}
    assert get("away", **options) == 5
    assert get("away", headers={"Authorization": "Token mine"}, **options) == 5
    assert post("here", json=1, **options) == {"ok": True}
    assert authorizations(other_service, "/x") == [None, None]


def test_redirects_in_a_circle_end(api: Service) -> None:
    """A circle of redirects is an error after 20."""
    api.answers["/x"] = Answer(302, headers={"Location": "/x"})
    with pytest.raises(RestApiError, match="more than 20 redirects"):
        get("x", follow_redirects=True)
    assert len(api.seen) == 21


def test_a_clients_own_auth(service: Service) -> None:
    """`auth=` is a login, a bearer, or a user with password; also a login in the URL is one."""
    service.answers |= {"/login": Answer(body={"token": "t"}), "/x": Answer()}
    address = service.url.removeprefix("http://")
    for client in (
        RestClient(service.url, auth=TokenAuth("login", {"key": "s3cret"})),
        RestClient(service.url, auth=BearerAuth("s3cret")),
        RestClient(service.url, auth=("user", "s3cret")),
        RestClient(f"http://user:s3cret@{address}"),
    ):
        with client:
            client.get("x")
            assert "s3cret" not in repr(client) + repr(client.get)
    assert authorizations(service, "/x") == ["Bearer t", "Bearer s3cret", *["Basic dXNlcjpzM2NyZXQ="] * 2]


def test_no_secret_is_shown(secured: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs at any level, nor errors, nor reprs hold a password or a token."""
    secured.answers["/x"] = lambda seen, handler: Answer(400, seen.headers["Authorization"].encode())
    with caplog.at_level(logging.DEBUG), pytest.raises(CommunicationError) as caught:
        get("x?key=s3cret", headers={"X-Key": "s3cret"})
    auths = [TokenAuth("login", {"key": "s3cret"}), BearerAuth("s3cret"), BasicAuth("user", "s3cret")]
    assert "***" in str(caught.value)
    assert not {"s3cret", "token-1"} & set(f"{caught.value!r} {auths!r}".replace("'", " ").split())
    assert "token-1" not in caplog.text + repr(caught.value)
    assert "pa55word" not in caplog.text + repr(caught.value)
    assert "s3cret" not in repr(auths) + str(caught.value)


@pytest.mark.parametrize(("cancelled", "logins"), [(0, 2), (1, 1)], ids=["who logs in", "who waits"])
def test_a_cancelled_coroutine_takes_nobody_along(service: Service, cancelled: int, logins: int) -> None:
    """Tasks wait for one login. When the task that makes it is cancelled, another makes it; a waiting one just ends."""
    started = threading.Event()

    def log_in(seen: Seen, handler: Handler) -> Answer:
        started.set()
        handler.server.stopping.wait(0.3)
        return Answer(body={"token": "t"})

    service.answers |= {"/login": log_in, "/x": accepting("t")}

    async def ask() -> None:
        async with AsyncRestClient(service.url, auth=TokenAuth("login", {})) as client:
            tasks = [asyncio.ensure_future(client.get("x")) for _ in range(THREADS)]
            while not started.is_set():
                await asyncio.sleep(0.01)
            tasks[cancelled].cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(results.pop(cancelled), asyncio.CancelledError)
            assert results == [{"ok": True}] * (THREADS - 1)

    asyncio.run(ask())
    assert service.paths().count("/login") == logins
