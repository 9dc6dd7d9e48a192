"""Several relays: one sends, the others stand by."""

from __future__ import annotations

from tests.integration.project.contracts import Counted
from tests.integration.service import NOTHING_WRONG, Service

SENDS = "this process sends the outbox"


def counted(*numbers: int) -> list[Counted]:
    return [Counted(line=str(number % 5), number=number) for number in numbers]


def test_two_relays_send_nothing_twice(service_on_each: Service) -> None:
    """Without a fault, and in order."""
    service = service_on_each
    service.consumer(INBOX=False)
    first = service.relay()
    second = service.start("runpublisher")
    second.wait_for("Sending the outbox")
    for start in range(0, 300, 50):
        service.publish(*counted(*range(start, start + 50)))
    service.wait_for_effects("counted", range(300))
    service.wait_until_empty()
    assert service.duplicates() == 0
    assert service.effects("counted") == list(range(300))
    assert (SENDS in first.output, SENDS in second.output) == (True, False)


def test_a_killed_relay_is_replaced(service_on_each: Service) -> None:
    """When its lease is over; no row is lost."""
    service = service_on_each
    service.consumer()
    first = service.relay()
    second = service.start("runpublisher")
    second.wait_for("Sending the outbox")
    service.publish(*counted(*range(50)))
    first.kill()
    service.publish(*counted(*range(50, 100)))
    second.wait_for(SENDS)
    service.wait_for_effects("counted", range(100))
    service.wait_until_empty()
    assert service.verdict(set(range(100))) == NOTHING_WRONG


def test_a_stopped_relay_hands_over_at_once(service: Service) -> None:
    """It gives its lease back, which would else last far longer than this test waits."""
    service.consumer(INBOX=False)
    first = service.relay(PUBLISHER_LEASE=3600)
    second = service.start("runpublisher", PUBLISHER_LEASE=3600)
    second.wait_for("Sending the outbox")
    assert first.terminate() == 0
    second.wait_for(SENDS)
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    assert service.duplicates() == 0
