"""What an up-caster returns is validated as if it had come by wire."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services_communication.contracts import EventModel
from services_communication.contracts.codec import decode_event
from services_communication.contracts.upcast import upcast_body
from services_communication.errors import DecodeError


class Typed(EventModel, aggregate="upcast", event_type="typed", version=2):
    day: date | None = None
    at: datetime | None = None
    price: Decimal = Decimal(0)
    text: str = ""
    number: int = 0
    ratio: float = 0.0
    free: Any = None


@Typed.upcast(1)
def typed_1(payload: dict[str, Any]) -> dict[str, Any]:
    """What the test wants of it."""
    return dict(made(payload))


made: Callable[[dict[str, Any]], Any] = dict


def through(monkeypatch: pytest.MonkeyPatch, result: Any, body: bytes = b'{"payload":{}}') -> Typed:
    monkeypatch.setattr(sys.modules[__name__], "made", lambda payload: {**payload, **result})
    return decode_event(Typed, upcast_body(Typed, 1, body)).payload


def test_what_an_upcaster_returns_is_read_as_from_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates are strings there. Values of Python are written first, as a contract's would be."""
    found = through(monkeypatch, {"day": "2024-02-29", "at": "2024-02-29T01:00:00+01:00", "price": "1.10"})
    assert (found.day, found.at, found.price) == (
        date(2024, 2, 29),
        datetime(2024, 2, 29, tzinfo=UTC),
        Decimal("1.10"),
    )
    assert through(monkeypatch, {"day": date(2024, 2, 29), "price": Decimal("1.10")}).price == Decimal("1.10")


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "strict": ({"number": "5"}, "valid integer at payload.number"),
    "float for int": ({"number": 5.0}, "valid integer at payload.number"),
    "naive": ({"at": "2024-02-29T01:00:00"}, "datetime must be aware: give it a time zone"),
    "naive object": ({"at": datetime(2024, 2, 29)}, "datetime must be aware"),  # noqa: DTZ001  that is the point
    "NUL": ({"text": "a\x00"}, "NUL"),
    "NUL in Any": ({"free": {"a": "\x00"}}, "NUL"),
    "NaN": ({"ratio": float("nan")}, "finite number at payload.ratio"),
    "Infinity in Any": ({"free": [float("inf")]}, "NaN and Infinity are not JSON"),
}


@pytest.mark.parametrize(("result", "detail"), INVALID.values(), ids=INVALID)
def test_what_does_not_fit_the_new_version_is_invalid(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], detail: str
) -> None:
    """Every rule of a contract holds for it, and the path names the new version's field."""
    with pytest.raises(DecodeError) as caught:
        through(monkeypatch, result)
    assert caught.value.reason == "invalid"
    assert detail in caught.value.detail


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_a_number_that_no_float_holds_is_invalid(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """An up-caster could make text of it, say; it does not run."""
    monkeypatch.setattr(sys.modules[__name__], "made", lambda payload: {"text": str(payload["old"])})
    body = f'{{"payload":{{"old":[{{"deep":{number}}}]}}}}'.encode()
    with pytest.raises(DecodeError) as caught:
        upcast_body(Typed, 1, body)
    assert (caught.value.reason, caught.value.detail) == (
        "invalid",
        "a number is too large for a float, or none, at payload",
    )


def test_numbers_keep_what_a_float_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole numbers and strings keep every digit."""
    digits = b"1234567890123456789"
    body = b'{"payload":{"number":%b,"ratio":0.%b,"price":"0.%b"}}' % (digits * 2, digits, digits)
    found = through(monkeypatch, {}, body)
    assert found.number == 12345678901234567891234567890123456789
    assert found.ratio == 0.12345678901234568
    assert found.price == Decimal("0.1234567890123456789")


def test_what_is_ignored_in_a_body_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that no version knows may hold what fields may not, as without up-casting (numbers: beside the payload)."""
    body = b'{"payload":{"number":3,"junk":["\\u0000"]},"junk":[Infinity,1e999]}'
    assert through(monkeypatch, {}, body).number == 3


def circle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


UNWRITABLE = {"object": object(), "surrogate": "\ud800", "circle": circle(), "function": len}


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_is_no_json_is_the_upcasters_fault(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    """Reason upcast, and no value in the detail."""
    with pytest.raises(DecodeError) as caught:
        through(monkeypatch, {"free": value})
    assert (caught.value.reason, caught.value.detail) == (
        "upcast",
        "what the up-casters returned cannot be written as JSON",
    )


def test_what_gets_too_deep_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser's bound holds for what up-casters make too."""
    deep: list[Any] = []
    for _ in range(250):
        deep = [deep]
    with pytest.raises(DecodeError, match="recursion limit exceeded"):
        through(monkeypatch, {"free": deep})
