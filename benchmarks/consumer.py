"""The worker handles 20,000 typed events; beside it a bare pika callback acks as many messages without reading them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from benchmarks import peer
from benchmarks.contracts import UserUpdated, event, new_id
from benchmarks.measure import Result, side_by_side
from benchmarks.project import EXCHANGE, QUEUE, ROUTING_KEY
from services_communication import broker
from services_communication.consumer import MessageRouter
from services_communication.consumer.worker import Worker, topology
from services_communication.contracts.codec import encode_event
from services_communication.message import HEADER_VERSION, Message, utc_now
from services_communication.models import InboxEntry
from services_communication.settings import communication_settings
from services_communication.transport.amqp.topology import declare

MESSAGES = 20_000
MESSAGES_WITH_INBOX = 3_000
PREFETCH = 1000


def run() -> Result:
    return _beside("consumer", peer.consume_blocking, "pika callback, ack each")


def run_default_prefetch() -> Result:
    prefetch = communication_settings.get().PREFETCH_COUNT
    return _beside("consumer-prefetch", peer.consume_blocking, "pika callback, ack each", prefetch=prefetch)


def run_select() -> Result:
    return _beside("consumer-select", peer.consume_select, "pika SelectConnection callback, ack each")


def run_atomic() -> Result:
    return _beside("consumer-atomic", peer.consume_blocking, "pika callback, ack each", atomic=True)


def run_inbox() -> Result:
    messages = MESSAGES_WITH_INBOX
    return _beside(
        "consumer-inbox", peer.consume_blocking, "pika callback, ack each", atomic=True, inbox=True, messages=messages
    )


def _beside(
    name: str,
    bare: Callable[[str, int, int], float],
    beside: str,
    *,
    atomic: bool = False,
    inbox: bool = False,
    messages: int = MESSAGES,
    prefetch: int = PREFETCH,
) -> Result:
    extras = [word for word, on in (("in a transaction", atomic), ("with inbox", inbox)) if on]
    return side_by_side(
        name,
        ", ".join(["RabbitMQ → typed handler", *extras, f"prefetch {prefetch}"]),
        lambda: _worker(messages, prefetch, atomic=atomic, inbox=inbox),
        f"{beside}, prefetch {prefetch}",
        lambda: _filled(messages) and bare(QUEUE, messages, prefetch),
    )


def _worker(messages: int, prefetch: int, *, atomic: bool, inbox: bool) -> float:
    settings = communication_settings.get().model_copy(update={"INBOX": inbox, "PREFETCH_COUNT": prefetch})
    seen, began = 0, 0.0
    done = threading.Event()
    router = MessageRouter()

    @router.consumer(UserUpdated, atomic=atomic)
    def handle(event: UserUpdated) -> None:  # noqa: ARG001  the peer does not look at its message either
        nonlocal seen, began
        if not seen:
            began = time.perf_counter()
        seen += 1
        if seen == messages:
            done.set()

    InboxEntry.objects.all().delete()
    _filled(messages)
    worker = Worker(settings, router)
    thread = threading.Thread(target=worker.run)
    thread.start()
    if not done.wait(300):
        raise RuntimeError(f"{seen} of {messages} messages were handled")
    rate = messages / (time.perf_counter() - began)
    worker.stop()
    thread.join()
    return rate


def _filled(messages: int) -> bool:
    """The queue holds exactly `messages` events."""
    router = MessageRouter()
    router.consumer(UserUpdated)(lambda _: None)
    settings = communication_settings.get()
    declare(settings.broker, topology(settings, router))
    peer.purge(QUEUE)
    now = utc_now()
    batch = []
    for n in range(messages):
        event_id = new_id()
        body = encode_event(event(n), event_id=event_id, event_time=now)
        headers = {HEADER_VERSION: 1}
        batch.append(Message(EXCHANGE, ROUTING_KEY, body, event_id, ROUTING_KEY, timestamp=now, headers=headers))
    broker.publisher().publish(batch).result()
    return True
