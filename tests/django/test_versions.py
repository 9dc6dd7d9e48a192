"""Which handlers read a message of another version, and what becomes of one that none reads."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from services_communication import broker
from services_communication.consumer import MessageContext, MessageRouter
from services_communication.consumer.dispatch import Dispatcher
from services_communication.contracts import CallModel, CommandModel, EventModel, registry
from services_communication.message import Ack, DeadLetter, Delivery, Message, Outcome
from services_communication.models import InboxEntry, OutboxMessage
from services_communication.publisher import publish_aggregate_event
from services_communication.publisher.relay import Relay
from services_communication.settings import communication_settings

pytestmark = [pytest.mark.database, pytest.mark.django_db]


class Named1(EventModel, aggregate="versions", event_type="named"):
    name: str


class Named2(EventModel, aggregate="versions", event_type="named", version=2):
    first_name: str
    last_name: str


class Named3(EventModel, aggregate="versions", event_type="named", version=3):
    full_name: str


@Named2.upcast(1)
def split(payload: dict[str, Any]) -> dict[str, Any]:
    first, last = payload["name"].split(" ")
    return {"firstName": first, "lastName": last}


@Named3.upcast(2)
def join(payload: dict[str, Any]) -> dict[str, Any]:
    return {"fullName": f"{payload['lastName']}, {payload['firstName']}"}


class Paid(EventModel, aggregate="versions", event_type="paid", version=4):
    """Its older classes are gone from the code."""

    amount: int


@Paid.upcast(2)
def paid_2(payload: dict[str, Any]) -> dict[str, Any]:
    return {"sum": payload["value"]}


@Paid.upcast(3)
def paid_3(payload: dict[str, Any]) -> dict[str, Any]:
    return {"amount": payload["sum"]}


class Send(CommandModel, service="versions", command_name="send", version=2):
    phone: str


@Send.upcast(1)
def send_1(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"phone": str(arguments["number"])}


class Double(CallModel[int], service="versions", method_name="double", version=2):
    number: int


@Double.upcast(1)
def double_1(data: dict[str, Any]) -> dict[str, Any]:
    return {"number": int(data["text"])}


NAMED = {1: {"name": "Alisher Navoiy"}, 2: {"firstName": "Alisher", "lastName": "Navoiy"}, 3: {"fullName": "Navoiy"}}
Dispatch = Callable[..., Outcome]


@pytest.fixture
def router() -> MessageRouter:
    return MessageRouter()


@pytest.fixture
def dispatch(router: MessageRouter) -> Dispatch:
    def run(routing_key: str, body: Any, version: Any = None, message_id: str = "") -> Outcome:
        headers = {} if version is None else {"contract-version": version}
        message = Message("versions", routing_key, json.dumps(body).encode(), message_id, headers=headers)
        return Dispatcher(router, communication_settings.get())(Delivery(message, "tests"))

    return run


def named(dispatch: Dispatch, version: Any, message_id: str = "") -> Outcome:
    return dispatch("named", {"eventId": "e", "payload": NAMED[version]}, version, message_id)


def keeping(got: list[Any]) -> Callable[[Any], None]:
    def keep(event: Any) -> None:
        got.append(event)

    return keep


def dead(outcome: Outcome) -> tuple[str, str]:
    assert isinstance(outcome, DeadLetter)
    return outcome.reason, outcome.detail


def test_a_handler_of_the_newest_version_gets_older_messages(router: MessageRouter, dispatch: Dispatch) -> None:
    """As instances of its own contract; the context's header says which version it was."""
    got: list[Any] = []

    @router.consumer(Named3)
    def handler(event: Named3, context: MessageContext) -> None:
        got.append((context.headers["contract-version"], event))

    assert [named(dispatch, version) for version in (1, 2, 3)] == [Ack()] * 3
    assert got == [
        (1, Named3(full_name="Navoiy, Alisher")),
        (2, Named3(full_name="Navoiy, Alisher")),
        (3, Named3(full_name="Navoiy")),
    ]


