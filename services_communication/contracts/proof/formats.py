"""Formats of texts: which are asserted, examples of each, and a pattern that every one of its texts fits.

What the formats mean is what `jsonschema-rs` asserts; a format that is not in the table is an annotation. Contents
(``contentEncoding``, ``contentMediaType``) are asserted by drafts 6 and 7 only.
"""

from __future__ import annotations

from typing import NamedTuple

from services_communication.contracts.dialect import DECIMAL_PATTERN, LOCAL_DATETIME_PATTERN
from services_communication.contracts.proof.opinion import asserts


class Format(NamedTuple):
    examples: tuple[str, ...]
    wider: str = ""
    """A pattern that each of its texts fits; others may fit it too."""
    within: frozenset[str] = frozenset()
    """Formats that each of its texts has too."""


_HEX = "[0-9a-fA-F]"
_OFFSET = r"([Zz]|[+-]\d{2}:\d{2})"
_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"\d{{2}}:\d{{2}}:\d{{2}}(\.\d+)?{_OFFSET}"

FORMATS: dict[str, Format] = {
    "date-time": Format(
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.678900Z", "1999-12-31T23:59:59+02:00"), rf"^{_DAY}[Tt ]{_TIME}$"
    ),
    "date": Format(("2024-01-02", "1999-12-31"), rf"^{_DAY}$"),
    "time": Format(("03:04:05Z", "23:59:59+02:00"), rf"^{_TIME}$"),
    "duration": Format(("P1D", "PT1H", "P3W"), r"^P[0-9A-Z.,]+$"),
    "email": Format(("a@example.com", "b.c@example.org"), "@", frozenset({"idn-email"})),
    "idn-email": Format(("a@example.com", "ä@example.com"), "@"),
    "hostname": Format(("example.com", "a"), r"^[A-Za-z0-9.-]+$", frozenset({"idn-hostname"})),
    "idn-hostname": Format(("example.com", "ä.example")),
    "ipv4": Format(("127.0.0.1", "10.1.2.3"), r"^\d{1,3}(\.\d{1,3}){3}$"),
    "ipv6": Format(("::1", "2001:db8::1"), rf"^({_HEX}|[:.%]|\w)+$"),
    "uri": Format(
        ("https://example.com/a", "urn:a:b"),
        r"^[A-Za-z][A-Za-z0-9+.-]*:",
        frozenset({"iri", "uri-reference", "iri-reference"}),
    ),
    "uri-reference": Format(("https://example.com/a", "a", "/a/b", ""), within=frozenset({"iri-reference"})),
    "iri": Format(
        ("https://example.com/a", "https://example.com/ä"), "^[A-Za-z][A-Za-z0-9+.-]*:", frozenset({"iri-reference"})
    ),
    "iri-reference": Format(("https://example.com/a", "ä", "")),
    "uri-template": Format(("https://example.com/{a}", "a")),
    "uuid": Format(
        ("123e4567-e89b-42d3-a456-426614174000", "00000000-0000-4000-8000-000000000000"),
        rf"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$",
    ),
    "json-pointer": Format(("", "/a/b"), "^(/|$)"),
    "relative-json-pointer": Format(("0", "1/a"), r"^\d"),
    "regex": Format(("a", "[a-z]+", "")),
    "decimal": Format(("1.5", "0", "-1", "1E+10"), DECIMAL_PATTERN),
    "contentEncoding base64": Format(("", "eA==", "aGVsbG8="), r"^[A-Za-z0-9+/]*={0,2}$"),
    "contentMediaType application/json": Format(("{}", "1", "[]", '"a"')),
}


# Patterns of ours that stand for a type: not every text that fits one is a value of it, these are.
PATTERN_EXAMPLES = {
    LOCAL_DATETIME_PATTERN: ("2024-01-02T03:04:05", "2024-01-02T03:04:05Z"),
    DECIMAL_PATTERN: ("1.5", "0"),
}


def is_asserted(name: str, draft: int) -> bool:
    return name in FORMATS and asserts(name, draft)
