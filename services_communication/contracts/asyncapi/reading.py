"""An AsyncAPI 3 document as servers, channels, operations and messages, references followed and traits applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from services_communication.contracts.asyncapi.pointers import Node, UnreadableError, kind
from services_communication.contracts.asyncapi.schemas import EXTENSION_UPCAST
from services_communication.contracts.report import Direction

Action: TypeAlias = Literal["send", "receive"]


@dataclass(slots=True, eq=False)
class Message:
    key: str
    pointer: str
    name: str
    version: Any
    """The constant of the header ``contract-version``; None where there is none."""
    upcast_from: Any
    """The oldest version that the reader of this message turns into it; None where it reads this one only."""
    content_type: str | None
    correlation: str | None
    bindings: Mapping[str, Any]
    headers: Node | None
    payload: Node | None
    directions: set[Direction] = field(default_factory=set)
    """What must hold of it: what is sent must fit old readers, what is received must be read of old writers."""

    @property
    def label(self) -> str:
        return self.name if self.version is None else f"{self.name} version {self.version}"


@dataclass(slots=True, eq=False)
class Channel:
    key: str
    pointer: str
    address: str | None
    bindings: Mapping[str, Any]
    messages: dict[str, Message]

    @property
    def amqp(self) -> Mapping[str, Any]:
        return _mapping(self.bindings.get("amqp"))

    @property
    def is_queue(self) -> bool:
        return self.amqp.get("is") == "queue"

    @property
    def exchange(self) -> Mapping[str, Any]:
        return _mapping(self.amqp.get("exchange"))

    @property
    def queue(self) -> Mapping[str, Any]:
        """With the type, which AMQP's binding has no place for."""
        found = dict(_mapping(self.amqp.get("queue")))
        return found | ({"type": self.amqp["x-queue-type"]} if "x-queue-type" in self.amqp else {})

    @property
    def identity(self) -> tuple[str, str] | None:
        """What it is whatever its key; None where its address is known at run time only."""
        if self.is_queue:
            name = self.queue.get("name", self.address)
            return None if not isinstance(name, str) else ("queue", name)
        if self.address is None:
            return None
        return f"exchange {self.exchange.get('name', '')}", self.address


@dataclass(slots=True, eq=False)
class Reply:
    pointer: str
    location: str | None
    channel: Channel | None
    messages: list[Message]


@dataclass(slots=True, eq=False)
class Operation:
    key: str
    pointer: str
    action: Action
    channel: Channel
    messages: list[Message]
    reply: Reply | None
    bindings: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Server:
    key: str
    pointer: str
    host: str
    protocol: str


@dataclass(slots=True, eq=False)
class Application:
    servers: dict[str, Server] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)


def read(document: Any) -> Application:
    """Raises UnreadableError, with the place of the first fault."""
    root = Node(document, document, "")
    if not isinstance(document, Mapping):
        raise UnreadableError("", f"an AsyncAPI document is an object, not {kind(document)}")
    version = root.text("asyncapi")
    if version is None or not version.startswith("3."):
        found = "it says no version" if version is None else f"it is of version {version[:20]!r}"
        raise UnreadableError("/asyncapi", f"AsyncAPI 3 is read, and {found}")
    return _Reading(root).application()


class _Reading:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._content_type = root.text("defaultContentType")
        self._messages: dict[str, Message] = {}
        self._channels: dict[str, Channel] = {}

    def application(self) -> Application:
        servers = {key: _server(key, node) for key, node in self._root.children("servers").items()}
        channels = {key: self._channel(key, node) for key, node in self._root.children("channels").items()}
        operations = {key: self._operation(key, node) for key, node in self._root.children("operations").items()}
        for operation in operations.values():
            sends = operation.action == "send"
            for message in operation.messages:
                message.directions.add("forward" if sends else "backward")
            for message in operation.reply.messages if operation.reply else ():
                message.directions.add("backward" if sends else "forward")
        return Application(servers, channels, operations)

    def _channel(self, key: str, node: Node) -> Channel:
        if node.pointer not in self._channels:
            messages = {name: self._message(name, one) for name, one in node.object().children("messages").items()}
            self._channels[node.pointer] = Channel(
                key, node.pointer, node.text("address"), _bindings(node, ("exchange", "queue")), messages
            )
        return self._channels[node.pointer]

    def _message(self, key: str, node: Node) -> Message:
        if node.pointer not in self._messages:
            node = _with_traits(node)
            version = node.child("headers", "properties", "contract-version", "const")
            upcast = node.child(EXTENSION_UPCAST)
            self._messages[node.pointer] = Message(
                key,
                node.pointer,
                node.text("name") or key,
                None if version is None else version.value,
                None if upcast is None else upcast.value,
                node.text("contentType") or self._content_type,
                node.text("correlationId", "location"),
                _bindings(node),
                node.child("headers"),
                self._payload(node),
            )
        return self._messages[node.pointer]

    def _payload(self, node: Node) -> Node | None:
        """A payload may be ``false``, and its reference may lead out of the document, so it is not followed here."""
        if "payload" not in node.value:
            return None
        return Node(node.root, node.value["payload"], f"{node.pointer}/payload")

    def _operation(self, key: str, node: Node) -> Operation:
        node = _with_traits(node.object())
        action = node.text("action")
        if action not in ("send", "receive"):
            raise UnreadableError(f"{node.pointer}/action", "it must be 'send' or 'receive'")
        target = node.child("channel")
        if target is None:
            raise UnreadableError(f"{node.pointer}/channel", "an operation needs a channel")
        channel = self._channel(target.pointer.rpartition("/")[2], target)
        messages = self._listed(node, channel)
        answer = node.child("reply")
        reply = None
        if answer is not None:
            replied = answer.child("channel")
            reply_channel = None if replied is None else self._channel(replied.pointer.rpartition("/")[2], replied)
            reply = Reply(
                answer.pointer, answer.text("address", "location"), reply_channel, self._listed(answer, reply_channel)
            )
        kept: Action = "send" if action == "send" else "receive"
        return Operation(key, node.pointer, kept, channel, messages, reply, _bindings(node))

    def _listed(self, node: Node, channel: Channel | None) -> list[Message]:
        """Those it names, or all of its channel."""
        listed = node.items("messages")
        if listed is None:
            return [] if channel is None else list(channel.messages.values())
        return [self._message(one.pointer.rpartition("/")[2], one) for one in listed]


def _server(key: str, node: Node) -> Server:
    host = "".join((node.text("host") or "", node.text("pathname") or ""))
    return Server(key, node.pointer, host, node.text("protocol") or "")


def _bindings(node: Node, objects: tuple[str, ...] = ()) -> dict[str, Any]:
    """By protocol. Of AMQP's, `objects` must be such."""
    bindings = node.children("bindings").items()
    found = {protocol: binding.object() for protocol, binding in bindings if not protocol.startswith("x-")}
    if "amqp" in found:
        for name in objects:
            part = found["amqp"].child(name)
            if part is not None:
                part.object()
    return {protocol: binding.value for protocol, binding in found.items()}


def _with_traits(node: Node) -> Node:
    """What the message or operation says itself wins over its traits, and a later trait over an earlier one."""
    traits = node.object().items("traits")
    if not traits:
        return node
    merged: dict[str, Any] = {}
    for trait in (*traits, node):
        merged = _merged(merged, trait.object().value)
    return Node(node.root, merged, node.pointer)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7386), which AsyncAPI names."""
    made = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(made.get(key), Mapping):
            made[key] = _merged(made[key], value)
        else:
            made[key] = value
    return made


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
