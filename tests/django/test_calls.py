"""Sending commands and calls."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone as django_timezone

from services_communication import broker
from services_communication.call import send_call, send_command
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.errors import EncodeError, RefusedError, UnconfirmedError, UnroutableError
from services_communication.models import OutboxMessage
from services_communication.settings import communication_settings
from services_communication.transport import memory
from services_communication.transport.protocol import Lost, Refused

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LATER = datetime(2035, 1, 1, 12, 0, tzinfo=UTC)


class SendSms(CommandModel, service="called-sms", command_name="send", version=2, key="phone_number"):
    phone_number: str
    text: str = ""


class Quote(PayloadModel):
    amount: int


class GetQuote(CallModel[Quote], service="called-pricing", method_name="quote", key="product_id"):
    product_id: int


class Happened(EventModel, aggregate="called-event", event_type="x"):
    a: int = 0


@pytest.fixture
def sms(queue: Any) -> Callable[[], list[Any]]:
    return queue("sms", ("called-sms", "#"), ("called-free", "#"))  # type: ignore[no-any-return]  # its value is of no fixed type


def test_a_command_goes_at_once(sms: Callable[[], list[Any]]) -> None:
    """Confirmed when it returns, without the outbox; its body is the arguments."""
    message_id = send_command(SendSms(phone_number="998", text="Hi"))
    (message,) = sms()
    assert message.body == b'{"phoneNumber":"998","text":"Hi"}'
    assert (message.exchange, message.routing_key, message.type) == ("called-sms", "send", "send")
    assert (message.message_id, message.app_id, message.headers) == (message_id, "tests", {"contract-version": 2})
    assert message.mandatory is True
    assert not OutboxMessage.objects.exists()


def test_a_deadline_travels_in_meta(sms: Callable[[], list[Any]]) -> None:
    """expired_time in UTC; timeout is seconds from now."""
    send_command(SendSms(phone_number="1"), expired_time=LATER.astimezone(timezone(timedelta(hours=5))))
    send_command(SendSms(phone_number="1"), timeout=30)
    first, second = (json.loads(message.body) for message in sms())
    assert first["meta"] == {"expiredTime": "2035-01-01T12:00:00.000000Z"}
    deadline = datetime.fromisoformat(second["meta"]["expiredTime"])
    assert timedelta(seconds=0) < deadline - django_timezone.now() <= timedelta(seconds=30)


def test_the_callers_dictionary_is_not_changed(sms: Callable[[], list[Any]]) -> None:
    """The earlier library put meta into it."""
    for service, name in (("called-sms", "send"), ("called-free", "any")):
        arguments = {"phone_number": "998", "text": "x", "nested": [{"a_b": 1}]}
        before = copy.deepcopy(arguments)
        send_command(service, arguments, command_name=name, timeout=30)
        assert arguments == before


def test_the_historical_form(sms: Callable[[], list[Any]]) -> None:
    """Keys become camelCase; without a contract there is no version; no name is the empty routing key."""
    send_command("called-free", {"phone_number": "9", "nested": {"a_b": 1}})
    (message,) = sms()
    assert message.body == b'{"phoneNumber":"9","nested":{"aB":1}}'
    assert (message.routing_key, message.headers) == ("", {})


def test_the_historical_form_replaces_meta(sms: Callable[[], list[Any]]) -> None:
    """Arguments that were sent before hold the meta of then."""
    send_command("called-free", {"a": 1, "meta": {"expired_time": "x"}}, expired_time=LATER)
    assert json.loads(sms()[0].body) == {"a": 1, "meta": {"expiredTime": "2035-01-01T12:00:00.000000Z"}}


def test_the_historical_form_is_validated_through_the_contract(sms: Callable[[], list[Any]]) -> None:
    """Same body, version and key as the typed form; wrong arguments are refused."""
    send_command("called-sms", {"phone_number": "998"}, command_name="send")
    assert sms()[0].body == b'{"phoneNumber":"998","text":""}'
    assert sms()[0].headers == {"contract-version": 2}
    with pytest.raises(EncodeError, match=r"SendSms.*phoneNumber"):
        send_command("called-sms", {"phone_number": 998}, command_name="send")
    assert len(sms()) == 1


def test_through_the_outbox(sms: Callable[[], list[Any]]) -> None:
    """transactional=True: when the transaction commits, in order of the key."""
    with transaction.atomic():
        kept = send_command(SendSms(phone_number="998"), transactional=True)
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012  what undoes the rest comes last
            send_command(SendSms(phone_number="998"), transactional=True)
            raise ZeroDivisionError
    row = OutboxMessage.objects.get()
    assert (row.message_id, row.exchange, row.routing_key, row.ordering_key) == (
        kept,
        "called-sms",
        "send",
        "called-sms:998",
    )
    assert sms() == []


def test_no_listener_is_an_error() -> None:
    """The broker returns it: a command that nobody carries out must not vanish."""
    with pytest.raises(UnroutableError, match=r"called-sms.*send"):
        send_command(SendSms(phone_number="998"))


REFUSED: dict[str, Any] = {
    "both deadlines": lambda: send_command(SendSms(phone_number="1"), timeout=1, expired_time=LATER),
    "no time left": lambda: send_command(SendSms(phone_number="1"), timeout=0),
    "negative time": lambda: send_command(SendSms(phone_number="1"), timeout=-1),
    "past": lambda: send_command(SendSms(phone_number="1"), expired_time=datetime(2020, 1, 1, tzinfo=UTC)),
    "naive": lambda: send_command(SendSms(phone_number="1"), expired_time=datetime(2035, 1, 1)),  # noqa: DTZ001  naive on purpose
    "an event": lambda: send_command(Happened()),  # type: ignore[call-overload]  # wrong on purpose
    "a call": lambda: send_command(GetQuote(product_id=1)),  # type: ignore[call-overload]  # wrong on purpose
    "no dictionary": lambda: send_command("called-free", None),  # type: ignore[call-overload]  # wrong on purpose
    "a list": lambda: send_command("called-free", ["a"]),  # type: ignore[call-overload]  # wrong on purpose
    "NUL": lambda: send_command("called-free", {"a": "\x00"}),
    "broker's exchange": lambda: send_command("amq.direct", {}),
    "long name": lambda: send_command("called-free", {}, command_name="x" * 256),
    "call without reply_to": lambda: send_call(GetQuote(product_id=1), reply_to=""),
    "call of an event": lambda: send_call(Happened(), reply_to="r"),  # type: ignore[call-overload]  # wrong on purpose
    "call with both deadlines": lambda: send_call(GetQuote(product_id=1), reply_to="r", timeout=1, expired_time=LATER),
    "call that its contract refuses": lambda: send_call("called-pricing", "quote", {"product_id": "1"}, "r"),
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_may_not_travel_is_refused(sms: Callable[[], list[Any]], attempt: Any) -> None:
    """EncodeError; nothing is sent or written."""
    with pytest.raises(EncodeError):
        attempt()
    assert sms() == []
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(("receipt", "error"), [(Refused("nack"), RefusedError), (Lost("gone"), UnconfirmedError)])
def test_an_unconfirmed_command_is_an_error(
    monkeypatch: pytest.MonkeyPatch, configure: Any, receipt: Any, error: type[Exception]
) -> None:
    """A nack at once; a lost connection after COMMAND_CONFIRM_TIMEOUT of trying with one message id."""
    configure(COMMAND_CONFIRM_TIMEOUT=0.5)
    ids: list[str] = []

    def send(self: Any, message: Any) -> Any:
        ids.append(message.message_id)
        return receipt

    monkeypatch.setattr(memory.MemoryPublisher, "_send", send)
    with pytest.raises(error, match=receipt.reason):
        send_command(SendSms(phone_number="998"))
    assert len(set(ids)) == 1
    assert (len(ids) > 1) is (error is UnconfirmedError)


def test_a_call_goes_through_the_outbox() -> None:
    """Exchange is the service, routing key the method; the id in its body is the message's and is returned."""
    call_id = send_call(GetQuote(product_id=5), reply_to="shop", expired_time=LATER)
    row = OutboxMessage.objects.get()
    body = json.loads(bytes(row.body))
    assert body["meta"].pop("time") == f"{row.timestamp:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert body == {
        "id": call_id,
        "meta": {"replyTo": "shop", "expiredTime": "2035-01-01T12:00:00.000000Z"},
        "data": {"productId": 5},
    }
    assert (row.exchange, row.routing_key, row.type, row.message_id) == ("called-pricing", "quote", "quote", call_id)
    assert (row.ordering_key, row.headers) == ("called-pricing:5", {"contract-version": 1})


def test_a_call_of_the_historical_form() -> None:
    """Positional as in the earlier library; validated where there is a contract, camelised where not."""
    send_call("called-pricing", "quote", {"product_id": 5}, "shop")
    send_call("called-free", "method", {"a_b": [1]}, "shop", timeout=5)
    typed, free = (json.loads(bytes(row.body)) for row in OutboxMessage.objects.order_by("id"))
    assert typed["data"] == {"productId": 5}
    assert set(typed["meta"]) == {"replyTo", "time"}
    assert free["data"] == {"aB": [1]}
    assert set(free["meta"]) == {"replyTo", "time", "expiredTime"}


def test_the_publisher_is_one_per_process() -> None:
    """It is kept between commands, and made anew when the settings change."""
    first = broker.publisher()
    assert broker.publisher() is first
    broker.close_publisher()
    broker.close_publisher()
    assert broker.publisher() is not first
    assert communication_settings.get().broker.scheme == "memory"
