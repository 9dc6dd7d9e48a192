"""Connecting to RabbitMQ, and telling an outage from a mistake."""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Iterator
from typing import Any

import pika
import pika.exceptions as pika_errors
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from services_communication.errors import BrokerUnavailableError, CommunicationError, TopologyError
from services_communication.transport.address import BrokerAddress

DENIED = (403, 530)  # AMQP 0-9-1: access-refused, not-allowed
logger = logging.getLogger("services_communication.transport")

# What pika raises when connecting fails: its connector's errors are no AMQPError.
CONNECTING_ERRORS = (pika_errors.AMQPError, AMQPConnectorException, OSError)
BACK_OFF_FIRST = 0.2
BACK_OFF_CAP = 15.0


def parameters(address: BrokerAddress, name: str) -> pika.ConnectionParameters:
    """`name` is what the broker's administrator sees as the connection's name."""
    options: dict[str, Any] = {key: value for key, value in address.options.items() if value is not None}
    for whole in ("heartbeat", "channel_max", "frame_max"):
        if whole in options:
            options[whole] = int(options[whole])
    tls = address.ssl_options
    if tls is None and address.scheme == "amqps":
        tls = pika.SSLOptions(ssl.create_default_context(), address.host)
    if tls is not None:
        options["ssl_options"] = tls
    return pika.ConnectionParameters(
        host=address.host,
        port=address.port,
        virtual_host=address.virtual_host,
        credentials=pika.PlainCredentials(address.username, address.password),
        client_properties={"connection_name": name, "product": "services_communication"},
        **options,
    )


def translate(error: BaseException, address: BrokerAddress) -> CommunicationError:
    """pika's error as ours: TopologyError where waiting cannot help, BrokerUnavailableError for an outage."""
    cause = innermost(error)
    # RabbitMQ says so when it denies (403, 530); in the handshake pika keeps that as text only. A peer that merely
    # vanishes in the handshake, which pika calls probable too, is restarting.
    said = "ConnectionClosedByBroker" in str(cause)
    if isinstance(cause, pika_errors.ProbableAuthenticationError) and said:
        return TopologyError(f"{address} refuses user {address.username!r}: check its name and password")
    if isinstance(cause, pika_errors.ProbableAccessDeniedError) and said:
        return TopologyError(
            f"{address} denies user {address.username!r} access to virtual host {address.virtual_host!r}: "
            f"create the virtual host or grant permissions"
        )
    if isinstance(cause, pika_errors.ConnectionClosed | pika_errors.ChannelClosed) and cause.reply_code in DENIED:
        return TopologyError(
            f"{address} denies user {address.username!r} access to virtual host {address.virtual_host!r} or what is in "
            f"it: {cause.reply_text}"
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return BrokerUnavailableError(f"{address} is not trusted: {cause.verify_message}")
    text = str(cause).strip() or "no detail"
    return BrokerUnavailableError(f"{address} is out of reach: {type(cause).__name__}: {text[:300]}")


def innermost(error: BaseException) -> BaseException:
    """pika wraps the reason of a failed connection in up to three layers."""
    for _ in range(5):
        inner = getattr(error, "exceptions", None) or getattr(error, "exception", None)
        if isinstance(inner, list | tuple):
            inner = inner[-1] if inner else None
        if inner is None:  # SelectConnection hands it over as an argument
            inner = next((argument for argument in error.args if isinstance(argument, BaseException)), None)
        if not isinstance(inner, BaseException):
            return error
        error = inner
    return error


def back_off() -> Iterator[float]:
    """Seconds to wait before each next attempt: doubling, capped, jittered so that a fleet does not come at once."""
    wait = BACK_OFF_FIRST
    while True:
        yield wait * random.uniform(0.5, 1.0)  # noqa: S311  spreading load, not keeping a secret
        wait = min(wait * 2, BACK_OFF_CAP)


class OutageLog:
    """One warning when an outage begins and one line when it is over; what is tried meanwhile is for debugging."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._outage = False

    def failed(self, reason: object) -> None:
        logger.log(logging.DEBUG if self._outage else logging.WARNING, "%s: %s", self._who, reason)
        self._outage = True

    def works(self, what: str) -> None:
        logger.log(logging.WARNING if self._outage else logging.INFO, "%s: %s", self._who, what)
        self._outage = False
