"""Reading a response: capped in size, also when it unpacks to more than it weighs, and in time."""

from __future__ import annotations

import zlib
from time import monotonic

from services_communication.rest_api.error import (
    RestApiInvalidResponseError,
    RestApiResponseTooLargeError,
    RestApiTimeoutError,
    translated,
)
from services_communication.rest_api.http import AsyncClient, Client, Request, Response
from services_communication.rest_api.url import shown

ENCODING = "gzip"
"""What we ask for, and all we unpack: other encodings are unpacked by libraries that know no limit."""

# Each wait for bytes has the timeout; a peer that drips a byte at a time would never meet it, so the whole has ten.
TIMEOUTS_PER_BODY = 10


def fetch(client: Client, request: Request, limit: int) -> Response:
    """Send, and read the response within the limits. Raises RestApiRequestError and what :class:`Body` raises."""
    with translated(request.method, shown(request.url)):
        response = client.send(request, stream=True, auth=None, follow_redirects=False)
        try:
            body = Body(response, limit)
            for chunk in response.iter_raw():
                if not body.feed(chunk):
                    break
        finally:
            response.close()
        return body.response()


async def fetch_async(client: AsyncClient, request: Request, limit: int) -> Response:
    """As :func:`fetch`."""
    with translated(request.method, shown(request.url)):
        response = await client.send(request, stream=True, auth=None, follow_redirects=False)
        try:
            body = Body(response, limit)
            async for chunk in response.aiter_raw():
                if not body.feed(chunk):
                    break
        finally:
            await response.aclose()
        return body.response()


class Body:
    """Collects a response's bytes. Does no I/O, so that both kinds of client share it."""

    def __init__(self, response: Response, limit: int) -> None:
        self._source = response
        self._limit = limit
        self._endpoint = f"{response.request.method} {shown(response.request.url)}"
        self._content = bytearray()
        self._packed = response.headers.get("Content-Encoding", "identity").strip().lower() != "identity"
        self._unpacker = _gunzip() if self._packed else None
        wait = response.request.extensions.get("timeout", {}).get("read")
        self._deadline = None if wait is None else monotonic() + TIMEOUTS_PER_BODY * wait

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk; False when no more is wanted.

        Of an error's body the begin is enough. Otherwise raises RestApiResponseTooLargeError at the limit,
        RestApiInvalidResponseError for what cannot be unpacked, RestApiTimeoutError for a body that takes too long.
        """
        if self._deadline is not None and monotonic() > self._deadline:
            request = self._source.request
            raise RestApiTimeoutError(shown(request.url), request.method, "the body does not come to an end")
        try:
            self._content += self._unpacked(chunk) if self._packed else chunk
        except RestApiInvalidResponseError:
            if self._source.is_success:
                raise
            return False  # the status says more than the failure to read the body
        if len(self._content) <= self._limit:
            return True
        if self._source.is_success:
            raise RestApiResponseTooLargeError(f"{self._endpoint}: the response is larger than {self._limit} bytes")
        del self._content[self._limit :]
        return False

    def response(self) -> Response:
        """The response with its content, as if it had never been packed."""
        source = self._source
        headers = source.headers.copy()
        if self._content and self._packed:
            if self._unpacker and not self._unpacker.eof and source.is_success:
                raise RestApiInvalidResponseError(f"{self._endpoint}: the {ENCODING} body is cut off")
            for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
                headers.pop(name, None)
        response = Response(
            source.status_code,
            headers=headers,
            content=bytes(self._content),
            request=source.request,
            extensions=source.extensions,
            history=source.history,
        )
        response.next_request = source.next_request
        response.elapsed = source.elapsed
        return response

    def _unpacked(self, chunk: bytes) -> bytes:
        encoding = self._source.headers["Content-Encoding"].strip().lower()
        if encoding not in (ENCODING, f"x-{ENCODING}"):
            raise RestApiInvalidResponseError(f"{self._endpoint}: only {ENCODING} was asked for, not {encoding[:40]!r}")
        unpacked = bytearray()
        while chunk and len(self._content) + len(unpacked) <= self._limit:
            assert self._unpacker is not None  # noqa: S101  packed bodies have one
            try:
                unpacked += self._unpacker.decompress(chunk, self._limit - len(self._content) - len(unpacked) + 1)
            except zlib.error:
                raise RestApiInvalidResponseError(f"{self._endpoint}: the body is no {ENCODING}") from None
            chunk = self._unpacker.unused_data
            if chunk:  # gzip files may be joined end to end
                self._unpacker = _gunzip()
        return bytes(unpacked)


def _gunzip() -> zlib._Decompress:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)
