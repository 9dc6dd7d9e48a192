"""The documentation names everything that exists, and nothing that does not."""

from __future__ import annotations

import re
from pathlib import Path

from services_communication.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "services_communication").rglob("*.py")


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    """docs/settings.md lists the keys of Settings, all of them and no others."""
    rows = [line for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.startswith("| `")]
    documented = {key for row in rows for key in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}

    assert documented == set(Settings.model_fields)


def test_every_check_has_a_paragraph() -> None:
    """docs/checks.md has a paragraph for each id that checks.py can print, and for no other."""
    source = (ROOT / "services_communication/checks.py").read_text()
    printed = set(re.findall(r'id=f"\{TAG\}\.([EW]\d{3})"', source))

    assert printed == set(
        re.findall(r"\*\*services_communication\.([EW]\d{3})\*\*", (ROOT / "docs/checks.md").read_text())
    )
    assert len(printed) > 10


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    """docs/failures.md has a row for each reason code that the library gives."""
    given = set()
    for path in SOURCES:
        given |= set(re.findall(r'(?:DecodeError|DeadLetter)\(\s*"([a-z_]+)"', path.read_text()))
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/failures.md").read_text(), re.MULTILINE))

    assert given <= documented
    assert {"invalid", "unmatched", "failed"} <= given


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of the README and the documentation names a file that exists."""
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_readme_is_short() -> None:
    """The README fits into 150 lines."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
