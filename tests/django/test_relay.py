"""From the outbox to a broker in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models import F
from django.utils import timezone

from services_communication import broker
from services_communication.contracts import EventModel
from services_communication.message import Message
from services_communication.models import OutboxMessage, RelayLease
from services_communication.publisher import publish_aggregate_event, publish_future_aggregate_event
from services_communication.publisher.outbox import Outbox
from services_communication.publisher.relay import Relay
from services_communication.settings import communication_settings
from services_communication.transport import memory
from services_communication.transport.protocol import Confirmed, Lost, Receipt, Refused

pytestmark = [pytest.mark.database, pytest.mark.django_db]


class Made(EventModel, aggregate="relayed", event_type="made", key="user_id"):
    user_id: int
    number: int = 0


class Seldom(EventModel, aggregate="relayed-seldom", event_type="made", unroutable_ok=True):
    user_id: int


class Scripted:
    """A publisher whose receipts the test writes."""

    def __init__(self, receipt: Callable[[Message], Receipt]) -> None:
        self.receipt = receipt
        self.sent: list[Message] = []

    def publish(self, messages: Any, *, after: Any = None) -> Future[list[Receipt]]:
        self.sent += messages
        future: Future[list[Receipt]] = Future()
        future.set_result([self.receipt(message) for message in messages])
        return future

    def close(self) -> None: ...


def drain(publisher: Any = None) -> None:
    Relay(publisher or broker.publisher(), communication_settings.get()).run(until_empty=True)


def wait_over() -> None:
    OutboxMessage.objects.filter(due_at__isnull=False).update(due_at=F("due_at") - timedelta(days=1))


def test_it_sends_everything_in_order_and_deletes_it(queue: Any, configure: Any) -> None:
    """In batches; the message is the row's."""
    configure(PUBLISHER_BATCH_SIZE=3)
    received = queue("q", ("relayed", "#"))
    ids = [publish_aggregate_event(Made(user_id=n % 2, number=n)) for n in range(10)]
    drain()
    assert [message.message_id for message in received()] == ids
    assert not OutboxMessage.objects.exists()
    first = received()[0]
    assert (first.exchange, first.routing_key, first.type, first.app_id) == ("relayed", "made", "made", "tests")
    assert first.headers == {"contract-version": 1}
    assert b'"payload":{"userId":0,"number":0}' in first.body


def test_a_row_without_a_queue_is_tried_again_and_parked(queue: Any, configure: Any) -> None:
    """R2, R5: it stays with its reason, while rows of other keys go on."""
    configure(PUBLISHER_RETRY_DELAYS=[1, 1])
    received = queue("q", ("relayed", "#"))
    lost = publish_aggregate_event("relayed-nowhere", "x", {})
    sent = publish_aggregate_event(Made(user_id=1))
    drain()
    assert [message.message_id for message in received()] == [sent]
    for attempts in (1, 2):
        stored = OutboxMessage.objects.get()
        assert (stored.message_id, stored.attempts) == (lost, attempts)
        assert "returned" in stored.reason
        assert "NO_ROUTE" in stored.reason
        assert stored.due_at is not None
        wait_over()
        drain()
    stored = OutboxMessage.objects.get()
    assert (stored.attempts, stored.due_at) == (3, None)
    assert "NO_ROUTE" in stored.reason


def test_a_parked_row_goes_when_it_is_made_due_again(queue: Any) -> None:
    """With the same id, once the queue is there."""
    lost = publish_aggregate_event(Made(user_id=1))
    drain()
    OutboxMessage.objects.update(due_at=None)
    received = queue("q", ("relayed", "#"))
    drain()
    assert received() == []
    OutboxMessage.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    drain()
    assert [message.message_id for message in received()] == [lost]
    assert not OutboxMessage.objects.exists()


def test_having_no_subscriber_may_be_normal(configure: Any) -> None:
    """unroutable_ok of a contract, or UNROUTABLE_OK for all."""
    publish_aggregate_event(Seldom(user_id=1))
    drain()
    assert not OutboxMessage.objects.exists()
    configure(UNROUTABLE_OK=True)
    publish_aggregate_event("relayed-nowhere", "x", {})
    drain()
    assert not OutboxMessage.objects.exists()


