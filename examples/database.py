"""A database from a URL. Your project has a package for this: dj-database-url, django-environ."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit


def from_url(url: str) -> dict[str, Any]:
    """``sqlite:///file`` or ``postgresql://user:password@host:port/name``, as an entry of DATABASES."""
    parts = urlsplit(url)
    name = unquote(parts.path[1:])
    if parts.scheme == "sqlite":
        # A second writer waits for the first one, instead of failing at once.
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": {"timeout": 20}}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }
