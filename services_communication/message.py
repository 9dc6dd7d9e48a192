"""What travels, and what becomes of it: plain frozen data that every layer shares."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from services_communication.errors import EncodeError

HeaderValue: TypeAlias = str | int | bool | bytes

CONTENT_TYPE: Final = "application/json"

# AMQP 0-9-1 §4.2.5.3: a short string is at most 255 bytes.
SHORT_STRING_BYTES: Final = 255

COUNT_LIMIT: Final = 2**31

HEADER_VERSION: Final = "contract-version"
# Where a message was published first: after a stay in a retry queue it arrives by the default exchange.
HEADER_EXCHANGE: Final = "x-original-exchange"
HEADER_ROUTING_KEY: Final = "x-original-routing-key"
HEADER_ATTEMPT: Final = "x-attempt"
HEADER_DEFERRALS: Final = "x-deferrals"
HEADER_REASON: Final = "x-dead-reason"
HEADER_DETAIL: Final = "x-dead-detail"
HEADER_QUEUE: Final = "x-dead-queue"
HEADER_DEAD_AT: Final = "x-dead-at"


def new_message_id() -> str:
    return str(uuid.uuid4())


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it goes to the broker. It checks itself, so a transport never meets an impossible one.

    Raises :class:`EncodeError` where AMQP 0-9-1 could not carry it.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str = field(default_factory=new_message_id)
    type: str | None = None
    app_id: str | None = None
    correlation_id: str | None = None
    content_type: str | None = CONTENT_TYPE
    content_encoding: str | None = None
    timestamp: datetime | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    mandatory: bool = True
    """False: having no subscriber is normal, and the message counts as delivered without one."""

    def __post_init__(self) -> None:
        for name in _SHORT_STRINGS:
            value = getattr(self, name)
            if value is not None and not _is_plainly_short(value):
                check_short_string(name, value)
        for name, value in self.headers.items():
            if not isinstance(name, str):
                raise EncodeError(f"a header name must be a string, not {type(name).__name__}")
            if not _is_plainly_short(name):
                check_short_string("header name", name)
            if not isinstance(value, str | int | bool | bytes):
                raise EncodeError(f"header {name[:40]!r} is {type(value).__name__}; use str, int, bool or bytes")
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise EncodeError(f"header {name[:40]!r} does not fit into 64 bits")


_SHORT_STRINGS = ("exchange", "routing_key", "message_id", "type", "app_id", "correlation_id")


def _is_plainly_short(value: object) -> bool:
    """The usual case, without encoding: every message that comes or goes passes here."""
    return isinstance(value, str) and value.isascii() and len(value) <= SHORT_STRING_BYTES


def check_short_string(name: str, value: str | None) -> None:
    """Raise :class:`EncodeError` unless AMQP can carry `value` as a short string."""
    if value is None:
        return
    if not isinstance(value, str):
        raise EncodeError(f"{name} must be a string, not {type(value).__name__}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise EncodeError(f"{name} has a lone surrogate, which UTF-8 cannot carry") from None
    if size > SHORT_STRING_BYTES:
        raise EncodeError(f"{name} has {size} bytes; AMQP allows {SHORT_STRING_BYTES}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it comes from the broker, together with the circumstances of its arrival."""

    message: Message
    queue: str
    redelivered: bool = False
    delivery_count: int = 0
    """How often the broker has handed it out before, where the queue's type counts that (quorum)."""

    @property
    def exchange(self) -> str:
        """The exchange it was first published to."""
        return self._first(HEADER_EXCHANGE, self.message.exchange)

    @property
    def routing_key(self) -> str:
        """The routing key it was first published with."""
        return self._first(HEADER_ROUTING_KEY, self.message.routing_key)

    def _first(self, header: str, value: str) -> str:
        """Only what came by the default exchange was retried; elsewhere a producer may not claim another origin."""
        return value if self.message.exchange else str(self.message.headers.get(header, value))

    @property
    def attempt(self) -> int:
        """1 on the first try; grows by one for each failure of the handler."""
        return 1 + self._count(HEADER_ATTEMPT)

    @property
    def deferrals(self) -> int:
        """How often it was put off without having failed."""
        return self._count(HEADER_DEFERRALS)

    def _count(self, header: str) -> int:
        return 0 if self.message.exchange else count(self.message.headers.get(header))


def count(value: object) -> int:
    """A counter out of a header; what cannot be one counts as 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < COUNT_LIMIT else 0


@dataclass(frozen=True, slots=True)
class Ack:
    """Done; the broker may forget it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Deliver it again after `delay`. `failed`: this counts as one of the handler's attempts."""

    delay: timedelta
    failed: bool = True


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Put it aside with the reason; a person decides. `reason` is a stable code, `detail` names path and rule."""

    reason: str
    detail: str = ""


Outcome: TypeAlias = Ack | Retry | DeadLetter
