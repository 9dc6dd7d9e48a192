"""The broker's address: a URL or the earlier library's dictionary."""

from __future__ import annotations

from typing import Any

import pytest

from services_communication.transport.address import BrokerAddress

URLS: dict[str, tuple[Any, ...]] = {
    "amqp://rabbit": ("amqp", "rabbit", 5672, "/", "guest", "guest"),
    "amqp://u:p@rabbit:1234/v": ("amqp", "rabbit", 1234, "v", "u", "p"),
    "amqps://u:p@rabbit": ("amqps", "rabbit", 5671, "/", "u", "p"),
    "amqp://u:p@rabbit/": ("amqp", "rabbit", 5672, "/", "u", "p"),
    "amqp://u:p@rabbit/%2f": ("amqp", "rabbit", 5672, "/", "u", "p"),
    "amqp://u:p@rabbit/%2Fteam%2Fa": ("amqp", "rabbit", 5672, "/team/a", "u", "p"),
    "amqp://u:p@rabbit/my%20host": ("amqp", "rabbit", 5672, "my host", "u", "p"),
    "amqp://u:%40%3A%2F%25%23@rabbit": ("amqp", "rabbit", 5672, "/", "u", "@:/%#"),
    "amqp://u:p@ss@rabbit": ("amqp", "rabbit", 5672, "/", "u", "p@ss"),
    "amqp://u:p:q@rabbit": ("amqp", "rabbit", 5672, "/", "u", "p:q"),
    "amqp://%75ser:p@rabbit": ("amqp", "rabbit", 5672, "/", "user", "p"),
    "amqp://u:p@[::1]:5672/v": ("amqp", "::1", 5672, "v", "u", "p"),
    "amqps://u:p@[2001:db8::1]": ("amqps", "2001:db8::1", 5671, "/", "u", "p"),
}


@pytest.mark.parametrize(("url", "parts"), URLS.items(), ids=URLS)
def test_a_url_is_taken_apart(url: str, parts: tuple[Any, ...]) -> None:
    """Special characters are percent-encoded, an empty virtual host is '/', ports follow the scheme."""
    address = BrokerAddress.from_url(url)
    assert (
        address.scheme,
        address.host,
        address.port,
        address.virtual_host,
        address.username,
        address.password,
    ) == parts


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://u:zqzq@rabbit", "scheme 'http' is not one of amqp, amqps, memory"),
        ("u:zqzq@rabbit", "scheme"),
        ("", "scheme"),
        ("amqp://", "the host is missing"),
        ("amqp://u:zqzq@", "the host is missing"),
        ("amqp://:5672", "the host is missing"),
        ("amqp://u:zqzq@rabbit:x", "cannot be split"),
        ("amqp://u:zqzq@rabbit:99999", "cannot be split"),
        ("amqp://u:zqzq@[::1", "cannot be split"),
        ("amqp://u:zq/zq@rabbit", "percent-encode"),
        ("amqp://u:zqzq#@rabbit", "percent-encode"),
        ("amqp://u:zqzq@rabbit#x", "%23"),
        ("amqp://u:zqzq@rabbit/a/b", "%2f"),
        ("amqp://u:zqzq@rabbit:5671", "amqps://"),
        ("amqp://u:zqzq@rabbit?heartbeet=5", "unknown option 'heartbeet'; did you mean 'heartbeat'?"),
        ("amqp://u:5?zqzq@rabbit", "write it as %3F inside the password"),
        ("amqp://u:zq?zq@rabbit", "percent-encode"),
        ("amqp://u:zqzq@rabbit?colour=5", "unknown option 'colour'; known are heartbeat"),
        ("amqp://u:zqzq@rabbit?heartbeat=often", "'heartbeat' must be a number"),
        ("amqp://u:zqzq@rabbit?heartbeat=", "'heartbeat' must be a number"),
        ("amqp://u:zqzq@rabbit?heartbeat=-1", "must not be negative"),
        ("amqp://u:zqzq@rabbit?heartbeat=nan", "must not be negative or huge"),
        ("amqp://u:zqzq@rabbit?socket_timeout=1e99", "must not be negative or huge"),
    ],
)
def test_a_mistake_is_named_and_the_password_is_not(url: str, text: str) -> None:
    """I21: each mistake has its own words; none of them holds the password."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the text is compared below
        BrokerAddress.from_url(url)
    assert text in str(caught.value)
    assert "zq" not in str(caught.value)


def test_options_have_defaults_and_can_be_given() -> None:
    """RabbitMQ advises heartbeats of 5 to 20 s; what the earlier library's users set is accepted and ignored."""
    assert BrokerAddress.from_url("amqp://r").options["heartbeat"] == 10
    options = BrokerAddress.from_url("amqp://r?heartbeat=30&connection_attempts=3&retry_delay=1").options
    assert options["heartbeat"] == 30
    assert "connection_attempts" not in options


def test_an_address_in_memory() -> None:
    """memory://name is for tests."""
    assert (BrokerAddress.from_url("memory://").host, BrokerAddress.from_url("memory://x").host) == ("default", "x")
    assert str(BrokerAddress.from_url("memory://x")) == "memory://x"


@pytest.mark.parametrize("url", ["amqp://user:secret@rabbit/v", "amqps://user:secret@[::1]:1/v"])
def test_the_password_is_never_shown(url: str) -> None:
    """Neither str() nor repr() has it; the rest is there."""
    address = BrokerAddress.from_url(url)
    for text in (str(address), repr(address), f"{address}"):
        assert "secret" not in text
        assert "user" in text
        assert address.host in text


class Credentials:
    username = "pika-user"
    password = "secret"


def test_the_earlier_librarys_dictionary() -> None:
    """Its keys are pika's; empty values count as absent; pika's credentials are understood."""
    address = BrokerAddress.from_parameters(
        {
            "host": "rabbit",
            "port": 1234,
            "virtual_host": "v",
            "credentials": Credentials(),
            "heartbeat": 5,
            "locale": "",
        }
    )
    assert (address.scheme, address.host, address.port, address.virtual_host) == ("amqp", "rabbit", 1234, "v")
    assert (address.username, address.password) == ("pika-user", "secret")
    assert address.options["heartbeat"] == 5
    assert BrokerAddress.from_parameters({"host": None, "port": None}) == BrokerAddress.from_url("amqp://localhost")
    assert BrokerAddress.from_parameters({"username": "u", "password": "p"}).password == "p"


def test_ssl_options_mean_tls() -> None:
    """As with pika: giving them is asking for TLS."""
    address = BrokerAddress.from_parameters({"host": "r", "ssl_options": object()})
    assert (address.scheme, address.port) == ("amqps", 5671)


@pytest.mark.parametrize(
    "parameters", [{"port": "5672"}, {"port": True}, {"port": 70000}, {"hst": "x"}, {"heartbeat": []}]
)
def test_a_mistake_in_the_dictionary_is_named(parameters: dict[str, Any]) -> None:
    """The message holds the key's name."""
    with pytest.raises(ValueError, match=next(iter(parameters))):
        BrokerAddress.from_parameters(parameters)
