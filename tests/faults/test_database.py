"""The database fails, or commits in an order of its own."""

from __future__ import annotations

import threading

from django.db import connections, transaction

from services_communication.publisher import publish_aggregate_event
from tests.faults.nodes import assert_nothing_wrong, counted, drained_to, publish_many
from tests.integration.service import Service
from tests.support.servers import PostgreSQL


def test_d1_the_database_restarts_while_all_idle(broken_database: Service, private_postgres: PostgreSQL) -> None:
    """Neither relay nor consumer ends; the next message goes its way."""
    service = broken_database
    consumer, relay = service.consumer(), service.relay()
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    for number in (2, 3):
        private_postgres.restart("immediate")
        connections[service.alias].close()
        service.publish(*counted(number))
        service.wait_for_effects("counted", {number})
    assert_nothing_wrong(service, {1, 2, 3})
    assert consumer.running
    assert relay.running
    assert service.dead() == []


def test_d1_the_database_restarts_while_all_work(broken_database: Service, private_postgres: PostgreSQL) -> None:
    """Rows that were sent and not deleted are sent again; the inbox keeps each to one effect."""
    service = broken_database
    consumer, relay = service.consumer(), service.relay(PUBLISHER_BATCH_SIZE=50)
    committed = publish_many(service, 2000)
    for left in (1500, 800):
        drained_to(service, left)
        private_postgres.restart("immediate")
        connections[service.alias].close()
    assert_nothing_wrong(service, committed)
    assert consumer.running
    assert relay.running


def test_d1_an_outage_of_the_database_is_no_failure_of_the_handler(
    broken_database: Service, private_postgres: PostgreSQL
) -> None:
    """However long it lasts, the message is put off and does not use up its attempts."""
    service = broken_database
    service.consumer(RETRY_DELAYS=[0.2, 0.4])
    relay = service.relay()
    service.publish(*counted(1, seconds=1.5))
    service.wait_for_runs("counted", 1)
    relay.terminate()
    private_postgres.kill()
    service.processes[0].wait_for("the database is out of reach", times=4)
    private_postgres.start()
    connections[service.alias].close()
    assert_nothing_wrong(service, {1})
    assert {run.attempt for run in service.runs("counted")} == {1}


def test_d11_commits_out_of_the_order_of_their_ids(broken_database: Service) -> None:
    """The row that commits late has the smaller id, and is sent all the same."""
    service = broken_database
    service.consumer()
    service.relay()
    written, may_commit = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic(using=service.alias):
            publish_aggregate_event(counted(1)[0], using=service.alias)
            written.set()
            may_commit.wait(60)
        connections[service.alias].close()

    thread = threading.Thread(target=late)
    thread.start()
    try:
        assert written.wait(30)
        service.publish(*counted(2))
        service.wait_for_effects("counted", {2})
        drained_to(service, 0)
        assert service.effects("counted") == [2]
    finally:
        may_commit.set()
        thread.join()
    assert_nothing_wrong(service, {1, 2})
    assert service.effects("counted") == [2, 1]
