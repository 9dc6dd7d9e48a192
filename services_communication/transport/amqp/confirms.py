"""The publisher's book: which messages wait, which are in flight, and what became of each. No I/O.

``add`` may be called from any thread; everything else belongs to the I/O thread.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import takewhile

from services_communication.message import Message
from services_communication.transport.protocol import Confirmed, Lost, Receipt, Refused, Returned

WINDOW = 1000
"""Messages in flight at most; memory is bounded by this times the largest body."""
_CONFIRMED = Confirmed()


class Confirms:
    """Delivery tags count up from 1 on each channel, in the order of sending (RabbitMQ's publisher confirms)."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Batch, int]] = deque()
        self._in_flight: dict[int, tuple[Batch, int, float]] = {}
        self._returned: dict[tuple[str, str, str], str] = {}
        self._next_tag = 1
        self._careful = 0

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._in_flight

    def add(self, batch: Batch) -> None:
        self._waiting.extend((batch, index) for index in range(len(batch.messages)))

    def next(self) -> Message | None:
        """What is to be sent now; None while the window is full or nothing waits."""
        window = 1 if self._careful else WINDOW
        while self._waiting and len(self._in_flight) < window:
            batch, index = self._waiting[0]
            if not batch.follows_a_loss:
                return batch.messages[index]
            self._waiting.popleft()
            batch.settle(index, Lost("what had to be sent before it was lost"))
        return None

    def sent(self) -> None:
        """The message of :meth:`next` is on its way."""
        self._in_flight[self._next_tag] = (*self._waiting.popleft(), time.monotonic())
        self._next_tag += 1

    def unsendable(self, reason: str) -> None:
        """The message of :meth:`next` cannot be put into a frame."""
        batch, index = self._waiting.popleft()
        batch.settle(index, Refused(reason))

    def returned(self, message_id: str, exchange: str, routing_key: str, reason: str) -> None:
        """The broker sends a return before the confirm of the same message; it has no delivery tag."""
        self._returned[message_id, exchange, routing_key] = reason

    def confirmed(self, tag: int, *, multiple: bool, positive: bool) -> None:
        tags = list(takewhile(lambda sent: sent <= tag, self._in_flight)) if multiple else [tag]
        for each in tags:
            entry = self._in_flight.pop(each, None)
            if entry is not None:
                self._settle(entry[0], entry[1], positive)
        self._careful = max(0, self._careful - len(tags))

    def channel_closed(self, reason: str) -> None:
        """The broker closes a channel for one message and does not say which: find it by sending one at a time."""
        suspects = list(self._in_flight.values())
        self._begin_channel()
        if len(suspects) == 1:
            batch, index, _ = suspects[0]
            batch.settle(index, Refused(reason))
            self._careful = max(0, self._careful - 1)
        else:
            self._waiting.extendleft((batch, index) for batch, index, _ in reversed(suspects))
            self._careful = max(self._careful, len(suspects))

    def expire(self, seconds: float, receipt: Receipt) -> None:
        """Give up what has been in flight for longer than `seconds`. A confirm that comes later is ignored."""
        limit = time.monotonic() - seconds
        for tag in list(takewhile(lambda tag: self._in_flight[tag][2] < limit, self._in_flight)):
            batch, index, _ = self._in_flight.pop(tag)
            batch.settle(index, receipt)

    def lose(self, reason: str) -> None:
        """The connection is gone, or does not come: nothing that is here will be answered."""
        lost = [(batch, index) for batch, index, _ in self._in_flight.values()]
        self._begin_channel()
        self._careful = 0
        while self._waiting:
            lost.append(self._waiting.popleft())
        for batch, index in lost:
            batch.settle(index, Lost(reason))

    def _begin_channel(self) -> None:
        self._in_flight.clear()
        self._returned.clear()
        self._next_tag = 1

    def _settle(self, batch: Batch, index: int, positive: bool) -> None:
        receipt: Receipt = _CONFIRMED if positive else Refused("the broker nacked it (is a queue full?)")
        if self._returned:
            message = batch.messages[index]
            reason = self._returned.pop((message.message_id, message.exchange, message.routing_key), None)
            if reason is not None:
                receipt = Returned(reason)
        batch.settle(index, receipt)


@dataclass(slots=True)
class Batch:
    """Messages that were handed over together, and the future of their receipts."""

    messages: Sequence[Message]
    future: Future[list[Receipt]]
    after: Future[list[Receipt]] | None
    _receipts: list[Receipt | None] = field(init=False)
    _open: int = field(init=False)

    def __post_init__(self) -> None:
        self._receipts = [None] * len(self.messages)
        self._open = len(self.messages)

    @property
    def follows_a_loss(self) -> bool:
        after = self.after
        if after is None or not after.done():
            return False
        if any(isinstance(receipt, Lost) for receipt in after.result()):
            return True
        self.after = None  # looked at once, not for each message
        return False

    def settle(self, index: int, receipt: Receipt) -> None:
        self._receipts[index] = receipt
        self._open -= 1
        if not self._open:
            self.future.set_result([receipt for receipt in self._receipts if receipt is not None])
