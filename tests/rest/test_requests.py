"""What a request function sends."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.utils import translation

from services_communication.contracts import PayloadModel
from services_communication.errors import EncodeError
from services_communication.rest_api import RestClient, delete, get, head, patch, post, put
from tests.rest.http_service import Answer, Service


class Filter(PayloadModel):
    page_size: int | None = None
    sort_by: str | None = None
    subject_ids: list[int] | None = None
    is_open: bool | None = None


class Form(PayloadModel):
    first_name: str
    the_ids: list[int]


class NewSubject(PayloadModel):
    full_name: str
    sort_order: int | None = None


@pytest.fixture(autouse=True)
def answers(api: Service) -> None:
    api.answers["/x"] = Answer(body={})


@pytest.mark.parametrize("function", [get, post, put, patch, delete, head])
def test_each_function_sends_its_method(api: Service, function: Any) -> None:
    """`get` sends GET, and so on; the URI is below REST_API_HOST with one slash between."""
    function("x")
    function("/x")
    assert [(seen.method, seen.path) for seen in api.seen] == [(function.__name__.upper(), "/x")] * 2


def test_a_model_as_json_travels_by_alias(api: Service) -> None:
    """A model's body is its JSON with camelCase keys."""
    post("x", json=NewSubject(full_name="A", sort_order=5))
    assert api.seen[0].json == {"fullName": "A", "sortOrder": 5}
    assert api.seen[0].headers["Content-Type"] == "application/json"


def test_a_plain_body_is_camelized_at_any_depth(api: Service) -> None:
    """Dictionaries go through the request formatter, which camelizes keys, and models within keep their aliases."""
    post("x", json={"outer_key": [{"inner_key": 1}], "the_model": [NewSubject(full_name="A")]})
    assert api.seen[0].json == {"outerKey": [{"innerKey": 1}], "theModel": [{"fullName": "A", "sortOrder": None}]}


def test_an_empty_object_is_a_body(api: Service) -> None:
    """`json={}` sends `{}`; no json at all sends no body."""
    post("x", json={})
    post("x")
    assert [seen.body for seen in api.seen] == [b"{}", b""]


def test_a_request_formatter_replaces_the_default(api: Service) -> None:
    """A given request formatter is applied to params, json and data, also when given by position; models need none."""
    post("x", str.upper, json="text", params="a=b")
    post("x", request_formatter=lambda value: value, json={"snake_case": 1}, params={"a_b": 1})
    post("x", request_formatter=lambda value: 1 / 0, json=NewSubject(full_name="A"))
    assert api.seen[0].json == "TEXT"
    assert api.seen[0].query == "A=B"
    assert (api.seen[1].json, api.seen[1].query) == ({"snake_case": 1}, "a_b=1")


def test_a_model_as_params(api: Service) -> None:
    """Query names are camelCase, None is left out, a list is repeated, a bool is written as in JSON."""
    get("x", params=Filter(page_size=2, subject_ids=[1, 2], is_open=True))
    assert api.seen[0].params == {"pageSize": ["2"], "subjectIds": ["1", "2"], "isOpen": ["true"]}


def test_plain_params(api: Service) -> None:
    """So it is for dictionaries; a bool stays as Python writes it, which is what the earlier library sent."""
    get("x", params={"page_size": 2, "the_ids": [1, None, 2], "nothing": None, "is_open": True, "text": "a b&c=é"})
    assert api.seen[0].params == {"pageSize": ["2"], "theIds": ["1", "2"], "isOpen": ["True"], "text": ["a b&c=é"]}


def test_params_are_added_to_the_uris_own(api: Service) -> None:
    """A query in the URI stays, as do repeated names; params come after it."""
    get("x?a=1&a=2", params={"b": 3})
    get("x?a=1", params={})
    assert [seen.query for seen in api.seen] == ["a=1&a=2&b=3", "a=1"]


