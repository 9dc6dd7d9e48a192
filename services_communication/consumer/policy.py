"""What becomes of a message whose handler did not succeed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from services_communication.message import DeadLetter, Delivery, Outcome, Retry


class RetryPolicy:
    """A ladder of delays in seconds: one for each failure, then the dead-letter queue."""

    def __init__(self, delays: Sequence[float]) -> None:
        self.delays = tuple(timedelta(seconds=delay) for delay in delays)

    def failed(self, delivery: Delivery, error: BaseException) -> Outcome:
        """`detail` names the exception's type only: its text may hold payload values."""
        if delivery.attempt <= len(self.delays):
            return Retry(self.delays[delivery.attempt - 1])
        return DeadLetter("failed", f"{type(error).__name__} after {delivery.attempt} attempts")

    def later(self, delivery: Delivery) -> Outcome:
        """Not now: the delays grow along the ladder and stay at its last step, without end."""
        return Retry(self.delays[min(delivery.deferrals, len(self.delays) - 1)], failed=False)
