"""A service that handles every event of the corpus. CDEVENTS names the generated package."""

from __future__ import annotations

import importlib
import os
import pkgutil

from services_communication.contracts import EventModel


def generated_contracts(package: str) -> list[type[EventModel]]:
    """The events of the generated package, one for each schema."""
    folder = list(importlib.import_module(package).__path__)
    modules = [importlib.import_module(f"{package}.{module.name}") for module in pkgutil.iter_modules(folder)]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    return [
        value for value in found if issubclass(value, EventModel) and getattr(value, "__contract__", None) is not None
    ]


PACKAGE = os.environ.get("CDEVENTS", "")
