"""Clients of other services, for threads and for coroutines.

A request is one generator (``exchange.py``); a client carries out its steps, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import closing
from ssl import SSLContext
from typing import Any, Self, Unpack

from services_communication.rest_api.auth import Flow, Step
from services_communication.rest_api.body import fetch, fetch_async
from services_communication.rest_api.call import AsyncCall, Call
from services_communication.rest_api.destination import ServiceClient
from services_communication.rest_api.exchange import exchange
from services_communication.rest_api.formatter import full_response, json_request, json_response, model_response
from services_communication.rest_api.http import AsyncPool, Pool, Response
from services_communication.rest_api.request import Options, RequestFormatter

LONGEST_LOGIN = 120  # seconds to wait for the login of another thread or task, which has time-outs of its own


class RestClient(ServiceClient):
    """A client of one service. Thread-safe: keep one and share it.

    The arguments are those of :class:`ServiceClient`. As a context manager it closes its connections.
    """

    def _open(self, verify: SSLContext | bool) -> None:
        self._pool = Pool(verify)
        self.get = Call("GET", self._send, self._name)
        self.post = Call("POST", self._send, self._name)
        self.put = Call("PUT", self._send, self._name)
        self.patch = Call("PATCH", self._send, self._name)
        self.delete = Call("DELETE", self._send, self._name)

    def head(
        self, uri: str, request_formatter: RequestFormatter = json_request, **options: Unpack[Options]
    ) -> Response:
        """The full response, which has no body."""
        response: Response = self._send("HEAD", uri, request_formatter, full_response, None, options)
        return response

    def close(self) -> None:
        """Close the connections. The client stays usable, and opens new ones."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(
        self,
        method: str,
        uri: str,
        request_formatter: RequestFormatter,
        response_formatter: Callable[[Response], Any] | None,
        response_model: Any,
        options: Options,
    ) -> Any:
        format_response = _chosen(response_formatter, response_model)
        to = self._destination()
        with closing(exchange(to, method, uri, request_formatter, options)) as flow:
            response = self._run(flow, to.max_response_size)
        return format_response(response)

    def _run(self, flow: Flow, limit: int) -> Response:
        try:
            step = next(flow)
            while True:
                try:
                    answer = self._carry_out(step, limit)
                except Exception as error:  # noqa: BLE001  the flow decides what becomes of it
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration is not generic

    def _carry_out(self, step: Step, limit: int) -> Any:
        if isinstance(step, Future):
            return wait([step], timeout=LONGEST_LOGIN)
        return fetch(self._pool.client(), step, limit)


class AsyncRestClient(ServiceClient):
    """As :class:`RestClient`, for coroutines: ``await client.get(…)``. Usable in any number of event loops."""

    def _open(self, verify: SSLContext | bool) -> None:
        self._pool = AsyncPool(verify)
        self.get = AsyncCall("GET", self._send, self._name)
        self.post = AsyncCall("POST", self._send, self._name)
        self.put = AsyncCall("PUT", self._send, self._name)
        self.patch = AsyncCall("PATCH", self._send, self._name)
        self.delete = AsyncCall("DELETE", self._send, self._name)

    async def head(
        self, uri: str, request_formatter: RequestFormatter = json_request, **options: Unpack[Options]
    ) -> Response:
        response: Response = await self._send("HEAD", uri, request_formatter, full_response, None, options)
        return response

    async def aclose(self) -> None:
        """Close the connections of the running event loop. The client stays usable, and opens new ones."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _send(
        self,
        method: str,
        uri: str,
        request_formatter: RequestFormatter,
        response_formatter: Callable[[Response], Any] | None,
        response_model: Any,
        options: Options,
    ) -> Any:
        format_response = _chosen(response_formatter, response_model)
        to = self._destination()
        with closing(exchange(to, method, uri, request_formatter, options)) as flow:
            response = await self._run(flow, to.max_response_size)
        return format_response(response)

    async def _run(self, flow: Flow, limit: int) -> Response:
        try:
            step = next(flow)
            while True:
                try:
                    answer = await self._carry_out(step, limit)
                except Exception as error:  # noqa: BLE001  the flow decides what becomes of it
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration is not generic

    async def _carry_out(self, step: Step, limit: int) -> Any:
        if isinstance(step, Future):
            return await asyncio.wait([asyncio.wrap_future(step)], timeout=LONGEST_LOGIN)
        return await fetch_async(self._pool.client(), step, limit)


def _chosen(formatter: Callable[[Response], Any] | None, model: Any) -> Callable[[Response], Any]:
    if model is None:
        return formatter or json_response
    if formatter is not None:
        raise TypeError("give response_model or response_formatter, not both")
    return model_response(model)
