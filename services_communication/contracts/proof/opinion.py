"""The second opinion: `jsonschema-rs`, which proves containment its own way and validates each witness again.

It is asked last and never alone: about one pair in six it cannot decide, and its canonical form is experimental.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Literal, TypeAlias

from services_communication.contracts.dialect import DECIMAL_PATTERN
from services_communication.contracts.normal import rewritten
from services_communication.contracts.proof import numeric
from services_communication.errors import ConfigurationError

Opinion: TypeAlias = Literal["yes", "no", "unknown"]

_DIALECTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
DECIMAL_BOUNDS = "x-decimal-bounds"
_decimal = re.compile(DECIMAL_PATTERN, re.ASCII)


class Validator:
    """Whether a value fits `schema`. Raises ValueError for what is no schema of `draft`. Nothing is fetched."""

    def __init__(self, schema: Any, draft: int, formats: bool) -> None:
        try:
            self._validator = _engine().validator_for(
                _of_draft(_with_decimals(schema), draft),
                formats={"decimal": is_decimal},
                keywords={DECIMAL_BOUNDS: DecimalBounds},
                validate_formats=formats,
                offline=True,
            )
        except ValueError as error:
            raise ValueError(f"not a schema: {str(error).splitlines()[0][:300]}") from None

    def __call__(self, value: Any) -> bool:
        try:
            return bool(self._validator.is_valid(value))
        except ValueError:  # a number or a text that the engine cannot take
            return False

    def rejection(self, value: Any) -> tuple[str, str]:
        """Where in the schema `value` is rejected first, as a JSON pointer, and why."""
        for error in self._validator.iter_errors(value):
            path = [str(part).replace("~", "~0").replace("/", "~1") for part in error.schema_path]
            return "".join(f"/{part}" for part in path), str(error.message)
        return "", ""


class DecimalBounds:
    """A keyword for the engine: bounds hold for the number that a decimal text stands for."""

    def __init__(self, _parent: Any, value: Mapping[str, Any], _path: Any) -> None:
        self._facts = numeric.facts(value)

    def validate(self, instance: Any) -> None:
        number = numeric.of_text(instance) if isinstance(instance, str) and is_decimal(instance) else None
        if number is not None and not numeric.fits(number, self._facts):
            raise ValueError(f"the decimal {instance} is out of its bounds")


def _with_decimals(schema: Any) -> Any:
    def say(part: dict[str, Any]) -> dict[str, Any]:
        bounds = {
            keyword: part[keyword] for keyword in (*numeric.BOUNDS, "multipleOf", "x-max-digits") if keyword in part
        }
        return {**part, DECIMAL_BOUNDS: bounds} if part.get("format") == "decimal" and bounds else part

    return rewritten(schema, say) if "'decimal'" in repr(schema) else schema


def is_decimal(text: str) -> bool:
    return _decimal.search(text) is not None


def covers(reader: Any, writer: Any, draft: int, formats: bool) -> Opinion:
    """Whether `reader` takes every value that `writer` takes."""
    engine = _engine()
    try:
        wide, narrow = (
            engine.canonicalize(_of_draft(schema, draft), validate_formats=formats, offline=True)
            for schema in (reader, writer)
        )
        answer = wide.covers(narrow)
    except ValueError:
        return "unknown"
    containment = engine.canonical.Containment
    return "yes" if answer == containment.YES else "no" if answer == containment.NO else "unknown"


@lru_cache(maxsize=20_000)
def has_format(name: str, text: str) -> bool:
    if name == "decimal":
        return is_decimal(text)
    keyword, _, value = name.partition(" ")
    return _format(keyword, value, 7)(text) if value else _format("format", name, 2020)(text)


@cache
def asserts(name: str, draft: int) -> bool:
    """Whether the engine refuses any text for not having the format `name`: drafts know different ones."""
    return name == "decimal" or not all(map(_format("format", name, draft), ("", "\x01 [", "a b", "%zz{")))


@cache
def _format(keyword: str, value: str, draft: int) -> Validator:
    return Validator({keyword: value}, draft, formats=True)


def _of_draft(schema: Any, draft: int) -> Any:
    return {**schema, "$schema": _DIALECTS[draft]} if isinstance(schema, dict) else schema


def _engine() -> Any:
    try:
        import jsonschema_rs  # noqa: PLC0415  an extra: only who compares contracts needs it
    except ImportError:
        raise ConfigurationError(
            "comparing contracts needs jsonschema-rs: pip install 'services-communication[contracts]'"
        ) from None
    return jsonschema_rs
