"""Which handlers a message goes to.

    @message_router.consumer(UserUpdated)
    def on_user_updated(event: UserUpdated) -> None: ...

The most specific registration wins: the exact routing key, then the wildcard pattern (``event.*``, ``event.#``) with
the most literal words, then the exchange without a key, then the default consumer. All handlers of that step run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, overload

from services_communication.consumer import legacy, typed
from services_communication.consumer.binding import Binding
from services_communication.consumer.context import MessageContext
from services_communication.contracts import AddressedModel, CallModel, CommandModel, EventModel
from services_communication.errors import ContractDefinitionError
from services_communication.transport.topics import matches, specificity

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
E = TypeVar("E", bound=EventModel)
C = TypeVar("C", bound=CommandModel)
K = TypeVar("K", bound=CallModel[Any])
M_co = TypeVar("M_co", bound=AddressedModel, covariant=True)
K_co = TypeVar("K_co", bound=CallModel[Any], covariant=True)


class MessageRouter:
    """Registered handlers by exchange and routing key. Filled at import; read by the worker's threads."""

    def __init__(self) -> None:
        self._bindings: list[Binding] = []
        self._matched: dict[tuple[str, str], list[Binding]] = {}

    @overload
    def consumer(self, exchange_name: type[E], /, *, atomic: bool = True) -> MessageDecorator[E]: ...
    @overload
    def consumer(self, exchange_name: type[C], /, *, atomic: bool = True) -> MessageDecorator[C]: ...
    @overload
    def consumer(self, exchange_name: type[K], /, *, atomic: bool = True) -> CallDecorator[K]: ...
    @overload
    def consumer(
        self, exchange_name: str | None = None, routing_key: str = "", *, atomic: bool = True
    ) -> Callable[[F], F]: ...
    def consumer(self, exchange_name: Any = None, routing_key: str = "", *, atomic: bool = True) -> Any:
        """Register the decorated function for a contract, or untyped for an exchange and routing key.

        Without a routing key it gets every message of the exchange, without an exchange every message that no
        other handler gets. Decorators may be stacked. ``atomic=False`` is for a handler that needs no transaction or
        makes its own: it runs outside one, faster, and without the inbox. Raises ContractDefinitionError.
        """
        if isinstance(exchange_name, type):
            if not issubclass(exchange_name, AddressedModel) or not hasattr(exchange_name, "__contract__"):
                raise ContractDefinitionError(
                    f"consumer() needs an event, command or call with an address, not {exchange_name.__name__}"
                )
            decorator = CallDecorator if issubclass(exchange_name, CallModel) else MessageDecorator
            return decorator(self, exchange_name, atomic)

        if callable(exchange_name):
            raise ContractDefinitionError("write @message_router.consumer(Contract), or consumer() with parentheses")

        def decorate(function: F) -> F:
            self.add_consumer(function, exchange_name, routing_key, atomic=atomic)
            return function

        return decorate

    def response_consumer(
        self, call: type[CallModel[R]], /, *, reply_to: str, atomic: bool = True
    ) -> ResponseDecorator[R]:
        """Register the decorated function for the replies of `call` that were asked for at exchange `reply_to`."""
        if not hasattr(call, "__contract__"):
            raise ContractDefinitionError(f"response_consumer() needs a call with an address, not {call!r}")
        return ResponseDecorator(self, call, atomic, reply_to)

    def default_consumer(self, function: F) -> F:
        """Register the decorated function for messages that no other handler gets."""
        self.add_consumer(function, None)
        return function

    def add_consumer(
        self, func: Callable[..., Any], exchange_name: str | None, routing_key: str = "", *, atomic: bool = True
    ) -> None:
        """The untyped form without a decorator."""
        atomic = atomic and not getattr(func, legacy.NOT_ATOMIC, False)
        prepare = legacy.preparation(func)
        self.add(Binding(exchange_name or None, routing_key or None, func, prepare, atomic=atomic))

    def add(self, binding: Binding) -> None:
        for other in self._bindings:
            if other.name == binding.name:
                raise ContractDefinitionError(
                    f"{binding.name} is registered twice, and the inbox tells handlers apart by their names: "
                    f"remove one of the decorators, or give each function a name of its own"
                )
        same = [b for b in self._bindings if b.contract is not None and b.contract is binding.contract]
        if same and binding.contract is not None and issubclass(binding.contract, CallModel):
            raise ContractDefinitionError(
                f"{binding.name}: {binding.contract.__name__} is answered by {same[0].name}; a call has one reply"
            )
        self._bindings.append(binding)
        self._matched.clear()

    def match(self, exchange: str, routing_key: str) -> list[Binding]:
        """The handlers for a message; empty when there is none."""
        try:
            return self._matched[exchange, routing_key]
        except KeyError:
            found = self._find(exchange, routing_key)
            if len(self._matched) < 10_000:  # noqa: PLR2004  routing keys may hold ids without end
                self._matched[exchange, routing_key] = found
            return found

    def _find(self, exchange: str, routing_key: str) -> list[Binding]:
        own = [binding for binding in self._bindings if binding.exchange == exchange]
        exact = [binding for binding in own if binding.routing_key == routing_key]
        if exact:
            return exact
        patterns = [
            binding for binding in own if binding.routing_key is not None and matches(binding.routing_key, routing_key)
        ]
        if patterns:
            best = max(specificity(binding.routing_key or "") for binding in patterns)
            return [binding for binding in patterns if specificity(binding.routing_key or "") == best]
        return [binding for binding in own if binding.routing_key is None] or [
            binding for binding in self._bindings if binding.exchange is None
        ]

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)


