"""camelCase on the wire, snake_case in Python: the two spellings of a key.

Writing follows djangorestframework-camel-case 1.4.2, which the earlier library wrote with, digits included; so does
reading, but for a few mixed names (``x1Y``, ``iOS15Version``; docs/migrating.md):
``address_line_1`` and ``address_line1`` both travel as ``addressLine1``, and that is read back as ``address_line_1``.
Contracts do not depend on the way back: their fields are found by the camelCase name.
"""

from __future__ import annotations

import re
from typing import Any

_UNDERSCORE = re.compile(r"_+([a-z0-9])")
_LEGACY_CAMEL = re.compile(r"([a-z0-9]?)_([a-z0-9])")
_WORD_START = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])"  # userId, line1Address
    r"|(?<=[A-Z])(?=[A-Z][a-z0-9])"  # HTTPUrl
    r"|(?<=[a-z])(?=[0-9](?:[0-9A-Z]|$))"  # address1, line1Address
    r"|(?<=[A-Z])(?=[0-9](?:[0-9]|$))"  # abC1
)


def to_camel(name: str) -> str:
    """The wire name of a field: ``street_name`` → ``streetName``."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


def to_snake(name: str) -> str:
    """The Python name of a wire key: ``HTTPUrl`` → ``http_url``, ``address1`` → ``address_1``."""
    return _WORD_START.sub("_", name).lower()


def camelize(value: Any) -> Any:
    """`value` with every dictionary key in camelCase, at any depth; tuples and other iterables become lists."""
    if isinstance(value, dict):
        return {_legacy_camel(key) if isinstance(key, str) else key: camelize(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [camelize(item) for item in value]
    return value


def underscoreize(value: Any) -> Any:
    """`value` with every dictionary key in snake_case, at any depth."""
    if isinstance(value, dict):
        return {to_snake(key) if isinstance(key, str) else key: underscoreize(item) for key, item in value.items()}
    if isinstance(value, list):
        return [underscoreize(item) for item in value]
    return value


def _legacy_camel(key: str) -> str:
    return _LEGACY_CAMEL.sub(lambda match: match[1] + match[2].upper(), key)
