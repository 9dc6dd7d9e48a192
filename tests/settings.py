"""Django's settings for the tests. SERVICES_TEST_DATABASE chooses the database: sqlite (default), postgres or mysql."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.mysql import install_driver


def _sqlite() -> dict[str, Any]:
    """A file, as in production: connections of an in-memory database share one cache, and ignore the busy timeout."""
    unused = Path(tempfile.gettempdir()) / f"services-tests-{uuid.uuid4().hex}.sqlite3"
    name = os.environ.get("SERVICES_TEST_DATABASE_NAME", str(unused))  # set for the processes that a test starts
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": {"timeout": 20}, "TEST": {"NAME": name}}


def _server(engine: str, variable: str, **options: Any) -> dict[str, Any]:
    url = urlsplit(os.environ[variable])
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": os.environ.get("SERVICES_TEST_DATABASE_NAME", url.path[1:]),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": url.port or "",
        "OPTIONS": options,
    }


def _database() -> dict[str, Any]:
    match os.environ.get("SERVICES_TEST_DATABASE", "sqlite"):
        case "sqlite":
            return _sqlite()
        case "postgres":
            return _server("postgresql", "POSTGRES_URL")
        case "mysql":
            install_driver()
            return _server("mysql", "MYSQL_URL", charset="utf8mb4")
        case other:
            raise ValueError(f"SERVICES_TEST_DATABASE is {other!r}, not sqlite, postgres or mysql")


SECRET_KEY = "not a secret: these are tests"
USE_TZ = True
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "services_communication"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {"default": _database()}

MICROSERVICES_COMMUNICATION_SETTINGS = {
    "APP_ID": "tests",
    "BROKER_CONNECTION_URL": "memory://tests",
    "QUEUE": "tests",
}
