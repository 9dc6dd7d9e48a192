"""``manage.py check``: every mistake in the settings, with a stable id, the path to the key and a hint.

``docs/checks.md`` has a paragraph for each id.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004  Django's own names
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services_communication.consumer.router import message_router
from services_communication.contracts import CallModel, CommandModel
from services_communication.errors import ConfigurationError
from services_communication.settings import NAME, Settings, read
from services_communication.transport.topics import matches

TAG = "services_communication"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REPLACED = {
    "CONSUMER_CLASS": "runconsumer reconnects by itself",
    "MESSAGE_PUBLISHER_QUEUE_HANDLER_CLASS": "runpublisher polls, and future events need no other class",
}


@register(TAG)
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    try:
        settings = read()
    except ConfigurationError as error:
        return [Error(str(error), hint="See docs/settings.md.", id=f"{TAG}.E002")]
    except ValidationError as error:
        return [_mistake(item) for item in error.errors(include_url=False, include_input=False)]
    return [*_django(), *_replaced(settings), *_handlers(settings)]


@register(TAG, deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    try:
        settings = read()
    except (ConfigurationError, ValidationError):
        return []  # check_settings has said so
    return list(_deployment(settings))


def _mistake(error: ErrorDetails) -> CheckMessage:
    path = ".".join(map(str, error["loc"]))
    key = str(error["loc"][0]) if error["loc"] else ""
    text = error["msg"].removeprefix("Value error, ")
    where = f"{NAME}[{path}]" if path else NAME
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, Settings.model_fields, n=1)
        hint = f"Did you mean {close[0]}?" if close else "docs/settings.md lists the keys."
        return Error(f"{where}: unknown key.", hint=hint, id=f"{TAG}.E001")
    if key.startswith("BROKER_CONNECTION") and error["type"] == "value_error":
        hint = "amqp://user:password@host:5672/vhost, with special characters percent-encoded."
        return Error(f"{where}: {text}.", hint=hint, id=f"{TAG}.E003")
    if "reserved" in text:
        return Error(f"{where}: {text}.", hint="RabbitMQ keeps the prefix 'amq.' for itself.", id=f"{TAG}.E004")
    return Error(f"{where}: {text}.", hint="docs/settings.md says what this key takes.", id=f"{TAG}.E002")


def _django() -> Iterator[CheckMessage]:
    if not django_settings.USE_TZ:
        yield Error("USE_TZ is False: due times need aware datetimes.", hint="Set USE_TZ = True.", id=f"{TAG}.E005")


def _replaced(settings: Settings) -> Iterator[CheckMessage]:
    for key, instead in REPLACED.items():
        if getattr(settings, key) is not None:
            yield Warning(f"{NAME}[{key}] has no effect any more.", hint=f"Remove it: {instead}.", id=f"{TAG}.W001")


def _handlers(settings: Settings) -> Iterator[CheckMessage]:
    seen: dict[type, str] = {}
    for binding in message_router:
        if binding.contract is not None and issubclass(binding.contract, CommandModel):
            if binding.contract in seen:
                yield Warning(
                    f"{binding.name} and {seen[binding.contract]} both carry out {binding.contract.__name__}.",
                    hint="A command is an order to one handler; make it an event if several shall act.",
                    id=f"{TAG}.W002",
                )
            seen[binding.contract] = binding.name
        elif not binding.binds_queue and binding.exchange and settings.QUEUE and not _is_bound(settings, binding):
            yield Warning(
                f"{binding.name} gets nothing: no entry of BINDS covers it.",
                hint=f"Add ({binding.exchange!r}, {binding.routing_key or '#'!r}) to {NAME}['BINDS'].",
                id=f"{TAG}.W003",
            )


def _is_bound(settings: Settings, binding: Any) -> bool:
    return settings.DO_NOT_DECLARE or any(
        bind.exchange == binding.exchange
        and (
            binding.routing_key is None
            or matches(bind.routing_key, binding.routing_key)
            or "*" in binding.routing_key
            or "#" in binding.routing_key
        )
        for bind in settings.BINDS
    )


def _deployment(settings: Settings) -> Iterator[CheckMessage]:
    address = settings.broker
    if address.scheme == "memory":
        yield Warning("The broker is in memory.", hint="Set BROKER_CONNECTION_URL to amqps://….", id=f"{TAG}.W101")
        return
    if address.username == "guest":
        yield Warning("The broker's user is guest.", hint="Make a user for each service.", id=f"{TAG}.W102")
    if address.scheme == "amqp" and address.host not in LOOPBACK:
        yield Warning("The broker is reached without TLS.", hint="Use amqps://.", id=f"{TAG}.W103")
    if settings.rest_credential and settings.REST_API_HOST.startswith("http://"):
        yield Warning("REST credentials travel without TLS.", hint="Use https:// in REST_API_HOST.", id=f"{TAG}.W104")
    if settings.QUEUE_TYPE == "classic":
        yield Warning(
            "Queues are classic: not replicated, and they do not count deliveries (MAX_DELIVERIES).",
            hint="Use QUEUE_TYPE 'quorum'.",
            id=f"{TAG}.W105",
        )
    answers = [binding for binding in message_router if binding.contract and issubclass(binding.contract, CallModel)]
    if answers and settings.CALL_REPLY_TO is None:
        yield Warning(
            "Calls are answered to any exchange that the caller names.",
            hint="List the callers' exchanges in CALL_REPLY_TO.",
            id=f"{TAG}.W107",
        )
    if settings.INBOX and sum(settings.RETRY_DELAYS) > settings.INBOX_RETENTION:
        yield Warning(
            "The inbox forgets a message before its last retry.", hint="Raise INBOX_RETENTION.", id=f"{TAG}.W106"
        )
