"""``contracts diff`` as a user calls it, in a repository of the test."""

from __future__ import annotations

import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pydantic import create_model

from services_communication.contracts import EventModel
from services_communication.contracts.files.owned import owned_document
from services_communication.contracts.schema import canonical
from tests.support.contracts import nothing_declared

FILE = "shop/events/order.placed.v1.json"


def git(root: Path, *arguments: str) -> str:
    names = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(root), *names, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(schemas: Path, files: dict[str, Any]) -> None:
    for file, value in files.items():
        path = schemas / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else canonical(value))
    git(schemas.parent, "add", "-A")
    git(schemas.parent, "commit", "-q", "-m", "contracts")


def event(version: int = 1, event_type: str = "placed", **fields: Any) -> type[EventModel]:
    given: dict[str, Any] = {
        name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()
    }
    keywords = {"aggregate": "order", "event_type": event_type, "version": version}
    return create_model("Order", __base__=EventModel, __module__=__name__, __cls_kwargs__=keywords, **given)


def former(version: int = 1, event_type: str = "placed", **fields: Any) -> dict[str, Any]:
    """The document of a contract that the code does not have now."""
    with nothing_declared():
        return owned_document(event(version, event_type, **fields), "shop")


def diff(*arguments: Any) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("contracts", "diff", *map(str, arguments), stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def findings(*arguments: Any) -> tuple[int, list[tuple[str, str, str]]]:
    code, out = diff(*arguments, "--format", "json")
    return code, [(item["level"], item["rule"], item["file"]) for item in json.loads(out)["findings"]]


def refused(*arguments: Any) -> str:
    with pytest.raises(CommandError) as caught:
        diff(*arguments)
    assert caught.value.returncode == 2
    return str(caught.value)
