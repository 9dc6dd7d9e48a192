"""The lines that the demo prints. Your services do without this module: they log as they always do."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)

LINE = "%-8s %-9s → %-66s → %s"


def hop(kind: str, sender: str, what: object, receiver: str) -> None:
    """Say who sent what to whom."""
    logger.info(LINE, kind, sender, what if isinstance(what, str) else repr(what), receiver)


def logging_to(stream: str) -> dict[str, Any]:
    """The setting LOGGING: the lines above, and warnings of everything else."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(message)s"}, "warning": {"format": "%(levelname)-8s %(message)s"}},
        "handlers": {
            "line": {"class": "logging.StreamHandler", "stream": stream, "formatter": "line"},
            "warning": {"class": "logging.StreamHandler", "stream": stream, "formatter": "warning"},
        },
        "root": {"handlers": ["warning"], "level": "WARNING"},
        "loggers": {
            __name__: {"handlers": ["line"], "level": "INFO", "propagate": False},
            "pika": {"level": "CRITICAL"},  # the library says itself what matters of it
            "django.server": {"handlers": ["warning"], "level": "WARNING", "propagate": False},
        },
    }
