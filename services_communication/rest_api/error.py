"""What a REST request can fail with, in one tree, under ``services_communication.errors.CommunicationError``.

    RestApiError
    ├── RestApiRequestError                 no complete answer came
    │   ├── RestApiConnectionError          refused, unknown host, TLS, broken off
    │   ├── RestApiTimeoutError             no answer in time
    │   │   └── RestApiConnectTimeoutError  … not even a connection: also a RestApiConnectionError
    │   └── RestApiUrlError                 the URL is refused; nothing was sent
    ├── RestApiResponseWithError            an answer came, and its status is not 2xx
    │   ├── RestApiServerError              5xx
    │   │   ├── RestApiBadGatewayError      502
    │   │   └── RestApiGatewayTimeoutError  504
    │   └── RestApiClientError              4xx
    │       ├── RestApiBadRequestError      400
    │       ├── RestApiUnauthorizedError    401, also after the token was renewed
    │       ├── RestApiForbiddenError       403
    │       └── RestApiNotFoundError        404; RestApiNotFountError is its earlier spelling
    ├── RestApiInvalidResponseError         2xx, but the body is no JSON or does not fit the model
    └── RestApiResponseTooLargeError        2xx, but the body is beyond REST_API_MAX_RESPONSE_SIZE

Texts hold no credentials, no tokens, no query strings, and at most 500 characters of a response.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services_communication.errors import CommunicationError
from services_communication.rest_api.http import EXCEPTIONS

TEXT_CHARACTERS = 500


class RestApiError(CommunicationError):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes (test runners, task queues), whatever their constructor takes."""
        return _rebuilt, (type(self), self.args, self.__dict__)


class RestApiRequestError(RestApiError):
    """No complete answer came; the other service may have acted all the same."""

    def __init__(self, url: str, method: str, e: object, *_args: Any, **_kwargs: Any) -> None:
        super().__init__(f"Request to {f'{method} {url}'.strip()} failed: {e}")


class RestApiConnectionError(RestApiRequestError):
    pass


class RestApiTimeoutError(RestApiRequestError):
    pass


class RestApiConnectTimeoutError(RestApiConnectionError, RestApiTimeoutError):
    """Nothing was sent yet."""


class RestApiUrlError(RestApiRequestError, ValueError):
    """The URL is malformed, or leads away from the host that the client is for. Nothing was sent."""


class RestApiResponseWithError(RestApiError):
    """``response_body`` is the answer's JSON, ``{}`` when it is none; ``has_response_body`` tells which."""

    def __init__(self, url: str, method: str, response: Any, *_args: Any, **_kwargs: Any) -> None:
        super().__init__(f"Endpoint {method} {url} responded with {response.status_code}: {shown_text(response)}")
        self.status_code: int = response.status_code
        self.response_body: Any = {}
        self.has_response_body = False
        try:
            self.response_body = response.json()
        except (ValueError, RecursionError):
            return
        self.has_response_body = True


class RestApiServerError(RestApiResponseWithError):
    pass


class RestApiBadGatewayError(RestApiServerError):
    pass


class RestApiGatewayTimeoutError(RestApiServerError):
    pass


class RestApiClientError(RestApiResponseWithError):
    pass


class RestApiBadRequestError(RestApiClientError):
    pass


class RestApiUnauthorizedError(RestApiClientError):
    pass


class RestApiForbiddenError(RestApiClientError):
    pass


class RestApiNotFoundError(RestApiClientError):
    pass


RestApiNotFountError = RestApiNotFoundError  # the spelling of the earlier library: one class, so either catches it


class RestApiInvalidResponseError(RestApiError, ValueError):
    """The status was fine, the body was not. The text names the path and the rule, never the value."""


class RestApiResponseTooLargeError(RestApiError):
    """Reading stopped at the limit, which is REST_API_MAX_RESPONSE_SIZE or the client's own."""


