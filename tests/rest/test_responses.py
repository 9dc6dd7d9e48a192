"""What a request function returns."""

from __future__ import annotations

import gzip
from typing import Any, assert_type

import pytest

from services_communication.contracts import PayloadModel
from services_communication.rest_api import RestClient, delete, get, head, patch, post, put
from services_communication.rest_api.error import RestApiInvalidResponseError, RestApiResponseTooLargeError
from services_communication.rest_api.formatter import file_response, full_response, json_response, model_response
from tests.rest.http_service import Answer, Configure, Service


class Address(PayloadModel):
    city_code: str


class Subject(PayloadModel):
    subject_id: int
    address: Address


SUBJECT = {"subjectId": 1, "address": {"cityCode": "TAS"}}


def test_untyped_json_is_underscoreized(api: Service) -> None:
    """Without a model the body is returned as plain data with snake_case keys at any depth."""
    api.answers["/x"] = Answer(body=[SUBJECT])
    for function in (get, post, put, patch, delete):
        assert function("x") == [{"subject_id": 1, "address": {"city_code": "TAS"}}]


@pytest.mark.parametrize("answer", [Answer(204), Answer(200), Answer(200, b" \n")])
@pytest.mark.parametrize("function", [get, post, put, patch, delete])
def test_an_empty_body_is_none(api: Service, function: Any, answer: Answer) -> None:
    """204, or a body of nothing, is None."""
    api.answers["/x"] = answer
    assert function("x") is None


def test_head_returns_the_full_response(api: Service) -> None:
    """`head` returns the response object: status and headers, the length that a GET would have among them."""
    api.answers["/x"] = Answer(body=b"12345", headers={"X-Total": "7"})
    response = head("x")
    assert (response.status_code, response.headers["X-Total"], response.headers["Content-Length"]) == (200, "7", "5")


def test_a_model_is_validated_from_the_body(api: Service) -> None:
    """`response_model=` returns an instance, or a list of them; a type checker infers just that."""
    api.answers["/one"] = Answer(body=SUBJECT)
    api.answers["/many"] = Answer(body=[SUBJECT, SUBJECT])
    one = assert_type(get("one", response_model=Subject), Subject)
    many = assert_type(get("many", response_model=list[Subject]), list[Subject])
    named = assert_type(post("one", json={}, response_model=dict[str, Any]), dict[str, Any])
    assert one == Subject(subject_id=1, address=Address(city_code="TAS"))
    assert many == [one, one]
    assert named == SUBJECT
    assert_type(get("one"), Any)
    assert assert_type(get("one", response_formatter=file_response), bytes) == b'{"subjectId": 1, ' + SUBJECT_TAIL


SUBJECT_TAIL = b'"address": {"cityCode": "TAS"}}'


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"subjectId": 1, "address": {}}, "Field required at address.cityCode"),
        ({"subjectId": "secret-value", "address": {"cityCode": "TAS"}}, "Input should be a valid integer at subjectId"),
        (b"<html>secret-value</html>", "is no JSON"),
        (b'{"subjectId": "\xff"', "is no JSON"),
        (b"", "the body is empty"),
    ],
)
def test_a_body_that_does_not_fit_names_the_path(api: Service, body: Any, problem: str) -> None:
    """RestApiInvalidResponseError says which rule was broken where, and never the value."""
    api.answers["/x"] = Answer(body=body)
    with pytest.raises(RestApiInvalidResponseError) as caught:
        get("x?secret=secret-value", response_model=Subject)
    assert problem in str(caught.value)
    assert f"GET {api.url}/x:" in str(caught.value)
    assert "secret-value" not in str(caught.value)
    with pytest.raises(RestApiInvalidResponseError):
        get("x", response_model=list[Subject])


def test_none_is_allowed_by_a_model_that_allows_it(api: Service) -> None:
    """An empty body, 204 or `null` is None for `Subject | None`."""
    for path, answer in (("204", Answer(204)), ("empty", Answer()), ("null", Answer(body=b"null"))):
        api.answers[f"/{path}"] = answer
        assert get(path, response_model=Subject | None) is None
        with pytest.raises(RestApiInvalidResponseError):
            get(path, response_model=Subject)


