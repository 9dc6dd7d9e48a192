"""The request functions' one signature, for threads and for coroutines.

``response_model=Subject`` returns a ``Subject``; ``response_formatter=`` returns what the formatter returns; neither
returns the parsed body with keys in snake_case, or None when it is empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import UnionType
from typing import Any, Protocol, TypeVar, Unpack, overload

from services_communication.rest_api.formatter import json_request
from services_communication.rest_api.http import Response
from services_communication.rest_api.request import Options, RequestFormatter

T = TypeVar("T")
ResponseFormatter = Callable[[Response], T]


class Sender(Protocol):
    """``client.send``: the whole request; the response formatter or model is chosen already by keyword."""

    def __call__(
        self,
        method: str,
        uri: str,
        request_formatter: RequestFormatter,
        response_formatter: ResponseFormatter[Any] | None,
        response_model: Any,
        options: Options,
    ) -> Any: ...


class Verb:
    """A method of HTTP at one client."""

    def __init__(self, method: str, sender: Sender, owner: str) -> None:
        self._method = method
        self._sender = sender
        self._owner = owner
        self.__name__ = method.lower()

    def __repr__(self) -> str:
        return f"<{self.__name__} of {self._owner}>"


class Call(Verb):
    """``client.get(uri)`` and its siblings. Raises RestApiError; the tree is drawn in ``rest_api.error``."""

    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        *,
        response_model: type[T],
        **options: Unpack[Options],
    ) -> T: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        *,
        response_model: UnionType,
        **options: Unpack[Options],
    ) -> Any: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        *,
        response_formatter: ResponseFormatter[T],
        **options: Unpack[Options],
    ) -> T: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter,
        response_formatter: ResponseFormatter[T],
        **options: Unpack[Options],
    ) -> T: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        response_formatter: None = None,
        response_model: None = None,
        **options: Unpack[Options],
    ) -> Any: ...
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = json_request,
        response_formatter: ResponseFormatter[Any] | None = None,
        response_model: Any = None,
        **options: Unpack[Options],
    ) -> Any:
        return self._sender(self._method, uri, request_formatter, response_formatter, response_model, options)


class AsyncCall(Verb):
    """As :class:`Call`, to be awaited."""

    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        *,
        response_model: type[T],
        **options: Unpack[Options],
    ) -> Awaitable[T]: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        *,
        response_model: UnionType,
        **options: Unpack[Options],
    ) -> Awaitable[Any]: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        *,
        response_formatter: ResponseFormatter[T],
        **options: Unpack[Options],
    ) -> Awaitable[T]: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter,
        response_formatter: ResponseFormatter[T],
        **options: Unpack[Options],
    ) -> Awaitable[T]: ...
    @overload
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = ...,
        response_formatter: None = None,
        response_model: None = None,
        **options: Unpack[Options],
    ) -> Awaitable[Any]: ...
    def __call__(
        self,
        uri: str,
        request_formatter: RequestFormatter = json_request,
        response_formatter: ResponseFormatter[Any] | None = None,
        response_model: Any = None,
        **options: Unpack[Options],
    ) -> Awaitable[Any]:
        answer: Awaitable[Any] = self._sender(
            self._method, uri, request_formatter, response_formatter, response_model, options
        )
        return answer
