"""What stands around a payload on the wire, read tolerantly.

Producers of the earlier library mix ``eventId`` with ``event_time`` in one body and write numbers for ids; datetimes
come with or without a fraction, with ``Z`` or with an offset. Unknown keys are ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
)
from pydantic_core import CoreSchema

from services_communication.contracts.casing import to_camel
from services_communication.contracts.wire import instant, tighten

T = TypeVar("T")


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Identifier = Annotated[str, BeforeValidator(_text)]
Instant = Annotated[datetime, AfterValidator(instant)]


class Envelope(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(to_camel(name), name)),
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


class EventEnvelope(Envelope, Generic[T]):
    event_id: Identifier | None = None
    event_time: Instant | None = None
    event_type: str | None = None
    aggregate: str | None = None
    payload: T


class CommandMeta(Envelope):
    expired_time: Instant | None = None


class CommandEnvelope(Envelope):
    """A command's arguments stand at the top, so only its ``meta`` belongs to the envelope."""

    meta: CommandMeta = CommandMeta()


class CallMeta(Envelope):
    reply_to: str
    time: Instant | None = None
    expired_time: Instant | None = None


class CallEnvelope(Envelope, Generic[T]):
    id: Identifier
    meta: CallMeta
    data: T


class ResponseMeta(Envelope):
    time: Instant | None = None


class ResponseEnvelope(Envelope, Generic[T]):
    """A reply need not be a model, so the rules that a contract's fields obey are put on here."""

    model_config = ConfigDict(val_json_bytes="base64")

    id: Identifier
    meta: ResponseMeta = ResponseMeta()
    data: T

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return tighten(handler(source))
