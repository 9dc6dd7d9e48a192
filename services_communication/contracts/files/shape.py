"""Whether ``x-contract`` of a document holds what it must, asked where a document is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services_communication.contracts.files.paths import identity_in
from services_communication.contracts.files.revisions import REVISIONS, former_documents
from services_communication.contracts.schema import EXTENSION

_TEXTS = ("key", "owner")
_SCHEMAS = ("writer", "reply", "reply_writer")


def check_shape(document: Mapping[str, Any]) -> None:
    """Raises ValueError with a clause that says what is wrong. A model without an address has none in its document."""
    extension = document.get(EXTENSION)
    if not isinstance(extension, dict) or extension.keys() & {"kind", "address", "version"}:
        identity_in(document)
    assert isinstance(extension, dict)  # noqa: S101  else identity_in has raised
    for name in _TEXTS:
        if name in extension and not (isinstance(extension[name], str) and extension[name]):
            raise ValueError(f"{EXTENSION}.{name} is no text")
    if not isinstance(extension.get("unroutable_ok", False), bool):
        raise ValueError(f"{EXTENSION}.unroutable_ok is neither true nor false")  # noqa: TRY004  a file is wrong, no argument
    _check_schemas(extension, EXTENSION)
    former_documents(document)
    for number, form in enumerate(extension.get(REVISIONS, [])):
        _check_schemas(form, f"{EXTENSION}.{REVISIONS}[{number}]")


def _check_schemas(holder: Mapping[str, Any], where: str) -> None:
    for name in _SCHEMAS:
        if not isinstance(holder.get(name, True), dict | bool):
            raise ValueError(f"{where}.{name} is no schema")  # noqa: TRY004  a file is wrong, no argument
