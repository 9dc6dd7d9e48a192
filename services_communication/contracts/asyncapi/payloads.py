"""Payloads and headers of two documents, judged: does what the one writes fit what the other reads?"""

from __future__ import annotations

from collections.abc import Collection

from services_communication.contracts.asyncapi.bundle import Part
from services_communication.contracts.asyncapi.pointers import UnreadableError
from services_communication.contracts.finding import Finding
from services_communication.contracts.report import Change, Direction

_HINTS: dict[Direction, str] = {
    "forward": "raise the version and send the old one beside it, or have its readers released first",
    "backward": "raise the version and go on reading the old one, or have its writers released first",
}


def judged(before: Part, after: Part, directions: Collection[Direction], label: str, file: str) -> list[Finding]:
    """What a change means. Breaks of other directions than `directions` are told, but are no errors.

    Raises UnreadableError for what is no schema, and ConfigurationError when a judgement is needed and what it needs is
    not installed.
    """
    if before.schema == after.schema and before.format == after.format:
        return []
    if before.format is not None or after.format is not None:
        shown = before.format or after.format
        sentence = f"{label}: the schema changed, and its format ({shown}) is not judged here"
        return [Finding("error", "schema-not-judged", file, after.pointer, sentence, "compare it with its own tools")]
    from services_communication.contracts.compatibility import compare  # noqa: PLC0415  who only exports needs no judge

    try:
        report = compare(before.schema, after.schema, roles=True)
    except ValueError as error:  # a keyword that holds what it must not
        raise UnreadableError(after.pointer, f"{label}: {error}") from None
    found = [_finding(change, after, directions, label, file) for change in report.changes]
    for direction in directions:
        verdict = report.backward if direction == "backward" else report.forward
        if verdict == "unknown":
            why = "; ".join(report.reasons) or "no proof was found"
            sentence = f"{label}: whether this breaks is not known: {why}"
            found.append(Finding("error", "unknown", file, after.pointer, sentence))
        elif verdict == "breaking" and not any(one.direction == direction for one in report.changes):
            found.append(Finding("error", "breaking", file, after.pointer, f"{label}: the schemas do not fit"))
    return found


def _finding(change: Change, after: Part, directions: Collection[Direction], label: str, file: str) -> Finding:
    breaks = change.direction in directions
    hint = _HINTS[change.direction] if breaks and change.direction is not None else ""
    pointer, sentence = after.place(change.pointer), f"{label}: {change.sentence}"
    return Finding("error" if breaks else "info", change.rule, file, pointer, sentence, hint, change)
