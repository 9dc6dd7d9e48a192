"""The four kinds of contract. Declare one by subclassing:

    class UserUpdated(EventModel, aggregate="user", event_type="update.base", key="user_id"):
        user_id: int
        first_name: str

An instance is valid by construction and frozen. On the wire its keys are camelCase; both spellings are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from services_communication.contracts.casing import to_camel
from services_communication.contracts.declaration import (
    ContractInfo,
    check_wire_names,
    declare,
    declare_resource,
    mistake,
    refuse_unknown,
    required,
)
from services_communication.contracts.upcast import U, declare_step
from services_communication.contracts.wire import tighten

Reply_co = TypeVar("Reply_co", covariant=True)


class PayloadModel(BaseModel):
    """Typed data without an address: a part of other contracts, a REST body, a call's reply.

    Strict: ``"5"`` is no int. Unknown keys are ignored when reading, so that writers may add fields.
    Decimal and timedelta travel as strings (ISO 8601), bytes as base64 (RFC 4648 §5), datetimes in UTC with ``Z``.

    ``class Zone(PayloadModel, resource="zones")`` is a contract of the REST interface: it has a name and a version, and
    `makecontracts` writes its document.
    """

    __contract__: ClassVar[ContractInfo]
    """Only of classes with an address or a resource."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,  # encode_model writes every field
        validate_default=True,
        allow_inf_nan=False,
        ser_json_bytes="base64",
        val_json_bytes="base64",
        ser_json_timedelta="iso8601",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return tighten(handler(source))

    def __init_subclass__(
        cls, *, resource: str | None = None, version: int = 1, owner: str | None = None, **keywords: Any
    ) -> None:
        refuse_unknown(cls, keywords)
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        super().__pydantic_init_subclass__()
        check_wire_names(cls)
        if declared:
            declare_resource(cls, declared)


class AddressedModel(PayloadModel):
    """What events, commands and calls have in common: an address and a version. Subclass one of those three."""

    @property
    def ordering_key(self) -> str:
        """Messages with one ordering key leave in the order in which they were written; ``""`` means no order."""
        info = self.__contract__
        return "" if info.key is None else f"{info.address.exchange}:{getattr(self, info.key)}"[:255]

    @classmethod
    def upcast(cls, version: int, /) -> Callable[[U], U]:
        """Declare a function that turns the payload of `version` into that of the next one, before validation.

        It gets a command's arguments or a call's data likewise: a JSON object as it was on the wire, with camelCase
        keys, and returns one. It must be pure. Declared on the class of the next version or of any newer one; steps
        make a chain (see :mod:`services_communication.contracts.upcast`). Raises ContractDefinitionError.
        """
        return declare_step(cls, version)


class EventModel(AddressedModel):
    """Something that happened to an aggregate.

    ``aggregate`` is the exchange and ``event_type`` the routing key. ``key`` names the field that tells one aggregate
    from another: events with one value keep their order. ``unroutable_ok=True``: having no subscriber is normal.
    ``owner`` is the APP_ID of the service that publishes it; only that service writes its document (makecontracts).
    ``abstract=True`` makes a base for other events, with fields but no address.
    """

    def __init_subclass__(
        cls,
        *,
        aggregate: str | None = None,
        event_type: str | None = None,
        version: int = 1,
        key: str | None = None,
        owner: str | None = None,
        unroutable_ok: bool = False,
        abstract: bool = False,
        **keywords: Any,
    ) -> None:
        refuse_unknown(cls, keywords)
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        super().__pydantic_init_subclass__()
        if not declared.get("abstract"):
            declare(cls, "event", required(cls, "aggregate", declared), required(cls, "event_type", declared), declared)


class CommandModel(AddressedModel):
    """An order to a service, without a reply. ``service`` is the exchange, ``command_name`` the routing key."""

    def __init_subclass__(
        cls,
        *,
        service: str | None = None,
        command_name: str = "",
        version: int = 1,
        key: str | None = None,
        owner: str | None = None,
        abstract: bool = False,
        **keywords: Any,
    ) -> None:
        refuse_unknown(cls, keywords)
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        super().__pydantic_init_subclass__()
        if not declared.get("abstract"):
            if "meta" in {field.alias for field in cls.model_fields.values()}:
                raise mistake(cls, "field 'meta' collides with the command's envelope; rename the field")
            declare(cls, "command", required(cls, "service", declared), declared.get("command_name", ""), declared)


class CallModel(AddressedModel, Generic[Reply_co]):
    """A question to a service, with a reply. The reply's type stands in the brackets:

    class GetQuote(CallModel[Quote], service="pricing", method_name="quote"): ...
    """

    __reply__: ClassVar[Any] = ...
    """The type of the reply: whatever stands in the brackets, None included. An ellipsis where there are none."""

    def __init_subclass__(
        cls,
        *,
        service: str | None = None,
        method_name: str | None = None,
        version: int = 1,
        key: str | None = None,
        owner: str | None = None,
        abstract: bool = False,
        **keywords: Any,
    ) -> None:
        refuse_unknown(cls, keywords)
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        super().__pydantic_init_subclass__()
        generic = cls.__pydantic_generic_metadata__
        if generic["origin"] is not None:  # CallModel[Quote] itself, which pydantic makes as a class
            cls.__reply__ = generic["args"][0]
        elif not declared.get("abstract"):
            if cls.__reply__ is ... or isinstance(cls.__reply__, TypeVar):
                raise mistake(cls, f"the reply is missing; write class {cls.__name__}(CallModel[TheReply], …)")
            declare(cls, "call", required(cls, "service", declared), required(cls, "method_name", declared), declared)

    @classmethod
    def response_routing_key(cls) -> str:
        """The routing key of this call's replies: ``call-response.pricing.quote``."""
        address = cls.__contract__.address
        return response_routing_key(address.exchange, address.routing_key)


def response_routing_key(service: str, method: str) -> str:
    return f"call-response.{service}.{method}"
