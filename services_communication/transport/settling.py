"""What a message becomes when it is retried or put aside: the copy that goes to the retry or dead-letter queue.

The body, the message id and the producer's headers stay as they were.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services_communication.message import (
    HEADER_ATTEMPT,
    HEADER_DEAD_AT,
    HEADER_DEFERRALS,
    HEADER_DETAIL,
    HEADER_EXCHANGE,
    HEADER_QUEUE,
    HEADER_REASON,
    HEADER_ROUTING_KEY,
    DeadLetter,
    HeaderValue,
    Message,
    Retry,
    count,
    utc_now,
)
from services_communication.transport.protocol import Topology


def retried(message: Message, outcome: Retry, topology: Topology) -> Message:
    """The copy for the retry queue whose delay comes nearest to the wanted one."""
    counter = HEADER_ATTEMPT if outcome.failed else HEADER_DEFERRALS
    history = _history(message)
    nearest = min(topology.retry_delays, key=lambda delay: abs(delay - outcome.delay), default=timedelta(0))
    headers = {**history, counter: count(history.get(counter)) + 1}
    return replace(message, exchange="", routing_key=topology.retry_queue(nearest), headers=headers, mandatory=True)


def dead_letter(message: Message, outcome: DeadLetter, topology: Topology) -> Message:
    """The copy for the dead-letter queue, with why, where and when in its headers."""
    headers = {
        **_history(message),
        HEADER_REASON: outcome.reason,
        HEADER_DETAIL: outcome.detail,
        HEADER_QUEUE: topology.queue,
        HEADER_DEAD_AT: utc_now().isoformat(timespec="seconds"),
    }
    return replace(message, exchange="", routing_key=topology.dead_queue, headers=headers, mandatory=True)


def _history(message: Message) -> dict[str, HeaderValue]:
    """Its headers, with where it came from. Before its first retry a message has no history, whatever it claims."""
    if not message.exchange:
        return dict(message.headers)
    claimed = (HEADER_EXCHANGE, HEADER_ROUTING_KEY, HEADER_ATTEMPT, HEADER_DEFERRALS)
    headers = {name: value for name, value in message.headers.items() if name not in claimed}
    return {HEADER_EXCHANGE: message.exchange, HEADER_ROUTING_KEY: message.routing_key, **headers}
