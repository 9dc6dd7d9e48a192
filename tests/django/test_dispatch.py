"""A delivery becomes exactly one outcome; effects happen once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, OperationalError, connection

from services_communication.consumer import MessageContext, MessageRouter
from services_communication.consumer.dispatch import Dispatcher
from services_communication.contracts import CallModel, CommandModel, EventModel
from services_communication.correlation import DefaultCorrelationIdHelper
from services_communication.errors import MessageNotConsumed
from services_communication.message import Ack, DeadLetter, Delivery, Message, Outcome, Retry
from services_communication.models import InboxEntry, OutboxMessage
from services_communication.publisher import publish_aggregate_event
from services_communication.settings import communication_settings

pytestmark = [pytest.mark.database, pytest.mark.django_db]


class Made(EventModel, aggregate="dispatched", event_type="made"):
    user_id: int
    name: str = ""


class MadeTwo(EventModel, aggregate="dispatched", event_type="made", version=2):
    user_id: int


class Order(CommandModel, service="dispatched", command_name="order"):
    user_id: int


class Ask(CallModel[int], service="dispatched", method_name="ask"):
    user_id: int


BODY = b'{"eventId":"e","eventTime":"2023-06-02T10:58:58Z","payload":{"userId":7}}'


@pytest.fixture
def router() -> MessageRouter:
    return MessageRouter()


@pytest.fixture
def dispatch(router: MessageRouter) -> Callable[..., Outcome]:
    def run(body: bytes = BODY, **changes: Any) -> Outcome:
        delivery = {name: changes.pop(name) for name in ("redelivered", "delivery_count") if name in changes}
        message = Message(**{"exchange": "dispatched", "routing_key": "made", "body": body, **changes})
        return Dispatcher(router, communication_settings.get())(Delivery(message, "tests", **delivery))

    return run


Dispatch = Callable[..., Outcome]


def back(**headers: Any) -> dict[str, Any]:
    """A message that comes back from a retry queue with these headers; elsewhere its counters are not believed."""
    origin = {"x-original-exchange": "dispatched", "x-original-routing-key": "made"}
    counters = {f"x-{name}": value for name, value in headers.items()}
    return {"exchange": "", "routing_key": "tests", "headers": {**origin, **counters}}


def add_group(event: Made) -> None:
    Group.objects.create(name=f"group {Group.objects.count()}")


def test_a_handled_message_is_acknowledged(router: MessageRouter, dispatch: Dispatch) -> None:
    """The handler gets the validated instance, and the context where it asks for it."""
    got: list[Any] = []

    @router.consumer(Made)
    def plain(event: Made) -> None:
        got.append(event)

    @router.consumer(Made)
    def full(event: Made, context: MessageContext) -> None:
        got.append(context)

    assert dispatch(message_id="m", app_id="shop", correlation_id="c", headers={"contract-version": 1}) == Ack()
    assert got[0] == Made(user_id=7)
    context = got[1]
    assert (context.message_id, context.exchange, context.routing_key) == ("m", "dispatched", "made")
    assert (context.queue, context.attempt, context.redelivered) == ("tests", 1, False)
    assert (context.app_id, context.correlation_id, context.headers) == ("shop", "c", {"contract-version": 1})
    assert f"{context.time:%FT%T%z}" == "2023-06-02T10:58:58+0000"


def test_after_a_retry_the_context_has_the_first_address(router: MessageRouter, dispatch: Dispatch) -> None:
    """It arrives by the default exchange from a retry queue."""
    got: list[MessageContext] = []

    @router.consumer(Made)
    def handler(event: Made, context: MessageContext) -> None:
        got.append(context)

    headers = {"x-original-exchange": "dispatched", "x-original-routing-key": "made", "x-attempt": 2}
    assert dispatch(exchange="", routing_key="tests", headers=headers) == Ack()
    assert (got[0].exchange, got[0].routing_key, got[0].attempt) == ("dispatched", "made", 3)


DEAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "empty": ({"body": b""}, "decode", ""),
    "no json": ({"body": b"{'a': 1}"}, "decode", ""),
    "pickle": ({"content_type": "application/x-python-serialize"}, "content_type", "x-python-serialize"),
    "gzip": ({"content_encoding": "gzip"}, "content_type", "gzip"),
    "too large": ({"body": b" " * (1024 * 1024 + 1)}, "too_large", "MAX_BODY_SIZE"),
    "null": ({"body": b"null"}, "invalid", " at "),
    "missing field": ({"body": b'{"payload":{}}'}, "invalid", "Field required at payload.userId"),
    "unknown version": ({"headers": {"contract-version": 9}}, "unknown_version", "9"),
    "garbled version": ({"headers": {"contract-version": "x" * 1000}}, "unknown_version", "xxx"),
    "unmatched": ({"routing_key": "other"}, "unmatched", "no handler"),
    "other exchange": ({"exchange": "other"}, "unmatched", "no handler"),
    "crashed": ({"delivery_count": 10}, "crashed", "11 times"),
}


@pytest.mark.parametrize(("changes", "reason", "detail"), DEAD.values(), ids=DEAD)
def test_what_can_never_be_handled_is_put_aside_at_once(
    router: MessageRouter, dispatch: Dispatch, changes: dict[str, Any], reason: str, detail: str
) -> None:
    """With a stable reason and a bounded detail; no handler runs, nothing is retried."""
    ran: list[Any] = []

    @router.consumer(Made)
    def handler(event: Made) -> None:
        ran.append(event)

    outcome = dispatch(**changes)
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == reason
    assert detail in outcome.detail
    assert len(outcome.detail) <= 2000
    assert ran == []
    assert not InboxEntry.objects.exists()


@pytest.mark.parametrize("content_type", [None, "text/json", "application/json; charset=utf-8"])
def test_content_types_of_other_producers(router: MessageRouter, dispatch: Dispatch, content_type: str | None) -> None:
    """They are read."""
    router.consumer(Made)(add_group)
    assert dispatch(content_type=content_type) == Ack()


def test_unmatched_messages_may_be_ignored(dispatch: Dispatch, configure: Any) -> None:
    """Only where the setting says so."""
    configure(UNMATCHED_MESSAGES="ignore")
    assert dispatch(routing_key="other") == Ack()


def test_each_version_has_its_handler(router: MessageRouter, dispatch: Dispatch) -> None:
    """By the header; without it the producer knows no versions, and all that fit get the message."""
    got: list[str] = []

    @router.consumer(Made)
    def one(event: Made) -> None:
        got.append("one")

    @router.consumer(MadeTwo)
    def two(event: MadeTwo) -> None:
        got.append("two")

    assert dispatch(headers={"contract-version": 1}) == Ack()
    assert dispatch(headers={"contract-version": 2}) == Ack()
    assert got == ["one", "two"]


def test_a_failure_is_retried_up_the_ladder(router: MessageRouter, dispatch: Dispatch) -> None:
    """1, 10, 60, 300 s by default; then the dead-letter queue, without the exception's text."""

    @router.consumer(Made)
    def handler(event: Made) -> None:
        raise ValueError("secret")

    for attempt, delay in enumerate((1, 10, 60, 300)):
        assert dispatch(**back(attempt=attempt)) == Retry(timedelta(seconds=delay))
    outcome = dispatch(**back(attempt=4))
    assert outcome == DeadLetter("failed", "ValueError after 5 attempts")


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), RecursionError(), MemoryError(), IntegrityError()]
)
def test_whatever_a_handler_raises_is_a_failure(
    router: MessageRouter, dispatch: Dispatch, error: BaseException
) -> None:
    """The dispatcher itself never raises."""

    @router.consumer(Made)
    def handler(event: Made) -> None:
        raise error

    assert dispatch() == Retry(timedelta(seconds=1))
    assert not InboxEntry.objects.exists()