def test_a_refused_row_waits_and_does_not_block() -> None:
    """A nack of one is the other's confirm; order within a key is kept."""

    def receipt(message: Message) -> Receipt:
        return Refused("nack") if b'"number":1' in message.body else Confirmed()

    publisher = Scripted(receipt)
    first = publish_aggregate_event(Made(user_id=1, number=1))
    publish_aggregate_event(Made(user_id=2, number=2))
    drain(publisher)
    stored = OutboxMessage.objects.get()
    assert (stored.message_id, stored.attempts, stored.reason) == (first, 1, "refused: nack")


def test_a_lost_row_is_sent_again_with_its_id_and_uncounted() -> None:
    """An outage is not the row's fault: no attempt is counted."""
    answers: list[Receipt] = [Lost("gone"), Confirmed()]
    publisher = Scripted(lambda message: answers.pop(0))
    event_id = publish_aggregate_event(Made(user_id=1))
    drain(publisher)
    assert [message.message_id for message in publisher.sent] == [event_id, event_id]
    assert not OutboxMessage.objects.exists()


def test_a_row_that_is_no_message_is_put_off() -> None:
    """The others go on."""
    publisher = Scripted(lambda message: Confirmed())
    publish_aggregate_event(Made(user_id=1))
    OutboxMessage.objects.update(headers={"x": None})
    fine = publish_aggregate_event(Made(user_id=2))
    drain(publisher)
    assert [message.message_id for message in publisher.sent] == [fine]
    assert "header 'x'" in OutboxMessage.objects.get().reason


@pytest.mark.parametrize("headers", [[1], 5, "x", {"x": {"y": 1}}])
def test_a_row_that_somebody_wrote_by_hand_is_put_off_and_parked(configure: Any, headers: Any) -> None:
    """Whatever stands where the headers belong; it never stops the others."""
    configure(PUBLISHER_RETRY_DELAYS=[1])
    publisher = Scripted(lambda message: Confirmed())
    wrong = publish_aggregate_event(Made(user_id=1))
    OutboxMessage.objects.update(headers=headers)
    fine = publish_aggregate_event(Made(user_id=2))
    drain(publisher)
    stored = OutboxMessage.objects.get()
    assert (stored.message_id, stored.attempts) == (wrong, 1)
    assert stored.reason.startswith("unsendable: ")
    assert stored.due_at is not None
    wait_over()
    also_fine = publish_aggregate_event(Made(user_id=3))
    drain(publisher)
    stored = OutboxMessage.objects.get()
    assert (stored.message_id, stored.attempts, stored.due_at) == (wrong, 2, None)
    assert [message.message_id for message in publisher.sent] == [fine, also_fine]


def test_what_is_lost_is_sent_again_in_order_with_what_was_behind_it(configure: Any) -> None:
    """A batch of which something was lost, and the batch that was handed over behind it."""
    configure(PUBLISHER_BATCH_SIZE=3)
    answers: list[Receipt] = [Confirmed(), Lost("gone"), Lost("gone")]

    class Breaking(Scripted):
        def publish(self, messages: Any, *, after: Any = None) -> Future[list[Receipt]]:
            if after is None or not any(isinstance(receipt, Lost) for receipt in after.result(0)):
                return super().publish(messages)
            unsent: Future[list[Receipt]] = Future()
            unsent.set_result([Lost("behind what was lost") for _ in messages])
            self.behind += len(messages)
            return unsent

        behind = 0

    publisher = Breaking(lambda message: answers.pop(0) if answers else Confirmed())
    ids = [publish_aggregate_event(Made(user_id=1, number=number)) for number in range(8)]
    drain(publisher)
    assert [message.message_id for message in publisher.sent] == ids[:3] + ids[1:]
    assert publisher.behind == 3
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_in_flight_outlasts_an_outage_of_the_database(configure: Any, caplog: Any) -> None:
    """It was sent: when the database is back it is settled, and sent no second time."""
    configure(PUBLISHER_BATCH_SIZE=2)
    failures = [OperationalError("server closed the connection")] * 2

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE") and failures:
            raise failures.pop()
        return execute(sql, *rest)

    publisher = Scripted(lambda message: Confirmed())
    ids = [publish_aggregate_event(Made(user_id=1, number=number)) for number in range(5)]
    with connection.execute_wrapper(fail):
        drain(publisher)
    assert failures == []
    assert [message.message_id for message in publisher.sent] == ids
    assert not OutboxMessage.objects.exists()
    outages = [record for record in caplog.records if "the database is out of reach" in record.getMessage()]
    assert len(outages) == 1


