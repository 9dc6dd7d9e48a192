"""``MICROSERVICES_COMMUNICATION_SETTINGS`` as one typed object, ``communication_settings``.

Every key is a field of :class:`Settings`; ``docs/settings.md`` explains each. A mistake is reported by
``manage.py check`` (see ``checks.py``) and raised as :class:`ConfigurationError` where it is read all the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from services_communication.correlation import DefaultCorrelationIdHelper
from services_communication.errors import ConfigurationError, EncodeError
from services_communication.message import check_short_string
from services_communication.transport.address import BrokerAddress

NAME = "MICROSERVICES_COMMUNICATION_SETTINGS"
# The earlier library also reads each key from a setting of its own with this prefix.
KEY_PREFIX = "MICROSERVICES_COMMUNICATION_SETTING_"
EXCHANGE_TYPES = ("topic", "direct", "fanout", "headers")


class Exchange(NamedTuple):
    name: str
    type: str = "topic"


class Bind(NamedTuple):
    exchange: str
    routing_key: str = "#"


def _broker_name(value: str) -> str:
    try:
        check_short_string("the name", value)
    except EncodeError as error:
        raise ValueError(str(error)) from None
    if value.startswith("amq."):
        raise ValueError("names that begin with 'amq.' are reserved for the broker; choose another")
    return value


def _pair(second: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list | tuple) and len(value) == 2:  # noqa: PLR2004  a pair is two
            return tuple(str(getattr(part, "value", part)) for part in value)
        raise ValueError(f"must be a name, or a pair of a name and {second}")

    return BeforeValidator(read)


def _exchange(value: Exchange) -> Exchange:
    if value.type not in EXCHANGE_TYPES:
        raise ValueError(f"exchange type {value.type!r} is not one of {', '.join(EXCHANGE_TYPES)}")
    return Exchange(_broker_name(value.name), value.type)


def _bind(value: Bind) -> Bind:
    return Bind(_broker_name(value.exchange), value.routing_key)


BrokerName = Annotated[str, AfterValidator(_broker_name)]
Exchanges = tuple[Annotated[Exchange, _pair("a type"), AfterValidator(_exchange)], ...]
Binds = tuple[Annotated[Bind, _pair("a routing key"), AfterValidator(_bind)], ...]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 366)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(BaseModel):
    """Names are the dictionary's keys; a default is what holds when the key is absent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    APP_ID: str = ""
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None = None
    CORRELATION_ID_HELPER_CLASS: str | None = None

    BROKER_CONNECTION_URL: SecretStr | None = SecretStr("amqp://guest:guest@localhost:5672")
    BROKER_CONNECTION_PARAMETERS: dict[str, Any] | None = Field(default=None, repr=False)
    DO_NOT_DECLARE: bool = False
    EXCHANGES: Exchanges = Field(default=(), strict=False)
    MAX_BODY_SIZE: Count = Field(default=1024 * 1024, le=128 * 1024 * 1024)

    QUEUE: BrokerName = ""
    QUEUE_TYPE: Literal["quorum", "classic"] = "quorum"
    BINDS: Binds = Field(default=(), strict=False)
    PREFETCH_COUNT: Annotated[int, Field(ge=1, le=65_535)] = 100
    CONCURRENCY: Annotated[int, Field(ge=1, le=256)] = 1
    RETRY_DELAYS: Annotated[tuple[Annotated[Seconds, Field(gt=0)], ...], Field(strict=False, min_length=1)] = (
        1,
        10,
        60,
        300,
    )
    MAX_DELIVERIES: Count = 10
    UNMATCHED_MESSAGES: Literal["dead-letter", "ignore"] = "dead-letter"
    INBOX: bool = True
    INBOX_RETENTION: Seconds = 14 * 86_400
    SHUTDOWN_GRACE: Seconds = 30
    CALL_REPLY_TO: Annotated[tuple[BrokerName, ...] | None, Field(strict=False)] = None

    PUBLISHER_FUTURE_EVENT_ENABLE: bool = False
    PUBLISHER_POLL_INTERVAL: Annotated[Seconds, Field(gt=0)] = 0.5
    PUBLISHER_BATCH_SIZE: Annotated[int, Field(ge=1, le=10_000)] = 500
    PUBLISHER_RETRY_DELAYS: Annotated[tuple[Annotated[Seconds, Field(gt=0)], ...], Field(strict=False)] = (
        1,
        10,
        60,
        300,
        3600,
    )
    PUBLISHER_LEASE: Annotated[Seconds, Field(ge=2)] = 15
    CONFIRM_TIMEOUT: Annotated[Seconds, Field(gt=0)] = 45
    UNROUTABLE_OK: bool = False
    COMMAND_CONFIRM_TIMEOUT: Annotated[Seconds, Field(gt=0)] = 10

    REST_API_HOST: str = "http://localhost:8000"
    REST_API_USERNAME: str | None = None
    REST_API_PASSWORD: SecretStr | None = None
    REST_API_CREDENTIAL: dict[str, Any] | None = Field(default=None, repr=False)
    REST_API_AUTH_URL: str | None = None
    REST_API_TIMEOUT: Annotated[Seconds, Field(gt=0)] = 10
    REST_API_ALLOWED_HOSTS: Annotated[tuple[str, ...], Field(strict=False)] = ()
    REST_API_MAX_RESPONSE_SIZE: Count = Field(default=10 * 1024 * 1024, le=1024 * 1024 * 1024)

    # Accepted for the earlier library's sake; a check says what replaced them.
    CONSUMER_CLASS: str | None = None
    MESSAGE_CONSUMER: str = "services_communication.consumer.message_router"
    MESSAGE_PUBLISHER_QUEUE_HANDLER_CLASS: str | None = None

    @field_validator("BROKER_CONNECTION_URL")
    @classmethod
    def _url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            BrokerAddress.from_url(value.get_secret_value())
        return value

    @field_validator("BROKER_CONNECTION_PARAMETERS")
    @classmethod
    def _parameters(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value:
            BrokerAddress.from_parameters(value)
        return value

    @field_validator("REST_API_HOST")
    @classmethod
    def _host(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _can_connect(self) -> Settings:
        if not self.BROKER_CONNECTION_PARAMETERS and self.BROKER_CONNECTION_URL is None:
            raise ValueError("set BROKER_CONNECTION_URL or BROKER_CONNECTION_PARAMETERS")
        return self

    @property
    def broker(self) -> BrokerAddress:
        """The parameters win over the URL, as in the earlier library."""
        if self.BROKER_CONNECTION_PARAMETERS:
            return BrokerAddress.from_parameters(self.BROKER_CONNECTION_PARAMETERS)
        assert self.BROKER_CONNECTION_URL is not None  # noqa: S101  _can_connect has seen to it
        return BrokerAddress.from_url(self.BROKER_CONNECTION_URL.get_secret_value())

    @cached_property
    def correlation_helper(self) -> DefaultCorrelationIdHelper:
        if self.CORRELATION_ID_HELPER_CLASS is None:
            return DefaultCorrelationIdHelper()
        helper: DefaultCorrelationIdHelper = import_string(self.CORRELATION_ID_HELPER_CLASS)()
        return helper

    @property
    def app_id(self) -> str:
        return self.APP_ID or os.environ.get("DJANGO_SETTINGS_MODULE", "").split(".")[0] or "anonymous"

    @property
    def rest_credential(self) -> dict[str, Any] | None:
        """The body of the login request."""
        if self.REST_API_CREDENTIAL:
            return self.REST_API_CREDENTIAL
        if self.REST_API_USERNAME is None and self.REST_API_PASSWORD is None:
            return None
        password = self.REST_API_PASSWORD.get_secret_value() if self.REST_API_PASSWORD else None
        return {"username": self.REST_API_USERNAME, "password": password}


def read(source: Mapping[str, Any] | None = None) -> Settings:
    """The settings as `source`, or Django's settings, have them. Raises pydantic's ValidationError."""
    values: dict[Any, Any] = {
        key: getattr(django_settings, KEY_PREFIX + key)
        for key in Settings.model_fields
        if hasattr(django_settings, KEY_PREFIX + key)
    }
    given = getattr(django_settings, NAME, None) if source is None else source
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(f"{NAME} must be a dictionary, not {type(given).__name__}")
    values.update(given or {})
    for key in ("BROKER_CONNECTION_URL", "REST_API_PASSWORD"):
        if isinstance(values.get(key), str):
            values[key] = SecretStr(values[key])
    return Settings.model_validate(values)


class LazySettings:
    """Reads the settings when they are first asked for, and again after Django's test tools have changed them."""

    def __init__(self) -> None:
        self._settings: Settings | None = None

    def get(self) -> Settings:
        """Raises ConfigurationError naming every mistake."""
        if self._settings is None:
            try:
                self._settings = read()
            except ValidationError as error:
                mistakes = "; ".join(
                    f"{'.'.join(map(str, e['loc'])) or NAME}: {e['msg']}" for e in error.errors(include_input=False)
                )
                raise ConfigurationError(f"{NAME} has mistakes ('manage.py check' explains them): {mistakes}") from None
        return self._settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self.get(), name)

    def forget(self, *, setting: str = NAME, **_: object) -> None:
        if setting == NAME or setting.startswith(KEY_PREFIX):
            self._settings = None


communication_settings = LazySettings()
setting_changed.connect(communication_settings.forget, dispatch_uid="services_communication.settings")
