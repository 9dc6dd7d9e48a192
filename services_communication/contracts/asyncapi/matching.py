"""Which channel, operation and message of one document is which of another: by what they are, not by their keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services_communication.contracts.asyncapi.reading import Channel, Message, Operation, Server

T = TypeVar("T")


@dataclass(slots=True)
class Matched(Generic[T]):
    pairs: list[tuple[T, T]] = field(default_factory=list)
    removed: list[T] = field(default_factory=list)
    added: list[T] = field(default_factory=list)


def match(old: Iterable[T], new: Iterable[T], *identities: Callable[[T], Hashable | None]) -> Matched[T]:
    """Pairs by the first of `identities` that is equal and not None; each takes what the one before has left."""
    matched: Matched[T] = Matched(removed=list(old), added=list(new))
    for identity in identities:
        for one in list(matched.removed):
            name = identity(one)
            other = next((other for other in matched.added if name is not None and identity(other) == name), None)
            if other is not None:
                matched.pairs.append((one, other))
                matched.removed.remove(one)
                matched.added.remove(other)
    return matched


def match_servers(old: Iterable[Server], new: Iterable[Server]) -> Matched[Server]:
    return match(
        old,
        new,
        lambda one: (one.key, one.host, one.protocol),
        lambda one: (one.host, one.protocol),
        lambda one: one.key,
    )


def match_channels(old: Iterable[Channel], new: Iterable[Channel]) -> Matched[Channel]:
    """By exchange and routing key, or by queue. A key that is left over then is a channel that was moved."""
    return match(
        old, new, lambda one: one.identity and (one.identity, one.key), lambda one: one.identity, lambda one: one.key
    )


def match_messages(old: Iterable[Message], new: Iterable[Message]) -> Matched[Message]:
    """By name, version and side; what is alone in its channel on both sides is the same, whatever it is called."""

    def named(one: Message) -> tuple[Hashable, ...]:
        return one.name, _hashable(one.version)

    matched = match(
        old,
        new,
        lambda one: (one.key, *named(one), frozenset(one.directions)),
        lambda one: (*named(one), frozenset(one.directions)),
        lambda one: (one.key, *named(one)),
        named,
        lambda one: (one.key, _hashable(one.version)),
    )
    if not matched.pairs and len(matched.removed) == len(matched.added) == 1:
        one, other = matched.removed[0], matched.added[0]
        if one.version == other.version:
            return Matched([(one, other)])
    return matched


def match_operations(
    old: Iterable[Operation], new: Iterable[Operation], same: Callable[[Channel], Channel | None]
) -> Matched[Operation]:
    """By action and channel; `same` tells which new channel an old one has become."""
    before = list(old)
    former = set(before)

    def place(one: Operation) -> tuple[str, int] | None:
        channel = same(one.channel) if one in former else one.channel
        return None if channel is None else (one.action, id(channel))

    return match(before, new, lambda one: place(one) and (place(one), one.key), place, lambda one: one.key)


def _hashable(value: object) -> str:
    return repr(value)
