"""Up-casters: how they are declared, which chains they make, and what they do to a body."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel, registry
from services_communication.contracts.codec import decode_call, decode_command, decode_event
from services_communication.contracts.upcast import dead_ends, leads_to, missing_step, oldest, upcast, upcast_body
from services_communication.errors import ContractDefinitionError, DecodeError


class Moved(EventModel, aggregate="upcast", event_type="moved", version=3):
    user_id: int
    city: str
    zip_codes: list[int]


@Moved.upcast(1)
def moved_1(payload: dict[str, Any]) -> dict[str, Any]:
    return {"userId": payload["id"], "cityName": payload["cityName"]}


@Moved.upcast(2)
def moved_2(payload: dict[str, Any]) -> dict[str, Any]:
    return {"userId": payload["userId"], "city": payload["cityName"], "zipCodes": []}


def test_steps_lead_to_the_newest_class_when_the_old_ones_are_gone() -> None:
    """Each gives the next version's payload, which the next step takes on."""
    assert upcast(Moved, 1, {"id": 7, "cityName": "Bukhara"}) == {"userId": 7, "city": "Bukhara", "zipCodes": []}
    assert upcast(Moved, 2, {"userId": 7, "cityName": "Bukhara"}) == {"userId": 7, "city": "Bukhara", "zipCodes": []}
    assert upcast(Moved, 3, {"anything": 1}) == {"anything": 1}
    assert oldest(Moved) == 1


def test_each_class_may_hold_the_step_that_leads_to_it() -> None:
    """A chain goes through every class of the address, and ends at the version that is asked for."""

    class Two(EventModel, aggregate="upcast", event_type="spread", version=2):
        b: int

    class Three(EventModel, aggregate="upcast", event_type="spread", version=3):
        c: int

    @Two.upcast(1)
    def two(payload: dict[str, Any]) -> dict[str, Any]:
        return {"b": payload["a"] + 1}

    @Three.upcast(2)
    def three(payload: dict[str, Any]) -> dict[str, Any]:
        return {"c": payload["b"] * 10}

    assert upcast(Two, 1, {"a": 1}) == {"b": 2}
    assert upcast(Three, 1, {"a": 1}) == {"c": 20}
    assert [leads_to(version, Two) for version in (0, 1, 2, 3)] == [False, True, True, False]


def test_a_version_before_a_gap_is_not_read() -> None:
    """The error says which versions are, and which step is missing."""

    class Four(EventModel, aggregate="upcast", event_type="gap", version=4):
        a: int

    for n in (1, 3):
        Four.upcast(n)(identity)
    for version in (1, 2):
        with pytest.raises(DecodeError) as caught:
            upcast(Four, version, {})
        assert caught.value.reason == "unknown_version"
        assert f"version {version} is not read; versions 3 and 4 are; Four.upcast(2) is missing" in str(caught.value)


@pytest.mark.parametrize("version", [0, -1, 4, 10**30, True, "1", b"1", None, 1.0])
def test_what_is_no_version_from_one_to_the_newest_is_not_read(version: object) -> None:
    """A header may hold anything."""
    with pytest.raises(DecodeError) as caught:
        upcast(Moved, version, {})
    assert caught.value.reason == "unknown_version"
    assert caught.value.detail.endswith(" is not read; versions 1, 2 and 3 are")
    assert len(caught.value.detail) < 200


def test_the_function_stays_what_it_was() -> None:
    """It can be called and tested like any other."""
    assert moved_1({"id": 1, "cityName": "X"}) == {"userId": 1, "cityName": "X"}


def test_an_event_is_upcast_inside_its_envelope() -> None:
    """Id and time stay; in the envelope every spelling that is read is still read."""
    body = (
        b'{"eventId":12345678901234567890123,"event_time":"2023-06-02T10:58:58Z","other":[1.5,null],'
        b'"payload":{"id":7,"cityName":"\\u0411\xd1\x83"}}'
    )
    envelope = decode_event(Moved, upcast_body(Moved, 1, body))
    assert envelope.payload == Moved(user_id=7, city="Бу", zip_codes=[])
    assert envelope.event_id == "12345678901234567890123"
    assert envelope.event_time == datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC)


