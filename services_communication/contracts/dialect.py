"""What pydantic's JSON Schemas do not show, or show differently from version to version.

- A ``datetime`` that may be naive is not RFC 3339's ``date-time``: it has a pattern of its own, so that the change to
  an aware one can be seen.
- A ``Decimal`` is text of a certain pattern, and its bounds hold for the text too (keywords of numbers beside
  ``format: decimal``); ``decimal_places`` is ``multipleOf``.
- ``max_digits`` is ``x-max-digits``. Bounds of dates, times and durations are ``x-bounds``: that they differ is seen,
  but not whether that breaks anything, so such a change is never called compatible.
- A reader in lax mode takes ``"5"`` for 5: ``x-lax`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from services_communication.contracts.wire import instant

LAX = "x-lax"
DIGITS = "x-max-digits"
BOUNDS = "x-bounds"
DECIMAL_PATTERN = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
# What pydantic reads and writes where no time zone is asked for (ISO 8601, the offset left out or not).
LOCAL_DATETIME_PATTERN = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?$"


class SchemaMaker(GenerateJsonSchema):
    """pydantic's generator with the three additions above. Warnings are pydantic's own."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012  pydantic's declaration

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        made: dict[str, Any] = {
            "type": "string" if self.mode == "serialization" else ["number", "string"],
            "format": "decimal",
            "pattern": DECIMAL_PATTERN,
        }
        bounds = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}
        for keyword, name in (*bounds.items(), ("multipleOf", "multiple_of")):
            if schema.get(name) is not None:
                made[keyword] = _number(schema[name])  # type: ignore[literal-required]  # a key of the TypedDict
        places, digits = schema.get("decimal_places"), schema.get("max_digits")
        if places is not None:
            made.setdefault("multipleOf", _number(Decimal(1).scaleb(-places)))
        if digits is not None:
            made[DIGITS] = digits
        if digits is not None and places is not None:  # then pydantic counts the digits before the point too
            limit = _number(Decimal(1).scaleb(digits - places))
            if min(made.get("maximum", limit), made.get("exclusiveMaximum", limit)) >= limit:
                made.pop("maximum", None)
                made["exclusiveMaximum"] = limit
            if max(made.get("minimum", -limit), made.get("exclusiveMinimum", -limit)) <= -limit:
                made.pop("minimum", None)
                made["exclusiveMinimum"] = -limit
        return made

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        made = _bounded(super().datetime_schema(schema), schema)
        if made.get("format") == "date-time" and not _is_aware(schema.get("tz_constraint")):
            del made["format"]
            return {**made, "pattern": LOCAL_DATETIME_PATTERN}
        return made

    def date_schema(self, schema: core_schema.DateSchema) -> JsonSchemaValue:
        return _bounded(super().date_schema(schema), schema)

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        return _bounded(super().time_schema(schema), schema)

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        return _bounded(super().timedelta_schema(schema), schema)

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        inner = schema["schema"]
        if schema["function"]["function"] is instant and inner["type"] == "datetime":
            aware = cast("core_schema.DatetimeSchema", inner)
            return _bounded(super().datetime_schema(aware), aware)
        return super().function_after_schema(schema)

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return self._read(super().int_schema(schema), schema.get("strict"))

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return self._read(super().float_schema(schema), schema.get("strict"))

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return self._read(super().bool_schema(schema), schema.get("strict"))

    def _read(self, made: JsonSchemaValue, strict: bool | None) -> JsonSchemaValue:
        lax = not (self._config.strict if strict is None else strict)
        return {**made, LAX: True} if lax and self.mode == "validation" else made


def _bounded(made: JsonSchemaValue, schema: Mapping[str, Any]) -> JsonSchemaValue:
    bounds = {name: str(schema[name]) for name in ("ge", "gt", "le", "lt", "now_op") if schema.get(name) is not None}
    return {**made, BOUNDS: bounds} if bounds else made


def _is_aware(constraint: object) -> bool:
    return constraint == "aware" or isinstance(constraint, int)


def _number(value: Any) -> int | float:
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else float(number)
