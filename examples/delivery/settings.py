"""Django's settings of the delivery service."""

from __future__ import annotations

import os
from typing import Any

from examples.database import from_url
from examples.trail import logging_to

SECRET_KEY = "not a secret: this is an example"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
LOGGING = logging_to("ext://sys.stderr")
ROOT_URLCONF = "examples.delivery.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["services_communication", "examples.delivery"]
DATABASES = {"default": from_url(os.environ.get("DELIVERY_DATABASE_URL", "sqlite:///delivery.sqlite3"))}

MICROSERVICES_COMMUNICATION_SETTINGS: dict[str, Any] = {
    "APP_ID": "delivery",
    "BROKER_CONNECTION_URL": os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672"),
    "QUEUE": os.environ.get("DELIVERY_QUEUE", "delivery"),
    # An asker names the exchange that its reply goes to; these are the ones we answer to.
    "CALL_REPLY_TO": ["shop"],
}
