"""Calls that are answered, and replies that are received: typed, and in the earlier library's forms."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from services_communication.consumer import (
    MessageContext,
    MessageRouter,
    call_consumer,
    call_response_consumer,
    command_consumer,
    event_consumer,
)
from services_communication.consumer.dispatch import Dispatcher
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.message import Ack, DeadLetter, Delivery, Message, Outcome, Retry
from services_communication.models import InboxEntry, OutboxMessage
from services_communication.settings import communication_settings

pytestmark = [pytest.mark.database, pytest.mark.django_db]


class Quote(PayloadModel):
    total_amount: int


class GetQuote(CallModel[Quote], service="answered", method_name="quote"):
    product_id: int


class Made(EventModel, aggregate="answered-event", event_type="made"):
    user_id: int


class Order(CommandModel, service="answered-command", command_name="order"):
    user_id: int


CALL = b'{"id":"c-1","meta":{"replyTo":"shop","time":"2023-06-02T10:58:58Z"},"data":{"productId":5}}'
EVENT = b'{"eventId":5,"event_time":"2023-06-02T10:58:58Z","eventType":"x","aggregate":"a","payload":{"userId":7}}'


@pytest.fixture
def router() -> MessageRouter:
    return MessageRouter()


@pytest.fixture
def dispatch(router: MessageRouter) -> Callable[..., Outcome]:
    def run(exchange: str, routing_key: str, body: bytes, **message: Any) -> Outcome:
        delivery = Delivery(Message(exchange, routing_key, body, **message), "tests")
        return Dispatcher(router, communication_settings.get())(delivery)

    return run


Dispatch = Callable[..., Outcome]


def reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, DeadLetter) else ""


def reply() -> tuple[OutboxMessage, dict[str, Any]]:
    row = OutboxMessage.objects.get()
    body = json.loads(bytes(row.body))
    assert body["meta"].pop("time") == f"{row.timestamp:%Y-%m-%dT%H:%M:%S.%fZ}"
    return row, body


def test_a_typed_call_is_answered(router: MessageRouter, dispatch: Dispatch) -> None:
    """The reply goes through the outbox to replyTo, with the call's id; once, however often the call comes."""
    got: list[Any] = []

    @router.consumer(GetQuote)
    def quote(request: GetQuote, context: MessageContext) -> Quote:
        got.append(context)
        return Quote(total_amount=request.product_id * 2)

    for _ in range(2):
        assert dispatch("answered", "quote", CALL, message_id="m") == Ack()
    row, body = reply()
    assert body == {"id": "c-1", "meta": {}, "data": {"totalAmount": 10}}
    assert (row.exchange, row.routing_key) == ("shop", "call-response.answered.quote")
    assert row.correlation_id == "m"
    assert len(got) == 1
    assert (got[0].call_id, got[0].reply_to, got[0].time) == (
        "c-1",
        "shop",
        datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC),
    )


def test_a_wrong_reply_is_a_failure(router: MessageRouter, dispatch: Dispatch) -> None:
    """It is not sent; what the handler wrote is rolled back."""

    @router.consumer(GetQuote)
    def quote(request: GetQuote) -> Quote:
        Group.objects.create(name="x")
        return {"totalAmount": "5"}  # type: ignore[return-value]  # wrong on purpose

    assert dispatch("answered", "quote", CALL) == Retry(timedelta(seconds=1))
    assert not OutboxMessage.objects.exists()
    assert not Group.objects.exists()


@pytest.mark.parametrize("form", ["typed", "historical"])
@pytest.mark.parametrize(
    ("reply_to", "allowed", "fine"),
    [
        ("shop", None, True),
        ("shop", ["shop"], True),
        ("shop", [], False),
        ("shop", ["other"], False),
        ("amq.topic", None, False),
        ("", None, False),
        ("x" * 256, None, False),
        ("ж" * 128, None, False),
        ("a\0b", None, False),
        ("\0", None, False),
    ],
)
def test_replies_go_where_they_may(
    router: MessageRouter, dispatch: Dispatch, configure: Any, form: str, reply_to: str, allowed: Any, fine: bool
) -> None:
    """I17: an asker names an exchange that we write to; CALL_REPLY_TO is the list of those that may be named."""
    configure(CALL_REPLY_TO=allowed)
    if form == "typed":
        router.consumer(GetQuote)(lambda request: Quote(total_amount=1))
    else:
        router.consumer("answered", "quote")(call_consumer(lambda data: {"total_amount": 1}))
    outcome = dispatch("answered", "quote", CALL.replace(b'"shop"', json.dumps(reply_to).encode()))
    assert reason(outcome) == ("" if fine else "invalid")
    assert OutboxMessage.objects.exists() is fine


