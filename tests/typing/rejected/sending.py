# What mypy must reject about publishing, sending and REST. Each wrong line says the code of its error.
from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from services_communication.call import send_call, send_command
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.publisher import (
    cancel_future_aggregate_event,
    publish_aggregate_event,
    publish_future_aggregate_event,
)
from services_communication.rest_api import get, post

NOW = datetime.now(UTC)


class UserUpdated(EventModel, aggregate="user", event_type="update.base"):
    user_id: int


class SendSms(CommandModel, service="sms"):
    phone: str


class Quote(PayloadModel):
    amount: Decimal


class GetQuote(CallModel[Quote], service="pricing", method_name="quote"):
    product_id: int


publish_aggregate_event(SendSms(phone="1"))  # E: call-overload
publish_aggregate_event(GetQuote(product_id=1))  # E: call-overload
publish_aggregate_event(Quote(amount=Decimal(1)))  # E: call-overload
publish_aggregate_event(UserUpdated)  # E: call-overload
publish_aggregate_event("user", "update.base")  # E: call-overload
publish_aggregate_event({"user_id": 1})  # E: call-overload
publish_future_aggregate_event(UserUpdated(user_id=1))  # E: call-overload
publish_future_aggregate_event(UserUpdated(user_id=1), event_time="tomorrow")  # E: call-overload
publish_future_aggregate_event(SendSms(phone="1"), event_time=NOW)  # E: call-overload
cancel_future_aggregate_event(SendSms, tags={"a": 1})  # E: arg-type
cancel_future_aggregate_event(UserUpdated)  # E: call-overload
send_command(UserUpdated(user_id=1))  # E: call-overload
send_command(GetQuote(product_id=1))  # E: call-overload
send_command(SendSms(phone="1"), timeout="30")  # E: call-overload
send_command("sms")  # E: call-overload
send_call(GetQuote(product_id=1))  # E: call-overload
send_call(SendSms(phone="1"), reply_to="shop")  # E: call-overload

number: int = get("api/v1/quotes/1", response_model=Quote)  # E: assignment
get("api/v1/quotes/1", response_model=Quote).price  # E: attr-defined
other: list[UserUpdated] = get("api/v1/quotes", response_model=list[Quote])  # E: arg-type
text: str = post("api/v1/quotes", json={}, response_model=Quote)  # E: assignment
get("api/v1/quotes", respons_model=Quote)  # E: call-overload
