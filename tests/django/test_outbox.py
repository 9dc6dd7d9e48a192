"""The relay's view of the outbox: what is due, how rows are settled, who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from services_communication.errors import EncodeError, LeaseLostError
from services_communication.message import Message
from services_communication.models import OutboxMessage, RelayLease
from services_communication.publisher.outbox import Outbox

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PAST = timedelta(hours=-1)


def write(name: str, key: str = "", due_in: timedelta | None = None, **message: Any) -> None:
    OutboxMessage.objects.add(
        Message(**{"exchange": "x", "routing_key": "k", "body": name.encode(), "message_id": name, **message}),
        ordering_key=key,
        due_at=None if due_in is None else timezone.now() + due_in,
    )


def wait_over() -> None:
    """Let every delay pass."""
    OutboxMessage.objects.filter(due_at__isnull=False).update(due_at=F("due_at") - timedelta(days=1))


@pytest.fixture
def outbox() -> Outbox:
    return Outbox([1, 10])


@pytest.fixture
def token(outbox: Outbox) -> int:
    found = outbox.acquire("here", 60)
    assert found is not None
    return found


def names(rows: list[Any]) -> list[str]:
    return [row.message_id for row in rows]


def fail(outbox: Outbox, token: int, *rows: Any, reason: str = "returned: NO_ROUTE") -> None:
    outbox.settle(token, 60, [], [(row, reason) for row in rows])


def test_due_rows_come_in_the_order_in_which_they_were_written(outbox: Outbox) -> None:
    """By row, not by due time; no more than the limit."""
    write("a")
    write("b", due_in=PAST)
    write("c")
    assert names(outbox.due(10)) == ["a", "b", "c"]
    assert names(outbox.due(2)) == ["a", "b"]


def test_a_row_becomes_the_message_that_was_written(outbox: Outbox) -> None:
    """Every property, and the bytes."""
    message = Message(
        exchange="x",
        routing_key="k",
        body=b"\x00\xff{}",
        message_id="id",
        type="t",
        app_id="app",
        correlation_id="c",
        timestamp=timezone.now(),
        headers={"contract-version": 3, "traceparent": "00-a-b-01"},
        mandatory=False,
    )
    OutboxMessage.objects.add(message)
    (row,) = outbox.due(10)
    assert row.to_message() == message


def test_future_rows_wait(outbox: Outbox) -> None:
    """Those of other times go on."""
    write("later", due_in=timedelta(hours=1))
    write("now")
    assert names(outbox.due(10)) == ["now"]


def test_rows_in_flight_are_not_read_again(outbox: Outbox) -> None:
    """A row within the range of what is on its way is left for later; rows before it and behind it are not."""
    for name in "abcde":
        write(name)
    rows = outbox.due(10)
    assert names(outbox.due(10, rows[1:3])) == ["a", "d", "e"]
    assert names(outbox.due(10, [rows[1], rows[3]])) == ["a", "e"]


def test_a_late_commit_of_a_lower_id_is_sent(outbox: Outbox, token: int) -> None:
    """D11: rows are claimed, not read behind an offset: what became visible late is found."""
    for name in "abc":
        write(name)
    late, *others = outbox.due(10)
    fields = OutboxMessage.objects.filter(pk=late.pk).values().get()
    OutboxMessage.objects.filter(pk=late.pk).delete()
    outbox.settle(token, 60, others, [])
    OutboxMessage.objects.create(**fields)  # commits now, with the lower id
    write("d")
    in_flight = [row for row in outbox.due(10) if row.message_id == "d"]
    assert names(outbox.due(10, in_flight)) == ["a"]
    assert names(outbox.due(10)) == ["a", "d"]


def test_confirmed_rows_are_deleted(outbox: Outbox, token: int) -> None:
    """The others stay as they are."""
    for name in "abc":
        write(name)
    first, _, third = outbox.due(10)
    outbox.settle(token, 60, [first, third], [])
    assert names(outbox.due(10)) == ["b"]


def test_a_failed_row_waits_longer_each_time_and_is_parked_at_the_end(outbox: Outbox, token: int) -> None:
    """The ladder is 1 s, 10 s; then no due time: a person decides. The reason stays."""
    write("a")
    for attempt, delay in ((1, 1), (2, 10)):
        (row,) = outbox.due(10)
        fail(outbox, token, row, reason=f"try {attempt}")
        stored = OutboxMessage.objects.get()
        assert stored.due_at is not None
        assert (stored.attempts, stored.reason) == (attempt, f"try {attempt}")
        assert timedelta(seconds=delay - 5) < stored.due_at - timezone.now() < timedelta(seconds=delay + 5)
        assert outbox.due(10) == []
        wait_over()
    (row,) = outbox.due(10)
    fail(outbox, token, row, reason="the last")
    stored = OutboxMessage.objects.get()
    assert (stored.attempts, stored.reason, stored.due_at) == (3, "the last", None)
    wait_over()
    assert outbox.due(10) == []


def test_rows_of_one_key_wait_for_the_one_that_failed(outbox: Outbox, token: int) -> None:
    """R4: order within a key; R5: other keys and rows without one go on."""
    write("a1", "a")
    write("a2", "a")
    write("b1", "b")
    write("free")
    fail(outbox, token, outbox.due(1)[0])
    assert names(outbox.due(10)) == ["b1", "free"]
    wait_over()
    assert names(outbox.due(10))[0] == "a1"
    assert "a2" not in names(outbox.due(10))  # a1 has not been confirmed yet


def test_the_next_of_a_key_goes_when_the_failed_one_is_through(outbox: Outbox, token: int) -> None:
    """Confirmed, or parked."""
    for key in "ab":
        write(f"{key}1", key)
        write(f"{key}2", key)
    a1, _, b1, _ = outbox.due(10)
    fail(outbox, token, a1, b1)
    assert names(outbox.due(10)) == []
    outbox.settle(token, 60, [a1], [])
    assert names(outbox.due(10)) == ["a2"]
    OutboxMessage.objects.filter(message_id="b1").update(due_at=None)
    assert names(outbox.due(10)) == ["a2", "b2"]


def test_an_earlier_row_of_a_key_does_not_wait_for_a_later_one(outbox: Outbox, token: int) -> None:
    """Only those behind wait."""
    write("a1", "a")
    write("a2", "a")
    fail(outbox, token, outbox.due(10)[1])
    assert names(outbox.due(10)) == ["a1"]


def test_rows_without_a_key_never_wait(outbox: Outbox, token: int) -> None:
    """The empty key is no key."""
    write("first")
    write("second")
    fail(outbox, token, outbox.due(1)[0])
    assert names(outbox.due(10)) == ["second"]


def test_a_long_reason_is_cut(outbox: Outbox, token: int) -> None:
    """It comes from the broker."""
    write("a")
    fail(outbox, token, outbox.due(1)[0], reason="x" * 100_000)
    assert len(OutboxMessage.objects.get().reason) == 1000


def test_one_relay_owns_the_outbox(outbox: Outbox) -> None:
    """Until its lease ends or it lets go; the token grows with each owner."""
    first = outbox.acquire("first", 60)
    assert first is not None
    assert outbox.acquire("second", 60) is None
    outbox.renew(first, 60)
    outbox.release(first)
    second = outbox.acquire("second", 60)
    assert second is not None
    assert second > first
    assert RelayLease.objects.get().owner == "second"


def test_a_lease_that_has_ended_is_taken_over(outbox: Outbox) -> None:
    """The relay before died without letting go."""
    first = outbox.acquire("first", 60)
    RelayLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    second = outbox.acquire("second", 60)
    assert first is not None
    assert second is not None
    assert second > first


def test_an_old_owner_changes_nothing(outbox: Outbox, token: int) -> None:
    """The fencing token: all or nothing, and LeaseLostError."""
    write("a")
    write("b")
    rows = outbox.due(10)
    RelayLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    new = outbox.acquire("other", 60)
    assert new is not None
    with pytest.raises(LeaseLostError):
        outbox.settle(token, 60, rows[:1], [(rows[1], "x")])
    with pytest.raises(LeaseLostError):
        outbox.renew(token, 60)
    assert names(outbox.due(10)) == ["a", "b"]
    assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {0}
    outbox.release(token)  # nor does it free what is not its own
    assert outbox.acquire("third", 60) is None


def test_settling_renews_the_lease(outbox: Outbox, token: int) -> None:
    """A busy relay needs no other query to keep it."""
    RelayLease.objects.update(expires_at=timezone.now() + timedelta(seconds=1))
    outbox.settle(token, 600, [], [])
    assert RelayLease.objects.get().expires_at > timezone.now() + timedelta(seconds=500)


def test_a_row_that_cannot_be_a_message_is_an_encode_error(outbox: Outbox) -> None:
    """Written by hand, or by another version."""
    write("a")
    OutboxMessage.objects.update(headers={"x": [1]})
    with pytest.raises(EncodeError, match="header 'x'"):
        outbox.due(1)[0].to_message()
