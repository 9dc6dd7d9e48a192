"""Publishing events: what is written, when, and what is refused before anything is."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext_lazy

from services_communication.contracts import CommandModel, EventModel
from services_communication.errors import ConfigurationError, EncodeError
from services_communication.models import OutboxMessage
from services_communication.publisher import (
    cancel_future_aggregate_event,
    publish_aggregate_event,
    publish_future_aggregate_event,
)
from services_communication.settings import communication_settings

pytestmark = [pytest.mark.database, pytest.mark.django_db]


class Updated(EventModel, aggregate="published", event_type="update.base", version=2, key="user_id"):
    user_id: int
    first_name: str = ""


class Seldom(EventModel, aggregate="published", event_type="seldom", unroutable_ok=True):
    user_id: int


class Reminder(EventModel, aggregate="published", event_type="remind"):
    user_id: int = 0


class Order(CommandModel, service="published"):
    user_id: int


SHAPE = ("exchange", "routing_key", "type", "app_id", "correlation_id", "mandatory", "tags", "attempts", "reason")
SOON = timedelta(hours=1)


def row() -> OutboxMessage:
    return OutboxMessage.objects.get()


def body(message: OutboxMessage) -> dict[str, Any]:
    return json.loads(bytes(message.body))  # type: ignore[no-any-return]  # its value is of no fixed type


def remaining() -> set[str]:
    return set(OutboxMessage.objects.values_list("message_id", flat=True))


def publish_typed() -> str:
    return publish_aggregate_event(Updated(user_id=7, first_name="A"))


def publish_untyped() -> str:
    return publish_aggregate_event("published", "update.base", {"user_id": 7, "first_name": "A"})


def publish_without_contract() -> str:
    return publish_aggregate_event(aggregate="published", event_type="free", payload={"user_id": 7})


@pytest.mark.parametrize("publish", [publish_typed, publish_untyped, publish_without_contract])
def test_publishing_is_one_insert(publish: Any) -> None:
    """DESIGN §5: one INSERT in the caller's transaction, no other query."""
    with CaptureQueriesContext(connection) as queries:
        publish()
    assert len(queries) == 1
    assert queries[0]["sql"].startswith("INSERT")


def test_the_row_of_an_event() -> None:
    """Envelope, properties, ordering key and version; the row is due at once."""
    event_id = publish_typed()
    written = row()
    sent = body(written)
    assert uuid.UUID(event_id)
    assert sent.pop("eventTime") == f"{written.timestamp:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert sent == {
        "eventId": event_id,
        "eventType": "update.base",
        "aggregate": "published",
        "payload": {"userId": 7, "firstName": "A"},
    }
    assert {name: getattr(written, name) for name in SHAPE} == {
        "exchange": "published",
        "routing_key": "update.base",
        "type": "update.base",
        "app_id": "tests",
        "correlation_id": "",
        "mandatory": True,
        "tags": None,
        "attempts": 0,
        "reason": "",
    }
    assert (written.message_id, written.ordering_key) == (event_id, "published:7")
    assert written.headers == {"contract-version": 2}
    assert written.due_at is not None
    assert abs(written.due_at - timezone.now()) < timedelta(seconds=30)


def test_both_forms_write_the_same_row() -> None:
    """Where a contract is registered, the historical form goes through it."""
    publish_typed()
    publish_untyped()
    typed, untyped = OutboxMessage.objects.order_by("id")
    for name in (*SHAPE, "ordering_key", "headers"):
        assert getattr(typed, name) == getattr(untyped, name), name
    assert body(typed)["payload"] == body(untyped)["payload"]


def test_an_event_without_a_contract() -> None:
    """Keys become camelCase at every depth; Decimal, datetime, UUID, lazy text travel as strings."""
    publish_aggregate_event(
        "published",
        "free",
        {
            "user_id": [{"first_name": None}],
            "money": Decimal("0.10"),
            "at": datetime(2023, 6, 2, 10, 58, tzinfo=UTC),
            "id": uuid.UUID(int=1),
            "text": gettext_lazy("Yes"),
        },
    )
    written = row()
    assert body(written)["payload"] == {
        "userId": [{"firstName": None}],
        "money": "0.10",
        "at": "2023-06-02T10:58:00Z",
        "id": "00000000-0000-0000-0000-000000000001",
        "text": "Yes",
    }
    assert (written.ordering_key, written.headers) == ("", {})


