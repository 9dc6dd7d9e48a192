"""Processes are killed or frozen at any instant."""

from __future__ import annotations

import contextlib
import random
import signal
import time

import pytest

from services_communication.message import HEADER_REASON
from tests.faults.nodes import WINDOW, assert_nothing_wrong, counted, drained_to, eventually, publish_many
from tests.integration.processes import ManagedProcess
from tests.integration.project.contracts import Deadly
from tests.integration.service import Service

ROWS = 5000
KILLS = 6
BATCH = 50


def test_p5_the_relay_is_killed_again_and_again(service_on_each: Service) -> None:
    """At random instants while rows drain: none is lost, and few are sent twice, with the same id."""
    service = service_on_each
    service.consumer(INBOX=False).terminate()
    committed = publish_many(service, ROWS)
    for kill in range(KILLS):
        relay = service.relay(PUBLISHER_BATCH_SIZE=BATCH)
        drained_to(service, ROWS - ROWS * (kill + 1) // (KILLS + 2))
        time.sleep(random.uniform(0, 0.05))
        relay.kill()
    assert service.rows()
    service.relay()
    drained_to(service, 0)
    service.consumer(INBOX=False, PREFETCH_COUNT=500)
    service.wait_for_effects("counted", committed)
    service.wait_until_empty()
    runs = service.runs("counted")
    assert {run.number for run in runs} == committed
    assert len({(run.number, run.message_id) for run in runs}) == ROWS
    assert service.duplicates() <= KILLS * 2 * BATCH < KILLS * WINDOW


def test_p3_a_consumer_is_killed_in_the_middle_of_a_handler(service_on_each: Service) -> None:
    """Its transaction is rolled back, another consumer gets the message, and there is one effect."""
    service = service_on_each
    service.relay()
    for kill in range(3):
        consumer = service.consumer()
        if kill == 0:
            service.publish(*counted(*range(10), seconds=0.3))
        service.wait_for_runs("counted", kill * 2 + 2)
        consumer.kill()
    service.consumer()
    assert_nothing_wrong(service, set(range(10)))
    assert any(run.redelivered for run in service.runs("counted"))


def test_p6_a_frozen_consumer_wakes_up_too_late(service: Service) -> None:
    """Another one has handled its message. It notices that its connection is gone, and does nothing twice."""
    service.settings["BROKER_CONNECTION_URL"] = f"{service.url}?heartbeat=2"
    frozen = service.consumer()
    service.relay()
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    frozen.send(signal.SIGSTOP)
    service.publish(*counted(2, 3))
    drained_to(service, 0)
    service.consumer()
    service.wait_for_effects("counted", {2, 3})
    frozen.send(signal.SIGCONT)
    frozen.wait_for("consumer: consuming", times=2)
    service.publish(*counted(4))
    assert_nothing_wrong(service, {1, 2, 3, 4})
    assert frozen.running


def test_d21_a_frozen_relay_wakes_up_too_late(service_on_each: Service) -> None:
    """Its lease is gone and another relay sends. It deletes nothing and stands by."""
    service = service_on_each
    service.consumer()
    frozen = service.relay(PUBLISHER_BATCH_SIZE=BATCH)
    second = service.start("runpublisher")
    second.wait_for("Sending the outbox")
    committed = publish_many(service, 1000)
    freeze_between_transactions(frozen, second)
    service.publish(*counted(1000))
    frozen.send(signal.SIGCONT)
    assert_nothing_wrong(service, {*committed, 1000})
    frozen.wait_for("relay took over")
    assert frozen.running


def freeze_between_transactions(frozen: ManagedProcess, second: ManagedProcess) -> None:
    """Until `second` sends. Frozen within a transaction it would hold the lease row locked, and no one take over."""
    for _ in range(20):
        frozen.send(signal.SIGSTOP)
        with contextlib.suppress(AssertionError):
            second.wait_for("this process sends the outbox", seconds=6)
            return
        frozen.send(signal.SIGCONT)
        time.sleep(random.uniform(0, 0.3))
    raise AssertionError("the second relay never took over")


@pytest.mark.timeout(200)
def test_b18_a_message_that_kills_its_process_is_put_aside(service: Service) -> None:
    """After MAX_DELIVERIES, counted by the quorum queue; the one behind it is handled then."""
    service.relay()
    first = True
    for _ in range(4):
        consumer = service.consumer(MAX_DELIVERIES=3, PREFETCH_COUNT=1)
        if first:
            service.publish(Deadly(number=1), *counted(2))
            first = False
        eventually(service, lambda c=consumer: not c.running or service.effects("counted"), "it died")  # type: ignore[misc]  # a default binds the loop's value
    service.wait_for_effects("counted", {2})
    (dead,) = service.wait_for_dead(1)
    assert dead.headers[HEADER_REASON] == "crashed"
    assert len(service.runs("deadly")) == 3
