from __future__ import annotations

from typing import Any

SECRET_KEY = "not a secret: this is an example"
USE_TZ = True
INSTALLED_APPS = ["services_communication", "shop"]
MICROSERVICES_COMMUNICATION_SETTINGS: dict[str, Any] = {"APP_ID": "shop", "QUEUE": "shop"}
