"""Rules as sentences that a person understands without knowing JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from services_communication.contracts.changes.difference import Difference
from services_communication.contracts.report import Direction

SHOWN = 80

# {place}, {old}, {new} are filled in.
_WHAT = {
    "required-added": "required field added at {place}",
    "required-removed": "required field is no longer required at {place}",
    "property-added": "field added at {place}",
    "property-removed": "field removed at {place}",
    "pattern-properties-added": "fields by pattern added at {place}",
    "pattern-properties-removed": "fields by pattern removed at {place}",
    "additional-properties-forbidden": "other fields are forbidden at {place}",
    "additional-properties-allowed": "other fields are allowed at {place}",
    "additional-properties-restricted": "other fields are restricted at {place}",
    "additional-properties-freed": "other fields are no longer restricted at {place}",
    "type-changed": "type changed from {old} to {new} at {place}",
    "type-narrowed": "type narrowed from {old} to {new} at {place}",
    "type-widened": "type widened from {old} to {new} at {place}",
    "null-added": "null is allowed at {place}",
    "null-removed": "null is no longer allowed at {place}",
    "enum-added": "values are limited to a list at {place}",
    "enum-removed": "values are no longer limited to a list at {place}",
    "enum-value-added": "value {new} added at {place}",
    "enum-value-removed": "value {old} removed at {place}",
    "variant-added": "variant added at {place}",
    "variant-removed": "variant removed at {place}",
    "default-added": "default {new} added at {place}",
    "default-removed": "default {old} removed at {place}",
    "default-changed": "default changed from {old} to {new} at {place}",
    "lax-added": "values of another type are converted at {place}",
    "lax-removed": "values of another type are no longer converted at {place}",
    "deprecated-added": "{place} is deprecated",
    "schema-added": "anything was allowed and is not any more at {place}",
    "schema-removed": "anything is allowed at {place}",
    "unique-items-added": "items must differ from each other at {place}",
    "unique-items-removed": "items may be equal at {place}",
}
_VALUES = {"added": "({new})", "removed": "(it was {old})"}
_WHY: dict[str, dict[Direction, str]] = {
    "required-added": {"backward": "old messages lack it"},
    "required-removed": {"forward": "new messages may lack it, and old readers need it"},
    "property-removed": {"forward": "old readers expect it as it was"},
    "enum-value-added": {"forward": "old readers do not know it"},
    "enum-value-removed": {"backward": "old messages still hold it"},
    "variant-added": {"forward": "old readers do not know it"},
    "variant-removed": {"backward": "old messages still hold it"},
    "null-added": {"forward": "old readers do not take null"},
    "null-removed": {"backward": "old messages may hold null"},
}
_DEFAULT_WHY: dict[Direction, str] = {
    "backward": "the new reader rejects what old messages may hold",
    "forward": "old readers reject what new messages may hold",
}


def what(difference: Difference) -> str:
    """The difference alone."""
    known = _WHAT.get(difference.rule)
    if known is None:
        keyword, _, verb = difference.rule.rpartition("-")
        values = _VALUES.get(verb, "from {old} to {new}")
        known = f"{keyword.replace('-', ' ')} {verb} {values} at {{place}}"
    place = str(difference.place)
    return known.format(place=place, old=_shown(difference.old), new=_shown(difference.new))


def sentence(difference: Difference, direction: Direction | None) -> str:
    """The difference, and whom it breaks."""
    text = what(difference)
    if difference.rule == "required-added" and difference.old is True:
        text = f"field became required at {difference.place}"
    if difference.rule == "required-removed" and difference.new is False:
        text = f"required field removed at {difference.place}"
    if direction is None:
        return text
    return f"{text}: {_WHY.get(difference.rule, {}).get(direction, _DEFAULT_WHY[direction])}"


def _shown(value: Any) -> str:
    if value is ...:
        return "nothing"
    if isinstance(value, str):
        text = value if value.isidentifier() else json.dumps(value, ensure_ascii=False)
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = " or ".join(value)
    else:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