def test_a_call_after_its_deadline_is_not_answered(router: MessageRouter, dispatch: Dispatch) -> None:
    """Nobody waits for it any more."""
    router.consumer(GetQuote)(lambda request: Quote(total_amount=1))
    body = CALL.replace(b'"time"', b'"expiredTime":"2020-01-01T00:00:00Z","time"')
    assert reason(dispatch("answered", "quote", body)) == "expired"
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("decorate", [call_consumer, call_consumer()])
def test_a_historical_call_is_answered(router: MessageRouter, dispatch: Dispatch, decorate: Any) -> None:
    """With or without parentheses; the handler gets data, and by keyword what it asks for; the reply is camelised."""
    got: dict[str, Any] = {}

    @router.consumer("answered-free")
    @decorate
    def handler(data: Any, method_name: str, call_id: str, meta: Any) -> Any:
        got.update(data=data, method_name=method_name, call_id=call_id, reply_to=meta["reply_to"])
        return {"total_amount": [{"a_b": 1}]}

    assert dispatch("answered-free", "quote", CALL) == Ack()
    assert got == {"data": {"product_id": 5}, "method_name": "quote", "call_id": "c-1", "reply_to": "shop"}
    row, body = reply()
    assert body == {"id": "c-1", "meta": {}, "data": {"totalAmount": [{"aB": 1}]}}
    assert (row.exchange, row.routing_key) == ("shop", "call-response.answered-free.quote")


def test_a_historical_call_is_validated_through_its_contract(router: MessageRouter, dispatch: Dispatch) -> None:
    """The handler does not run for data that the contract refuses."""
    router.consumer("answered", "quote")(call_consumer(lambda data: 1 / 0))
    outcome = dispatch("answered", "quote", CALL.replace(b"5}}", b'"5"}}'))
    assert isinstance(outcome, DeadLetter)
    assert (outcome.reason, "data.productId" in outcome.detail) == ("invalid", True)


@pytest.mark.parametrize("body", [b"[]", b'{"data":{}}', b'{"id":1,"meta":[]}', b'{"id":1,"meta":{"expiredTime":"x"}}'])
def test_what_is_no_call_is_put_aside(router: MessageRouter, dispatch: Dispatch, body: bytes) -> None:
    """As invalid."""
    router.consumer("answered-free")(call_consumer(lambda data: 1 / 0))
    assert reason(dispatch("answered-free", "x", body)) == "invalid"


@pytest.mark.parametrize(("check", "answered"), [(True, False), (False, True), (None, True)])
def test_the_deadline_may_be_checked_after_the_handler(
    router: MessageRouter, dispatch: Dispatch, check: bool | None, answered: bool
) -> None:
    """check_expired_time_after_handel: it passed while the handler ran, so there is no effect and no reply."""

    @router.consumer("answered-free")
    @call_consumer(check_expired_time_after_handel=check)
    def slow(data: Any) -> Any:
        Group.objects.create(name="slow")
        time.sleep(0.3)
        return 1

    expires = (timezone.now() + timedelta(seconds=0.2)).isoformat()
    body = CALL.replace(b'"time"', b'"expired_time":"%b","time"' % expires.encode())
    outcome = dispatch("answered-free", "x", body)
    assert reason(outcome) == ("" if answered else "expired")
    assert (OutboxMessage.objects.exists(), Group.objects.exists()) == (answered, answered)


@pytest.mark.django_db(transaction=True)
def test_no_atomic_runs_outside_a_transaction(router: MessageRouter, dispatch: Dispatch) -> None:
    """And so without the inbox."""
    blocks: list[bool] = []

    @router.consumer("answered-free")
    @call_consumer(no_atomic=True)
    def handler(data: Any) -> Any:
        blocks.append(connection.in_atomic_block)

    assert dispatch("answered-free", "x", CALL) == Ack()
    assert blocks == [False]
    assert not InboxEntry.objects.exists()
    assert reply()[1]["data"] is None


RESPONSE = b'{"id":"c-1","meta":{"time":"2023-06-02T10:58:58Z"},"data":{"totalAmount":3}}'
KEY = "call-response.answered.quote"