def test_a_response_formatter_wins_over_the_default(api: Service) -> None:
    """What the response formatter returns is returned, by keyword and by position."""
    api.answers["/x"] = Answer(body=SUBJECT, headers={"X-Total": "7"})
    assert assert_type(get("x", response_formatter=lambda response: response.headers["X-Total"]), str) == "7"
    assert get("x", lambda value: value, full_response).json() == SUBJECT
    assert delete("x", response_formatter=full_response).status_code == 200
    assert get("x", response_formatter=json_response)["subject_id"] == 1
    assert assert_type(get("x", response_formatter=model_response(Subject)), Subject).subject_id == 1
    assert get("x", response_formatter=model_response(list[int] | Subject)).subject_id == 1


def test_a_formatter_and_a_model_exclude_each_other(api: Service) -> None:
    """Giving both is a TypeError, and nothing is sent."""
    with pytest.raises(TypeError, match="not both"):
        get("x", response_formatter=full_response, response_model=Subject)  # type: ignore[call-overload]  # wrong on purpose
    assert api.seen == []


def test_html_is_an_error_of_the_response(api: Service) -> None:
    """200 with HTML raises RestApiInvalidResponseError, which names the content type."""
    api.answers["/x"] = Answer(body=b"<html></html>", headers={"Content-Type": "text/html"})
    with pytest.raises(RestApiInvalidResponseError, match=r"the body \(200, text/html\) is no JSON"):
        get("x")
    assert get("x", response_formatter=file_response) == b"<html></html>"


def test_json_of_another_content_type_is_read(api: Service) -> None:
    """What parses is accepted, whatever its content type, and with a byte order mark."""
    api.answers["/x"] = Answer(body=b'\xef\xbb\xbf{"aB": 1}', headers={"Content-Type": "text/plain"})
    assert get("x") == {"a_b": 1}


def test_json_of_enormous_depth_is_an_error(api: Service) -> None:
    """Nesting beyond the parser's depth is a typed error, no crash."""
    api.answers["/x"] = Answer(body=b"[" * 100_000)
    with pytest.raises(RestApiInvalidResponseError):
        get("x")


@pytest.mark.parametrize("members", [1, 2])
def test_a_packed_body_is_unpacked(api: Service, members: int) -> None:
    """gzip is asked for and unpacked, also one of several members; the response tells no more that it was packed."""
    packed = b"".join(gzip.compress(part) for part in ([b"[1]"] if members == 1 else [b"[", b"1]"]))
    api.answers["/x"] = Answer(body=packed, headers={"Content-Encoding": "gzip"})
    response = get("x", response_formatter=full_response)
    assert (response.content, "Content-Encoding" in response.headers) == (b"[1]", False)
    assert api.seen[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"[1, 2, 3]")[:-9]), ("br", b"x"), ("gzip, gzip", b"x")],
)
def test_a_body_that_cannot_be_unpacked(api: Service, encoding: str, body: bytes) -> None:
    """Garbage, a stream cut off and an encoding that nobody asked for are errors of the response."""
    api.answers["/x"] = Answer(body=body, headers={"Content-Encoding": encoding})
    with pytest.raises(RestApiInvalidResponseError):
        get("x")


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_beyond_the_limit_is_refused(api: Service, configure: Configure, packed: bool) -> None:
    """REST_API_MAX_RESPONSE_SIZE holds for the bytes on the wire, and for what they unpack to."""
    configure(REST_API_MAX_RESPONSE_SIZE=1000)
    for path, size in (("fits", 1000), ("exceeds", 1001)):
        body = b" " * (size - 1) + b"1"
        headers = {"Content-Encoding": "gzip"} if packed else {}
        api.answers[f"/{path}"] = Answer(body=gzip.compress(body) if packed else body, headers=headers)
    assert get("fits") == 1
    with pytest.raises(RestApiResponseTooLargeError, match="1000 bytes"):
        get("exceeds")


def test_a_gzip_bomb_is_not_unpacked(service: Service) -> None:
    """64 MiB of zeros weigh 64 KiB. Unpacking stops at the client's limit."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    service.answers["/x"] = Answer(body=bomb, headers={"Content-Encoding": "gzip"})
    service.answers["/fails"] = Answer(500, bomb, {"Content-Encoding": "gzip"})
    with RestClient(service.url, max_response_size=10_000) as client:
        with pytest.raises(RestApiResponseTooLargeError):
            client.get("x")
        with pytest.raises(Exception, match="responded with 500") as caught:
            client.get("fails")
        assert len(str(caught.value)) < 700
