"""Where a request may go. A token pinned to one host is worth nothing if a path can lead to another."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

from services_communication.rest_api.error import RestApiUrlError, translated
from services_communication.rest_api.http import URL

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONE_PERCENT = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.\-]*:(?=/)|https?:", re.IGNORECASE)


def base_of(url: str) -> URL:
    """The URL that others are relative to: scheme, host and perhaps a path. Raises RestApiUrlError."""
    if _CONTROL.search(url):
        raise RestApiUrlError("the base URL", "", "it has control characters")
    with translated("", "the base URL"):
        base = URL(url.rstrip("/"))
    if base.scheme not in ("http", "https") or not base.host:
        raise RestApiUrlError("the base URL", "", "it must begin with http:// or https:// and name a host")
    if base.query or base.fragment:
        raise RestApiUrlError("the base URL", "", "it must not have a query or a fragment")
    return base


def without_login(url: URL) -> URL:
    return url.copy_with(username=None, password=None) if url.userinfo else url


def located(method: str, base: URL, uri: str, allowed_hosts: Collection[str]) -> URL:
    """`uri` below `base`, or as it is when it is absolute and its host is allowed. Raises RestApiUrlError."""
    path = re.split(r"[?#]", uri, maxsplit=1)[0]
    if _CONTROL.search(uri) or "\\" in path:
        raise RestApiUrlError(shown(base), method, "the URI has a backslash or control characters")
    with translated(method, shown(base)):
        if _ABSOLUTE.match(uri) or uri.startswith("//"):
            return _allowed(method, base, uri, allowed_hosts)
        if _climbs(path):
            raise RestApiUrlError(shown(base), method, "the URI leaves the base path by '..'")
        return URL(_directory(base) + _LONE_PERCENT.sub("%25", uri.removeprefix("/")))


def origin(url: URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a token is pinned to. A port that the scheme implies is None."""
    return url.scheme, url.host, url.port


def shown(url: URL) -> str:
    """`url` as errors may show it: without login, query and fragment."""
    return str(without_login(url).copy_with(query=None, fragment=None))


def _directory(base: URL) -> str:
    text = str(base)
    return text if text.endswith("/") else f"{text}/"


def _allowed(method: str, base: URL, uri: str, allowed_hosts: Collection[str]) -> URL:
    url = URL(f"{base.scheme}:{uri}" if uri.startswith("//") else uri)
    names = {url.host, f"{url.host}:{url.port or {'http': 80, 'https': 443}.get(url.scheme)}"}
    if url.scheme not in ("http", "https") or not names & {name.lower() for name in allowed_hosts}:
        raise RestApiUrlError(
            shown(base),
            method,
            f"the URI is absolute, and its host {url.host[:100]!r} is none of REST_API_ALLOWED_HOSTS",
        )
    return without_login(url)


def _climbs(path: str) -> bool:
    """Does it leave the directory it starts in? Also as a server sees it that decodes before it splits."""
    depth = 0
    for part in unquote(path).replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False
