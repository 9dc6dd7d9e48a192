"""RabbitMQ by pika: the only package that imports it."""

from __future__ import annotations

import logging

from services_communication.transport.amqp.publisher import AmqpPublisher
from services_communication.transport.amqp.subscriber import AmqpSubscriber

__all__ = ["AmqpPublisher", "AmqpSubscriber"]

# pika reports each failed attempt to connect as up to ten errors. We reconnect for ever, and log changes of state.
# Whoever gives the logger a level of its own sees them all the same.
if logging.getLogger("pika").level == logging.NOTSET:
    logging.getLogger("pika").setLevel(logging.CRITICAL)
