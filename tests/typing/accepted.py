"""Correct code for every form that users write: mypy --strict finds nothing wrong, and infers what is asserted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, assert_type

from services_communication.call import send_call, send_command
from services_communication.consumer import (
    MessageContext,
    call_consumer,
    call_response_consumer,
    command_consumer,
    event_consumer,
    message_router,
)
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.publisher import (
    cancel_future_aggregate_event,
    publish_aggregate_event,
    publish_future_aggregate_event,
)
from services_communication.rest_api import AsyncRestClient, delete, get, post
from services_communication.rest_api.formatter import full_response

NOW = datetime.now(UTC)


class Address(PayloadModel):
    street_name: str
    city_code: str = ""


class UserEvent(EventModel, abstract=True):
    user_id: int


class UserUpdated(UserEvent, aggregate="user", event_type="update.base", version=1, key="user_id"):
    first_name: str
    address: Address | None = None


class UserDeleted(UserEvent, aggregate="user", event_type="delete", unroutable_ok=True):
    pass


class SendSms(CommandModel, service="sms", command_name="send", key="phone"):
    phone: str
    text: str


class Ping(CommandModel, service="ping"):
    pass


class Quote(PayloadModel):
    amount: Decimal


class BigQuote(Quote):
    pass


class GetQuote(CallModel[Quote], service="pricing", method_name="quote"):
    product_id: int


class GetQuotes(CallModel[list[Quote]], service="pricing", method_name="quotes"):
    product_ids: list[int]


class Count(CallModel[int], service="pricing", method_name="count"):
    pass


class Touch(CallModel[None], service="pricing", method_name="touch"):
    pass


# Constructors take snake_case names.
user = UserUpdated(user_id=1, first_name="A", address=Address(street_name="S"))
assert_type(user.user_id, int)
assert_type(user.address, Address | None)

# Handlers: the contract, and if wanted the context.


@message_router.consumer(UserUpdated)
def on_user_updated(event: UserUpdated) -> None:
    assert_type(event.first_name, str)


@message_router.consumer(UserUpdated)
def audit(event: UserUpdated, context: MessageContext) -> None:
    assert_type(context.message_id, str)
    assert_type(context.time, datetime | None)


@message_router.consumer(UserUpdated, atomic=False)
def without_transaction(event: UserUpdated) -> None: ...


def on_any(event: UserEvent) -> None:
    """A handler of the base is a handler of each."""


message_router.consumer(UserUpdated)(on_any)
message_router.consumer(UserDeleted)(on_any)


@message_router.consumer(SendSms)
def send_sms(command: SendSms) -> None: ...


@message_router.consumer(SendSms)
def send_with_context(command: SendSms, context: MessageContext) -> None:
    assert_type(context.expired_time, datetime | None)


@message_router.consumer(GetQuote)
def quote(request: GetQuote) -> Quote:
    return Quote(amount=Decimal(request.product_id))


@message_router.consumer(GetQuote)
def quote_with_context(request: GetQuote, context: MessageContext) -> BigQuote:
    assert_type(context.reply_to, str | None)
    return BigQuote(amount=Decimal(1))


@message_router.consumer(GetQuotes)
def quotes(request: GetQuotes) -> list[Quote]:
    return [Quote(amount=Decimal(product_id)) for product_id in request.product_ids]


@message_router.consumer(Count)
def count(request: Count) -> int:
    return 1


@message_router.consumer(Touch)
def touch(request: Touch) -> None: ...


# A decorated function stays callable with its own types.
on_user_updated(user)
audit(user, MessageContext("", "", "", "", 1, False, None, None, {}))
assert_type(quote(GetQuote(product_id=1)), Quote)

# Up-casters, of every kind; a decorated function stays what it was.


class UserUpdated2(EventModel, aggregate="user", event_type="update.base", version=2):
    full_name: str


class SendSms2(CommandModel, service="sms", command_name="send", version=2):
    text: str


class Count3(CallModel[int], service="pricing", method_name="count", version=3):
    pass


@UserUpdated2.upcast(1)
def with_full_name(payload: dict[str, Any]) -> dict[str, Any]:
    return {"fullName": payload["firstName"]}


@UserUpdated.upcast(1)
def of_a_mapping(payload: Mapping[str, object]) -> dict[str, Any]:
    return dict(payload)


@Count3.upcast(1)
@Count3.upcast(2)
def unchanged(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


SendSms2.upcast(1)(lambda arguments: {"text": arguments["text"]})
assert_type(with_full_name({"firstName": "A"}), dict[str, Any])
assert_type(of_a_mapping({"a": object()}), dict[str, Any])


# Replies.


@message_router.response_consumer(GetQuote, reply_to="shop")
def on_quote(reply: Quote, context: MessageContext) -> None:
    assert_type(context.call_id, str | None)


@message_router.consumer("shop", "call-response.pricing.quote")
@call_response_consumer(GetQuote)
def on_quote_by_decorator(reply: Quote) -> None: ...


@call_response_consumer(GetQuotes)
def on_quotes(reply: list[Quote], context: MessageContext) -> None: ...


# The historical forms.


@message_router.consumer("user", "update.base")
@message_router.consumer("user")
@message_router.consumer()
@message_router.default_consumer
def untyped(routing_key: str, body: Any, exchange: str | None = None) -> None: ...


assert_type(untyped("key", {}), None)


@message_router.consumer("user")
@event_consumer
def historical_event(payload: Mapping[str, Any], event_id: str) -> None: ...


@message_router.consumer("sms")
@command_consumer
def historical_command(routing_key: str, body: Mapping[str, Any]) -> None: ...


@message_router.consumer("pricing")
@call_consumer
def historical_call(data: Mapping[str, Any], call_id: str) -> Any: ...


@message_router.consumer("pricing")
@call_consumer(no_atomic=True, check_expired_time_after_handel=True)
def historical_call_with_options(data: Mapping[str, Any]) -> Any: ...


@message_router.consumer("shop")
@call_response_consumer
def historical_response(data: Mapping[str, Any], service_name: str) -> None: ...


# Publishing and sending.
assert_type(publish_aggregate_event(user), str)
assert_type(publish_aggregate_event(user, using="other"), str)
publish_aggregate_event("user", "update.base", {"user_id": 1})
publish_aggregate_event(aggregate="user", event_type="update.base", payload={"user_id": 1})
publish_future_aggregate_event(user, event_time=NOW, tags={"user_id": 1})
publish_future_aggregate_event(aggregate="user", event_type="x", event_time=NOW, payload={}, tags={"a": "b"})
assert_type(cancel_future_aggregate_event(UserUpdated, tags={"user_id": 1}), int)
cancel_future_aggregate_event("user", "x", {"a": 1})
cancel_future_aggregate_event(aggregate="user", event_type="x", tags={"a": 1})
assert_type(send_command(SendSms(phone="998", text="Hello"), timeout=30), str)
send_command(SendSms(phone="998", text="Hello"), expired_time=NOW, transactional=True, using="other")
send_command(Ping())
send_command("sms", {"phone": "998"}, command_name="send", timeout=30)
send_command("sms", {"phone": "998"}, "send", None, NOW)
assert_type(send_call(GetQuote(product_id=1), reply_to="shop", timeout=5), str)
send_call("pricing", "quote", {"product_id": 1}, "shop")
send_call(service_name="pricing", method_name="quote", data={}, reply_to="shop", expired_time=NOW)

# REST.
assert_type(get("api/v1/quotes/1", response_model=Quote), Quote)
assert_type(get("api/v1/quotes", response_model=list[Quote]), list[Quote])
assert_type(post("api/v1/quotes", json=Quote(amount=Decimal(1)), response_model=Quote), Quote)
untyped_result: Any = get("api/v1/quotes/1")
full: object = get("api/v1/quotes/1", response_formatter=full_response)
nothing: Any = delete("api/v1/quotes/1")


async def asynchronous(client: AsyncRestClient) -> None:
    assert_type(await client.get("api/v1/quotes/1", response_model=Quote), Quote)


handlers: list[Callable[[UserUpdated], None]] = [on_user_updated, on_any]