def test_the_handler_of_just_this_version_wins(router: MessageRouter, dispatch: Dispatch) -> None:
    """The others are not run for it, though up-casters lead to them."""
    got: list[Any] = []
    router.consumer(Named1)(keeping(got))
    router.consumer(Named3)(keeping(got))
    assert [named(dispatch, version) for version in (1, 2, 3)] == [Ack()] * 3
    assert got == [
        Named1(name="Alisher Navoiy"),
        Named3(full_name="Navoiy, Alisher"),
        Named3(full_name="Navoiy"),
    ]


def test_without_one_the_newest_that_is_reached_gets_it(router: MessageRouter, dispatch: Dispatch) -> None:
    """All of its handlers, and no older one."""
    got: list[str] = []
    router.consumer(Named2)(lambda event: got.append("two"))

    @router.consumer(Named3)
    def three(event: Named3) -> None:
        got.append("three")

    @router.consumer(Named3)
    def three_too(event: Named3) -> None:
        got.append("three too")

    assert named(dispatch, 1) == Ack()
    assert got == ["three", "three too"]


def test_a_chain_ends_at_the_version_that_has_a_handler(router: MessageRouter, dispatch: Dispatch) -> None:
    """A step beyond it is not taken, and a newer message is not read."""
    got: list[Any] = []
    router.consumer(Named2)(keeping(got))
    assert named(dispatch, 1) == Ack()
    assert got == [Named2(first_name="Alisher", last_name="Navoiy")]
    assert dead(named(dispatch, 3)) == ("unknown_version", "version 3 is not read; versions 1 and 2 are")


def test_steps_of_the_newest_class_are_enough(router: MessageRouter, dispatch: Dispatch) -> None:
    """The usual case: old classes are deleted. Of a version before the first step it is said which step is missing."""
    got: list[Any] = []
    router.consumer(Paid)(keeping(got))
    assert dispatch("paid", {"payload": {"value": 5}}, 2) == Ack()
    assert dispatch("paid", {"payload": {"sum": 6}}, 3) == Ack()
    assert got == [Paid(amount=5), Paid(amount=6)]
    outcome = dispatch("paid", {"payload": {}}, 1)
    assert dead(outcome) == (
        "unknown_version",
        "version 1 is not read; versions 2, 3 and 4 are; Paid.upcast(1) is missing",
    )


@pytest.mark.parametrize("version", [0, 5, -1, 2**62, "2", "x" * 1000, b"2"])
def test_an_unknown_version_is_put_aside(router: MessageRouter, dispatch: Dispatch, version: Any) -> None:
    """With the versions that are read, whatever the header holds."""
    router.consumer(Paid)(lambda event: pytest.fail("it ran"))
    reason, detail = dead(dispatch("paid", {"payload": {"amount": 5}}, version))
    assert reason == "unknown_version"
    assert detail.endswith("is not read; versions 2, 3 and 4 are")
    assert len(detail) < 100


def test_a_message_without_a_version_is_not_upcast(router: MessageRouter, dispatch: Dispatch) -> None:
    """Its producer knows no versions: it is read as it is."""
    router.consumer(Paid)(lambda event: None)
    assert dispatch("paid", {"payload": {"amount": 5}}) == Ack()
    assert dead(dispatch("paid", {"payload": {"sum": 5}})) == ("invalid", "Field required at payload.amount")


