# What mypy must reject about handlers. Each wrong line says the code of its error.
from __future__ import annotations

from decimal import Decimal
from typing import Any

from services_communication.consumer import MessageContext, call_response_consumer, message_router
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel


class UserUpdated(EventModel, aggregate="user", event_type="update.base"):
    user_id: int


class UserDeleted(EventModel, aggregate="user", event_type="delete"):
    user_id: int


class SendSms(CommandModel, service="sms"):
    phone: str


class Quote(PayloadModel):
    amount: Decimal


class GetQuote(CallModel[Quote], service="pricing", method_name="quote"):
    product_id: int


class Count(CallModel[int], service="pricing", method_name="count"):
    pass


@message_router.consumer(UserUpdated)  # E: arg-type
def another_event(event: UserDeleted) -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
def a_dictionary(event: dict[str, Any]) -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
def the_historical_signature(routing_key: str, body: UserUpdated) -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
def nothing() -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
def too_many(event: UserUpdated, context: MessageContext, more: int) -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
def another_context(event: UserUpdated, context: dict[str, Any]) -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
async def asynchronous(event: UserUpdated) -> None: ...


@message_router.consumer(UserUpdated)  # E: arg-type
def an_event_that_answers(event: UserUpdated) -> int:
    return 1


@message_router.consumer(UserUpdated)  # E: arg-type
def a_command_for_an_event(command: SendSms) -> None: ...


@message_router.consumer(SendSms)  # E: arg-type
def an_event_for_a_command(event: UserUpdated) -> None: ...


@message_router.consumer(GetQuote)  # E: arg-type
def wrong_reply(request: GetQuote) -> int:
    return 1


@message_router.consumer(GetQuote)  # E: arg-type
def no_reply(request: GetQuote) -> None: ...


@message_router.consumer(GetQuote)  # E: arg-type
def perhaps_a_reply(request: GetQuote) -> Quote | None: ...


@message_router.consumer(GetQuote)  # E: arg-type
def wrong_reply_with_context(request: GetQuote, context: MessageContext) -> str:
    return ""


@message_router.consumer(GetQuote)  # E: arg-type
def wrong_request(request: Count) -> Quote:
    return Quote(amount=Decimal(1))


@message_router.consumer(Quote)  # E: type-var
def no_address(quote: Quote) -> None: ...


@message_router.consumer(int)  # E: type-var
def no_contract(number: int) -> None: ...


message_router.consumer(UserUpdated, "update.base")  # E: call-overload


@message_router.consumer(UserUpdated)
def reads_what_is_not_there(event: UserUpdated) -> None:
    event.name  # E: attr-defined


@message_router.response_consumer(GetQuote, reply_to="shop")  # E: arg-type
def wrong_response(reply: int) -> None: ...


@message_router.response_consumer(UserUpdated, reply_to="shop")  # E: arg-type
def response_of_an_event(reply: Any) -> None: ...


@call_response_consumer(GetQuote)  # E: arg-type
def wrong_response_by_decorator(reply: int) -> None: ...
