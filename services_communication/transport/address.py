"""Where the broker is: a URL or a dictionary of parameters, checked and with the password kept out of sight."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

# Options of the connection, in seconds or counts, and what each is when not given.
# RabbitMQ's advice for heartbeats is 5 to 20 s; detection of a dead peer takes up to 2 × (heartbeat + 5) in pika.
OPTIONS: dict[str, float | None] = {
    "heartbeat": 10,
    "blocked_connection_timeout": 60,
    "socket_timeout": 10,
    "stack_timeout": 15,
    "channel_max": None,
    "frame_max": None,
}
# Accepted for the earlier library's sake: reconnecting is done here, for ever, and the locale has one value.
IGNORED_OPTIONS = frozenset({"connection_attempts", "retry_delay", "locale", "client_properties", "tcp_options"})
MAX_PORT = 65_535
SCHEMES = {"amqp": 5672, "amqps": 5671, "memory": 0}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Everything needed to connect. ``str()`` and ``repr()`` never show the password."""

    scheme: str
    host: str = "localhost"
    port: int = 5672
    virtual_host: str = "/"
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    options: Mapping[str, float | None] = field(default_factory=lambda: dict(OPTIONS), repr=False)
    ssl_options: Any = field(default=None, repr=False, compare=False)
    """A ``pika.SSLOptions`` from the parameters; None means the default context, which verifies the server."""

    def __str__(self) -> str:
        if self.scheme == "memory":
            return f"memory://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{self.username}:**@{host}:{self.port}/{quote(self.virtual_host, safe='')}"

    @classmethod
    def from_url(cls, url: str) -> BrokerAddress:
        """Raises ValueError, whose text names what is wrong and never holds the password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(
                "the URL cannot be split; percent-encode the special characters of its password and host"
            ) from None
        if parts.scheme not in SCHEMES:
            raise ValueError(f"scheme {parts.scheme[:20]!r} is not one of amqp, amqps, memory")
        if parts.scheme == "memory":
            return cls("memory", parts.hostname or "default", 0)
        if not parts.hostname:
            raise ValueError("the host is missing: amqp://user:password@host:5672/vhost")
        if "@" in parts.query:
            raise ValueError("'?' begins the options; write it as %3F inside the password")
        if parts.fragment:
            raise ValueError("'#' begins a fragment; write it as %23 inside the password")
        if "/" in parts.path[1:]:
            raise ValueError("the virtual host has a '/'; write it as %2f")
        if parts.scheme == "amqp" and port == SCHEMES["amqps"]:
            raise ValueError("port 5671 speaks TLS; write amqps://")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or SCHEMES[parts.scheme],
            virtual_host=unquote(parts.path[1:]) or "/",
            username=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            options=_options(dict(parse_qsl(parts.query, keep_blank_values=True))),
        )

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> BrokerAddress:
        """The earlier library's dictionary, pika credentials included. Empty values count as absent."""
        given = {key: value for key, value in parameters.items() if value not in (None, "")}
        credentials = given.pop("credentials", None)
        username = given.pop("username", None) or getattr(credentials, "username", "guest")
        password = given.pop("password", None) or getattr(credentials, "password", "guest")
        ssl_options = given.pop("ssl_options", None)
        scheme = "amqps" if ssl_options is not None else "amqp"
        port = given.pop("port", SCHEMES[scheme])
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= MAX_PORT:
            raise ValueError("port must be a number from 1 to 65535")
        return cls(
            scheme=scheme,
            host=str(given.pop("host", "localhost")),
            port=port,
            virtual_host=str(given.pop("virtual_host", "/")),
            username=str(username),
            password=str(password),
            ssl_options=ssl_options,
            options=_options(given),
        )


def _options(given: Mapping[str, Any]) -> dict[str, float | None]:
    options = dict(OPTIONS)
    for name, value in given.items():
        if name in IGNORED_OPTIONS:
            continue
        if name not in OPTIONS:
            close = difflib.get_close_matches(name, [*OPTIONS, *IGNORED_OPTIONS], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(OPTIONS)}"
            raise ValueError(f"unknown option {name[:40]!r}{hint}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"option {name!r} must be a number") from None
        if not 0 <= number < 2**31:
            raise ValueError(f"option {name!r} must not be negative or huge")
        options[name] = number
    return options
