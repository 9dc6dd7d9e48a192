"""Django's connections in a thread that lives for weeks. Django itself cleans up after HTTP requests only."""

from __future__ import annotations

import threading
import time

from django.db import connections, reset_queries

IDLE_SECONDS = 1.0
_thread = threading.local()


def replace_stale_connections() -> None:
    """Before a message: close what failed or died while this thread was idle; the next query connects anew."""
    idle = time.monotonic() - getattr(_thread, "used_at", 0.0) > IDLE_SECONDS
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue  # in a block: a test's own transaction
        aged = (
            connection.settings_dict["CONN_MAX_AGE"] and connection.close_at and time.monotonic() >= connection.close_at
        )
        if aged or connection.needs_rollback or ((idle or connection.errors_occurred) and not connection.is_usable()):
            connection.close()
        else:
            connection.errors_occurred = False


def release_connections() -> None:
    """After a message: leave nothing behind that the next one would see."""
    _thread.used_at = time.monotonic()
    reset_queries()
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and not connection.get_autocommit():
            connection.close()  # the handler left a transaction open


def is_reachable(alias: str) -> bool:
    """Whether the database answers on a new connection."""
    connection = connections[alias]
    if connection.in_atomic_block:
        return True
    connection.close()
    try:
        connection.ensure_connection()
        return bool(connection.is_usable())
    except Exception:  # noqa: BLE001  each driver has errors of its own for this
        return False
