"""Findings as text for people, and in the forms that machines show to people. Pure: strings in, a string out.

    text      a block for each finding
    json      ``{"format": 1, "ok": …, "counts": {…}, "findings": […]}``: stable; keys are only added
    github    workflow commands, which GitHub shows beside the lines of a pull request
    junit     XML, a test case for each finding
    markdown  a table, for a comment on a pull request

What findings quote comes from files of other people: nothing of it may act on a terminal, a log or a page.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args
from xml.etree import ElementTree as ET

from services_communication.contracts.finding import Finding, Level

Format: TypeAlias = Literal["text", "json", "github", "junit", "markdown"]
FORMATS: tuple[Format, ...] = get_args(Format)
Paint: TypeAlias = Callable[[Level, str], str]
"""Colours the first words of a finding."""

LEVELS: tuple[Level, ...] = get_args(Level)
MOST_WITNESS_CHARACTERS = 2000
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&])")
_GITHUB_LEVELS: dict[Level, str] = {"error": "error", "warning": "warning", "info": "notice"}


def render(findings: Sequence[Finding], form: Format = "text", *, root: str = "", paint: Paint | None = None) -> str:
    """`findings` in one of the forms, ending in a newline unless it is empty.

    `root` is the path from the repository to the directory of schemas, which some forms need to find the files.
    """
    if form == "json":
        return as_json(findings)
    if form == "github":
        return as_github(findings, root)
    if form == "junit":
        return as_junit(findings, root)
    if form == "markdown":
        return as_markdown(findings)
    return as_text(findings, paint)


def as_text(findings: Sequence[Finding], paint: Paint | None = None) -> str:
    return "".join(_block(finding, paint or (lambda _, text: text)) for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    counts = _counts(findings)
    made = {
        "format": 1,
        "ok": not counts["error"],
        "counts": {f"{level}s": counts[level] for level in LEVELS},
        "findings": [_as_object(finding) for finding in findings],
    }
    return json.dumps(_plain(made), indent=2, allow_nan=False) + "\n"


def as_github(findings: Sequence[Finding], root: str = "") -> str:
    return "".join(
        f"::{_GITHUB_LEVELS[finding.level]} file={_property(_path(root, finding.file))},"
        f"title={_property(finding.rule)}::{_message(_lines(finding))}\n"
        for finding in findings
    )


def as_junit(findings: Sequence[Finding], root: str = "") -> str:
    counts = _counts(findings)
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        {"name": "contracts", "tests": str(len(findings) or 1), "failures": str(counts["error"]), "errors": "0"},
    )
    for finding in findings:
        names = {"classname": visible(_path(root, finding.file)), "name": visible(f"{finding.rule} {finding.place}")}
        case = ET.SubElement(suite, "testcase", names)
        text = "\n".join(_lines(finding))
        if finding.level == "error":
            failure = {"message": visible(finding.sentence), "type": visible(finding.rule)}
            ET.SubElement(case, "failure", failure).text = text
        else:
            ET.SubElement(case, "system-out").text = text
    if not findings:
        ET.SubElement(suite, "testcase", {"classname": "contracts", "name": "code and files agree"})
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def as_markdown(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Contracts: nothing to report.\n"
    counts = _counts(findings)
    heading = ", ".join(_counted(counts[level], level) for level in LEVELS if counts[level])
    rows = [
        f"| {finding.level} | {_cell(finding.place)} | {_cell(finding.rule)} | {_told(finding)} |"
        for finding in findings
    ]
    return "\n".join([f"**Contracts:** {heading}", "", "| | Where | Rule | What |", "|---|---|---|---|", *rows, ""])


def summary(findings: Sequence[Finding]) -> str:
    """``2 errors, 1 warning``"""
    counts = _counts(findings)
    return ", ".join(_counted(counts[level], level) for level in LEVELS[:2] if counts[level])


def visible(text: str) -> str:
    """`text` with what could act on a terminal, or is no character of XML, written as an escape."""
    return _INVISIBLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def witness(finding: Finding) -> str | None:
    """The payload that shows a break, as one line of JSON; shortened where it is long."""
    if finding.change is None or finding.change.witness is ...:
        return None
    made = json.dumps(_plain(finding.change.witness), ensure_ascii=False, allow_nan=False, sort_keys=True)
    return made if len(made) <= MOST_WITNESS_CHARACTERS else f"{made[:MOST_WITNESS_CHARACTERS]}…"


def _block(finding: Finding, paint: Paint) -> str:
    head = paint(finding.level, f"{finding.level}: {visible(finding.rule)}")
    return "\n".join([f"{head} at {visible(finding.place)}", *(f"  {line}" for line in _lines(finding)), ""])


def _lines(finding: Finding) -> list[str]:
    example = witness(finding)
    lines = [
        finding.sentence,
        f"for example: {example}" if example is not None else "",
        f"what to do: {finding.hint}" if finding.hint else "",
    ]
    return [visible(line) for line in lines if line]


def _told(finding: Finding) -> str:
    example = witness(finding)
    return "<br>".join(
        [
            _cell(finding.sentence, code=False),
            *([f"for example: {_cell(example)}"] if example is not None else []),
            *([_cell(finding.hint, code=False)] if finding.hint else []),
        ]
    )


def _cell(text: str, *, code: bool = True) -> str:
    """Text in a table: nothing in it is Markdown, HTML or a mention."""
    plain = visible(text)
    if not code:
        return _MARKDOWN.sub(lambda match: f"&#{ord(match[0])};", plain)
    escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character in "|`\\*_[]@~":
        escaped = escaped.replace(character, f"&#{ord(character)};")
    return f"<code>{escaped}</code>"


def _as_object(finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "level": finding.level,
        "rule": finding.rule,
        "file": finding.file,
        "pointer": finding.pointer,
        "place": finding.place,
        "sentence": finding.sentence,
        "hint": finding.hint,
    }
    if finding.change is not None:
        change = finding.change
        parts = {"old": change.old, "new": change.new, "witness": change.witness}
        made["change"] = {"direction": change.direction} | {
            name: value for name, value in parts.items() if value is not ...
        }
    return made


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it: it may come from a schema that somebody wrote by hand."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)
    return str(value)


def _path(root: str, file: str) -> str:
    return posixpath.normpath(posixpath.join(root, file))


def _message(lines: Sequence[str]) -> str:
    """The data of a workflow command, from visible lines."""
    return "%0A".join(line.replace("%", "%25") for line in lines)


def _property(text: str) -> str:
    return _message([visible(text)]).replace(":", "%3A").replace(",", "%2C")


def _counts(findings: Sequence[Finding]) -> Counter[str]:
    return Counter(finding.level for finding in findings)


def _counted(number: int, level: str) -> str:
    return f"{number} {level}{'s' if number != 1 else ''}"
