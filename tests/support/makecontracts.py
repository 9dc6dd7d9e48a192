"""Calling ``manage.py makecontracts`` in a test, on contracts of the test alone."""

from __future__ import annotations

import io
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.core.management import call_command
from django.core.management.base import CommandError

from services_communication.contracts import EventModel, registry

FILE = "tests/events/made.it.v1.json"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str
    """What was written, and the error's text."""


def make(schemas: Path, *arguments: str, output: str | None = "", **options: Any) -> Ran:
    """Call the command on the directory of schemas; another `output` is another one, None leaves it to the command."""
    out, err = io.StringIO(), io.StringIO()
    given = [*arguments, *([] if output is None else ["--output", output or str(schemas)])]
    try:
        call_command("makecontracts", *given, stdout=out, stderr=err, **options)
    except CommandError as error:
        return Ran(error.returncode, out.getvalue(), f"{err.getvalue()}{error}")
    return Ran(0, out.getvalue(), err.getvalue())


def declare(name: str = "Made", version: int = 1, module: str = __name__, **fields: Any) -> type[EventModel]:
    """The event made.it with an id and these fields; its earlier class of this version is forgotten."""
    for contract in registry:
        if contract.__name__ == name and contract.__contract__.version == version:
            registry.discard(contract)
    annotations = {"id": int, **{field: kind[0] if isinstance(kind, tuple) else kind for field, kind in fields.items()}}
    defaults = {field: kind[1] for field, kind in fields.items() if isinstance(kind, tuple)}
    namespace = {"__module__": module, "__annotations__": annotations, **defaults}
    keywords = {"aggregate": name.lower(), "event_type": "it", "version": version}
    return cast("type[EventModel]", types.new_class(name, (EventModel,), keywords, lambda body: body.update(namespace)))
