"""SERVICE holds a JSON object: the database, the library's settings, and more applications where a test has some."""

from __future__ import annotations

import json
import os

from tests.support.mysql import install_driver

SERVICE = json.loads(os.environ["SERVICE"])

SECRET_KEY = "not a secret: these are tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["services_communication", *SERVICE["applications"]]
DATABASES = {"default": SERVICE["database"]}
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    install_driver()

MICROSERVICES_COMMUNICATION_SETTINGS = SERVICE["settings"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"services_communication": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
