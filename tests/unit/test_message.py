"""A message checks itself, and a delivery knows where its message came from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services_communication.errors import EncodeError
from services_communication.message import DeadLetter, Delivery, Message, Retry
from services_communication.transport.protocol import Topology
from services_communication.transport.settling import dead_letter, retried

SHORT_STRINGS = ("exchange", "routing_key", "message_id", "type", "app_id", "correlation_id")
TOPOLOGY = Topology(queue="q", retry_delays=(timedelta(seconds=1), timedelta(seconds=10)))


def message(**changes: Any) -> Message:
    return Message(**{"exchange": "user", "routing_key": "made", "body": b"{}", **changes})


@pytest.mark.parametrize("name", SHORT_STRINGS)
def test_a_short_string_has_at_most_255_bytes(name: str) -> None:
    """AMQP 0-9-1 §4.2.5.3 counts bytes, not characters."""
    assert getattr(message(**{name: "x" * 255}), name) == "x" * 255
    assert getattr(message(**{name: "ж" * 127}), name) == "ж" * 127
    for wrong in ("x" * 256, "ж" * 128):
        with pytest.raises(EncodeError, match=f"{name} has 256 bytes; AMQP allows 255") as caught:
            message(**{name: wrong})
        assert len(str(caught.value)) < 200
    for wrong_type in (5, b"x", ["x"]):
        with pytest.raises(EncodeError, match=f"{name} must be a string"):
            message(**{name: wrong_type})
    with pytest.raises(EncodeError, match="lone surrogate"):
        message(**{name: "\ud800"})


@pytest.mark.parametrize("value", ["text", "", 0, -(2**63), 2**63 - 1, True, b"\x00\xff"])
def test_header_values_that_amqp_has(value: Any) -> None:
    """Text, 64 bits of whole number, truth, bytes."""
    assert message(headers={"name": value}).headers == {"name": value}


@pytest.mark.parametrize("value", [None, 1.5, ["x"], {"x": 1}, object(), 2**63, -(2**63) - 1])
def test_header_values_that_amqp_lacks(value: Any) -> None:
    """I14: our error, not struct.error in the client library."""
    with pytest.raises(EncodeError, match="header 'name'"):
        message(headers={"name": value})


@pytest.mark.parametrize("name", ["x" * 256, 5, "\ud800"])
def test_header_names_are_short_strings(name: Any) -> None:
    """A name is text of at most 255 bytes, and a wrong one is not echoed unbounded."""
    with pytest.raises(EncodeError, match="header name") as caught:
        message(headers={name: "x"})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", [5, b"x", None, ("x",)])
def test_a_header_name_is_a_string(name: Any) -> None:
    """I14: our error, which names the type, before the client library sees it."""
    with pytest.raises(EncodeError, match=f"a header name must be a string, not {type(name).__name__}"):
        message(headers={"fine": 1, name: "x"})


def test_every_message_has_an_id() -> None:
    """A UUID of its own, unless one is given."""
    first, second = message(), message()
    assert first.message_id != second.message_id
    assert len(first.message_id) == 36
    assert first.mandatory is True


def test_a_delivery_knows_its_first_address() -> None:
    """After a stay in a retry queue a message comes by the default exchange; its headers say where it began."""
    fresh = Delivery(message(), "q")
    assert (fresh.exchange, fresh.routing_key, fresh.attempt, fresh.deferrals) == ("user", "made", 1, 0)
    again = Delivery(retried(message(), Retry(timedelta(seconds=1)), TOPOLOGY), "q")
    assert (again.exchange, again.routing_key, again.attempt, again.deferrals) == ("user", "made", 2, 0)


ORIGIN = {"x-original-exchange": "claimed", "x-original-routing-key": "claimed.key"}


@pytest.mark.parametrize("headers", [ORIGIN, {name: ORIGIN[name] for name in list(ORIGIN)[:1]}])
def test_a_producer_may_not_claim_another_origin(headers: dict[str, Any]) -> None:
    """The headers are believed only of what came by the default exchange, as from a retry queue."""
    claimed = Delivery(message(headers=headers), "q")
    assert (claimed.exchange, claimed.routing_key) == ("user", "made")
    retried_before = Delivery(message(exchange="", routing_key="q", headers=headers), "q")
    assert retried_before.exchange == "claimed"
    assert retried_before.routing_key == headers.get("x-original-routing-key", "q")


def test_a_message_to_the_queue_itself_has_no_other_origin() -> None:
    """It came by the default exchange too, and has no such headers."""
    direct = Delivery(message(exchange="", routing_key="q"), "q")
    assert (direct.exchange, direct.routing_key) == ("", "q")


@pytest.mark.parametrize("value", [2**63 - 1, -5, True, "many"])
@pytest.mark.parametrize("exchange", ["user", ""])
def test_a_claimed_counter_harms_no_retry(exchange: str, value: Any) -> None:
    """AMQP has no larger number to count on to, and from a negative one a failure would be retried for long."""
    deferred = message(exchange=exchange, headers={"x-deferrals": value})
    again = Delivery(retried(deferred, Retry(timedelta(0), failed=False), TOPOLOGY), "q")
    assert again.deferrals >= 1
    failed = message(exchange=exchange, headers={"x-attempt": value})
    assert Delivery(retried(failed, Retry(timedelta(0)), TOPOLOGY), "q").attempt >= 2


def test_a_claimed_origin_does_not_survive_a_retry() -> None:
    """What is written for the retry is where the message really came from."""
    again = Delivery(retried(message(headers=ORIGIN), Retry(timedelta(seconds=1)), TOPOLOGY), "q")
    assert (again.exchange, again.routing_key) == ("user", "made")


@pytest.mark.parametrize("value", ["many", -5, b"1", 0])
def test_a_garbled_counter_counts_as_none(value: Any) -> None:
    """Headers come from the network."""
    assert Delivery(message(headers={"x-attempt": value, "x-deferrals": value}), "q").attempt == 1
    assert Delivery(message(headers={"x-attempt": value, "x-deferrals": value}), "q").deferrals == 0


def test_a_retried_message_goes_to_the_queue_of_its_delay() -> None:
    """Body, id and the producer's headers stay; a failure is counted apart from a deferral."""
    original = message(headers={"contract-version": 1}, correlation_id="c", mandatory=False)
    failed = retried(original, Retry(timedelta(seconds=10)), TOPOLOGY)
    assert (failed.exchange, failed.routing_key, failed.mandatory) == ("", "q.retry.10000", True)
    assert (failed.body, failed.message_id, failed.correlation_id) == (b"{}", original.message_id, "c")
    assert failed.headers == {
        "contract-version": 1,
        "x-original-exchange": "user",
        "x-original-routing-key": "made",
        "x-attempt": 1,
    }
    later = retried(failed, Retry(timedelta(seconds=1), failed=False), TOPOLOGY)
    assert (later.routing_key, later.headers["x-attempt"], later.headers["x-deferrals"]) == ("q.retry.1000", 1, 1)
    assert later.headers["x-original-exchange"] == "user"
    assert original.headers == {"contract-version": 1}


def test_a_dead_letter_says_why() -> None:
    """Reason, detail, queue and time are in its headers; the bytes are as they came."""
    dead = dead_letter(message(body=b"\xff"), DeadLetter("decode", "expected value"), TOPOLOGY)
    assert (dead.exchange, dead.routing_key, dead.body) == ("", "q.dead", b"\xff")
    assert dead.headers["x-dead-reason"] == "decode"
    assert dead.headers["x-dead-detail"] == "expected value"
    assert dead.headers["x-dead-queue"] == "q"
    assert dead.headers["x-original-routing-key"] == "made"
    assert "x-dead-at" in dead.headers
