"""What becomes of a request's data and of a response, as functions to give as formatters.

A *request formatter* is applied to ``params``, ``json`` and ``data`` that are no models. A *response formatter* takes
the response of a request that succeeded; what it returns is what the request function returns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, overload

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from services_communication.contracts.casing import camelize, underscoreize
from services_communication.contracts.describing import describe
from services_communication.rest_api.error import RestApiInvalidResponseError, printable
from services_communication.rest_api.http import Response
from services_communication.rest_api.url import shown

T = TypeVar("T")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def json_request(value: Any) -> Any:
    """The default: keys to camelCase, at any depth."""
    return camelize(value)


def json_response(response: Response) -> Any:
    """The default: the parsed body with keys in snake_case, None when it is empty.

    Raises RestApiInvalidResponseError for a body that is no JSON.
    """
    content = _text_of(response)
    if not content:
        return None
    try:
        return underscoreize(from_json(content))
    except (ValueError, RecursionError):
        raise RestApiInvalidResponseError(f"{_endpoint(response)}: {_kind_of_body(response)} is no JSON") from None


def file_response(response: Response) -> bytes:
    """The body as it came."""
    return response.content


def full_response(response: Response) -> Response:
    """The response object of the HTTP library."""
    return response


@overload
def model_response(model: type[T]) -> Callable[[Response], T]: ...
@overload
def model_response(model: Any) -> Callable[[Response], Any]: ...
def model_response(model: Any) -> Callable[[Response], Any]:
    """A response formatter that returns an instance of `model`: a contract, ``list[Contract]``, ``Contract | None``.

    The body is validated once, from its bytes; an empty one stands for ``null``.
    The formatter raises RestApiInvalidResponseError with the path and the rule.
    """
    adapter = _adapter(model)

    def format_response(response: Response) -> Any:
        content = _text_of(response)
        try:
            return adapter.validate_json(content or b"null")
        except ValidationError as error:
            name = getattr(model, "__name__", str(model)) if isinstance(model, type) else str(model)
            problem = f"{_kind_of_body(response)} does not fit {name}: {describe(error, adapter)}"
            if error.errors(include_input=False, include_url=False)[0]["type"] == "json_invalid":
                problem = f"{_kind_of_body(response)} is no JSON"
            elif not content:
                problem = f"the body is empty and does not fit {name}"
            raise RestApiInvalidResponseError(f"{_endpoint(response)}: {problem}") from None

    return format_response


def _adapter(model: Any) -> TypeAdapter[Any]:
    try:
        return _cached_adapter(model)
    except TypeError:  # unhashable: Annotated with a list, say
        return TypeAdapter(model)


@lru_cache(maxsize=1024)
def _cached_adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _text_of(response: Response) -> bytes:
    return response.content.removeprefix(BYTE_ORDER_MARK).strip()


def _kind_of_body(response: Response) -> str:
    """What to call the body of a response: ``the body (200, text/html)``."""
    content_type = printable(response.headers.get("Content-Type", "no content type"))
    return f"the body ({response.status_code}, {content_type[:80]})"


def _endpoint(response: Response) -> str:
    try:
        return f"{response.request.method} {shown(response.request.url)}"
    except RuntimeError:  # a response that was made without a request
        return "Response"
