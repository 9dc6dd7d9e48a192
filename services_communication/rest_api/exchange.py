"""One request from its arguments to its response: where it goes, who it is sent as, how the answer is judged.

A generator free of I/O. It yields what has to be done (:data:`~services_communication.rest_api.auth.Step`) and is sent
the response, so that the clients for threads and for coroutines have nothing but to send and to wait.
"""

from __future__ import annotations

from services_communication.rest_api.auth import Auth, Flow, authorization, login_in
from services_communication.rest_api.destination import Destination
from services_communication.rest_api.error import RestApiRequestError, status_error
from services_communication.rest_api.http import URL, Request, Response
from services_communication.rest_api.request import Options, RequestFormatter, request_of
from services_communication.rest_api.url import base_of, located, origin, shown, without_login

MOST_REDIRECTS = 20


def exchange(to: Destination, method: str, uri: str, request_formatter: RequestFormatter, options: Options) -> Flow:
    """Returns a response whose status is 2xx. Raises RestApiError, and what :func:`request_of` raises."""
    host = options.get("extra_host")
    base = base_of(host) if host else to.base
    url = located(method, without_login(base), uri, to.allowed_hosts)
    request = request_of(method, url, options, request_formatter, to.timeout)
    auth = authorization(options.get("auth")) or login_in(base) or to.auth_for(url)
    if options.get("no_auth") or "Authorization" in request.headers:
        auth = None
    follow = options.get("follow_redirects", options.get("allow_redirects", False))
    for _ in range(MOST_REDIRECTS + 1):
        response = yield from _authorised(request, auth)
        if not follow or response.next_request is None:
            return _judged(response, url, method)
        request, auth = _redirected(response.next_request, request, auth)
    raise RestApiRequestError(shown(url), method, f"more than {MOST_REDIRECTS} redirects")


def _authorised(request: Request, auth: Auth | None) -> Flow:
    if auth is None:
        return (yield request)
    return (yield from auth.auth_flow(request))


def _redirected(following: Request, request: Request, auth: Auth | None) -> tuple[Request, Auth | None]:
    """The HTTP library keeps the token when a host changes from http to https; here the origin counts."""
    following.url = without_login(following.url)
    if origin(following.url) == origin(request.url):
        return following, auth
    following.headers.pop("Authorization", None)
    return following, None


def _judged(response: Response, url: URL, method: str) -> Response:
    if response.is_success:
        return response
    raise status_error(response.status_code)(shown(url), method, response)
