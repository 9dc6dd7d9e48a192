"""The correlation id: set from the message being handled, copied to everything that its handler sends."""

from __future__ import annotations

from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("services_communication_correlation_id", default=None)


class DefaultCorrelationIdHelper:
    """What ``CORRELATION_ID_HELPER_CLASS`` names by default; write a class with these two methods to replace it."""

    def get_correlation_id(self) -> str | None:
        """The id that outgoing messages get."""
        return _current.get()

    def set_correlation_id(self, value: str | None) -> None:
        """Called before each handler with the id of its message, and with None afterwards."""
        _current.set(value)
