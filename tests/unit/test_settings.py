"""MICROSERVICES_COMMUNICATION_SETTINGS as a typed object: defaults, accepted forms, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from pydantic import ValidationError

from services_communication.errors import ConfigurationError
from services_communication.settings import Bind, Exchange, Settings, communication_settings, read

DEFAULTS: dict[str, Any] = {
    "APP_ID": "",
    "LOG_LEVEL": None,
    "CORRELATION_ID_HELPER_CLASS": None,
    "BROKER_CONNECTION_PARAMETERS": None,
    "DO_NOT_DECLARE": False,
    "EXCHANGES": (),
    "MAX_BODY_SIZE": 1_048_576,
    "QUEUE": "",
    "BINDS": (),
    "UNMATCHED_MESSAGES": "dead-letter",
    "INBOX": True,
    "PUBLISHER_FUTURE_EVENT_ENABLE": False,
    "REST_API_HOST": "http://localhost:8000",
    "REST_API_USERNAME": None,
    "REST_API_PASSWORD": None,
    "REST_API_CREDENTIAL": None,
    "REST_API_AUTH_URL": None,
    "CONSUMER_CLASS": None,
    "MESSAGE_CONSUMER": "services_communication.consumer.message_router",
    "MESSAGE_PUBLISHER_QUEUE_HANDLER_CLASS": None,
    "UNROUTABLE_OK": False,
    "CALL_REPLY_TO": None,
}


@pytest.mark.parametrize(("key", "value"), DEFAULTS.items(), ids=DEFAULTS)
def test_defaults(key: str, value: object) -> None:
    """DESIGN §7: keys and defaults of the earlier library hold."""
    assert getattr(read({}), key) == value


def test_the_default_broker() -> None:
    """guest at localhost, as before."""
    address = read({}).broker
    assert (address.scheme, address.host, address.port, address.virtual_host) == ("amqp", "localhost", 5672, "/")
    assert (address.username, address.password) == ("guest", "guest")


def test_exchanges_are_names_or_pairs() -> None:
    """The type is topic unless given; lists, tuples and an enumeration's members are taken."""

    class Kind:
        value = "direct"

    settings = read({"EXCHANGES": ["a", ("b", "fanout"), ["c", "headers"], ("d", Kind())]})
    assert (
        Exchange("a", "topic"),
        Exchange("b", "fanout"),
        Exchange("c", "headers"),
        Exchange("d", "direct"),
    ) == settings.EXCHANGES


def test_binds_are_exchanges_or_pairs() -> None:
    """The routing key is # unless given."""
    settings = read({"BINDS": ("a", ("b", "x.*"), ["c", ""])})
    assert (Bind("a", "#"), Bind("b", "x.*"), Bind("c", "")) == settings.BINDS


def test_connection_parameters_win_over_the_url() -> None:
    """As in the earlier library; an empty dictionary counts as absent."""
    given = {"host": "rabbit", "port": 1234, "username": "u", "password": "p"}
    settings = read({"BROKER_CONNECTION_URL": "amqp://other", "BROKER_CONNECTION_PARAMETERS": given})
    assert (settings.broker.host, settings.broker.port) == ("rabbit", 1234)
    assert read({"BROKER_CONNECTION_URL": "amqp://other", "BROKER_CONNECTION_PARAMETERS": {}}).broker.host == "other"
    assert read({"BROKER_CONNECTION_URL": None, "BROKER_CONNECTION_PARAMETERS": given}).broker.host == "rabbit"


def test_a_broker_must_be_named() -> None:
    """None of both is a mistake."""
    with pytest.raises(ValidationError, match="set BROKER_CONNECTION_URL or"):
        read({"BROKER_CONNECTION_URL": None})


def test_lists_are_taken_for_tuples() -> None:
    """Settings files are written with either."""
    settings = read({"RETRY_DELAYS": [1, 2.5], "PUBLISHER_RETRY_DELAYS": [], "CALL_REPLY_TO": ["shop"]})
    assert (settings.RETRY_DELAYS, settings.PUBLISHER_RETRY_DELAYS) == ((1, 2.5), ())
    assert settings.CALL_REPLY_TO == ("shop",)


WRONG: list[tuple[str, Any]] = [
    ("QUEU", "x"),
    ("queue", "x"),
    ("QUEUE", 5),
    ("QUEUE", None),
    ("QUEUE", "amq.gen-1"),
    ("QUEUE", "ж" * 128),
    ("QUEUE", "\ud800"),
    ("EXCHANGES", "user"),
    ("EXCHANGES", ["amq.topic"]),
    ("EXCHANGES", [("a", "topik")]),
    ("EXCHANGES", [("a", "topic", "x")]),
    ("EXCHANGES", [5]),
    ("EXCHANGES", {"a": "topic"}),
    ("EXCHANGES", ["x" * 256]),
    ("BINDS", "user"),
    ("BINDS", [("amq.topic", "#")]),
    ("BINDS", [()]),
    ("DO_NOT_DECLARE", "yes"),
    ("DO_NOT_DECLARE", 1),
    ("LOG_LEVEL", "debug"),
    ("RETRY_DELAYS", []),
    ("RETRY_DELAYS", [0]),
    ("RETRY_DELAYS", [-1]),
    ("RETRY_DELAYS", ["1"]),
    ("RETRY_DELAYS", 5),
    ("PREFETCH_COUNT", 0),
    ("PREFETCH_COUNT", 65_536),
    ("CONCURRENCY", 0),
    ("MAX_BODY_SIZE", 0),
    ("PUBLISHER_LEASE", 1),
    ("PUBLISHER_BATCH_SIZE", "500"),
    ("CONFIRM_TIMEOUT", 0),
    ("CONFIRM_TIMEOUT", float("inf")),
    ("CONFIRM_TIMEOUT", float("nan")),
    ("UNMATCHED_MESSAGES", "drop"),
    ("QUEUE_TYPE", "stream"),
    ("BROKER_CONNECTION_URL", "http://rabbit"),
    ("BROKER_CONNECTION_URL", ["amqp://a", "amqp://b"]),
    ("BROKER_CONNECTION_URL", "amqp://u:p@"),
    ("BROKER_CONNECTION_URL", "amqp://r?heartbeet=1"),
    ("BROKER_CONNECTION_URL", "amqp://r:5671"),
    ("BROKER_CONNECTION_PARAMETERS", {"port": "5672"}),
    ("BROKER_CONNECTION_PARAMETERS", {"hots": "x"}),
    ("BROKER_CONNECTION_PARAMETERS", "amqp://r"),
    ("REST_API_HOST", "localhost:8000"),
    ("REST_API_PASSWORD", 5),
    ("CALL_REPLY_TO", ["amq.direct"]),
]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[f"{key}-{n}" for n, (key, _) in enumerate(WRONG)])
def test_a_mistake_is_refused_and_named(key: str, value: object) -> None:
    """I16, I21: never read as something else; the error is at the key."""
    with pytest.raises(ValidationError) as caught:
        read({key: value})
    assert caught.value.errors()[0]["loc"][0] == key


