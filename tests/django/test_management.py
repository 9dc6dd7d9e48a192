"""checkpublisher, the migrations, and a worker and a relay together."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from services_communication import broker
from services_communication.call import send_call, send_command
from services_communication.consumer import MessageContext, MessageRouter
from services_communication.consumer.worker import Worker
from services_communication.contracts import CallModel, CommandModel, EventModel
from services_communication.errors import ConfigurationError
from services_communication.message import Message
from services_communication.models import InboxEntry, OutboxMessage
from services_communication.publisher import publish_aggregate_event
from services_communication.publisher.relay import Relay
from services_communication.settings import communication_settings
from services_communication.transport import memory

pytestmark = [pytest.mark.database, pytest.mark.django_db]

OLD_TABLE = "services_communication_publishedeventqueue"


class Made(EventModel, aggregate="managed", event_type="made", key="user_id"):
    user_id: int


class Order(CommandModel, service="managed", command_name="order"):
    name: str


class Double(CallModel[int], service="managed", method_name="double"):
    number: int


def overdue(seconds: float, count: int = 1) -> None:
    for _ in range(count):
        due_at = timezone.now() - timedelta(seconds=seconds)
        OutboxMessage.objects.add(Message("managed", "x", b"{}"), due_at=due_at)


def healthy(**options: Any) -> bool:
    try:
        call_command("checkpublisher", **options)
    except CommandError as error:
        if error.returncode == 1 and "unhealthy" in str(error):
            return False
        raise
    return True


def test_checkpublisher(capsys: pytest.CaptureFixture[str]) -> None:
    """Healthy while nothing is overdue for more than ten seconds; exit code 1 otherwise."""
    assert healthy()
    overdue(5)
    overdue(-3600)
    assert healthy()
    assert "Publisher healthy" in capsys.readouterr().out
    overdue(60)
    assert not healthy()


def test_checkpublishers_options() -> None:
    """The earlier library's names: how many, and how late, is still healthy."""
    overdue(60, count=3)
    assert not healthy(max_queue_size=2)
    assert healthy(max_queue_size=3)
    assert healthy(max_delay=3600)
    assert not healthy(max_delay=30, max_queue_size=2)
    assert not healthy(database="default")


def test_checkpublisher_counts_what_is_tried_again() -> None:
    """A refused row is due later each time, and is overdue all the same since it was due first."""
    message = Message("managed", "x", b"{}", timestamp=timezone.now() - timedelta(seconds=60))
    OutboxMessage.objects.add(message, due_at=timezone.now() + timedelta(seconds=300))
    assert healthy()  # a future event
    OutboxMessage.objects.update(attempts=3)
    assert not healthy()


def test_checkpublisher_names_parked_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """They are no backlog, but somebody has to look at them."""
    overdue(60, count=2)
    OutboxMessage.objects.update(due_at=None)
    assert healthy()
    assert "2 messages are parked" in capsys.readouterr().err


def test_models_and_migrations_agree() -> None:
    """makemigrations has nothing to do."""
    call_command("makemigrations", "services_communication", check=True, dry_run=True, verbosity=0)


@pytest.fixture
def old_table() -> Any:
    """The earlier library's table, as its migrations leave it: made from the carrying migration's own state."""
    state = MigrationExecutor(connection).loader.project_state(("services_communication", "0001_outbox"))
    operation = import_module("services_communication.migrations.0002_carry_over").Migration.operations[0]
    operation.state_forwards("services_communication", state)
    model = state.apps.get_model("services_communication", "PublishedEventQueue")
    with connection.schema_editor() as editor:
        editor.create_model(model)
    yield model
    with connection.schema_editor() as editor:
        editor.delete_model(model)


def carry_over() -> None:
    migration = import_module("services_communication.migrations.0002_carry_over")
    state = MigrationExecutor(connection).loader.project_state(("services_communication", "0001_outbox"))
    migration.Migration.operations[0].state_forwards("services_communication", state)
    with connection.schema_editor() as editor:
        migration.carry_over(state.apps, editor)


@pytest.mark.django_db(transaction=True)
def test_rows_of_the_earlier_library_are_carried_over(old_table: Any) -> None:
    """Both of its styles, in order; the old table stays and is empty."""
    at = datetime(2023, 6, 2, 10, 58, 58, 340174, UTC)
    later = datetime(2099, 1, 1, tzinfo=UTC)
    old_table.objects.create(
        id=2**40,
        create_time=at,
        is_new_style=True,
        exchange="sms",
        routing_key="send",
        body={"phoneNumber": "998", "meta": {}},
        send_after_time=later,
        tags={"user_id": 7},
        properties={"correlation_id": "c-1"},
    )
    old_table.objects.create(
        id=5,
        create_time=at,
        is_new_style=False,
        exchange="user",
        routing_key="update.base",
        event_time=at,
        aggregate="user",
        event_type="update.base",
        payload={"userId": 7, "name": "Ж"},
    )
    carry_over()
    first, second = OutboxMessage.objects.order_by("id")
    assert (first.exchange, first.routing_key, first.type, first.timestamp) == (
        "user",
        "update.base",
        "update.base",
        at,
    )
    assert json.loads(bytes(first.body)) == {
        "eventId": 5,
        "eventTime": "2023-06-02T10:58:58.340174+00:00",
        "eventType": "update.base",
        "aggregate": "user",
        "payload": {"userId": 7, "name": "Ж"},
    }
    assert first.due_at is not None
    assert first.due_at <= timezone.now()
    assert (second.exchange, second.routing_key, second.correlation_id) == ("sms", "send", "c-1")
    assert json.loads(bytes(second.body)) == {"phoneNumber": "998", "meta": {}}
    assert second.due_at == later
    assert first.message_id != second.message_id
    assert not old_table.objects.exists()
    assert OutboxMessage.objects.cancel("sms", "send", {"user_id": 7}) == 1


