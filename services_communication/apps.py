from __future__ import annotations

import logging

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from services_communication.errors import ConfigurationError

# pika reports each failed attempt to connect as up to ten errors, where we log changes of state; httpx logs URLs with
# their queries. Whoever gives these loggers a level in LOGGING sees them all the same.
QUIET = {"pika": logging.CRITICAL, "httpx": logging.WARNING}


class ServicesCommunicationConfig(AppConfig):
    name = "services_communication"
    verbose_name = "Services communication"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services_communication import checks, settings  # noqa: F401, PLC0415  importing checks registers them

        for name, level in QUIET.items():
            if logging.getLogger(name).level == logging.NOTSET:
                logging.getLogger(name).setLevel(level)
        logger = logging.getLogger("services_communication")
        try:
            if (wanted := settings.communication_settings.get().LOG_LEVEL) is not None:
                logger.setLevel(wanted)
        except ConfigurationError:
            pass  # the system checks say what is wrong, all of it at once
        # Contracts first: a consumer of the untyped form is validated through the contract of its address.
        autodiscover_modules("contracts")
        autodiscover_modules("consumers")
