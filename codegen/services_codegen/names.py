"""Words from other people's files to Python names. ASCII only: two names that look alike must be one name."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Container

_WORD = re.compile(r"[A-Za-z0-9]+")
_CASE_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# What generated modules import. A class of such a name would hide the import.
IMPORTED_NAMES = frozenset(
    {
        *("Annotated", "Any", "AwareDatetime", "CallModel", "CommandModel", "ConfigDict", "Decimal", "EventModel"),
        *("Field", "IPv4Address", "IPv6Address", "Literal", "PayloadModel", "RootModel", "StringConstraints", "UUID"),
        "Union",
    }
)


def module_name(path: str) -> str | None:
    """``shop/UserUpdated.v1`` → ``shop_user_updated_v1``; None where nothing usable is left."""
    if not path.isascii():
        return None
    words = [part.lower() for word in _WORD.findall(path) for part in _CASE_BOUNDARY.split(word)]
    name = "_".join(words)
    if not name:
        return None
    if name[0].isdigit():
        name = f"schema_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(text: str) -> str | None:
    """``user-updated event`` → ``UserUpdatedEvent``; None where nothing usable is left."""
    if not text.isascii():
        return None
    name = "".join(word[0].upper() + word[1:] for word in _WORD.findall(text))
    if not name:
        return None
    if name[0].isdigit():
        name = f"Schema{name}"
    if name in IMPORTED_NAMES or keyword.iskeyword(name) or hasattr(builtins, name):
        return f"{name}Model"
    return name


def is_class_name(text: str) -> bool:
    """Whether a class may be called `text` as it is."""
    free = text not in IMPORTED_NAMES and not keyword.iskeyword(text) and not hasattr(builtins, text)
    return bool(re.fullmatch(r"[A-Z][A-Za-z0-9_]*", text)) and free


def unused(name: str, taken: Container[str]) -> str:
    """`name`, with the first number behind it that makes it new."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate
