"""``timeout`` and ``expired_time``: two ways to give one deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

from services_communication.errors import EncodeError
from services_communication.message import utc_now


def deadline(timeout: float | None, expired_time: datetime | None) -> datetime | None:
    """The moment after which the receiver must not act. `timeout` is in seconds from now."""
    if timeout is not None and expired_time is not None:
        raise EncodeError("give timeout or expired_time, not both")
    if timeout is not None:
        if timeout <= 0:
            raise EncodeError("timeout must be more than 0 seconds")
        return utc_now() + timedelta(seconds=timeout)
    if expired_time is not None:
        if expired_time.utcoffset() is None:
            raise EncodeError("expired_time must be aware: give it a time zone")
        if expired_time <= utc_now():
            raise EncodeError("expired_time is in the past")
    return expired_time
