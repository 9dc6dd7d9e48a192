"""Topic matching as RabbitMQ does it: ``*`` is one word, ``#`` is any number of words, none included."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic exchange routes `routing_key` to a binding with `pattern`."""
    return _matcher(pattern).fullmatch(_dotted(routing_key)) is not None


def specificity(pattern: str) -> tuple[int, int]:
    """Sorts patterns from the general to the specific: more literal words, then fewer ``#``."""
    words = pattern.split(".")
    return (sum(word not in ("*", "#") for word in words), -words.count("#"))


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> re.Pattern[str]:
    forms = {".*": r"\.[^.]*", ".#": r"(?:\.[^.]*)*"}
    words = re.findall(r"\.[^.]*", _dotted(pattern))
    return re.compile("".join(forms.get(word, re.escape(word)) for word in words), re.DOTALL)


def _dotted(key: str) -> str:
    """Each word with a dot before it: an empty key has no word, ``a..b`` has three."""
    return "." + key if key else ""
