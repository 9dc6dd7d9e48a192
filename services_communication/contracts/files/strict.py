"""JSON that is read as strictly as it is written: no key twice, no NaN, UTF-8, an end to depth and size."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MOST_BYTES = 16 * 1024 * 1024
TOO_LARGE = f"it has more than {MOST_BYTES // 1024**2} MiB"
_MOST_DIGITS = 1000


def loads(data: bytes) -> Any:
    """Raises ValueError with a clause that completes "the file cannot be read: …"."""
    if len(data) > MOST_BYTES:
        raise ValueError(TOO_LARGE)
    if not data.strip():
        raise ValueError("it is empty")
    if data.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in data:
        raise ValueError("it holds a merge conflict")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    if "\x00" in text:
        raise ValueError("it holds NUL bytes")
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_integer, parse_float=_number
        )
        if "\\ud" in text.lower():  # half a surrogate pair could not be written again
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise ValueError("it holds a lone surrogate") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in made if names.count(name) > 1)!r} stands in it twice")
    return made


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is more than a number can hold")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
