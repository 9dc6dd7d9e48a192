"""What the fault tests share: a service on servers of the test's own."""

from __future__ import annotations

from collections.abc import Callable

from services_communication.testing.consuming import wait_until
from tests.integration.project.contracts import Counted
from tests.integration.service import NOTHING_WRONG, PATIENCE, Service

WINDOW = 1000
"""AmqpPublisher's: so many messages may be in flight when something breaks."""


def counted(*numbers: int, line: str = "a", seconds: float = 0) -> list[Counted]:
    return [Counted(line=line, number=number, seconds=seconds) for number in numbers]


def publish_many(service: Service, total: int, batch: int = 500) -> set[int]:
    for start in range(0, total, batch):
        service.publish(*counted(*range(start, min(start + batch, total))))
    return set(range(total))


def eventually(service: Service, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    try:
        wait_until(condition, what, seconds)
    except AssertionError as error:
        logs = "\n".join(f"--- {process.name}\n{process.output[-3000:]}" for process in service.processes)
        raise AssertionError(f"{error}\n{logs}") from None


def assert_nothing_wrong(service: Service, committed: set[int], attempted: set[int] | None = None) -> None:
    """Waits until all is quiet, then judges."""
    service.wait_for_effects("counted", committed)
    service.wait_until_empty()
    assert service.verdict(committed, attempted=attempted) == NOTHING_WRONG


def drained_to(service: Service, left: int) -> None:
    """Until the relay has brought the outbox down to `left` rows."""
    eventually(service, lambda: len(service.rows()) <= left, f"{left} rows are left")