def test_a_database_error_of_a_reachable_database_is_a_failure(router: MessageRouter, dispatch: Dispatch) -> None:
    """A lock timeout counts as an attempt: it may be the handler's own fault."""

    @router.consumer(Made)
    def handler(event: Made) -> None:
        raise OperationalError("lock timeout")

    assert dispatch() == Retry(timedelta(seconds=1), failed=True)


def test_a_database_out_of_reach_is_no_failure(
    router: MessageRouter, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message comes again later, without end."""

    @router.consumer(Made)
    def handler(event: Made) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("services_communication.consumer.dispatch.is_reachable", lambda alias: False)
    assert dispatch(**back(attempt=4)) == Retry(timedelta(seconds=1), failed=False)


def test_not_consumed_means_later_and_never_dead(router: MessageRouter, dispatch: Dispatch) -> None:
    """The delay stays at the ladder's last step, however often."""

    @router.consumer(Made)
    def handler(event: Made) -> None:
        Group.objects.create(name="rolled back")
        raise MessageNotConsumed

    for deferrals, delay in ((0, 1), (1, 10), (3, 300), (4, 300), (10_000, 300)):
        assert dispatch(**back(deferrals=deferrals, attempt=4)) == Retry(timedelta(seconds=delay), failed=False)
    assert not Group.objects.exists()
    assert not InboxEntry.objects.exists()


def test_not_consumed_stays_later_on_a_short_ladder(router: MessageRouter, dispatch: Dispatch, configure: Any) -> None:
    """With one step too, whatever the counters say; only failures are counted to the end."""
    configure(RETRY_DELAYS=[5])

    @router.consumer(Made)
    def handler(event: Made) -> None:
        raise MessageNotConsumed

    for counters in ({}, {"attempt": 10_000}, {"deferrals": 2**62}, {"deferrals": -1}, {"deferrals": "x"}):
        assert dispatch(**back(**counters)) == Retry(timedelta(seconds=5), failed=False)


class Broken(DefaultCorrelationIdHelper):
    def set_correlation_id(self, value: str | None) -> None:
        raise ValueError(value)


class BrokenAfterwards(DefaultCorrelationIdHelper):
    def set_correlation_id(self, value: str | None) -> None:
        if value is None:
            raise ValueError


class NeverMade(DefaultCorrelationIdHelper):
    def __init__(self) -> None:
        raise ValueError


@pytest.mark.parametrize(
    ("helper", "outcome"),
    [
        (f"{__name__}.Broken", Retry(timedelta(seconds=1))),
        (f"{__name__}.NeverMade", Retry(timedelta(seconds=1))),
        (f"{__name__}.Missing", Retry(timedelta(seconds=1))),
        (f"{__name__}.BrokenAfterwards", Ack()),
    ],
)
def test_a_correlation_helper_that_raises_is_a_failure(
    router: MessageRouter, dispatch: Dispatch, configure: Any, helper: str, outcome: Outcome
) -> None:
    """The dispatcher still never raises; what was handled before it raised stays handled."""
    configure(CORRELATION_ID_HELPER_CLASS=helper)
    router.consumer(Made)(add_group)
    assert dispatch(message_id="m") == outcome
    assert Group.objects.count() == (outcome == Ack())


def end_session() -> None:
    """The server ends this thread's session, as it does when it restarts."""
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if postgres else "SELECT connection_id()")
        (number,) = cursor.fetchone()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)" if postgres else "KILL %s", [number])
    finally:
        other.close()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file has no connection that dies")
