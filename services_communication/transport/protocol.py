"""What a transport must do. Every transport passes ``services_communication.testing.conformance``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from services_communication.message import Delivery, Message, Outcome

Handle: TypeAlias = Callable[[Delivery], Outcome]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The broker is responsible for the message now."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The broker returned it: no queue is bound."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker, or the client before it, will not take this very message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: the connection is gone or was never there. The message may have arrived; publish it again."""

    reason: str


Receipt: TypeAlias = Confirmed | Returned | Refused | Lost


@dataclass(frozen=True, slots=True)
class Topology:
    """What a consumer needs at the broker. Declaring it is idempotent; nothing is ever deleted."""

    queue: str
    queue_type: str = "quorum"
    exchanges: tuple[tuple[str, str], ...] = ()
    """Pairs of name and type."""
    bindings: tuple[tuple[str, str], ...] = ()
    """Pairs of exchange and routing key pattern."""
    retry_delays: tuple[timedelta, ...] = ()
    declare: bool = True
    """False: everything is expected to be there, and what is missing is an error."""

    @property
    def dead_queue(self) -> str:
        return f"{self.queue}.dead"

    def retry_queue(self, delay: timedelta) -> str:
        """One queue for each delay: RabbitMQ expires messages at the head of a queue only."""
        return f"{self.queue}.retry.{delay // timedelta(milliseconds=1)}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """How to consume one queue."""

    topology: Topology
    prefetch: int = 100
    concurrency: int = 1
    grace: timedelta = timedelta(seconds=30)
    """How long ``close()`` lets running handlers go on."""


class Publisher(Protocol):
    """Hands messages to the broker. Thread-safe. Reconnects by itself."""

    def publish(
        self, messages: Sequence[Message], *, after: Future[list[Receipt]] | None = None
    ) -> Future[list[Receipt]]:
        """Send `messages` in their order; the future holds a receipt for each, in the same order. Returns at once.

        `after` is an earlier result of this method: if anything of it was lost, these messages are lost too, unsent.
        So a caller that has several batches on their way keeps their order when the connection breaks.

        The future always resolves, within twice the confirm timeout. Publishing a message again is the caller's
        decision; its message id stays the same.
        """

    def close(self) -> None:
        """Wait for what is in flight, a few seconds at most, then disconnect. Idempotent."""


class Subscriber(Protocol):
    """Takes messages from one queue, until it is closed."""

    def subscribe(self, handle: Handle) -> None:
        """Call `handle` for each delivery, and settle the delivery as its Outcome says. Blocks until ``close()``.

        `handle` runs in `concurrency` threads of its own and must not raise. An outage of the broker is outlasted;
        TopologyError is raised where waiting cannot help, UnfinishedError when the grace time was not enough.
        """

    def close(self) -> None:
        """Take no more, let running handlers finish, settle them. Returns at once; safe in a signal handler."""


class UnfinishedError(RuntimeError):
    """A handler was still running when the grace time ended; its message will be delivered again."""
