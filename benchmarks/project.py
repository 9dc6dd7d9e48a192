"""A small Django project on PostgreSQL and RabbitMQ, and the event that all benchmarks send."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

EXCHANGE, ROUTING_KEY, QUEUE = "bench-user", "update.base", "bench"


def set_up() -> None:
    """AMQP_URL and POSTGRES_URL say where the servers are; ``scripts/bench`` provides them."""
    url = urlsplit(os.environ["POSTGRES_URL"])
    settings.configure(
        USE_TZ=True,
        INSTALLED_APPS=["services_communication"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": url.path[1:],
                "USER": unquote(url.username or ""),
                "PASSWORD": unquote(url.password or ""),
                "HOST": url.hostname or "",
                "PORT": url.port or "",
            }
        },
        MICROSERVICES_COMMUNICATION_SETTINGS={
            "APP_ID": "bench",
            "BROKER_CONNECTION_URL": os.environ["AMQP_URL"],
            "QUEUE": QUEUE,
        },
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  needs the settings

    call_command("migrate", verbosity=0)
