"""Where a request may go."""

from __future__ import annotations

import pytest

from services_communication.rest_api import RestClient, get
from services_communication.rest_api.error import RestApiRequestError, RestApiUrlError
from tests.rest.http_service import Answer, Configure, Service


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:{port}/x",
        "HTTP://127.0.0.1:{port}/x",
        "http:/127.0.0.1:{port}/x",
        "http:127.0.0.1:{port}/x",
        "//127.0.0.1:{port}/x",
        "///127.0.0.1:{port}/x",
        "\\\\127.0.0.1:{port}\\x",
        "/\\127.0.0.1:{port}/x",
        "x\\y",
        "file:///etc/passwd",
        "../x",
        "/../x",
        "a/../../x",
        "a/%2e%2e/%2E%2e/x",
        "..%2fx",
        "..",
        "x\r\nHost: evil",
        "x\x00",
        "x\ty",
        "x\u2028",
        "x\udcff",
    ],
)
def test_a_uri_that_leads_away_is_refused(service: Service, other_service: Service, uri: str) -> None:
    """Absolute, scheme-relative, with backslashes or control characters, or out of the base path: nothing is sent."""
    with RestClient(f"{service.url}/base") as client, pytest.raises(RestApiUrlError) as caught:
        client.get(uri.format(port=other_service.server_port) + "?key=s3cret")
    assert isinstance(caught.value, RestApiRequestError)
    assert "s3cret" not in str(caught.value)
    assert service.seen == other_service.seen == []


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a/../b", "/base/b"),
        ("a:b", "/base/a:b"),
        ("@evil/x", "/base/@evil/x"),
        ("a b/é", "/base/a%20b/%C3%A9"),
        ("a%2Fb%3F%23%00", "/base/a%2Fb%3F%23%00"),
        ("100%", "/base/100%25"),
        ("", "/base/"),
        ("x?next=http://evil/../y\\", "/base/x"),
    ],
)
def test_a_uri_that_stays(service: Service, uri: str, path: str) -> None:
    """Everything else is a path below the base; what is percent-encoded stays so."""
    service.answers[path] = Answer(body=1)
    with RestClient(f"{service.url}/base") as client:
        assert client.get(uri) == 1
    assert service.paths() == [path]


def test_allowed_hosts(api: Service, other_service: Service, configure: Configure) -> None:
    """A host in REST_API_ALLOWED_HOSTS, or in the client's own list, may be named absolutely."""
    other_service.answers["/x"] = Answer(body=1)
    configure(REST_API_ALLOWED_HOSTS=["127.0.0.1"])
    assert get(f"{other_service.url}/x") == 1
    assert get(f"//127.0.0.1:{other_service.server_port}/x") == 1
    with RestClient(api.url, allowed_hosts=["LOCALHOST", f"127.0.0.1:{other_service.server_port}"]) as client:
        assert client.get(f"{other_service.url}/x") == 1
        with pytest.raises(RestApiUrlError, match=r"127\.0\.0\.1"):
            client.get(f"{api.url}/x")
    with RestClient(api.url, allowed_hosts=[]) as client, pytest.raises(RestApiUrlError):
        client.get(f"{other_service.url}/x")


@pytest.mark.parametrize(
    "base", ["", "localhost", "ftp://localhost", "http://", "http://a\nb", "http://a?b", "http://a#b", "http://[::1"]
)
def test_a_base_url_must_be_one(api: Service, base: str) -> None:
    """RestApiUrlError for a base URL, and for an extra host, that is none."""
    with pytest.raises(RestApiUrlError):
        RestClient(base)
    if base:
        with pytest.raises(RestApiUrlError):
            get("x", extra_host=base)
    assert api.seen == []
