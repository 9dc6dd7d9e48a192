"""Waiting for something to become true, but not for ever; and reading why a message was put aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from services_communication.message import HEADER_DETAIL, HEADER_REASON

POLL_SECONDS = 0.05

DeadLetters: TypeAlias = Callable[[], list[str]]
"""Why each message in the delivery service's dead-letter queue is there."""


def wait_until(condition: Callable[[], bool], deadline: float) -> bool:
    """Whether `condition` held before time.monotonic() reached `deadline`."""
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def reason_of(headers: Mapping[str, object]) -> str:
    return f"{headers[HEADER_REASON]}: {headers[HEADER_DETAIL]}"
