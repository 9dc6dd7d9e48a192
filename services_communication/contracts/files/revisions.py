"""The forms that a version's document had before, kept inside it so that messages written then are not forgotten.

``x-contract.revisions`` is a list, the oldest first, of ``{"reader": …, "writer": …, "reply": …, "reply_writer": …}``;
what a document does not have its form lacks too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services_communication.contracts.schema import EXTENSION

REVISIONS = "revisions"
_HELD = ("writer", "reply", "reply_writer")


def form_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a later form is judged against: without address, version and other revisions."""
    reader = {key: value for key, value in document.items() if key not in (EXTENSION, "$schema")}
    extension = document[EXTENSION]
    return {"reader": reader, **{name: extension[name] for name in _HELD if name in extension}}


def former_documents(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The revisions as documents, the oldest first. Raises ValueError where they are no such forms."""
    kept = document[EXTENSION].get(REVISIONS, [])
    if not isinstance(kept, list) or not all(
        isinstance(form, dict) and isinstance(form.get("reader"), dict) and not form.keys() - {"reader", *_HELD}
        for form in kept
    ):
        raise ValueError(f"{EXTENSION}.{REVISIONS} is no list of former forms")
    identity = {key: value for key, value in document[EXTENSION].items() if key not in (REVISIONS, *_HELD)}
    return [
        {**form["reader"], EXTENSION: {**identity, **{name: form[name] for name in _HELD if name in form}}}
        for form in kept
    ]


def without_revisions(document: Mapping[str, Any]) -> dict[str, Any]:
    extension = {key: value for key, value in document[EXTENSION].items() if key != REVISIONS}
    return {**document, EXTENSION: extension}


def with_revisions(document: Mapping[str, Any], forms: list[dict[str, Any]]) -> dict[str, Any]:
    """`document` with these former forms, each once."""
    distinct = [form for number, form in enumerate(forms) if form not in forms[:number]]
    if not distinct:
        return without_revisions(document)
    return {**document, EXTENSION: {**document[EXTENSION], REVISIONS: distinct}}


def forms_in(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    forms: list[dict[str, Any]] = document[EXTENSION].get(REVISIONS, [])
    return forms
