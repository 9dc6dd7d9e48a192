"""One service as an AsyncAPI 3.0 document: what it sends, what it receives, and where.

A channel is an exchange with a routing key; its messages are the versions of the contracts at that address. Operations
say what this service does there. A payload is the whole body: the envelope, and in it the writer's schema of what is
sent or the reader's of what is received. The queue is a channel of its own, because AMQP's binding describes either an
exchange or a queue; it lists what arrives there.

Servers and virtual hosts are left out: they differ between installations, and the document must not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from services_communication.contracts.asyncapi.messages import BINDING_VERSION, CONTENT_TYPE, Message, Messages
from services_communication.contracts.asyncapi.schemas import Role, safe
from services_communication.contracts.model import AddressedModel, CallModel

VERSION = "3.0.0"
REPLY_ADDRESS = "$message.payload#/meta/replyTo"

Contracts: TypeAlias = Iterable[type[AddressedModel]]


def export(
    service: str,
    *,
    sent: Contracts = (),
    received: Contracts = (),
    reply_to: Iterable[tuple[type[CallModel[Any]], str]] = (),
    queue: str = "",
    queue_type: str = "quorum",
    bindings: Iterable[tuple[str, str]] = (),
    exchange_types: Mapping[str, str] | None = None,
    version: str = "1.0.0",
    description: str = "",
) -> dict[str, Any]:
    """The document of `service`. The same arguments, in whatever order, give an equal document.

    `reply_to` are the calls whose replies it takes, with the exchange they are sent to. `bindings` are exchange and
    routing key of what `queue` is bound to. Exchanges without a type in `exchange_types` are topic exchanges.
    Raises ContractDefinitionError when two models of one name differ.
    """
    writing = _Writing(exchange_types or {})
    exchanges: defaultdict[type[AddressedModel], set[str]] = defaultdict(set)
    for call, exchange in reply_to:
        exchanges[call].add(exchange)
    for contract in _sorted({*sent, *exchanges}):
        writing.operation("sent", contract, exchanges[contract])
    for contract in _sorted(received):
        writing.operation("received", contract)
    bound = sorted(set(bindings))
    if queue and (writing.arriving or bound):
        writing.queue(queue, queue_type, bound)
    about = {"title": service, "version": version} | ({"description": description} if description else {})
    return {"asyncapi": VERSION, "info": about, "defaultContentType": CONTENT_TYPE, **writing.parts()}


class _Writing:
    """A document in the making. Channels and messages stand for each other by their keys until the end."""

    def __init__(self, exchange_types: Mapping[str, str]) -> None:
        self._types = exchange_types
        self._messages = Messages()
        self._keys: dict[tuple[str, ...], str] = {}
        self._channels: dict[str, dict[str, Any]] = {}
        self._listed: defaultdict[str, list[Message]] = defaultdict(list)
        self._operations: dict[str, dict[str, Any]] = {}
        self._handled: defaultdict[str, list[Message]] = defaultdict(list)
        self._replies: dict[str, tuple[str, list[Message]]] = {}
        self.arriving: list[Message] = []
        """What comes to the queue."""

    def operation(self, role: Role, contract: type[AddressedModel], reply_exchanges: Collection[str] = ()) -> None:
        address = contract.__contract__.address
        channel = self._key(("address", *address.route), f"{address.exchange}.{address.routing_key}".strip("."))
        self._channels.setdefault(channel, self._channel(address.routing_key, address.exchange))
        message = self._messages.add(role, contract)
        self._listed[channel].append(message)
        action = "send" if role == "sent" else "receive"
        operation = f"{action}.{address.kind}.{channel}"
        self._operations[operation] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "bindings": _operation_bindings(role, contract),
        }
        self._handled[operation].append(message)
        if role == "received":
            self.arriving.append(message)
        if issubclass(contract, CallModel):
            self._reply(operation, channel, "received" if role == "sent" else "sent", contract, reply_exchanges)

    def _reply(
        self, operation: str, asked: str, role: Role, contract: type[CallModel[Any]], exchanges: Collection[str]
    ) -> None:
        """Whoever asks names the exchange in the call: the channel has no address that holds for all."""
        channel = self._key(("reply", asked, role), f"reply.{asked}")
        only = next(iter(exchanges)) if len(exchanges) == 1 else None
        made = {**self._channel(None, only), "x-routing-key": contract.response_routing_key()}
        self._channels.setdefault(channel, made)
        message = self._messages.add_reply(role, contract)
        self._listed[channel].append(message)
        self._replies.setdefault(operation, (channel, []))[1].append(message)
        if exchanges:
            self.arriving.append(message)

    def queue(self, name: str, queue_type: str, bindings: Iterable[tuple[str, str]]) -> None:
        channel = self._key(("queue", name), f"queue.{name}")
        amqp = {
            "is": "queue",
            "queue": {"name": name, "durable": True, "exclusive": False, "autoDelete": False},
            "bindingVersion": BINDING_VERSION,
            "x-queue-type": queue_type,
            "x-bindings": [{"exchange": exchange, "routingKey": key} for exchange, key in bindings],
        }
        self._channels[channel] = {"address": name, "bindings": {"amqp": amqp}}
        self._listed[channel] = self.arriving

    def _channel(self, routing_key: str | None, exchange: str | None) -> dict[str, Any]:
        named = {} if exchange is None else {"name": exchange}
        described = {**named, "type": self._types.get(exchange or "", "topic"), "durable": True, "autoDelete": False}
        made: dict[str, Any] = {
            "address": routing_key,
            "bindings": {"amqp": {"is": "routingKey", "exchange": described, "bindingVersion": BINDING_VERSION}},
        }
        if routing_key is not None and {"{", "}"} & set(routing_key):  # in an address these make a parameter
            made |= {"address": None, "x-routing-key": routing_key}
        return made

    def _key(self, identity: tuple[str, ...], wanted: str) -> str:
        """A key that no other channel has: ``a.b`` with ``c`` and ``a`` with ``b.c`` would share one."""
        if identity not in self._keys:
            name, taken, number = safe(wanted), set(self._keys.values()), 1
            key = name
            while key in taken:
                number += 1
                key = f"{name}-{number}"
            self._keys[identity] = key
        return self._keys[identity]

    def parts(self) -> dict[str, Any]:
        channels = {
            key: channel
            | {"messages": {name: {"$ref": f"#/components/messages/{name}"} for name in self._names(self._listed[key])}}
            for key, channel in self._channels.items()
        }
        operations = {}
        for key, operation in self._operations.items():
            channel = operation["channel"]["$ref"].removeprefix("#/channels/")
            operations[key] = operation | {"messages": self._in_channel(channel, self._handled[key])}
            if key in self._replies:
                reply_channel, messages = self._replies[key]
                operations[key]["reply"] = {
                    "address": {"location": REPLY_ADDRESS},
                    "channel": {"$ref": f"#/channels/{reply_channel}"},
                    "messages": self._in_channel(reply_channel, messages),
                }
        return {"channels": channels, "operations": operations, "components": self._messages.components()}

    def _names(self, messages: Iterable[Message]) -> list[str]:
        return sorted({self._messages.key(message) for message in messages})

    def _in_channel(self, channel: str, messages: Iterable[Message]) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in self._names(messages)]


def _sorted(contracts: Contracts) -> list[type[AddressedModel]]:
    def order(contract: type[AddressedModel]) -> tuple[str, str, str, int]:
        info = contract.__contract__
        return info.address.kind, *info.address.route, info.version

    return sorted(set(contracts), key=order)


def _operation_bindings(role: Role, contract: type[AddressedModel]) -> dict[str, Any]:
    if role == "received":
        return {"amqp": {"ack": True, "bindingVersion": BINDING_VERSION}}
    mandatory = not contract.__contract__.unroutable_ok
    return {
        "amqp": {"deliveryMode": 2, "mandatory": mandatory, "timestamp": True, "bindingVersion": BINDING_VERSION},
    }
