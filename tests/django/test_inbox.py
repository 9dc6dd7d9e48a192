"""Effects happen once: the inbox, and the transaction around a handler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone

from services_communication.consumer import MessageRouter
from services_communication.consumer import inbox as inbox_module
from services_communication.consumer.dispatch import Dispatcher
from services_communication.contracts import EventModel
from services_communication.message import Ack, DeadLetter, Delivery, Message, Outcome, Retry
from services_communication.models import InboxEntry, OutboxMessage
from services_communication.publisher import publish_aggregate_event
from services_communication.settings import communication_settings

pytestmark = [pytest.mark.database, pytest.mark.django_db]


class Made(EventModel, aggregate="once", event_type="made"):
    user_id: int


@pytest.fixture
def router() -> MessageRouter:
    return MessageRouter()


@pytest.fixture
def dispatch(router: MessageRouter) -> Callable[..., Outcome]:
    def run(body: bytes = b'{"payload":{"userId":7}}', *, redelivered: bool = False, **changes: Any) -> Outcome:
        message = Message(**{"exchange": "once", "routing_key": "made", "body": body, **changes})
        return Dispatcher(router, communication_settings.get())(Delivery(message, "tests", redelivered=redelivered))

    return run


Dispatch = Callable[..., Outcome]


def add_group(event: Made) -> None:
    Group.objects.create(name=f"group {Group.objects.count()}")


class MadeTwo(EventModel, aggregate="once", event_type="made", version=2):
    user_id: int


def test_handlers_of_two_versions_with_one_name_both_run(router: MessageRouter, dispatch: Dispatch) -> None:
    """Without a version header a message is for both; the inbox must tell them apart."""
    got: list[int] = []

    def make(version: int) -> Callable[[Any], None]:
        def handler(event: Any) -> None:
            got.append(version)

        return handler

    router.consumer(Made)(make(1))
    router.consumer(MadeTwo)(make(2))
    assert dispatch(message_id="m") == Ack()
    assert got == [1, 2]


def test_a_message_is_handled_once_when_it_comes_twice(router: MessageRouter, dispatch: Dispatch) -> None:
    """R3: by its id and the consumer; the second delivery is acknowledged."""
    router.consumer(Made)(add_group)
    assert dispatch(message_id="m") == Ack()
    assert dispatch(message_id="m", redelivered=True) == Ack()
    assert Group.objects.count() == 1
    assert dispatch(message_id="n") == Ack()
    assert Group.objects.count() == 2
    entry = InboxEntry.objects.get(message_id="m")
    assert "add_group" in entry.consumer
    assert abs(entry.handled_at - timezone.now()) < timedelta(seconds=30)


def test_ids_that_differ_in_case_are_different(router: MessageRouter, dispatch: Dispatch) -> None:
    """On every database, whatever its collation."""
    router.consumer(Made)(add_group)
    for message_id in ("id-a", "id-A", "id-a ", "idä-a"):
        assert dispatch(message_id=message_id) == Ack()
    assert Group.objects.count() == 4


def test_each_consumer_handles_it_once(router: MessageRouter, dispatch: Dispatch) -> None:
    """Two handlers of one event are two consumers."""
    got: list[str] = []

    @router.consumer(Made)
    def first(event: Made) -> None:
        got.append("first")

    @router.consumer(Made)
    def second(event: Made) -> None:
        got.append("second")

    dispatch(message_id="m")
    dispatch(message_id="m")
    assert got == ["first", "second"]


def test_a_failure_leaves_no_trace(router: MessageRouter, dispatch: Dispatch) -> None:
    """Neither its writes, nor its events, nor the inbox row; the retry handles it."""
    fail = [True]

    @router.consumer(Made)
    def handler(event: Made) -> None:
        Group.objects.create(name="once")
        publish_aggregate_event("once", "after", {})
        if fail:
            raise ValueError

    assert isinstance(dispatch(message_id="m"), Retry)
    assert (Group.objects.count(), OutboxMessage.objects.count(), InboxEntry.objects.count()) == (0, 0, 0)
    fail.clear()
    assert dispatch(message_id="m") == Ack()
    assert (Group.objects.count(), OutboxMessage.objects.count(), InboxEntry.objects.count()) == (1, 1, 1)


def test_a_retry_does_not_repeat_the_handler_that_succeeded(router: MessageRouter, dispatch: Dispatch) -> None:
    """The second fails; on the retry only it runs."""
    got: list[str] = []

    @router.consumer(Made)
    def first(event: Made) -> None:
        got.append("first")

    @router.consumer(Made)
    def second(event: Made) -> None:
        got.append("second")
        if len(got) < 3:
            raise ValueError

    assert isinstance(dispatch(message_id="m"), Retry)
    assert dispatch(message_id="m", headers={"x-attempt": 1}) == Ack()
    assert got == ["first", "second", "second"]


def test_all_are_decoded_before_the_first_runs(router: MessageRouter, dispatch: Dispatch) -> None:
    """A body that one of them cannot read is handled by none."""
    router.consumer("once", "made")(lambda routing_key, body: Group.objects.create(name="x"))
    router.consumer(Made)(add_group)
    outcome = dispatch(b'{"payload":{}}')
    assert isinstance(outcome, DeadLetter)
    assert not Group.objects.exists()


def test_a_message_without_an_id_is_handled_without_the_inbox(router: MessageRouter, dispatch: Dispatch) -> None:
    """I13: it cannot be recognised again."""
    router.consumer(Made)(add_group)
    assert dispatch(message_id="") == Ack()
    assert dispatch(message_id="") == Ack()
    assert Group.objects.count() == 2
    assert not InboxEntry.objects.exists()


def test_the_inbox_may_be_off(router: MessageRouter, dispatch: Dispatch, configure: Any) -> None:
    """INBOX = False: still in a transaction."""
    configure(INBOX=False)
    router.consumer(Made)(add_group)
    dispatch(message_id="m")
    dispatch(message_id="m")
    assert Group.objects.count() == 2
    assert not InboxEntry.objects.exists()


def test_a_handlers_own_integrity_error_is_not_taken_for_a_duplicate(router: MessageRouter, dispatch: Dispatch) -> None:
    """Otherwise a failing handler would be acknowledged."""
    Group.objects.create(name="taken")

    @router.consumer(Made)
    def handler(event: Made) -> None:
        Group.objects.create(name="taken")

    assert dispatch(message_id="m") == Retry(timedelta(seconds=1))
    assert not InboxEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_handler_may_run_outside_a_transaction(router: MessageRouter, dispatch: Dispatch) -> None:
    """atomic=False: what it wrote stays when it fails, and there is no inbox."""
    blocks: list[bool] = []

    @router.consumer(Made, atomic=False)
    def handler(event: Made) -> None:
        blocks.append(connection.in_atomic_block)
        Group.objects.create(name="kept")
        raise ValueError

    assert isinstance(dispatch(message_id="m"), Retry)
    assert blocks == [False]
    assert Group.objects.count() == 1
    assert not InboxEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_a_handler_left_open_does_not_reach_the_next(
    router: MessageRouter, dispatch: Dispatch
) -> None:
    """Nor a connection without autocommit."""

    @router.consumer(Made, atomic=False)
    def handler(event: Made) -> None:
        transaction.set_autocommit(False)
        Group.objects.create(name="open")

    dispatch()
    assert connection.get_autocommit()
    assert not Group.objects.exists()


def test_the_inbox_forgets(router: MessageRouter, dispatch: Dispatch) -> None:
    """What is older than the retention; then a message with that id would be handled again."""
    router.consumer(Made)(add_group)
    dispatch(message_id="old")
    InboxEntry.objects.update(handled_at=timezone.now() - timedelta(days=15))
    dispatch(message_id="new")
    assert inbox_module.purge(timedelta(days=14)) == 1
    assert inbox_module.purge(timedelta(days=14)) == 0
    assert list(InboxEntry.objects.values_list("message_id", flat=True)) == ["new"]
