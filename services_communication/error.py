"""The earlier library's import path of :class:`MessageNotConsumed`."""

from __future__ import annotations

from services_communication.errors import MessageNotConsumed

__all__ = ["MessageNotConsumed"]
