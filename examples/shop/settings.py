"""Django's settings of the shop."""

from __future__ import annotations

import os
from typing import Any

from examples.database import from_url
from examples.trail import logging_to

SECRET_KEY = "not a secret: this is an example"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
LOGGING = logging_to("ext://sys.stderr")
ROOT_URLCONF = "examples.shop.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["services_communication", "examples.shop"]
DATABASES = {"default": from_url(os.environ.get("SHOP_DATABASE_URL", "sqlite:///shop.sqlite3"))}

MICROSERVICES_COMMUNICATION_SETTINGS: dict[str, Any] = {
    "APP_ID": "shop",
    "BROKER_CONNECTION_URL": os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672"),
    "QUEUE": os.environ.get("SHOP_QUEUE", "shop"),
    "REST_API_HOST": os.environ.get("DELIVERY_URL", "http://localhost:8001"),
}
