"""Commands and calls to other services."""

from __future__ import annotations

from services_communication.call.call import send_call
from services_communication.call.command import send_command

__all__ = ["send_call", "send_command"]