def test_a_commands_arguments_are_upcast_without_its_meta() -> None:
    """The up-caster sees the arguments only, and cannot touch the deadline."""
    seen: list[dict[str, Any]] = []

    class Send(CommandModel, service="upcast", command_name="send", version=2):
        phone: str
        text: str

    @Send.upcast(1)
    def send(arguments: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(arguments))
        return {"phone": str(arguments["phone"]), "text": "", "meta": {"expiredTime": "2000-01-01T00:00:00Z"}}

    body = b'{"phone":998,"meta":{"expiredTime":"2099-01-01T00:00:00Z"}}'
    meta, arguments = decode_command(Send, upcast_body(Send, 1, body))
    assert seen == [{"phone": 998}]
    assert arguments() == Send(phone="998", text="")
    assert meta.expired_time == datetime(2099, 1, 1, tzinfo=UTC)


def test_a_calls_data_are_upcast() -> None:
    """Its id and where the reply goes stay."""

    class Ask(CallModel[int], service="upcast", method_name="ask", version=2):
        product_id: int

    @Ask.upcast(1)
    def ask(data: dict[str, Any]) -> dict[str, Any]:
        return {"productId": data["product"]}

    body = b'{"id":"c","meta":{"replyTo":"shop"},"data":{"product":5}}'
    envelope = decode_call(Ask, upcast_body(Ask, 1, body))
    assert (envelope.id, envelope.meta.reply_to, envelope.data) == ("c", "shop", Ask(product_id=5))


def raising(payload: dict[str, Any]) -> dict[str, Any]:
    raise ValueError(f"secret {payload}")


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "raises": (raising, "upcast(1) of Faulty raised ValueError"),
    "key error": (lambda payload: {"a": payload["secret"]}, "upcast(1) of Faulty raised KeyError"),
    "nothing": (lambda payload: None, "upcast(1) of Faulty returned NoneType, not a dict"),
    "a list": (lambda payload: [payload], "upcast(1) of Faulty returned list, not a dict"),
}


@pytest.mark.parametrize(("function", "detail"), FAULTS.values(), ids=FAULTS)
def test_an_upcaster_that_fails_is_named_without_values(function: Any, detail: str) -> None:
    """Reason upcast; the detail has the step, the class and the exception's type."""

    class Faulty(EventModel, aggregate="upcast", event_type="faulty", version=2):
        a: int

    Faulty.upcast(1)(function)
    with pytest.raises(DecodeError) as caught:
        upcast_body(Faulty, 1, b'{"payload":{"number":5}}')
    assert (caught.value.reason, caught.value.detail) == ("upcast", detail)


BODIES = {
    b"{": ("decode", "Invalid JSON"),
    b"": ("decode", "Invalid JSON"),
    b"[]": ("invalid", "Input should be an object at the body"),
    b"{}": ("invalid", "Field required at payload"),
    b'{"payload":null}': ("invalid", "Input should be an object at payload"),
    b'{"payload":[1]}': ("invalid", "Input should be an object at payload"),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.items())
def test_a_body_with_nothing_to_upcast(body: bytes, expected: tuple[str, str]) -> None:
    """It is refused before the up-caster runs, with the reasons of any other body."""
    with pytest.raises(DecodeError) as caught:
        upcast_body(Moved, 1, body)
    assert caught.value.reason == expected[0]
    assert expected[1] in caught.value.detail


def nothing() -> dict[str, Any]:
    return {}