@pytest.mark.django_db(transaction=True)
def test_a_dead_connection_is_replaced(
    router: MessageRouter, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died while the worker was idle: no message pays for it."""
    router.consumer(Made)(add_group)
    assert dispatch(message_id="a") == Ack()
    monkeypatch.setattr("services_communication.consumer.database.IDLE_SECONDS", 0.0)
    end_session()
    assert dispatch(message_id="b") == Ack()
    assert Group.objects.count() == 2


def test_a_command_after_its_deadline_is_not_carried_out(router: MessageRouter, dispatch: Dispatch) -> None:
    """Put aside as expired, also when its arguments are of another shape; in time it runs."""
    got: list[Any] = []

    @router.consumer(Order)
    def handler(command: Order, context: MessageContext) -> None:
        got.append((command, context.expired_time))

    past, future = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00.000000Z"
    for arguments in (b'"userId":1', b'"user":1'):
        outcome = dispatch(b'{%b,"meta":{"expiredTime":"%b"}}' % (arguments, past.encode()), routing_key="order")
        assert isinstance(outcome, DeadLetter)
        assert outcome.reason == "expired"
    assert got == []
    assert dispatch(b'{"userId":1,"meta":{"expiredTime":"%b"}}' % future.encode(), routing_key="order") == Ack()
    assert got[0][0] == Order(user_id=1)
    assert got[0][1].year == 2099


def test_a_wrong_deadline_is_invalid(router: MessageRouter, dispatch: Dispatch) -> None:
    """I18."""
    router.consumer(Order)(lambda command: None)
    outcome = dispatch(b'{"userId":1,"meta":{"expiredTime":5}}', routing_key="order")
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "invalid"


def test_the_correlation_id_is_copied_to_what_a_handler_sends(router: MessageRouter, dispatch: Dispatch) -> None:
    """The message's own, or its id where it begins the chain; afterwards there is none."""

    @router.consumer(Made)
    def handler(event: Made) -> None:
        publish_aggregate_event("dispatched", "after", {})

    dispatch(message_id="m1", correlation_id="c-1")
    dispatch(message_id="m2")
    publish_aggregate_event("dispatched", "after", {})
    assert list(OutboxMessage.objects.order_by("id").values_list("correlation_id", flat=True)) == ["c-1", "m2", ""]


def test_a_dead_letter_is_logged_in_one_line(dispatch: Dispatch, caplog: pytest.LogCaptureFixture) -> None:
    """I1, I5: without a traceback, on one line, bounded, whatever the message's strings hold."""
    with caplog.at_level(logging.INFO, "services_communication.consumer"):
        dispatch(b"{" * 1000, routing_key="a\r\nb" * 60, message_id="\x1b[31m" * 50)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert len(record.getMessage().splitlines()) == 1
    assert len(record.getMessage()) < 4000
    assert "\x1b" not in record.getMessage()


MADE_2 = b'{"payload":{"userId":7}}'


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"body": BODY}, None, id="version 1"),
        pytest.param({"body": MADE_2, "headers": {"contract-version": 2}}, None, id="version 2"),
        pytest.param({"body": b'{"payload":{}}'}, "invalid", id="no version fits"),
        pytest.param(
            {"body": b'{"payload":{}}', "headers": {"contract-version": 2}}, "invalid", id="version 2 does not"
        ),
        pytest.param({"body": b'{"userId":1}', "routing_key": "order"}, None, id="a command"),
        pytest.param({"body": b'{"userId":"1"}', "routing_key": "order"}, "invalid", id="a wrong command"),
        pytest.param({"body": b"{}", "routing_key": "elsewhere"}, None, id="no contract"),
    ],
)
def test_an_untyped_handler_gets_what_one_contract_of_its_address_accepts(
    router: MessageRouter, dispatch: Dispatch, changes: dict[str, Any], reason: str | None
) -> None:
    """Every registered version counts, and the header narrows them; without a contract anything that is JSON goes."""
    got: list[str] = []
    router.consumer("dispatched")(lambda routing_key, body: got.append(routing_key))

    outcome = dispatch(**changes)

    assert (outcome.reason if isinstance(outcome, DeadLetter) else None) == reason
    assert len(got) == (reason is None)
