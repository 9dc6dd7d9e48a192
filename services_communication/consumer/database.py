"""Django's connections in a thread that lives for weeks. Django itself cleans up after HTTP requests only."""

from __future__ import annotations

import threading
import time

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

IDLE_SECONDS = 1.0


class _Thread(threading.local):
    used_at = 0.0


_thread = _Thread()


def replace_stale_connections() -> None:
    """Before a message: close what died while this thread was idle; the next query connects anew.

    While messages follow each other closely, a dead connection shows itself by the error of its first query, and
    :func:`release_connections` closes it.
    """
    if time.monotonic() - _thread.used_at <= IDLE_SECONDS:
        return
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue  # in a block: a test's own transaction
        if not connection.is_usable():
            connection.close()


def release_connections() -> None:
    """After a message: leave nothing behind that the next one would see, neither a fault nor an open transaction."""
    now = _thread.used_at = time.monotonic()
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue
        if connection.needs_rollback or not connection.autocommit or _is_aged(connection, now):
            connection.close()
        elif connection.errors_occurred:
            if connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()


def _is_aged(connection: BaseDatabaseWrapper, now: float) -> bool:
    """CONN_MAX_AGE, save that 0 (Django's default: one HTTP request) does not mean one message here."""
    return (
        bool(connection.settings_dict["CONN_MAX_AGE"])
        and connection.close_at is not None
        and now >= connection.close_at
    )


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