@pytest.mark.parametrize(
    "data",
    [
        {"first_name": "A", "the_ids": [1, 2]},
        [("firstName", "A"), ("theIds", 1), ("theIds", 2)],
        Form(first_name="A", the_ids=[1, 2]),
    ],
)
def test_a_form(api: Service, data: Any) -> None:
    """`data=` is a form: a dictionary with its keys camelized, pairs as they are, a model by its aliases."""
    post("x", data=data)
    assert api.seen[0].body == b"firstName=A&theIds=1&theIds=2"
    assert api.seen[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("data", ["text", b"text"])
def test_raw_data(api: Service, data: Any) -> None:
    """Text or bytes as `data=` are the body itself."""
    post("x", data=data, headers={"Content-Type": "text/plain"})
    assert (api.seen[0].body, api.seen[0].headers["Content-Type"]) == (b"text", "text/plain")


def test_files_and_fields(api: Service) -> None:
    """`files=` makes a multipart form, with the fields of `data=` in it."""
    post("x", files={"photo": ("a.png", io.BytesIO(b"PNG"), "image/png")}, data={"user_id": 1})
    assert api.seen[0].headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="userId"\r\n\r\n1' in api.seen[0].body
    assert b'filename="a.png"\r\nContent-Type: image/png\r\n\r\nPNG' in api.seen[0].body


def test_headers_are_sent_and_the_dictionary_is_left_alone(api: Service) -> None:
    """The caller's headers are sent, None takes one out, and the dictionary is not changed."""
    headers = {"X-Trace": "1", "accept": "text/csv", "User-Agent": None}
    get("x", headers=headers)
    assert headers == {"X-Trace": "1", "accept": "text/csv", "User-Agent": None}
    sent = api.seen[0].headers
    assert (sent["X-Trace"], sent.get_all("Accept"), sent["User-Agent"]) == ("1", ["text/csv"], None)


def test_the_active_language_is_asked_for(api: Service) -> None:
    """Accept-Language is Django's active language, unless none is, or the caller says otherwise."""
    with translation.override("fr"):
        get("x")
        get("x", headers={"accept-language": "de"})
    with translation.override(None):
        get("x")
    assert [seen.headers.get_all("Accept-Language") for seen in api.seen] == [["fr"], ["de"], None]


def test_cookies_are_sent_once_and_never_kept(api: Service) -> None:
    """`cookies=` are for this request. One that a service sets is not sent on: the client is shared by all callers."""
    api.answers["/set"] = Answer(headers={"Set-Cookie": "session=secret; Path=/"})
    api.answers["/moved"] = Answer(302, headers={"Set-Cookie": "session=secret; Path=/", "Location": "/x"})
    get("set", cookies={"mine": "1"})
    get("x")
    get("moved", follow_redirects=True)
    assert [seen.headers.get("Cookie") for seen in api.seen] == ["mine=1", None, None, None]


def test_extra_host(api: Service, other_service: Service) -> None:
    """`extra_host=` sends this one request to another base URL, and the URI is relative to it."""
    other_service.answers["/v2/x"] = Answer(body=1)
    assert get("x", extra_host=f"{other_service.url}/v2") == 1
    assert api.seen == []


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800"])
def test_what_is_no_json_is_not_sent(api: Service, value: Any) -> None:
    """A value that JSON cannot hold raises EncodeError before anything is sent."""
    with pytest.raises(EncodeError):
        post("x", json={"key": value})
    assert api.seen == []


def test_a_nested_parameter_is_not_sent(api: Service) -> None:
    """A query has no nesting: a dictionary as a value raises EncodeError."""
    with pytest.raises(EncodeError, match="outer"):
        get("x", params={"outer": {"inner": 1}})
    assert api.seen == []


def test_an_unknown_argument_is_an_error(api: Service) -> None:
    """A misspelt keyword argument raises TypeError that names it."""
    with pytest.raises(TypeError, match="parms"):
        get("x", parms={})  # type: ignore[call-overload]  # wrong on purpose


def test_timeouts_of_all_forms(api: Service) -> None:
    """`timeout=` is a number, a pair for connecting and reading, or None for the default."""
    for timeout in (5, (5, 5), (None, 5), None):
        assert get("x", timeout=timeout) == {}


def test_a_base_path_is_kept(service: Service) -> None:
    """URIs are below the base URL's path, with a leading slash and without."""
    service.answers["/gate/way/x"] = Answer(body=1)
    with RestClient(f"{service.url}/gate/way/") as client:
        assert (client.get("x"), client.get("/x")) == (1, 1)
