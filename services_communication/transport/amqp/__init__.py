"""RabbitMQ by pika: the only package that imports it."""

from __future__ import annotations

from services_communication.transport.amqp.publisher import AmqpPublisher
from services_communication.transport.amqp.subscriber import AmqpSubscriber

__all__ = ["AmqpPublisher", "AmqpSubscriber"]