def identity(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


async def later(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


class One(EventModel, aggregate="upcast", event_type="one"):
    a: int


class WithoutAddress(EventModel, abstract=True):
    a: int


class Heir(Moved, abstract=True):
    """It has Moved's fields, but not its address."""


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "own version": (lambda: Moved.upcast(3), "upcast(3) leads to version 4, but this class is version 3"),
    "newer": (lambda: Moved.upcast(4), "declare it on the class of version 5, or raise version="),
    "version 1": (lambda: One.upcast(1), "upcast(1) leads to version 2, but this class is version 1"),
    "zero": (lambda: Moved.upcast(0), "upcast(0): the version it reads must be a whole number from 1"),
    "negative": (lambda: Moved.upcast(-1), "whole number from 1"),
    "bool": (lambda: Moved.upcast(True), "upcast(True): the version"),
    "text": (lambda: Moved.upcast("1"), "upcast('1'): the version"),  # type: ignore[arg-type]  # that is the mistake
    "no parentheses": (lambda: Moved.upcast(identity), "write @Moved.upcast(1)"),  # type: ignore[arg-type]  # as above
    "twice": (lambda: Moved.upcast(1)(identity), "is declared already, on"),
    "no address": (lambda: WithoutAddress.upcast(1), "it has no address"),
    "an heir's address": (lambda: Heir.upcast(1), "it has no address"),
    "a base": (lambda: EventModel.upcast(1), "it has no address"),
}


@pytest.mark.parametrize(("declare", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_fails_at_import(declare: Callable[[], Any], text: str) -> None:
    """The error names the class and says what to change."""
    with pytest.raises(ContractDefinitionError) as caught:
        declare()
    assert text in str(caught.value)
    assert re.match(r"[a-z_.]+\.(Moved|One|WithoutAddress|Heir|EventModel): ", str(caught.value))


FUNCTIONS: dict[str, Any] = {
    "two parameters": lambda payload, context: payload,
    "no parameter": nothing,
    "keyword only": lambda *, payload: payload,
    "coroutine": later,
    "generator": lambda payload: (yield payload),
    "no function": {"a": 1},
    "a class": dict,
    "nothing": None,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_only_a_plain_function_of_one_parameter_is_an_upcaster(function: Any) -> None:
    """Whatever else is given is refused when it is declared, and leaves no step behind."""

    class Refusing(EventModel, aggregate="upcast", event_type="refusing", version=2):
        a: int

    with pytest.raises(ContractDefinitionError, match=r"Refusing: upcast\(1\) needs a plain function of one parameter"):
        Refusing.upcast(1)(function)
    assert oldest(Refusing) == 2


def test_a_step_declared_on_two_classes_names_the_first() -> None:
    """Both would lead from version 1 to version 2, and only one can be right."""

    class Two(EventModel, aggregate="upcast", event_type="twice", version=2):
        a: int

    class Three(EventModel, aggregate="upcast", event_type="twice", version=3):
        a: int

    Two.upcast(1)(identity)
    with pytest.raises(ContractDefinitionError) as caught:
        Three.upcast(1)(identity)
    assert "Three: upcast(1) of event 'upcast' 'twice' is declared already" in str(caught.value)
    assert ".Two; remove one of the two" in str(caught.value)


def test_a_module_with_upcasters_may_be_reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new class brings its steps with it."""
    (tmp_path / "reloaded_upcasts.py").write_text(
        "from services_communication.contracts import EventModel\n"
        "class Made(EventModel, aggregate='reloaded', event_type='upcast', version=2):\n    a: int\n"
        "@Made.upcast(1)\ndef step(payload):\n    return {'a': 5}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("reloaded_upcasts")
    importlib.reload(module)
    assert upcast(module.Made, 1, {}) == {"a": 5}
    registry.discard(module.Made)
    assert oldest(module.Made) == 2
    del sys.modules["reloaded_upcasts"]


def test_the_first_step_that_is_missing_can_be_asked_for() -> None:
    """The check of contracts says it of versions whose documents are kept."""

    class Five(EventModel, aggregate="upcast", event_type="missing", version=5):
        a: int

    for n in (1, 4):
        Five.upcast(n)(identity)
    assert [missing_step(Five, version) for version in (0, 1, 2, 3, 4, 5, 6)] == [2, 2, 2, 3, None, None, None]


def test_a_step_that_nothing_takes_on_is_found() -> None:
    """A finding with a stable rule, for the check of contracts; whole chains and chains to a class are none."""

    class Two(EventModel, aggregate="upcast", event_type="found", version=2):
        a: int

    class Five(EventModel, aggregate="upcast", event_type="found", version=5):
        a: int

    for n in (1, 3):  # version 2 is a class of its own, so upcast(1) is of use
        Five.upcast(n)(identity)
    (finding,) = dead_ends(lambda contract: f"{contract.__name__}.json")
    assert (finding.level, finding.rule, finding.file) == ("error", "upcast-dead-end", "Five.json")
    assert finding.sentence == (
        "upcast(3) of Five leads to version 4 of event 'upcast' 'found', which nothing reads: "
        "there is no upcast(4), and no class of version 4"
    )
    assert finding.hint == "declare Five.upcast(4), or remove upcast(3)"
    assert Two.__contract__.version == 2
