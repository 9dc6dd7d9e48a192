"""Which handlers a message goes to, and what may be registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services_communication.consumer import (
    MessageContext,
    MessageRouter,
    call_consumer,
    call_response_consumer,
    command_consumer,
    event_consumer,
)
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.errors import ContractDefinitionError
from services_communication.message import Delivery, Message


class Updated(EventModel, aggregate="routed", event_type="update.base"):
    user_id: int


class Order(CommandModel, service="routed", command_name="order"):
    user_id: int


class Unnamed(CommandModel, service="routed-unnamed"):
    user_id: int


class Ask(CallModel[int], service="routed", method_name="ask"):
    user_id: int


class Plain(PayloadModel):
    user_id: int


@pytest.fixture
def router() -> MessageRouter:
    return MessageRouter()


def handlers(router: MessageRouter, exchange: str, routing_key: str) -> list[Any]:
    return [binding.handler for binding in router.match(exchange, routing_key)]


def make(name: str) -> Any:
    def handler(routing_key: str, body: Any) -> None: ...

    handler.__qualname__ = name
    return handler


def test_the_most_specific_registration_wins(router: MessageRouter) -> None:
    """DESIGN §7: exact key, wildcard, exchange, default; unmatched when there is none."""
    exact, star, hash_, exchange, default = (make(n) for n in ("exact", "star", "hash", "exchange", "default"))
    assert handlers(router, "user", "update.base") == []
    router.default_consumer(default)
    assert handlers(router, "user", "update.base") == [default]
    router.consumer("user")(exchange)
    assert handlers(router, "user", "update.base") == [exchange]
    router.consumer("user", "#")(hash_)
    assert handlers(router, "user", "update.base") == [hash_]
    router.consumer("user", "update.*")(star)
    assert handlers(router, "user", "update.base") == [star]
    router.consumer("user", "update.base")(exact)
    assert handlers(router, "user", "update.base") == [exact]
    assert handlers(router, "user", "update.name") == [star]
    assert handlers(router, "user", "made") == [hash_]
    assert handlers(router, "order", "update.base") == [default]


def test_the_pattern_with_more_literal_words_wins(router: MessageRouter) -> None:
    """Then the one with fewer #; equals run both."""
    patterns = {name: make(name) for name in ("a.#", "a.*", "a.b.#", "a.b.*", "*.b.*")}
    for pattern, handler in patterns.items():
        router.consumer("x", pattern)(handler)
    assert handlers(router, "x", "a.b.c") == [patterns["a.b.*"]]
    assert handlers(router, "x", "a.b.c.d") == [patterns["a.b.#"]]
    assert handlers(router, "x", "a.c") == [patterns["a.*"]]
    assert handlers(router, "x", "a") == [patterns["a.#"]]
    assert handlers(router, "x", "z.b.c") == [patterns["*.b.*"]]
    assert handlers(router, "x", "z") == []
    also = make("also")
    router.consumer("x", "a.b.*")(also)
    assert handlers(router, "x", "a.b.c") == [patterns["a.b.*"], also]


def test_all_handlers_of_one_step_run_in_order(router: MessageRouter) -> None:
    """In the order in which they were registered."""
    first, second = make("first"), make("second")
    router.consumer("user", "made")(first)
    router.consumer("user", "made")(second)
    assert handlers(router, "user", "made") == [first, second]


def test_decorators_may_be_stacked(router: MessageRouter) -> None:
    """A function stays what it is, and handles several addresses."""

    @router.consumer("user", "made")
    @router.consumer("user", "update.*")
    @router.consumer("order")
    def handler(routing_key: str, body: Any) -> None: ...

    for exchange, key in (("user", "made"), ("user", "update.x"), ("order", "any")):
        assert handlers(router, exchange, key) == [handler]
    assert len(router) == 3


def test_consumer_without_an_exchange_is_a_default(router: MessageRouter) -> None:
    """consumer() and default_consumer are one; several defaults all run."""
    first, second = make("first"), make("second")
    assert router.consumer()(first) is first
    assert router.default_consumer(second) is second
    assert handlers(router, "any", "") == [first, second]