@pytest.mark.django_db(transaction=True)
def test_many_rows_are_carried_over(old_table: Any) -> None:
    """More than one batch, none twice, none lost; a second run finds nothing."""
    now = timezone.now()
    old_table.objects.bulk_create(
        old_table(id=n, create_time=now, is_new_style=True, exchange="x", routing_key="k", body={"n": n})
        for n in range(1, 1203)
    )
    carry_over()
    carry_over()
    bodies = OutboxMessage.objects.order_by("id").values_list("body", flat=True)
    assert [json.loads(bytes(body))["n"] for body in bodies] == list(range(1, 1203))


@pytest.mark.django_db(transaction=True)
def test_without_the_earlier_library_there_is_nothing_to_carry() -> None:
    """A new project has no such table."""
    assert OLD_TABLE not in connection.introspection.table_names()
    carry_over()
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_table_of_an_older_release_is_refused() -> None:
    """Its rows would be lost or misread: the text says what to do first."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {OLD_TABLE} (id INTEGER PRIMARY KEY)")
    try:
        with pytest.raises(RuntimeError, match=r"version 2\.6\.8"):
            carry_over()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {OLD_TABLE}")


def test_a_worker_needs_a_queue(configure: Any) -> None:
    """ConfigurationError names the setting."""
    with pytest.raises(ConfigurationError, match="QUEUE"):
        Worker(configure(QUEUE=""), MessageRouter())


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def working(configure: Any) -> Any:
    """working(router) consumes in a thread until the test ends."""
    threads: list[tuple[Worker, threading.Thread]] = []

    def start(router: MessageRouter, **settings: Any) -> None:
        worker = Worker(configure(**settings), router)

        thread = threading.Thread(target=worker.run)
        thread.start()
        threads.append((worker, thread))
        until(lambda: "tests" in memory.broker("tests")._queues)

    yield start
    for worker, thread in threads:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def relay() -> None:
    """Send what is due."""
    Relay(broker.publisher(), communication_settings.get()).run(until_empty=True)


@pytest.mark.django_db(transaction=True)
def test_from_the_model_to_the_handler_and_back(working: Any) -> None:
    """An event, a command, a call and its reply, with a retry on the way: each has its effect once."""
    router, failures, replies = MessageRouter(), ["first try"], []

    @router.consumer(Made)
    def on_made(event: Made, context: MessageContext) -> None:
        Group.objects.create(name=f"made {event.user_id} {context.attempt}")
        if failures:
            raise ValueError(failures.pop())

    @router.consumer(Order)
    def on_order(order: Order) -> None:
        Group.objects.create(name=f"ordered {order.name}")

    @router.consumer(Double)
    def double(request: Double) -> int:
        return request.number * 2

    @router.response_consumer(Double, reply_to="tests-replies")
    def doubled(number: int, context: MessageContext) -> None:
        replies.append((number, context.call_id))

    working(router, RETRY_DELAYS=[1])
    with transaction.atomic():
        publish_aggregate_event(Made(user_id=7))
        call_id = send_call(Double(number=21), reply_to="tests-replies")
    send_command(Order(name="a"))
    relay()
    here = memory.broker("tests")
    until(lambda: here.delayed("tests"))
    here.advance(timedelta(seconds=2))
    until(lambda: Group.objects.count() == 2)
    until(lambda: relay() or replies)  # the reply too is in the outbox first
    assert replies == [(42, call_id)]
    assert set(Group.objects.values_list("name", flat=True)) == {"made 7 2", "ordered a"}
    until(lambda: InboxEntry.objects.count() == 4)
    assert here.messages("tests.dead") == []
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_poison_goes_to_the_dead_letter_queue(working: Any) -> None:
    """With its reason, its bytes and where it came from; what follows is handled."""
    router = MessageRouter()

    @router.consumer(Made)
    def on_made(event: Made) -> None:
        Group.objects.create(name=f"made {event.user_id}")

    working(router)
    here = memory.broker("tests")
    assert here.route(Message("managed", "made", b'{"payload":{}}', message_id="poison"))
    publish_aggregate_event(Made(user_id=1))
    relay()
    until(Group.objects.exists)
    (dead,) = here.messages("tests.dead")
    assert (dead.message_id, dead.body) == ("poison", b'{"payload":{}}')
    assert dead.headers["x-dead-reason"] == "invalid"
    assert dead.headers["x-dead-detail"] == "Field required at payload.userId"
    assert dead.headers["x-original-exchange"] == "managed"


def test_the_app_is_installed_by_its_name() -> None:
    """'services_communication' in INSTALLED_APPS."""
    assert apps.get_app_config("services_communication").verbose_name == "Services communication"
