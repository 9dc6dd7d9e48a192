"""Typed contracts between Django services over RabbitMQ and REST."""

from __future__ import annotations

__version__ = "3.0.0.dev0"