def test_typed_and_untyped_handlers_stand_side_by_side(router: MessageRouter) -> None:
    """A contract's address is an exact key."""
    untyped, wide = make("untyped"), make("wide")

    @router.consumer(Updated)
    def typed(event: Updated) -> None: ...

    router.consumer("routed", "update.base")(untyped)
    router.consumer("routed")(wide)
    assert handlers(router, "routed", "update.base") == [typed, untyped]
    assert handlers(router, "routed", "update.other") == [wide]


def test_a_command_without_a_name_is_an_exact_empty_key(router: MessageRouter) -> None:
    """It does not take the service's named commands."""

    @router.consumer(Unnamed)
    def typed(command: Unnamed) -> None: ...

    assert handlers(router, "routed-unnamed", "") == [typed]
    assert handlers(router, "routed-unnamed", "other") == []


def test_registering_later_is_seen(router: MessageRouter) -> None:
    """What was looked up before does not hide a new handler."""
    assert handlers(router, "user", "made") == []
    handler = make("late")
    router.consumer("user", "made")(handler)
    assert handlers(router, "user", "made") == [handler]


def test_add_consumer_is_the_form_without_a_decorator(router: MessageRouter) -> None:
    """The earlier library has it too."""
    handler = make("added")
    router.add_consumer(handler, "user", "made")
    assert handlers(router, "user", "made") == [handler]


def test_one_handler_is_registered_once_for_an_address(router: MessageRouter) -> None:
    """Twice would handle each message twice; the message names the handler."""
    handler = make("doubled")
    router.consumer("user", "made")(handler)
    with pytest.raises(ContractDefinitionError, match=r"doubled.*twice"):
        router.consumer("user", "made")(handler)

    def typed(event: Updated) -> None: ...

    router.consumer(Updated)(typed)
    with pytest.raises(ContractDefinitionError, match="twice"):
        router.consumer(Updated)(typed)


def test_handlers_of_one_contract_need_names_of_their_own(router: MessageRouter) -> None:
    """Two functions with one dotted name are one to the inbox: the second would never run. The text says so."""

    def named(event: Any) -> None: ...

    def other(event: Any) -> None: ...

    first, second = named, other
    second.__qualname__ = first.__qualname__
    router.consumer(Updated)(first)
    with pytest.raises(ContractDefinitionError, match=r"named@.*twice.*inbox.*names.*name of its own"):
        router.consumer(Updated)(second)
    assert handlers(router, "routed", "update.base") == [first]
    router.consumer(Order)(second)
    assert handlers(router, "routed", "order") == [second]


def test_a_call_has_one_answer(router: MessageRouter) -> None:
    """A second handler would send a second reply; the message names the first."""

    @router.consumer(Ask)
    def answer(request: Ask) -> int:
        return 1

    with pytest.raises(ContractDefinitionError, match=r"Ask is answered by .*answer"):

        @router.consumer(Ask)
        def contradict(request: Ask) -> int:
            return 2


@pytest.mark.parametrize("wrong", [Plain, EventModel, CommandModel, CallModel, CallModel[int], int, PayloadModel])
def test_a_class_without_an_address_is_refused(router: MessageRouter, wrong: Any) -> None:
    """mypy says so too (tests/typing)."""
    with pytest.raises(ContractDefinitionError, match=r"needs an event, command or call with an address"):
        router.consumer(wrong)


async def asynchronous(event: Updated) -> None: ...


def nothing() -> None: ...


def three(event: Updated, context: MessageContext, more: int) -> None: ...


def keyword(*, event: Updated) -> None: ...


class AsynchronousObject:
    async def __call__(self, event: Updated, context: MessageContext) -> None: ...


@pytest.mark.parametrize("wrong", [asynchronous, nothing, three, keyword, AsynchronousObject(), "handler", 5])
def test_a_typed_handler_of_another_shape_is_refused(router: MessageRouter, wrong: Any) -> None:
    """When it is registered, not at the first message; what is registered stays empty."""
    with pytest.raises(ContractDefinitionError):
        router.consumer(Updated)(wrong)
    assert len(router) == 0


