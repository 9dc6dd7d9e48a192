"""The relay drains 20,000 rows; beside it pika publishes as many bodies that are in memory already."""

from __future__ import annotations

import time

from django.db import connection, transaction

from benchmarks import peer
from benchmarks.contracts import event, new_id
from benchmarks.measure import Result, side_by_side
from benchmarks.project import EXCHANGE, QUEUE, ROUTING_KEY
from services_communication import broker
from services_communication.contracts.codec import encode_event
from services_communication.message import HEADER_VERSION, utc_now
from services_communication.models import OutboxMessage
from services_communication.publisher.relay import Relay
from services_communication.settings import communication_settings
from services_communication.transport.amqp.topology import declare
from services_communication.transport.protocol import Topology

ROWS = 20_000


def run() -> Result:
    settings = communication_settings.get()
    declare(settings.broker, Topology(QUEUE, exchanges=((EXCHANGE, "topic"),), bindings=((EXCHANGE, "#"),)))
    ids = [new_id() for _ in range(ROWS)]
    bodies = [encode_event(event(n), event_id=ids[n], event_time=utc_now()) for n in range(ROWS)]

    def bare() -> float:
        peer.purge(QUEUE)
        return peer.publish(EXCHANGE, ROUTING_KEY, bodies, ids)

    def relay() -> float:
        peer.purge(QUEUE)
        _fill(bodies, ids)
        began = time.perf_counter()
        Relay(broker.publisher(), settings).run(until_empty=True)
        rate = ROWS / (time.perf_counter() - began)
        left = OutboxMessage.objects.count()
        if left:
            raise RuntimeError(f"{left} rows were not sent")
        return rate

    try:
        return side_by_side(
            "relay", "outbox on PostgreSQL → RabbitMQ", relay, "pika SelectConnection, pipelined confirms", bare
        )
    finally:
        broker.close_publisher()
        connection.close()


def _fill(bodies: list[bytes], ids: list[str]) -> None:
    """Rows as publish_aggregate_event writes them, in bulk."""
    now = utc_now()
    with transaction.atomic():
        OutboxMessage.objects.all().delete()
        OutboxMessage.objects.bulk_create(
            [
                OutboxMessage(
                    message_id=ids[n],
                    exchange=EXCHANGE,
                    routing_key=ROUTING_KEY,
                    ordering_key=f"{EXCHANGE}:{n}",
                    body=body,
                    type=ROUTING_KEY,
                    app_id="bench",
                    headers={HEADER_VERSION: 1},
                    timestamp=now,
                    due_at=now,
                )
                for n, body in enumerate(bodies)
            ],
            batch_size=2000,
        )
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {OutboxMessage._meta.db_table}")  # as autovacuum would have, by then
