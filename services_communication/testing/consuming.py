"""A subscriber that runs while a test looks on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from services_communication.message import Ack, Delivery, Outcome
from services_communication.transport.protocol import Handle, Subscriber

PATIENCE = 30.0
"""Seconds until something that must happen counts as not happening. It says nothing about how fast it is."""


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Raises AssertionError naming `what` when `condition` stays false."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"within {seconds:g} s this did not come true: {what}")
        time.sleep(0.01)


class Collector:
    """A handler that keeps what it is given, and answers as `answer` says. Callable from any number of threads."""

    def __init__(self, answer: Handle | None = None) -> None:
        self._answer = answer
        self._deliveries: list[Delivery] = []
        self._changed = threading.Condition()

    def __call__(self, delivery: Delivery) -> Outcome:
        with self._changed:
            self._deliveries.append(delivery)
            self._changed.notify_all()
        return Ack() if self._answer is None else self._answer(delivery)

    @property
    def deliveries(self) -> list[Delivery]:
        """So far, in the order in which their handling began."""
        with self._changed:
            return list(self._deliveries)

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.message.body for delivery in self.deliveries]

    def wait_for(self, number: int, seconds: float = PATIENCE) -> list[Delivery]:
        """The first `number` deliveries. Raises AssertionError when so many do not come."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._deliveries) >= number, seconds):
                raise AssertionError(f"{len(self._deliveries)} deliveries came within {seconds:g} s, not {number}")
            return list(self._deliveries[:number])


class Gate:
    """A handler that does not end before the gate is opened."""

    def __init__(self, answer: Handle | None = None) -> None:
        self.collector = Collector(self._wait)
        self._answer = answer
        self._open = threading.Event()

    def _wait(self, delivery: Delivery) -> Outcome:
        self._open.wait(PATIENCE * 2)
        return Ack() if self._answer is None else self._answer(delivery)

    def open(self) -> None:
        self._open.set()


class Consuming:
    """A subscriber in a thread of its own. ``end`` closes it, and raises what ``subscribe`` raised."""

    def __init__(self, subscriber: Subscriber, handle: Handle) -> None:
        self.subscriber = subscriber
        self._handle = handle
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="consuming", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.subscriber.subscribe(self._handle)
        except BaseException as error:  # noqa: BLE001  raised again by end()
            self._errors.append(error)

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def end(self, seconds: float = PATIENCE) -> None:
        self.subscriber.close()
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise AssertionError(f"the subscriber did not end within {seconds:g} s after close()")
        if self._errors:
            raise self._errors[0]


@contextlib.contextmanager
def consuming(subscriber: Subscriber, handle: Handle) -> Iterator[Consuming]:
    """Consume within the block; the subscriber has ended when it is left."""
    running = Consuming(subscriber, handle)
    try:
        yield running
    except BaseException:
        with contextlib.suppress(Exception):
            running.end()
        raise
    running.end()