@pytest.mark.parametrize("wrong", [asynchronous, nothing, three, keyword, AsynchronousObject(), 5])
def test_an_untyped_handler_of_another_shape_is_refused(router: MessageRouter, wrong: Any) -> None:
    """An untyped one is called as (routing_key, body): an async one would be acknowledged without having run."""
    with pytest.raises(ContractDefinitionError):
        router.consumer("user", "made")(wrong)
    assert len(router) == 0


@pytest.mark.parametrize("decorate", [event_consumer, command_consumer, call_consumer, call_response_consumer])
def test_a_decorated_handler_is_no_coroutine(decorate: Any) -> None:
    """The historical decorators refuse it as well."""
    with pytest.raises(ContractDefinitionError, match="plain function"):
        decorate(asynchronous)


def test_a_callable_object_may_be_a_handler(router: MessageRouter) -> None:
    """Its __call__ is what is looked at."""

    class Handler:
        def __call__(self, event: Updated, context: MessageContext) -> None: ...

    router.consumer(Updated)(Handler())
    assert len(router) == 1


def test_a_default_argument_does_not_ask_for_the_context(router: MessageRouter) -> None:
    """(event, context=None) has room for two, and gets two."""
    got: list[Any] = []

    @router.consumer(Updated)
    def handler(event: Updated, context: MessageContext | None = None) -> None:
        got.append(context)

    run(router, Message("routed", "update.base", b'{"payload":{"userId":1}}'))
    assert got[0].exchange == "routed"


def run(router: MessageRouter, message: Message) -> None:
    delivery = Delivery(message, "q")
    for binding in router.match(delivery.exchange, delivery.routing_key):
        binding.prepare(delivery)()


def test_untyped_handlers_are_called_by_their_signature(router: MessageRouter) -> None:
    """(routing_key, body), with exchange= where it is asked for, and **kwargs."""
    got: dict[str, Any] = {}

    @router.consumer("forms", "x")
    def two(routing_key: str, body: Any) -> None:
        got["two"] = (routing_key, body)

    @router.consumer("forms", "x")
    def keyword(routing_key: str, body: Any, exchange: str) -> None:
        got["keyword"] = (routing_key, body, exchange)

    @router.consumer("forms", "x")
    def anything(routing_key: str, body: Any, **kwargs: Any) -> None:
        got["anything"] = (routing_key, body, kwargs)

    @router.consumer("forms", "x")
    def optional(routing_key: str, body: Any, *, exchange: str | None = None, other: int = 5) -> None:
        got["optional"] = (exchange, other)

    run(router, Message("forms", "x", b'{"userId":{"aB":1}}'))
    body = {"user_id": {"a_b": 1}}
    assert got == {
        "two": ("x", body),
        "keyword": ("x", body, "forms"),
        "anything": ("x", body, {"exchange": "forms"}),
        "optional": ("forms", 5),
    }


def test_a_bindings_name_tells_consumers_apart(router: MessageRouter) -> None:
    """The inbox knows a consumer by it: module, function, address."""

    @router.consumer("user", "made")
    @router.consumer("user")
    @router.consumer()
    def handler(routing_key: str, body: Any) -> None: ...

    prefix = f"{__name__}.{handler.__qualname__}@"
    assert {binding.name for binding in router} == {f"{prefix}user:made", f"{prefix}user:#", f"{prefix}*:#"}


def test_the_decorator_needs_its_parentheses() -> None:
    """`@router.consumer` alone would swallow the function, so it is refused."""
    with pytest.raises(ContractDefinitionError, match="parentheses"):
        MessageRouter().consumer(lambda body: None)  # type: ignore[call-overload]  # wrong on purpose


def test_a_generator_is_no_handler() -> None:
    """Its body would never run."""

    def handler(routing_key: str, body: object) -> Iterator[None]:
        yield

    with pytest.raises(ContractDefinitionError, match="generator"):
        MessageRouter().consumer("exchange")(handler)


def test_an_annotation_must_fit_the_contract() -> None:
    """What mypy refuses is refused at import too, where the annotation can be resolved."""

    def handler(command: Order) -> None: ...

    with pytest.raises(ContractDefinitionError, match="takes Order, but is registered for Updated"):
        MessageRouter().consumer(Updated)(handler)  # type: ignore[arg-type]  # wrong on purpose
