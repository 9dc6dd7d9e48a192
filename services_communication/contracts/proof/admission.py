"""What may be judged at all: JSON, of a depth and with numbers that can be worked with."""

from __future__ import annotations

import math
from typing import Any

DEEPEST = 200
LARGEST = 10**300


def admit(schema: Any) -> None:
    """Raise ValueError, with a sentence, for what is no schema in JSON or cannot be worked with."""
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    if not isinstance(schema, dict | bool):
        text = f"not a schema: a schema is an object or a boolean, not {type(schema).__name__}"
        raise ValueError(text)  # noqa: TRY004  whatever cannot be judged is a ValueError
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"not a schema that can be judged: it is nested deeper than {DEEPEST} levels")
        match value:
            case dict():
                if not all(isinstance(name, str) for name in value):
                    raise ValueError("not a schema: a key is no text")
                waiting.extend((item, depth + 1) for item in value.values())
            case list() | tuple():
                waiting.extend((item, depth + 1) for item in value)
            case bool() | None | str():
                pass
            case int() | float():
                if abs(value) > LARGEST or not math.isfinite(value):
                    raise ValueError("not a schema that can be judged: a number is beyond 1e300")
            case _:
                raise ValueError(f"not a schema: {type(value).__name__} is not JSON")
