"""From settings to a transport: the one place that chooses between RabbitMQ and memory."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any

from django.core.signals import setting_changed

from services_communication.errors import BrokerUnavailableError
from services_communication.settings import NAME, communication_settings
from services_communication.transport import memory
from services_communication.transport.amqp import AmqpPublisher, AmqpSubscriber
from services_communication.transport.amqp.topology import probe
from services_communication.transport.protocol import Publisher, Subscriber, Subscription

_lock = threading.Lock()
_publisher: Publisher | None = None


def publisher() -> Publisher:
    """The process's publisher, shared by its threads and connected when it is first used."""
    global _publisher  # noqa: PLW0603  one connection per process
    with _lock:
        if _publisher is None:
            _publisher = _new_publisher()
        return _publisher


def subscriber(subscription: Subscription) -> Subscriber:
    """A new subscriber; it connects when it subscribes."""
    address = communication_settings.get().broker
    if address.scheme == "memory":
        return memory.MemorySubscriber(memory.broker(address.host), subscription)
    return AmqpSubscriber(address, subscription)


def check_access() -> None:
    """Raise TopologyError when the broker does not let us in. That it is down now is no error: it is outlasted."""
    address = communication_settings.get().broker
    if address.scheme != "memory":
        with suppress(BrokerUnavailableError):
            probe(address)


def close_publisher() -> None:
    """Disconnect; the next use connects again. Idempotent."""
    global _publisher
    with _lock:
        closing, _publisher = _publisher, None
    if closing is not None:
        closing.close()


def _new_publisher() -> Publisher:
    settings = communication_settings.get()
    address = settings.broker
    if address.scheme == "memory":
        return memory.MemoryPublisher(memory.broker(address.host))
    return AmqpPublisher(
        address,
        name=f"{settings.app_id} publisher",
        exchange_types={exchange.name: exchange.type for exchange in settings.EXCHANGES},
        declare=not settings.DO_NOT_DECLARE,
        confirm_timeout=settings.CONFIRM_TIMEOUT,
    )


def _forget_after_fork() -> None:
    # The parent's connection is not the child's: two processes writing to one socket corrupt it.
    global _publisher, _lock  # noqa: PLW0603  as above
    _lock = threading.Lock()
    _publisher = None


def _forget_changed_settings(*, setting: str, **_: Any) -> None:
    if setting == NAME:
        close_publisher()


os.register_at_fork(after_in_child=_forget_after_fork)
setting_changed.connect(_forget_changed_settings, dispatch_uid="services_communication.broker")
