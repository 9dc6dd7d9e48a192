"""What a document says of a contract beside its schema, and what it means when that changes.

No payload shows these changes, so no judge sees them: the order of messages, whose contract it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services_communication.contracts.finding import Finding, Level
from services_communication.contracts.schema import ADDRESS_NAMES, EXTENSION

_HELD = ("kind", "address", "key", "owner", "unroutable_ok")


def attribute_changes(file: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Findings about `file`, warnings and infos: none of them makes a check fail."""
    before, after = old[EXTENSION], new[EXTENSION]
    found: list[Finding] = []
    for name in _HELD:
        was, now = before.get(name), after.get(name)
        if was != now:
            level, sentence, hint = _told(name, was, now)
            rule = f"{name.replace('_', '-')}-changed"
            found.append(Finding(level, rule, file, f"/{EXTENSION}/{name}", sentence, hint))
    return found


def with_attributes_of(document: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """`document` as if it said of itself what `other` does: what differs then differs in the schema."""
    kept = {name: value for name, value in document[EXTENSION].items() if name not in _HELD}
    taken = {name: other[EXTENSION][name] for name in _HELD if name in other[EXTENSION]}
    return {**document, EXTENSION: {**kept, **taken}}


def _told(name: str, was: Any, now: Any) -> tuple[Level, str, str]:
    if name == "key" and was is None:
        return "info", f"its key is {now} now, which orders its messages once all senders are released", ""
    if name == "key":
        end = "has no key any more" if now is None else f"its key is {now}, and was {was}"
        hint = f"keep key={was!r}, or see that no reader relies on the order"
        return "warning", f"{end}: messages of one {was} may overtake each other", hint
    if name == "owner" and was is None:
        return "info", f"its owner is now said: {now}", ""
    if name == "owner":
        return "info", f"its owner is {_shown(now)}, and was {was}", ""
    if name == "unroutable_ok":
        outcome = "is dropped in silence" if now else "is an error"
        return "info", f"a message that no queue is bound for {outcome} now (unroutable_ok)", ""
    return "warning", f"its {name} is {_shown(now)}, and was {_shown(was)}: it is another contract", ""


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        names = [name for names in ADDRESS_NAMES.values() for name in names if name in value]
        return "/".join(str(value[name]) for name in dict.fromkeys(names))
    return "not said" if value is None else str(value)
