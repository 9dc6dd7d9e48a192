"""manage.py check: one message for each mistake, with a stable id, the path and a hint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

from services_communication.consumer import message_router
from services_communication.contracts import CallModel, CommandModel, EventModel

SAFE = {"BROKER_CONNECTION_URL": "amqps://u:p@rabbit", "QUEUE": "checks"}


class Order(CommandModel, service="checks"):
    a: int


class Happened(EventModel, aggregate="checks-event", event_type="x"):
    a: int


class Ask(CallModel[int], service="checks", method_name="ask"):
    a: int


def check(settings: Any, *, deploy: bool = False) -> list[CheckMessage]:
    with override_settings(MICROSERVICES_COMMUNICATION_SETTINGS=settings):
        return run_checks(tags=["services_communication"], include_deployment_checks=deploy)


def ids(messages: list[CheckMessage]) -> list[str]:
    return [(message.id or "").removeprefix("services_communication.") for message in messages]


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """message_router is the process's; what a test registers there is taken out again."""
    before = list(message_router._bindings)
    message_router._bindings.clear()
    message_router._matched.clear()
    yield
    message_router._bindings[:] = before
    message_router._matched.clear()


def handle(body: Any) -> None: ...


def handle_again(body: Any) -> None: ...


def answer(call: Any) -> int:
    return 1


def untyped(routing_key: str, body: Any) -> None: ...


def test_good_settings_have_no_message() -> None:
    """Neither in development nor at deployment."""
    assert check(SAFE) == []
    assert check(SAFE, deploy=True) == []
    assert check({}) == []


MISTAKES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"QUEU": "x"}, "E001", "[QUEU]: unknown key", "Did you mean QUEUE?"),
    ({"BROKER_CONNECTION_ULR": "x"}, "E001", "[BROKER_CONNECTION_ULR]", "Did you mean BROKER_CONNECTION_URL?"),
    ({"XYZZY": "x"}, "E001", "[XYZZY]", "docs/settings.md"),
    ({"CONCURRENCY": "4"}, "E002", "[CONCURRENCY]", "docs/settings.md"),
    ({"BINDS": [5]}, "E002", "[BINDS.0", "docs/settings.md"),
    ({"EXCHANGES": [("a", "topik")]}, "E002", "exchange type 'topik' is not one of topic", "docs/settings.md"),
    ({"RETRY_DELAYS": [1, -1]}, "E002", "[RETRY_DELAYS.1]", "docs/settings.md"),
    ({"QUEUE": "x" * 256}, "E002", "256 bytes", "docs/settings.md"),
    ({"BROKER_CONNECTION_URL": "http://r"}, "E003", "[BROKER_CONNECTION_URL]: scheme 'http'", "amqp://user:password@"),
    ({"BROKER_CONNECTION_URL": "amqp://"}, "E003", "host is missing", "percent-encoded"),
    ({"BROKER_CONNECTION_URL": "amqp://r:5671"}, "E003", "amqps://", "percent-encoded"),
    ({"BROKER_CONNECTION_URL": "amqp://r?heartbeet=1"}, "E003", "did you mean 'heartbeat'", "percent-encoded"),
    ({"BROKER_CONNECTION_URL": "amqp://u:p#@r"}, "E003", "percent-encode", "percent-encoded"),
    ({"BROKER_CONNECTION_PARAMETERS": {"port": "x"}}, "E003", "[BROKER_CONNECTION_PARAMETERS]: port", "amqp://"),
    ({"BROKER_CONNECTION_URL": None}, "E002", "set BROKER_CONNECTION_URL or", "docs/settings.md"),
    ({"QUEUE": "amq.x"}, "E004", "[QUEUE]", "'amq.'"),
    ({"EXCHANGES": ["amq.topic"]}, "E004", "[EXCHANGES.0", "'amq.'"),
    ({"BINDS": [("amq.topic", "#")]}, "E004", "[BINDS.0", "'amq.'"),
]


@pytest.mark.parametrize(("settings", "id_", "text", "hint"), MISTAKES, ids=[f"{m[1]}-{m[2][:20]}" for m in MISTAKES])
def test_a_mistake(settings: dict[str, Any], id_: str, text: str, hint: str) -> None:
    """It is one error, with the path to the key and what to do."""
    (message,) = check(settings)
    assert ids([message]) == [id_]
    assert message.is_serious()
    assert message.msg.startswith("MICROSERVICES_COMMUNICATION_SETTINGS")
    assert text in message.msg
    assert hint in (message.hint or "")


def test_each_mistake_has_its_message() -> None:
    """All are found in one run."""
    messages = check({"QUEU": "x", "CONCURRENCY": 0, "BINDS": [5, "amq.x"]})
    assert sorted(ids(messages)) == ["E001", "E002", "E002", "E004"]


def test_settings_that_are_no_dictionary() -> None:
    """E002, not a traceback."""
    assert ids(check(["QUEUE"])) == ["E002"]


