"""What a change of an AsyncAPI document means to the services at the other ends of its channels.

The document is one service's. What it sends, others read: their readers are held to be those of the old document, and
what the new one writes must fit them. What it receives, others write, as the old document says, and it must still be
read. Exchanges and queues cannot be changed in place: the broker refuses another declaration, and whoever is bound to
the old name gets nothing more. Titles, descriptions, tags, examples and ``x-`` extensions mean nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from services_communication.contracts.asyncapi.bundle import Part, part
from services_communication.contracts.asyncapi.matching import (
    Matched,
    match_channels,
    match_messages,
    match_operations,
    match_servers,
)
from services_communication.contracts.asyncapi.payloads import judged
from services_communication.contracts.asyncapi.pointers import Node, UnreadableError
from services_communication.contracts.asyncapi.reading import Application, Channel, Message, Operation, read
from services_communication.contracts.finding import Finding, Level
from services_communication.contracts.report import Direction

MISSING: Any = ...
FILE = "asyncapi.json"

_ORDER: dict[Level, int] = {"error": 0, "warning": 1, "info": 2}
_EXCHANGE_HINT = "declare an exchange of another name, and bind its readers before the old one is left"
_QUEUE_HINT = "declare a queue of another name, and consume the old one until it is empty"


def diff(old: Any, new: Any, *, file: str = FILE) -> list[Finding]:
    """The findings about `new`, errors first; empty where nothing changed that another service could see.

    Both are documents of one service as JSON or YAML gives them. One that cannot be read is a finding of the rule
    ``document-unreadable``. Raises ConfigurationError when payloads differ and what judges them is not installed.
    """
    comparison = _Comparison(file)
    applications = []
    for document, which in ((old, "old"), (new, "new")):
        try:
            applications.append(read(document))
        except UnreadableError as error:
            comparison.unreadable(error, which)
        except RecursionError:
            comparison.unreadable(UnreadableError("", "it is nested too deep"), which)
    if len(applications) == 2:  # noqa: PLR2004  both could be read
        comparison.run(*applications)
    return comparison.sorted()


class _Comparison:
    def __init__(self, file: str) -> None:
        self._file = file
        self._found: dict[tuple[str, str, str], Finding] = {}
        self._channels: dict[Channel, Channel] = {}
        self._gone: set[Message] = set()
        self._come: set[Message] = set()

    def run(self, old: Application, new: Application) -> None:
        self._servers(old, new)
        matched = match_channels(old.channels.values(), new.channels.values())
        self._pair_reply_channels(matched, old, new)
        self._channels = dict(matched.pairs)
        operations = match_operations(old.operations.values(), new.operations.values(), self._channels.get)
        for channel in matched.removed:
            self._say("error", "channel-removed", channel.pointer, f"channel {channel.key} is gone")
            self._gone.update(channel.messages.values())
        for channel in matched.added:
            self._say("info", "channel-added", channel.pointer, f"channel {channel.key} is new")
            self._come.update(channel.messages.values())
        for operation in operations.removed:
            if operation.channel in self._channels:
                sentence = f"operation {operation.key} ({operation.action} on {operation.channel.key}) is gone"
                self._say("error", "operation-removed", operation.pointer, sentence)
            self._gone.update(operation.messages)
        self._gone.difference_update(message for kept, _ in operations.pairs for message in kept.messages)
        for before, after in matched.pairs:
            self._channel(before, after)
        for operation in operations.added:
            if operation.channel in self._channels.values():
                self._say("info", "operation-added", operation.pointer, f"operation {operation.key} is new")
        for one, other in operations.pairs:
            self._operation(one, other)

    def _pair_reply_channels(self, matched: Matched[Channel], old: Application, new: Application) -> None:
        """A channel without an address is known by the operation that it answers."""
        pairs = dict(matched.pairs)
        operations = match_operations(old.operations.values(), new.operations.values(), pairs.get)
        for before, after in operations.pairs:
            one = before.reply.channel if before.reply else None
            other = after.reply.channel if after.reply else None
            if one in matched.removed and other in matched.added and one.address is None is other.address:
                matched.pairs.append((one, other))
                matched.removed.remove(one)
                matched.added.remove(other)

    def _servers(self, old: Application, new: Application) -> None:
        matched = match_servers(old.servers.values(), new.servers.values())
        for server in matched.removed:
            self._say("error", "server-removed", server.pointer, f"server {server.key} is gone")
        for server in matched.added:
            self._say("info", "server-added", server.pointer, f"server {server.key} is new")
        for before, after in matched.pairs:
            for name in ("host", "protocol"):
                one, other = getattr(before, name), getattr(after, name)
                if one != other:
                    sentence = f"the {name} of server {before.key} was {one!r} and is {other!r}"
                    self._say("error", f"server-{name}-changed", f"{after.pointer}/{name}", sentence)

    def _channel(self, old: Channel, new: Channel) -> None:
        self._address(old, new)
        place = f"{new.pointer}/bindings/amqp"
        if old.is_queue == new.is_queue:
            kind: Literal["queue", "exchange"] = "queue" if new.is_queue else "exchange"
            self._declaration(kind, old, new, f"{place}/{kind}")
        elif old.amqp and new.amqp:
            sentence = f"channel {new.key} was a {_kind(old)} and is a {_kind(new)}"
            self._say("error", "channel-kind-changed", f"{place}/is", sentence)
        self._other_bindings(new.key, old.bindings, new.bindings, new.pointer)
        matched = match_messages(old.messages.values(), new.messages.values())
        for message in matched.removed:
            self._message_gone(message, new, new.messages.values())
        for message in matched.added:
            if message not in self._come:
                self._come.add(message)
                sentence = f"message {message.label} is new in channel {new.key}"
                self._say("info", "message-added", message.pointer, sentence)
        for before, after in matched.pairs:
            self._message(before, after)

    def _address(self, old: Channel, new: Channel) -> None:
        if old.address == new.address or new.is_queue:
            return
        routed = bool(old.exchange or new.exchange)
        rule, name = ("routing-key-changed", "routing key") if routed else ("address-changed", "address")
        sentence = f"the {name} of channel {old.key} was {old.address!r} and is {new.address!r}"
        hint = "use both until every reader is bound to the new one" if routed else ""
        told = f"{sentence}: who is bound to the old one gets nothing more" if routed else sentence
        self._say("error", rule, f"{new.pointer}/address", told, hint)

    def _declaration(self, kind: Literal["queue", "exchange"], old: Channel, new: Channel, place: str) -> None:
        before, after = (old.queue, new.queue) if kind == "queue" else (old.exchange, new.exchange)
        hint = _QUEUE_HINT if kind == "queue" else _EXCHANGE_HINT
        names = ("name", "vhost", "type", "durable", "autoDelete", *(("exclusive",) if kind == "queue" else ()))
        for name in names:
            default = "/" if name == "vhost" else MISSING
            one, other = before.get(name, default), after.get(name, default)
            if one == other:
                continue
            rule, pointer = f"{kind}-{_dashed(name)}-changed", f"{place}/{name}"
            if kind == "queue" and name == "type":
                pointer = f"{place.removesuffix('/queue')}/x-queue-type"
            if one is MISSING or other is MISSING:
                what = "is stated now" if one is MISSING else "is not stated any more"
                self._say("info", rule, pointer, f"{name} of the {kind} of channel {new.key} {what}")
            else:
                sentence = f"{name} of the {kind} of channel {new.key} was {one!r} and is {other!r}"
                self._say("error", rule, pointer, f"{sentence}: {_consequence(kind, name)}", hint)

    def _other_bindings(self, label: str, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        """Of protocols that we know nothing of: that they changed is all that can be said."""
        for protocol in sorted({*old, *new} - {"amqp"}):
            if old.get(protocol) != new.get(protocol):
                sentence = f"the bindings of {label} for {protocol} changed; what that means is not judged here"
                self._say("warning", "bindings-changed", f"{place}/bindings", sentence)

    def _message_gone(self, message: Message, channel: Channel, rest: Any) -> None:
        if message in self._gone:
            return
        self._gone.add(message)
        heir = next((one for one in rest if _upcasts(one, message)), None)
        if heir is not None:
            sentence = f"message {message.label} is read as {heir.label} now"
            self._say("info", "message-upcast", heir.pointer, sentence)
            return
        sentence = f"message {message.label} is gone from channel {channel.key}"
        hint = "keep it beside the new one until nobody needs it"
        self._say("error", "message-removed", message.pointer, sentence, hint)

    def _message(self, old: Message, new: Message) -> None:
        both = old.directions & new.directions or old.directions | new.directions
        directions = both or {"backward", "forward"}  # nothing says who writes it
        if old.content_type != new.content_type:
            sentence = f"the content type of {new.label} was {old.content_type!r} and is {new.content_type!r}"
            self._say("error", "content-type-changed", f"{new.pointer}/contentType", sentence)
        if old.correlation != new.correlation:
            sentence = f"the correlation id of {new.label} was at {old.correlation!r} and is at {new.correlation!r}"
            level: Level = "info" if old.correlation is None else "error"
            self._say(level, "correlation-id-moved", f"{new.pointer}/correlationId/location", sentence)
        before, after = old.bindings.get("amqp", {}), new.bindings.get("amqp", {})
        for name, rule in (("contentEncoding", "content-encoding-changed"), ("messageType", "message-type-changed")):
            if before.get(name) != after.get(name):
                sentence = f"{name} of {new.label} was {before.get(name)!r} and is {after.get(name)!r}"
                self._say("warning", rule, f"{new.pointer}/bindings/amqp/{name}", sentence)
        self._other_bindings(new.label, old.bindings, new.bindings, new.pointer)
        for name in ("payload", "headers"):
            self._schema(old, new, name, tuple(sorted(directions)))

    def _schema(self, old: Message, new: Message, name: str, directions: tuple[Direction, ...]) -> None:
        label = new.label if name == "payload" else f"the headers of {new.label}"
        place = f"{new.pointer}/{name}"
        before = self._part("old", getattr(old, name), place)
        after = self._part("new", getattr(new, name), place)
        if before is None or after is None:
            return
        try:
            for finding in judged(before, after, directions, label, self._file):
                self._add(finding)
        except UnreadableError as error:
            self.unreadable(error, "old or new")

    def _part(self, which: str, node: Node | None, place: str) -> Part | None:
        try:
            return part(node, place)
        except UnreadableError as error:
            self.unreadable(error, which)
        except RecursionError:
            self.unreadable(UnreadableError(place, "it is nested too deep"), which)
        return None

    def _operation(self, old: Operation, new: Operation) -> None:
        if old.action != new.action:
            sentence = f"operation {new.key} was {old.action!r} and is {new.action!r}"
            self._say("error", "operation-action-changed", f"{new.pointer}/action", sentence)
        if self._channels.get(old.channel) is not new.channel:
            sentence = f"operation {new.key} was on channel {old.channel.key} and is on {new.channel.key}"
            self._say("error", "operation-channel-changed", f"{new.pointer}/channel", sentence)
        for message in match_messages(old.messages, new.messages).removed:
            self._message_gone(message, new.channel, new.messages)
        before, after = old.bindings.get("amqp", {}), new.bindings.get("amqp", {})
        for name in sorted({*before, *after} - {"bindingVersion"}):
            if before.get(name) != after.get(name) and not name.startswith("x-"):
                sentence = f"{name} of operation {new.key} was {before.get(name)!r} and is {after.get(name)!r}"
                lost = name == "deliveryMode" and after.get(name) == 1
                level: Level = "warning" if lost else "info"
                told = f"{sentence}: messages do not survive the broker's restart any more" if lost else sentence
                self._say(level, f"{_dashed(name)}-changed", f"{new.pointer}/bindings/amqp/{name}", told)
        self._other_bindings(new.key, old.bindings, new.bindings, new.pointer)
        self._reply(old, new)

    def _reply(self, old: Operation, new: Operation) -> None:
        before, after = old.reply, new.reply
        if before is None or after is None:
            if before is not None:
                self._say("error", "reply-removed", new.pointer, f"operation {new.key} has no reply any more")
            elif after is not None:
                self._say("info", "reply-added", after.pointer, f"operation {new.key} has a reply now")
            return
        if before.location != after.location:
            sentence = f"the reply of {new.key} went to {before.location!r} and goes to {after.location!r}"
            self._say("error", "reply-address-changed", f"{after.pointer}/address/location", sentence)
        one, other = before.channel, after.channel
        if one is not None and self._channels.get(one) is not other:
            there = "no channel" if other is None else f"channel {other.key}"
            sentence = f"the reply of {new.key} was on channel {one.key} and is on {there}"
            self._say("error", "reply-channel-changed", f"{after.pointer}/channel", sentence)
        if other is not None:
            for message in match_messages(before.messages, after.messages).removed:
                self._message_gone(message, other, after.messages)

    def unreadable(self, error: UnreadableError, which: str) -> None:
        hint = "the official parser, @asyncapi/parser, says more"
        sentence = f"the {which} document cannot be judged: {error}"
        self._say("error", "document-unreadable", error.pointer, sentence, hint)

    def _say(self, level: Level, rule: str, pointer: str, sentence: str, hint: str = "") -> None:
        self._add(Finding(level, rule, self._file, pointer, sentence, hint))

    def _add(self, finding: Finding) -> None:
        """Told once: a change that breaks both directions is two changes with one sentence."""
        key = finding.rule, finding.pointer, finding.sentence
        held = self._found.get(key)
        if held is None or _ORDER[finding.level] < _ORDER[held.level]:
            self._found[key] = finding

    def sorted(self) -> list[Finding]:
        return sorted(self._found.values(), key=lambda one: (_ORDER[one.level], one.pointer, one.rule, one.sentence))


def _upcasts(reader: Message, gone: Message) -> bool:
    """Whether the reader of one version reads the other, which is gone, too."""
    first, version = reader.upcast_from, gone.version
    return isinstance(first, int) and isinstance(version, int) and first <= version < (reader.version or 0)


def _consequence(kind: str, name: str) -> str:
    if name in ("name", "vhost"):
        what = "who is bound to it" if kind == "exchange" else "what is in it"
        return f"{what} is left behind"
    return f"the broker refuses to declare an existing {kind} otherwise"


def _kind(channel: Channel) -> str:
    return "queue" if channel.is_queue else "routing key"


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