TRANSLATIONS: dict[type[Exception], type[RestApiRequestError]] = {
    EXCEPTIONS["ConnectTimeout"]: RestApiConnectTimeoutError,
    EXCEPTIONS["ReadTimeout"]: RestApiTimeoutError,
    EXCEPTIONS["WriteTimeout"]: RestApiTimeoutError,
    EXCEPTIONS["PoolTimeout"]: RestApiTimeoutError,
    EXCEPTIONS["TimeoutException"]: RestApiTimeoutError,
    EXCEPTIONS["ConnectError"]: RestApiConnectionError,
    EXCEPTIONS["ReadError"]: RestApiConnectionError,
    EXCEPTIONS["WriteError"]: RestApiConnectionError,
    EXCEPTIONS["CloseError"]: RestApiConnectionError,
    EXCEPTIONS["NetworkError"]: RestApiConnectionError,
    EXCEPTIONS["RemoteProtocolError"]: RestApiConnectionError,
    EXCEPTIONS["LocalProtocolError"]: RestApiRequestError,
    EXCEPTIONS["ProtocolError"]: RestApiRequestError,
    EXCEPTIONS["ProxyError"]: RestApiConnectionError,
    EXCEPTIONS["UnsupportedProtocol"]: RestApiUrlError,
    EXCEPTIONS["TransportError"]: RestApiRequestError,
    EXCEPTIONS["DecodingError"]: RestApiRequestError,
    EXCEPTIONS["TooManyRedirects"]: RestApiRequestError,
    EXCEPTIONS["RequestError"]: RestApiRequestError,
    EXCEPTIONS["HTTPStatusError"]: RestApiRequestError,
    EXCEPTIONS["HTTPError"]: RestApiRequestError,
    EXCEPTIONS["InvalidURL"]: RestApiUrlError,
    EXCEPTIONS["CookieConflict"]: RestApiRequestError,
    EXCEPTIONS["StreamConsumed"]: RestApiRequestError,
    EXCEPTIONS["StreamClosed"]: RestApiRequestError,
    EXCEPTIONS["ResponseNotRead"]: RestApiRequestError,
    EXCEPTIONS["RequestNotRead"]: RestApiRequestError,
    EXCEPTIONS["StreamError"]: RestApiRequestError,
}
"""All exceptions of the HTTP library, the most specific first; an exception's nearest ancestor decides."""

# What these say comes from the operating system or the peer. Others may quote a header, and with it a token.
_QUOTABLE = tuple(EXCEPTIONS[name] for name in ("TimeoutException", "NetworkError", "RemoteProtocolError"))

_BY_STATUS: dict[int, type[RestApiResponseWithError]] = {
    400: RestApiBadRequestError,
    401: RestApiUnauthorizedError,
    403: RestApiForbiddenError,
    404: RestApiNotFoundError,
    502: RestApiBadGatewayError,
    504: RestApiGatewayTimeoutError,
}
_BY_HUNDRED = {4: RestApiClientError, 5: RestApiServerError}


@contextmanager
def translated(method: str, url: str) -> Iterator[None]:
    """The one place where the HTTP library's exceptions become this tree's. `url` must be fit to be shown."""
    try:
        yield
    except tuple(TRANSLATIONS) as error:
        quotable = isinstance(error, _QUOTABLE)
        reason = printable(str(error)) if quotable else ""
        kind = next(TRANSLATIONS[ancestor] for ancestor in type(error).__mro__ if ancestor in TRANSLATIONS)
        raise kind(url, method, reason or type(error).__name__) from (error if quotable else None)


def status_error(status_code: int) -> type[RestApiResponseWithError]:
    """The class for a status that is not 2xx."""
    return _BY_STATUS.get(status_code) or _BY_HUNDRED.get(status_code // 100, RestApiResponseWithError)


def shown_text(response: Any) -> str:
    """The begin of a response's text, without the token of its request should the service have echoed it."""
    try:
        text: str = response.text
    except Exception:  # noqa: BLE001  the peer names the charset, and some codecs are not for text
        text = response.content.decode(errors="replace")
    for value in _credentials(response):
        text = text.replace(value, "***")
    return printable(text)


def printable(text: str) -> str:
    """Capped, and on one line: what a peer says must not forge lines of a log."""
    return "".join(character if character.isprintable() else " " for character in text[:TEXT_CHARACTERS])


def _credentials(response: Any) -> list[str]:
    try:
        header: str = response.request.headers.get("Authorization", "")
    except (AttributeError, RuntimeError):  # a response that some test has made, without a request
        return []
    return [value for value in (header.partition(" ")[2], header) if value]


def _rebuilt(kind: type[RestApiError], args: tuple[Any, ...], state: dict[str, Any]) -> RestApiError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