def test_passwords_show_nowhere() -> None:
    """Neither in the settings nor in an error about them."""
    secret = "zq-secret"
    settings = read(
        {
            "BROKER_CONNECTION_URL": f"amqp://u:{secret}@rabbit",
            "BROKER_CONNECTION_PARAMETERS": {"password": secret},
            "REST_API_PASSWORD": secret,
            "REST_API_CREDENTIAL": {"password": secret},
        }
    )
    for text in (repr(settings), str(settings), repr(settings.broker), str(settings.broker)):
        assert secret not in text
    assert settings.broker.password == secret
    for wrong in (
        {"BROKER_CONNECTION_URL": f"amqp://u:{secret}@rabbit?x=1"},
        {"BROKER_CONNECTION_URL": f"amqp://u:{secret}@rabbit:port"},
        {"BROKER_CONNECTION_URL": [f"amqp://u:{secret}@rabbit"]},
        {"BROKER_CONNECTION_PARAMETERS": {"password": secret, "port": "x"}},
        {"REST_API_PASSWORD": secret, "REST_API_HOST": 5},
        {"REST_API_CREDENTIAL": secret},
        {"REST_API_PASWORD": secret},
    ):
        with pytest.raises(ValidationError) as caught:
            read(wrong)
        assert secret not in str(caught.value)
        with override_settings(MICROSERVICES_COMMUNICATION_SETTINGS=wrong):
            with pytest.raises(ConfigurationError) as raised:
                communication_settings.get()
            assert secret not in str(raised.value)


def test_every_mistake_is_named_at_once() -> None:
    """Where settings are read in spite of a failed check, one error lists them all."""
    wrong = {"QUEU": "x", "CONCURRENCY": 0}
    with (
        override_settings(MICROSERVICES_COMMUNICATION_SETTINGS=wrong),
        pytest.raises(ConfigurationError, match=r"manage\.py check") as caught,
    ):
        communication_settings.get()
    assert "QUEU" in str(caught.value)
    assert "CONCURRENCY" in str(caught.value)


@pytest.mark.parametrize("given", [[], "x", 5])
def test_the_setting_is_a_dictionary(given: object) -> None:
    """Anything else is a ConfigurationError, not a TypeError in the depths."""
    with (
        override_settings(MICROSERVICES_COMMUNICATION_SETTINGS=given),
        pytest.raises(ConfigurationError, match="must be a dictionary"),
    ):
        communication_settings.get()


def test_a_key_may_be_a_setting_of_its_own() -> None:
    """The earlier library reads MICROSERVICES_COMMUNICATION_SETTING_<KEY>; the dictionary wins."""
    with override_settings(
        MICROSERVICES_COMMUNICATION_SETTING_QUEUE="single",
        MICROSERVICES_COMMUNICATION_SETTING_APP_ID="single",
        MICROSERVICES_COMMUNICATION_SETTINGS={"APP_ID": "dictionary"},
    ):
        assert communication_settings.QUEUE == "single"
        assert communication_settings.APP_ID == "dictionary"


def test_changed_settings_are_read_again() -> None:
    """override_settings works in a service's tests, and ends with its block."""
    with override_settings(MICROSERVICES_COMMUNICATION_SETTINGS={"QUEUE": "inside"}):
        assert communication_settings.QUEUE == "inside"
    assert communication_settings.QUEUE == "tests"


def test_settings_are_frozen() -> None:
    """Nothing changes them while the process runs."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().QUEUE = "other"  # type: ignore[misc]  # wrong on purpose


def test_the_app_id_falls_back_to_the_projects_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first part of DJANGO_SETTINGS_MODULE."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    assert read({}).app_id == "shop"
    assert read({"APP_ID": "mine"}).app_id == "mine"
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    assert read({}).app_id == "anonymous"


def test_rest_credentials() -> None:
    """A dictionary of one's own, or user name and password; none when nothing is given."""
    assert read({}).rest_credential is None
    assert read({"REST_API_USERNAME": "u", "REST_API_PASSWORD": "p"}).rest_credential == {
        "username": "u",
        "password": "p",
    }
    assert read({"REST_API_CREDENTIAL": {"key": "k"}, "REST_API_USERNAME": "u"}).rest_credential == {"key": "k"}