class _Decorator:
    def __init__(self, router: MessageRouter, contract: type[AddressedModel], atomic: bool) -> None:
        self._router = router
        self._contract = contract
        self._atomic = atomic

    def _register(self, function: F) -> F:
        address = self._contract.__contract__.address
        exchange, routing_key = address.exchange, address.routing_key
        prepare = typed.preparation(self._contract, function)
        self._router.add(
            Binding(exchange, routing_key, function, prepare, self._contract, binds_queue=True, atomic=self._atomic)
        )
        return function


class MessageDecorator(_Decorator, Generic[M_co]):
    """Registers a handler of an event or command: ``(contract)`` or ``(contract, context)``."""

    @overload
    def __call__(self, function: Callable[[M_co], None], /) -> Callable[[M_co], None]: ...
    @overload
    def __call__(
        self, function: Callable[[M_co, MessageContext], None], /
    ) -> Callable[[M_co, MessageContext], None]: ...
    def __call__(self, function: Any, /) -> Any:
        return self._register(function)


class CallDecorator(_Decorator, Generic[K_co]):
    """Registers a handler of a call; it returns what the call declares as its reply."""

    @overload
    def __call__(self: CallDecorator[CallModel[R]], function: Callable[[K_co], R], /) -> Callable[[K_co], R]: ...
    @overload
    def __call__(
        self: CallDecorator[CallModel[R]], function: Callable[[K_co, MessageContext], R], /
    ) -> Callable[[K_co, MessageContext], R]: ...
    def __call__(self, function: Any, /) -> Any:
        return self._register(function)


class ResponseDecorator(Generic[R_co]):
    """Registers a handler of a call's replies: ``(reply)`` or ``(reply, context)``."""

    def __init__(self, router: MessageRouter, call: type[CallModel[R_co]], atomic: bool, reply_to: str) -> None:
        self._router = router
        self._call = call
        self._atomic = atomic
        self._reply_to = reply_to

    @overload
    def __call__(self, function: Callable[[R_co], None], /) -> Callable[[R_co], None]: ...
    @overload
    def __call__(
        self, function: Callable[[R_co, MessageContext], None], /
    ) -> Callable[[R_co, MessageContext], None]: ...
    def __call__(self, function: Any, /) -> Any:
        prepare = typed.response_preparation(self._call, function)
        routing_key = self._call.response_routing_key()
        self._router.add(Binding(self._reply_to, routing_key, function, prepare, binds_queue=True, atomic=self._atomic))
        return function


message_router = MessageRouter()