def test_a_typed_reply_is_received(router: MessageRouter, dispatch: Dispatch) -> None:
    """By response_consumer, or by the decorator under an untyped registration."""
    got: list[Any] = []

    @router.response_consumer(GetQuote, reply_to="shop")
    def first(quote: Quote, context: MessageContext) -> None:
        got.append((quote, context.call_id))

    @router.consumer("shop", KEY)
    @call_response_consumer(GetQuote)
    def second(quote: Quote) -> None:
        got.append(quote)

    assert dispatch("shop", KEY, RESPONSE) == Ack()
    assert got == [(Quote(total_amount=3), "c-1"), Quote(total_amount=3)]
    assert reason(dispatch("shop", KEY, RESPONSE.replace(b":3}", b":true}"))) == "invalid"


def test_a_historical_reply_is_received(router: MessageRouter, dispatch: Dispatch) -> None:
    """Data, and by keyword service, method, id and meta; a method's name may hold dots."""
    got: dict[str, Any] = {}

    @router.consumer("shop")
    @call_response_consumer
    def handler(data: Any, service_name: str, method_name: str, call_id: str, meta: Any) -> None:
        got.update(data=data, service=service_name, method=method_name, call=call_id, meta=meta)

    assert dispatch("shop", "call-response.pricing.get.quote", RESPONSE) == Ack()
    assert got == {
        "data": {"total_amount": 3},
        "service": "pricing",
        "method": "get.quote",
        "call": "c-1",
        "meta": {"time": "2023-06-02T10:58:58Z"},
    }
    assert reason(dispatch("shop", "call-response.pricing", RESPONSE)) == "invalid"


def test_a_historical_event(router: MessageRouter, dispatch: Dispatch) -> None:
    """event_consumer: the payload, and the envelope by keyword where it is asked for."""
    got: list[Any] = []

    @router.consumer("free")
    @event_consumer
    def full(payload: Any, event_id: Any, event_time: str, aggregate: str, event_type: str) -> None:
        got.append((payload, event_id, event_time, aggregate, event_type))

    @router.consumer("free")
    @event_consumer
    def short(payload: Any) -> None:
        got.append(payload)

    @router.consumer("free")
    @event_consumer
    def wide(payload: Any, **envelope: Any) -> None:
        got.append(envelope["event_id"])

    assert dispatch("free", "x", EVENT) == Ack()
    assert got == [({"user_id": 7}, 5, "2023-06-02T10:58:58Z", "a", "x"), {"user_id": 7}, 5]
    assert reason(dispatch("free", "x", b"[]")) == "invalid"


def test_a_historical_command(router: MessageRouter, dispatch: Dispatch) -> None:
    """command_consumer: routing key and arguments without meta; a whole-second deadline is no poison."""
    got: list[Any] = []

    @router.consumer("free")
    @command_consumer
    def handler(routing_key: str, body: Any, exchange: str) -> None:
        got.append((routing_key, body, exchange))

    @router.consumer("free")
    @command_consumer
    def short(routing_key: str, body: Any) -> None: ...

    for deadline in ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00.000001Z", "2099-01-01T00:00:00+00:00"):
        assert dispatch("free", "x", b'{"userId":7,"meta":{"expiredTime":"%b"}}' % deadline.encode()) == Ack()
    assert dispatch("free", "x", b'{"userId":7}') == Ack()
    assert got == [("x", {"user_id": 7}, "free")] * 4
    assert reason(dispatch("free", "x", b'{"meta":{"expired_time":"2020-01-01T00:00:00.000000Z"}}')) == "expired"
    assert reason(dispatch("free", "x", b'{"meta":{"expired_time":"2020-01-01"}}')) == "invalid"
    assert reason(dispatch("free", "x", b'"x"')) == "invalid"
    assert len(got) == 4


def test_untyped_handlers_are_protected_by_contracts(router: MessageRouter, dispatch: Dispatch) -> None:
    """Where a contract is registered for the address, what does not fit never reaches them."""
    ran: list[Any] = []

    @router.consumer()
    def handler(routing_key: str, body: Any) -> None:
        ran.append(body)

    assert reason(dispatch("answered-event", "made", b'{"payload":{"userId":"7"}}')) == "invalid"
    assert reason(dispatch("answered-command", "order", b'{"userId":"7"}')) == "invalid"
    assert ran == []
    assert dispatch("answered-event", "made", b'{"payload":{"userId":7}}') == Ack()
    assert dispatch("answered-command", "order", b'{"userId":7}') == Ack()
    assert dispatch("free", "x", b'"anything"') == Ack()
    assert ran == [{"payload": {"user_id": 7}}, {"user_id": 7}, "anything"]