def test_what_an_upcaster_cannot_take_is_put_aside_at_once(
    router: MessageRouter, dispatch: Dispatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not retried, not handled, without values in the detail. Its author finds the traceback in the log."""
    router.consumer(Named3)(lambda event: pytest.fail("it ran"))
    with caplog.at_level(logging.ERROR, "services_communication.consumer"):
        outcome = dispatch("named", {"payload": {"name": "secret"}}, 1, "m")
    assert dead(outcome) == ("upcast", "upcast(1) of Named2 raised ValueError")
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
    assert not InboxEntry.objects.exists()


def test_what_does_not_fit_after_up_casting_is_invalid(router: MessageRouter, dispatch: Dispatch) -> None:
    """The path is that of the version that is read."""
    router.consumer(Paid)(lambda event: None)
    outcome = dispatch("paid", {"payload": {"value": "5"}}, 2)
    assert dead(outcome) == ("invalid", "Input should be a valid integer at payload.amount")


def test_an_upcast_message_is_handled_once(router: MessageRouter, dispatch: Dispatch) -> None:
    """The inbox knows it by its id and its handler, as any other."""
    got: list[Any] = []
    router.consumer(Named3)(keeping(got))
    assert [named(dispatch, 1, "m"), named(dispatch, 1, "m")] == [Ack(), Ack()]
    assert len(got) == 1


def test_commands_are_upcast_before_their_deadline_only(router: MessageRouter, dispatch: Dispatch) -> None:
    """An expired one is expired, also when its arguments would fail."""
    got: list[Any] = []

    @router.consumer(Send)
    def handler(command: Send, context: MessageContext) -> None:
        got.append((command, context.expired_time is not None))

    future, past = {"expiredTime": "2099-01-01T00:00:00Z"}, {"expiredTime": "2020-01-01T00:00:00Z"}
    assert dispatch("send", {"number": 998, "meta": future}, 1) == Ack()
    assert dispatch("send", {"number": 998}, 1) == Ack()
    assert got == [(Send(phone="998"), True), (Send(phone="998"), False)]
    assert dead(dispatch("send", {"meta": past}, 1))[0] == "expired"
    assert dead(dispatch("send", {"meta": future}, 1)) == ("upcast", "upcast(1) of Send raised KeyError")


def test_a_call_of_an_older_version_gets_the_newest_reply(router: MessageRouter, dispatch: Dispatch) -> None:
    """Data are up-cast; replies are not cast down."""

    @router.consumer(Double)
    def handler(request: Double) -> int:
        return request.number * 2

    assert dispatch("double", {"id": "c", "meta": {"replyTo": "shop"}, "data": {"text": "21"}}, 1) == Ack()
    (row,) = OutboxMessage.objects.all()
    assert json.loads(bytes(row.body))["data"] == 42


def test_what_an_older_producer_publishes_arrives(router: MessageRouter, queue: Any) -> None:
    """From the outbox through the relay and a broker in memory; the producer still has the old class."""
    got: list[Any] = []
    router.consumer(Named3)(keeping(got))
    received = queue("q", ("versions", "#"))
    publish_aggregate_event(Named1(name="Alisher Navoiy"))
    publish_aggregate_event(Named3(full_name="Babur"))
    settings = communication_settings.get()
    Relay(broker.publisher(), settings).run(until_empty=True)
    outcomes = [Dispatcher(router, settings)(Delivery(message, "q")) for message in received()]
    assert outcomes == [Ack(), Ack()]
    assert got == [Named3(full_name="Navoiy, Alisher"), Named3(full_name="Babur")]


UNTYPED = [
    pytest.param(1, NAMED[1], None, id="a class of its version"),
    pytest.param(1, {"name": 5}, "invalid", id="a class of its version refuses"),
    pytest.param(2, NAMED[1], "invalid", id="another version's body"),
    pytest.param(9, {"anything": 1}, None, id="a version of which nothing is known"),
]


@pytest.mark.parametrize(("version", "payload", "reason"), UNTYPED)
def test_an_untyped_handler_takes_every_version(
    router: MessageRouter, dispatch: Dispatch, version: int, payload: dict[str, Any], reason: str | None
) -> None:
    """Validated where a contract is known."""
    got: list[Any] = []
    router.consumer("versions", "named")(lambda routing_key, body: got.append(body["payload"]))
    outcome = dispatch("named", {"payload": payload}, version)
    assert (outcome.reason if isinstance(outcome, DeadLetter) else None) == reason
    assert len(got) == (reason is None)


def test_an_untyped_handler_gets_an_older_body_as_it_was(router: MessageRouter, dispatch: Dispatch) -> None:
    """It is validated as up-cast, where only that is left of its version."""
    got: list[Any] = []
    router.consumer("versions", "paid")(lambda routing_key, body: got.append(body["payload"]))
    assert dispatch("paid", {"payload": {"value": 5, "otherKey": 1}}, 2) == Ack()
    assert got == [{"value": 5, "other_key": 1}]
    assert dead(dispatch("paid", {"payload": {"value": "5"}}, 2))[0] == "invalid"
    assert dead(dispatch("paid", {"payload": {}}, 2)) == ("upcast", "upcast(2) of Paid raised KeyError")


def test_typed_and_untyped_handlers_share_an_older_message(router: MessageRouter, dispatch: Dispatch) -> None:
    """Each gets its form of it."""
    got: list[Any] = []
    router.consumer("versions", "paid")(lambda routing_key, body: got.append(body["payload"]))
    router.consumer(Paid)(keeping(got))
    assert dispatch("paid", {"payload": {"value": 5}}, 2) == Ack()
    assert got == [{"value": 5}, Paid(amount=5)]


def of_module(name: str, handler: Callable[[Any], None]) -> Callable[[Any], None]:
    handler.__module__ = name
    return handler


def test_a_version_that_typed_handlers_do_not_read_is_put_aside(router: MessageRouter, dispatch: Dispatch) -> None:
    """Though an untyped one beside them would take it: the typed one would miss the message, and nobody know."""
    got: list[Any] = []
    router.consumer("versions", "named")(lambda routing_key, body: got.append(body["payload"]))
    router.consumer(Named1)(keeping(got))
    assert dead(named(dispatch, 2)) == ("unknown_version", "version 2 is not read; version 1 is")
    assert dead(dispatch("named", {"payload": {}}, 9)) == ("unknown_version", "version 9 is not read; version 1 is")
    assert got == []
    assert named(dispatch, 1) == Ack()
    assert got == [{"name": "Alisher Navoiy"}, Named1(name="Alisher Navoiy")]


def test_each_module_is_a_consumer_of_its_own(router: MessageRouter, dispatch: Dispatch) -> None:
    """What one reads as it is, another gets up-cast."""
    mail: list[Any] = []
    stock: list[Any] = []
    router.consumer(Named1)(of_module("mail.consumers", keeping(mail)))
    router.consumer(Named2)(of_module("mail.consumers", keeping(mail)))
    router.consumer(Named2)(of_module("stock.consumers", keeping(stock)))
    assert [named(dispatch, version) for version in (1, 2)] == [Ack()] * 2
    assert mail == [Named1(name="Alisher Navoiy"), Named2(first_name="Alisher", last_name="Navoiy")]
    assert stock == [Named2(first_name="Alisher", last_name="Navoiy")] * 2


def test_a_module_that_cannot_read_a_version_does_not_miss_it(router: MessageRouter, dispatch: Dispatch) -> None:
    """The message is put aside for all, before a handler runs, and the reason names the module."""
    got: list[Any] = []
    router.consumer(Named1)(of_module("mail.consumers", keeping(got)))
    router.consumer(Named3)(of_module("stock.consumers", keeping(got)))
    reason, detail = dead(named(dispatch, 3))
    assert (reason, detail) == ("unknown_version", "version 3 is not read by mail.consumers; version 1 is")
    assert got == []
    router.consumer(Named3)(of_module("mail.consumers", lambda event: None))
    assert named(dispatch, 3) == Ack()
    assert got == [Named3(full_name="Navoiy")]


class Double1(CallModel[int], service="versions", method_name="double"):
    text: str


def test_a_call_is_answered_once(router: MessageRouter, dispatch: Dispatch) -> None:
    """By the handler of its version, also where that of another is in another module."""

    def old(request: Double1) -> int:
        return 1

    def new(request: Double) -> int:
        return 2

    old.__module__ = "old.consumers"
    router.consumer(Double1)(old)
    router.consumer(Double)(new)
    assert dispatch("double", {"id": "c", "meta": {"replyTo": "shop"}, "data": {"text": "21"}}, 1) == Ack()
    assert [json.loads(bytes(row.body))["data"] for row in OutboxMessage.objects.all()] == [1]


def test_these_contracts_are_registered() -> None:
    """The tests above rest on the registry knowing all of them."""
    assert {Named1, Named2, Named3, Paid, Send, Double, Double1} <= set(registry)
