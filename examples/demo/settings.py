"""Both services in one Django. With RabbitMQ each runs with its own settings, and this one only looks on."""

from __future__ import annotations

import os
from typing import Any

from examples.delivery import settings as delivery
from examples.shop import settings as shop
from examples.trail import logging_to

SECRET_KEY = "not a secret: this is an example"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
LOGGING = logging_to("ext://sys.stdout")
ROOT_URLCONF = "examples.demo.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["services_communication", "examples.shop", "examples.delivery"]
DATABASES = {"default": shop.DATABASES["default"], "delivery": delivery.DATABASES["default"]}

MICROSERVICES_COMMUNICATION_SETTINGS: dict[str, Any] = {
    "APP_ID": "demo",
    "BROKER_CONNECTION_URL": os.environ["AMQP_URL"],
    "REST_API_HOST": os.environ["DELIVERY_URL"],
    "PUBLISHER_POLL_INTERVAL": 0.05,
}
