"""From the arguments of a request function to a request. Free of I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypedDict
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import get_language
from pydantic import BaseModel
from pydantic_core import to_json

from services_communication import __version__
from services_communication.contracts.wire import travelling_value
from services_communication.errors import EncodeError
from services_communication.rest_api.auth import Auth
from services_communication.rest_api.body import ENCODING
from services_communication.rest_api.http import URL, Headers, Request, Timeout

RequestFormatter: TypeAlias = Callable[[Any], Any]
Seconds: TypeAlias = float | tuple[float | None, float | None] | None


class Options(TypedDict, total=False):
    """The keyword arguments of every request function.

    ``timeout``: seconds for each wait, or a pair for connecting and for reading; None means the client's own. The body
    as a whole may take ten times as long as one wait for it.
    ``extra_host``: another base URL for this request. ``auth`` is for this request only, and None means the client's.
    """

    params: Any
    json: Any
    data: Any
    content: str | bytes
    files: Any
    headers: Mapping[str, str | None] | None
    cookies: Mapping[str, str] | None
    timeout: Seconds
    no_auth: bool
    auth: Auth | tuple[str, str] | None
    extra_host: str | None
    follow_redirects: bool
    allow_redirects: bool  # the name it had in the earlier library
    extensions: dict[str, Any]


def request_of(
    method: str, url: URL, options: Options, request_formatter: RequestFormatter, default_timeout: float
) -> Request:
    """Raises EncodeError for data that cannot be written, TypeError for an argument that is not known."""
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"a request does not take {', '.join(sorted(unknown))}")
    body, content_type = _body(options, request_formatter)
    headers = _headers(options.get("headers") or {})
    if content_type:
        headers.setdefault("Content-Type", content_type)
    extensions = {"timeout": _timeout(options.get("timeout"), default_timeout).as_dict()}
    return Request(
        method,
        _with_query(url, options.get("params"), request_formatter),
        headers=headers,
        cookies=dict(options.get("cookies") or {}) or None,
        extensions=extensions | options.get("extensions", {}),
        **body,
    )


def _headers(given: Mapping[str, str | None]) -> Headers:
    headers = Headers(
        {"Accept": "*/*", "Accept-Encoding": ENCODING, "User-Agent": f"services-communication/{__version__}"}
    )
    if language := get_language():
        headers["Accept-Language"] = language
    # None takes a header out, as in the earlier library. A new object: the caller's dictionary stays as it is.
    for name in given:
        headers.pop(name, None)
    headers.update(Headers([(name, value) for name, value in given.items() if value is not None], encoding="utf-8"))
    return headers


def _body(options: Options, request_formatter: RequestFormatter) -> tuple[dict[str, Any], str | None]:
    """The body as arguments of a request, and its content type where the HTTP library does not know it."""
    json, data, files = options.get("json"), options.get("data"), options.get("files")
    if "content" in options:
        return {"content": options["content"]}, None
    if data is not None and not isinstance(data, BaseModel):
        data = request_formatter(data)
    if isinstance(data, str | bytes):
        return {"content": data}, None
    if data or files:
        return {"data": _grouped(pairs(data or {})), "files": files}, None
    if json is None:
        return {}, None
    return {"content": encode_json(json, request_formatter)}, "application/json"


def encode_json(value: Any, request_formatter: RequestFormatter) -> bytes:
    """A model by its aliases; anything else as the formatter has it. Raises EncodeError."""
    plain = value if isinstance(value, BaseModel) else request_formatter(value)
    try:
        if isinstance(plain, BaseModel):
            return plain.model_dump_json(by_alias=True).encode()
        return to_json(travelling_value(plain), timedelta_mode="iso8601", bytes_mode="base64", fallback=_lazy_text)
    except (ValueError, TypeError, RecursionError) as error:
        raise EncodeError(f"json= cannot be written as JSON: {error}") from None


def pairs(value: Any) -> Iterator[tuple[str, str]]:
    """The fields of a query or form: None is left out, a list is repeated. Raises EncodeError for nested data.

    A model's values are written as in JSON (``true``), those of plain data as Python does (``True``): so the earlier
    library wrote them.
    """
    if isinstance(value, BaseModel):
        yield from _pairs(value.model_dump(mode="json", by_alias=True, exclude_none=True).items(), _json_text)
    else:
        yield from _pairs(value.items() if isinstance(value, Mapping) else value, _plain_text)


def _pairs(items: Iterable[tuple[Any, Any]], text: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    for name, value in items:
        for item in value if isinstance(value, list | tuple | set | frozenset) else [value]:
            if isinstance(item, Mapping | list | tuple):
                raise EncodeError(f"field {name!r} of a query or form must be a value or a list of values")
            if item is not None:
                yield str(name), text(item)


def _with_query(url: URL, params: Any, request_formatter: RequestFormatter) -> URL:
    if params is None:
        return url
    if not isinstance(params, BaseModel):
        params = request_formatter(params)
    try:
        query = _plain_text(params) if isinstance(params, str | bytes) else urlencode(list(pairs(params)))
        own = url.query.decode("ascii")
        return url.copy_with(query="&".join(filter(None, (own, query))).encode()) if query else url
    except UnicodeError:
        raise EncodeError("params= holds text that is no Unicode") from None


def _grouped(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in fields:
        groups.setdefault(name, []).append(value)
    return groups


def _json_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _timeout(value: Any, default: float) -> Timeout:
    if isinstance(value, tuple) and len(value) == 2:  # noqa: PLR2004  the pair that the earlier library took
        connect, read = value
        return Timeout(default if read is None else read, connect=default if connect is None else connect)
    return Timeout(default if value is None else value)


def _lazy_text(value: Any) -> str:
    if isinstance(value, Promise):  # gettext_lazy
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON; convert it first")