def test_future_events_wait(queue: Any) -> None:
    """And go when their time has come."""
    received = queue("q", ("relayed", "#"))
    publish_future_aggregate_event(Made(user_id=1), event_time=timezone.now() + timedelta(minutes=5))
    drain()
    assert received() == []
    wait_over()
    drain()
    assert len(received()) == 1


def test_a_relay_lets_go_when_it_ends() -> None:
    """The next one begins at once."""
    drain()
    assert RelayLease.objects.get().expires_at <= timezone.now()
    drain()


def test_a_relay_stands_by_while_another_owns_the_outbox() -> None:
    """It sends nothing, and can be stopped."""
    publisher = Scripted(lambda message: Confirmed())
    publish_aggregate_event(Made(user_id=1))
    RelayLease.objects.create(name="outbox", owner="other", token=5, expires_at=timezone.now() + timedelta(hours=1))
    relay = Relay(publisher, communication_settings.get())
    timer = threading.Timer(0.3, relay.stop)
    timer.start()
    relay.run(until_empty=True)
    timer.join()
    assert publisher.sent == []
    assert OutboxMessage.objects.count() == 1
    assert RelayLease.objects.get().token == 5


def test_the_sender_drops_out_when_it_loses_the_lease() -> None:
    """What it sent is not settled by it: the new owner decides."""

    def receipt(message: Message) -> Receipt:
        RelayLease.objects.update(token=F("token") + 1, expires_at=timezone.now() + timedelta(hours=1))
        relay.stop()
        return Confirmed()

    publisher = Scripted(receipt)
    publish_aggregate_event(Made(user_id=1))
    relay = Relay(publisher, communication_settings.get())
    relay.run()
    assert len(publisher.sent) == 1
    assert OutboxMessage.objects.count() == 1


def test_until_empty_ends_beside_another_owner_when_nothing_is_due() -> None:
    """There is nothing to wait for; the other keeps what it owns."""
    publisher = Scripted(lambda message: Confirmed())
    publish_future_aggregate_event(Made(user_id=1), event_time=timezone.now() + timedelta(hours=1))
    assert Outbox([]).acquire("other", 3600) is not None
    drain(publisher)
    assert publisher.sent == []
    assert RelayLease.objects.get().owner == "other"


def test_the_lease_is_looked_at_before_publishing(configure: Any) -> None:
    """Reading took so long that another took over meanwhile: what was read is the other's to send."""
    configure(PUBLISHER_LEASE=2)
    publisher = Scripted(lambda message: Confirmed())
    publish_aggregate_event(Made(user_id=1))
    relay = Relay(publisher, communication_settings.get())
    tokens: list[int | None] = []

    def take_over(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql.startswith("SELECT") and "routing_key" in sql and not tokens:
            RelayLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
            tokens.append(Outbox([]).acquire("other", 3600))
            relay.stop()
            time.sleep(2 / 3 + 0.1)  # more than a third of the lease, after which it is renewed
        return result

    with connection.execute_wrapper(take_over):
        relay.run()
    assert publisher.sent == []
    assert OutboxMessage.objects.get().attempts == 0
    lease = RelayLease.objects.get()
    assert (lease.owner, lease.token) == ("other", tokens[0])


@pytest.mark.django_db(transaction=True)
def test_runpublisher_until_empty(queue: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The command drains the outbox and ends."""
    received = queue("q", ("relayed", "#"))
    publish_aggregate_event(Made(user_id=1))
    call_command("runpublisher", until_empty=True)
    assert len(received()) == 1
    assert "memory://tests" in capsys.readouterr().out
    assert memory.broker("tests").messages("q")