@pytest.mark.parametrize("payload", [{"user_id": "7"}, {"user_id": None}, {}, [], None, {"userId": 7, "first_name": 5}])
def test_an_untyped_payload_is_validated_through_its_contract(payload: Any) -> None:
    """A wrong one is an EncodeError that names the contract; nothing is written."""
    with pytest.raises(EncodeError, match="Updated"):
        publish_aggregate_event("published", "update.base", payload)
    assert not OutboxMessage.objects.exists()


REFUSED: dict[str, Any] = {
    "a command": lambda: publish_aggregate_event(Order(user_id=1)),  # type: ignore[call-overload]  # wrong on purpose
    "a class": lambda: publish_aggregate_event(Updated),  # type: ignore[call-overload]  # wrong on purpose
    "nothing": lambda: publish_aggregate_event(None),  # type: ignore[call-overload]  # wrong on purpose
    "no event type": lambda: publish_aggregate_event("published", "", {}),
    "no aggregate": lambda: publish_aggregate_event("", "x", {}),
    "long aggregate": lambda: publish_aggregate_event("x" * 256, "x", {}),
    "long event type": lambda: publish_aggregate_event("published", "ж" * 128, {}),
    "the broker's exchange": lambda: publish_aggregate_event("amq.topic", "x", {}),
    "NUL": lambda: publish_aggregate_event("published", "x", {"a": ["\x00"]}),
    "NaN": lambda: publish_aggregate_event("published", "x", {"a": float("nan")}),
    "an object": lambda: publish_aggregate_event("published", "x", {"a": object()}),
    "a naive datetime": lambda: publish_aggregate_event("published", "x", {"a": datetime(2023, 6, 2)}),  # noqa: DTZ001  naive on purpose
    "too large": lambda: publish_aggregate_event("published", "x", {"a": "x" * 1024 * 1024}),
    "naive event time": lambda: publish_future_aggregate_event(
        Reminder(),
        event_time=datetime(2030, 1, 1),  # noqa: DTZ001  naive on purpose
    ),
    "no event time": lambda: publish_future_aggregate_event(Reminder(), event_time=None),  # type: ignore[call-overload]  # wrong on purpose
    "cancel without tags": lambda: cancel_future_aggregate_event(Reminder, tags={}),
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_may_not_travel_is_refused(attempt: Any) -> None:
    """EncodeError, and no row."""
    with pytest.raises(EncodeError):
        attempt()
    assert not OutboxMessage.objects.exists()


def test_a_rollback_leaves_no_row() -> None:
    """R1: to a savepoint too; what the outer transaction wrote is kept."""
    with transaction.atomic():
        outer = publish_typed()
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012  what undoes the rest comes last
            publish_typed()
            publish_future_aggregate_event(Reminder(), event_time=timezone.now() + SOON)
            raise ZeroDivisionError
    assert remaining() == {outer}


@pytest.mark.django_db(transaction=True)
def test_a_whole_transaction_rolled_back_leaves_no_row() -> None:
    """With real transactions, not the test's savepoints."""
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012  what undoes the rest comes last
        publish_typed()
        raise ZeroDivisionError
    assert remaining() == set()
    with transaction.atomic():
        kept = publish_typed()
    assert remaining() == {kept}


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_warned_about(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once per process: such an event is sent even if what follows fails."""
    monkeypatch.setattr("services_communication.models._warned", set())
    with caplog.at_level(logging.WARNING, "services_communication.publisher"):
        with transaction.atomic():
            publish_typed()
        assert caplog.records == []
        publish_typed()
        publish_typed()
    assert [record.getMessage()[:37] for record in caplog.records] == ["a message was written to the outbox o"]


def test_having_no_subscriber_may_be_normal(configure: Any) -> None:
    """unroutable_ok of the contract, or UNROUTABLE_OK for all."""
    publish_aggregate_event(Seldom(user_id=1))
    assert row().mandatory is False
    OutboxMessage.objects.all().delete()
    configure(UNROUTABLE_OK=True)
    publish_typed()
    assert row().mandatory is False


def test_the_correlation_id_is_written() -> None:
    """An event of a handler belongs to the handler's message."""
    helper = communication_settings.get().correlation_helper
    helper.set_correlation_id("c-1")
    try:
        publish_typed()
    finally:
        helper.set_correlation_id(None)
    assert row().correlation_id == "c-1"


def test_wrong_settings_stop_publishing(configure: Any) -> None:
    """Nothing is written with settings that no relay could read."""
    with pytest.raises(ConfigurationError):
        configure(QUEU="x")
    with pytest.raises(ConfigurationError):
        publish_typed()
    assert not OutboxMessage.objects.exists()


def test_a_future_event() -> None:
    """It is due at its event time, which is also the time in its body and properties."""
    at = datetime(2030, 1, 2, 3, 4, 5, 678901, UTC)
    event_id = publish_future_aggregate_event(Reminder(user_id=7), event_time=at, tags={"user_id": 7})
    written = row()
    assert (written.message_id, written.due_at, written.timestamp) == (event_id, at, at)
    assert body(written)["eventTime"] == "2030-01-02T03:04:05.678901Z"


def test_a_future_event_of_the_historical_form() -> None:
    """Arguments have the earlier library's names; one insert."""
    at = timezone.now() + SOON
    with CaptureQueriesContext(connection) as queries:
        publish_future_aggregate_event(
            aggregate="published", event_type="free", event_time=at, payload={"a": 1}, tags={"x": "y"}
        )
    assert len(queries) == 1
    assert row().due_at == at
    assert cancel_future_aggregate_event(aggregate="published", event_type="free", tags={"x": "y"}) == 1


def remind(**tags: Any) -> str:
    return publish_future_aggregate_event(Reminder(), event_time=timezone.now() + SOON, tags=tags)


def test_an_event_is_cancelled_by_a_subset_of_its_tags() -> None:
    """All tags that are given must be there; others may be too."""
    both, one, other = remind(user=1, kind="a"), remind(user=1), remind(user=2, kind="a")
    untagged = publish_future_aggregate_event(Reminder(), event_time=timezone.now() + SOON)
    assert cancel_future_aggregate_event(Reminder, tags={"user": 1, "kind": "a"}) == 1
    assert remaining() == {one, other, untagged}
    assert cancel_future_aggregate_event(Reminder, tags={"user": 1}) == 1
    assert cancel_future_aggregate_event("published", "remind", {"kind": "a"}) == 1
    assert remaining() == {untagged}
    assert both not in remaining()


def test_another_address_is_not_cancelled() -> None:
    """Tags are an address's own."""
    kept = publish_future_aggregate_event("published", "other", timezone.now() + SOON, {}, tags={"a": 1})
    assert cancel_future_aggregate_event(Reminder, tags={"a": 1}) == 0
    assert cancel_future_aggregate_event("other", "other", tags={"a": 1}) == 0
    assert remaining() == {kept}


TAGS: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({"user": 1}, {"user": "1"}, 1),
    ({"user": "1"}, {"user": 1}, 1),
    ({"user": 1}, {"user": True}, 0),
    ({"user": 1}, {"user": 11}, 0),
    ({"user": 11}, {"user": 1}, 0),
    ({"user": "a"}, {"user": "A"}, 0),
    ({"user": "a"}, {"User": "a"}, 0),
    ({"user": "ж"}, {"user": "Ж"}, 0),
    ({"user": "ж"}, {"user": "ж"}, 1),
    ({"user": 'say "hi"'}, {"user": 'say "hi"'}, 1),
    ({"user": "it's"}, {"user": "it's"}, 1),
    ({"user": "100%"}, {"user": "100%"}, 1),
    ({"user": "100x"}, {"user": "100%"}, 0),
    ({"user": "a_b"}, {"user": "a_b"}, 1),
    ({"user": "axb"}, {"user": "a_b"}, 0),
    ({"user": "a\\b"}, {"user": "a\\b"}, 1),
    ({"user": "a\\b"}, {"user": "a/b"}, 0),
    ({"user": "\\"}, {"user": "\\"}, 1),
    ({"user": ""}, {"user": ""}, 1),
    ({"user": "a"}, {"user": ""}, 0),
    ({"user": uuid.UUID(int=1)}, {"user": str(uuid.UUID(int=1))}, 1),
    ({"a": "b=c"}, {"a": "b=c"}, 1),
    ({"a": "b=c"}, {"a=b": "c"}, 0),
]


@pytest.mark.parametrize(("written", "wanted", "count"), TAGS, ids=[f"{a}-{b}" for a, b, _ in TAGS])
def test_tags_are_compared_as_text_exactly(written: dict[str, Any], wanted: dict[str, Any], count: int) -> None:
    """1 is "1" but not True; quotes, %, _ and \\ are letters; case counts, on every database."""
    remind(**written)
    assert cancel_future_aggregate_event(Reminder, tags=wanted) == count


def test_cancelling_is_part_of_the_transaction() -> None:
    """A rollback brings the event back."""
    kept = remind(user=1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012  what undoes the rest comes last
        assert cancel_future_aggregate_event(Reminder, tags={"user": 1}) == 1
        raise ZeroDivisionError
    assert remaining() == {kept}
