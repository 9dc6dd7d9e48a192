"""Contracts as the messages of an AsyncAPI document: properties, headers and the whole body."""

from __future__ import annotations

from typing import Any, TypeAlias

from services_communication.contracts.asyncapi import envelopes
from services_communication.contracts.asyncapi.schemas import EXTENSION_UPCAST, Role, Schemas, safe
from services_communication.contracts.model import AddressedModel, CallModel
from services_communication.contracts.schema import EXTENSION, document, reader_of, reply_of, writer_of
from services_communication.contracts.upcast import oldest
from services_communication.errors import ContractDefinitionError

CONTENT_TYPE = "application/json"
BINDING_VERSION = "0.3.0"
# The body is this message's own; it is judged by its schemas, and the rest of x-contract says whose it is.
_IDENTITY = ("kind", "address", "version", "key", "owner")

Message: TypeAlias = tuple[str, Role]
"""Its name, and which side of it the service is on."""


class Messages:
    """The messages of one document, and the schemas that they are made of."""

    def __init__(self) -> None:
        self._schemas = Schemas()
        self._made: dict[Message, dict[str, Any]] = {}
        self._contracts: dict[str, type[AddressedModel]] = {}

    def add(self, role: Role, contract: type[AddressedModel]) -> Message:
        """Raises ContractDefinitionError when the name is another contract's."""
        message = self._name(contract), role
        address = contract.__contract__.address
        schema = document(contract)
        kept = {key: schema[EXTENSION][key] for key in _IDENTITY if key in schema[EXTENSION]}
        self._made[message] = {
            "name": contract.__name__,
            "title": contract.__name__,
            **({"description": schema["description"]} if "description" in schema else {}),
            "tags": [{"name": address.kind}],
            **_properties(address.routing_key, "payload" if address.kind == "call" else "header"),
            "headers": envelopes.headers(role, contract.__contract__.version),
            "payload": self._body(message, contract, schema),
            EXTENSION: kept,
        }
        if role == "received" and (first := oldest(contract)) < contract.__contract__.version:
            self._made[message][EXTENSION_UPCAST] = first
        return message

    def add_reply(self, role: Role, contract: type[CallModel[Any]]) -> Message:
        """The reply to a call. Its version is the call's: the message says nothing of it."""
        message = f"{self._name(contract)}.reply", role
        self._made[message] = {
            "name": f"{contract.__name__}Reply",
            "title": f"Reply to {contract.__name__}",
            "tags": [{"name": "reply"}],
            **_properties(contract.response_routing_key(), "payload"),
            "headers": envelopes.headers(role, None),
            "payload": envelopes.reply_body(role, self._reply(role, contract)),
        }
        return message

    def key(self, message: Message) -> str:
        """Of its component: the name, and the role where the service is on both sides of it."""
        name, role = message
        return f"{name}.{role}" if {(name, "sent"), (name, "received")} <= self._made.keys() else name

    def components(self) -> dict[str, Any]:
        finished = {
            self.key(message): {**made, "payload": self._schemas.finish(made["payload"], message[1])}
            for message, made in self._made.items()
        }
        return {"messages": finished, "schemas": self._schemas.components()}

    def _name(self, contract: type[AddressedModel]) -> str:
        """``OrderPlaced.v1``: versions of one contract, in modules of their own, may share the name of the class."""
        name = f"{safe(contract.__name__)}.v{contract.__contract__.version}"
        holder = self._contracts.setdefault(name, contract)
        if holder is not contract:
            both = " and ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in (holder, contract))
            raise ContractDefinitionError(
                f"{both}: contracts of one name and version cannot stand in one AsyncAPI document; rename one of them"
            )
        return name

    def _body(self, message: Message, contract: type[AddressedModel], schema: dict[str, Any]) -> dict[str, Any]:
        name, role = message
        address = contract.__contract__.address
        own = writer_of(schema) if role == "sent" else reader_of(schema)
        assert isinstance(own, dict)  # noqa: S101  a contract is an object
        if address.kind == "command":
            return self._schemas.add(name, role, envelopes.command_body(role, own), contract, contract)
        inner = self._schemas.add(name, role, own, contract, contract)
        return (
            envelopes.call_body(role, inner) if address.kind == "call" else envelopes.event_body(role, address, inner)
        )

    def _reply(self, role: Role, contract: type[CallModel[Any]]) -> Any:
        schema = reply_of(document(contract))
        assert schema is not None  # noqa: S101  a call has a reply
        own = writer_of(schema) if role == "sent" else reader_of(schema)
        if isinstance(own, bool):
            return own
        if "title" in schema:  # a model; other types have no name of their own
            return self._schemas.add(schema["title"], role, own, contract.__reply__, contract)
        return self._schemas.inline(role, own, contract.__reply__, contract)


def _properties(message_type: str, correlation: str) -> dict[str, Any]:
    """A call and its reply share an id in their bodies; other messages have AMQP's property."""
    location = "$message.payload#/id" if correlation == "payload" else "$message.header#/correlation_id"
    amqp = {"messageType": message_type, "bindingVersion": BINDING_VERSION}
    return {
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": location},
        "bindings": {"amqp": {key: value for key, value in amqp.items() if value}},
    }