@pytest.mark.parametrize(
    "settings",
    [
        {"BROKER_CONNECTION_URL": "amqp://u:zqzq@r?x=1"},
        {"BROKER_CONNECTION_URL": "amqp://u:zq/zq@r"},
        {"BROKER_CONNECTION_URL": "amqp://u:zq?zq@r"},
        {"BROKER_CONNECTION_URL": "amqp://u:5?zq@r"},
        {"BROKER_CONNECTION_URL": "amqp://u:5?zq=1@r:5672/v"},
        {"BROKER_CONNECTION_URL": "amqp://zq?zq@r"},
        {"BROKER_CONNECTION_URL": 5, "REST_API_PASSWORD": "zqzq", "QUEU": "zqzq"},
        {"BROKER_CONNECTION_PARAMETERS": {"password": "zqzq", "hots": "r"}},
    ],
)
def test_no_message_holds_a_password(settings: dict[str, Any]) -> None:
    """Check output is pasted into tickets."""
    messages = check(settings)
    assert messages
    assert all("zq" not in f"{message.msg}{message.hint}{message.obj}" for message in messages)


def test_replaced_settings_are_said_to_be_so() -> None:
    """W001 for each."""
    messages = check({"CONSUMER_CLASS": "a.B", "MESSAGE_PUBLISHER_QUEUE_HANDLER_CLASS": "a.C"})
    assert ids(messages) == ["W001", "W001"]
    assert "CONSUMER_CLASS" in messages[0].msg
    assert "Remove it" in (messages[0].hint or "")


def test_two_handlers_of_one_command() -> None:
    """W002: a command is an order to one; an event may have several."""
    message_router.consumer(Happened)(handle)
    message_router.consumer(Happened)(handle_again)
    message_router.consumer(Order)(handle)
    assert check(SAFE) == []
    message_router.consumer(Order)(handle_again)
    (message,) = check(SAFE)
    assert ids([message]) == ["W002"]
    for part in ("handle_again", "Order"):
        assert part in message.msg


@pytest.mark.parametrize(
    ("exchange", "routing_key", "bound"),
    [
        ("user", "update", True),
        ("user", "", True),
        ("user", "update.*", True),
        ("order", "made.x", True),
        ("order", "lost", False),
        ("order", "", True),
        ("other", "", False),
        ("other", "x", False),
        (None, "", True),
    ],
)
def test_an_untyped_handler_without_a_binding(exchange: str | None, routing_key: str, bound: bool) -> None:
    """W003: nothing would come to it; a typed handler is bound without being listed."""
    message_router.consumer(exchange, routing_key)(untyped)
    message_router.consumer(Happened)(handle)
    messages = check({**SAFE, "BINDS": ["user", ("order", "made.*")]})
    assert ids(messages) == ([] if bound else ["W003"])
    assert all("untyped" in message.msg and "Add (" in (message.hint or "") for message in messages)
    assert check({**SAFE, "DO_NOT_DECLARE": True}) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"BROKER_CONNECTION_URL": "memory://"}, ["W101"]),
        ({"BROKER_CONNECTION_URL": "amqps://rabbit"}, ["W102"]),
        ({"BROKER_CONNECTION_URL": "amqp://u:p@rabbit"}, ["W103"]),
        ({"BROKER_CONNECTION_URL": "amqp://rabbit"}, ["W102", "W103"]),
        ({"BROKER_CONNECTION_URL": "amqp://u:p@localhost"}, []),
        ({"BROKER_CONNECTION_URL": "amqp://u:p@[::1]"}, []),
        ({"REST_API_PASSWORD": "p", "REST_API_HOST": "http://api"}, ["W104"]),
        ({"REST_API_PASSWORD": "p", "REST_API_HOST": "https://api"}, []),
        ({"REST_API_HOST": "http://api"}, []),
        ({"QUEUE_TYPE": "classic"}, ["W105"]),
        ({"INBOX_RETENTION": 100, "RETRY_DELAYS": [60, 60]}, ["W106"]),
        ({"INBOX_RETENTION": 120, "RETRY_DELAYS": [60, 60]}, []),
        ({"INBOX_RETENTION": 100, "RETRY_DELAYS": [60, 60], "INBOX": False}, []),
    ],
)
def test_deployment(changes: dict[str, Any], expected: list[str]) -> None:
    """Warnings that only `check --deploy` gives."""
    assert ids(check({**SAFE, **changes}, deploy=True)) == expected
    assert check({**SAFE, **changes}) == []


def test_naive_times_are_an_error() -> None:
    """E005: a due time in local time is due at another time elsewhere."""
    with override_settings(USE_TZ=False):
        (message,) = check(SAFE)
        assert ids(check(SAFE, deploy=True)) == ["E005"]
    assert ids([message]) == ["E005"]
    assert message.is_serious()
    assert "USE_TZ = True" in (message.hint or "")


def test_answers_to_whoever_asks() -> None:
    """W107, at deployment only: a caller names the exchange that we publish to, unless they are listed."""
    assert check(SAFE, deploy=True) == []
    message_router.consumer(Ask)(answer)
    assert check(SAFE) == []
    (message,) = check(SAFE, deploy=True)
    assert ids([message]) == ["W107"]
    assert "CALL_REPLY_TO" in (message.hint or "")
    assert check({**SAFE, "CALL_REPLY_TO": ["shop"]}, deploy=True) == []
    assert check({**SAFE, "CALL_REPLY_TO": []}, deploy=True) == []


def test_wrong_settings_are_reported_once_at_deployment() -> None:
    """The deployment check leaves them to the other."""
    assert ids(check({"QUEU": "x"}, deploy=True)) == ["E001"]
