"""Findings in the forms of people and machines: nothing that they quote acts on a terminal, a log or a page."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services_communication.contracts.finding import Finding
from services_communication.contracts.rendering import FORMATS, render, summary
from services_communication.contracts.report import Change

FILE = "shop/events/order.placed.v1.json"


def broken(**parts: Any) -> Finding:
    made = {"sentence": "required field added at email: old messages lack it", "witness": {"id": 1}} | parts
    change = Change(
        "required-added", "/properties/email", ..., ["email"], "backward", made["sentence"], made["witness"]
    )
    return Finding("error", "required-added", FILE, "/properties/email", made["sentence"], "raise version=", change)


WARNING = Finding("warning", "waiver-unused", FILE, "", "covers nothing", "remove it")
INFO = Finding("info", "document-new", FILE, "", "is new")


def test_text() -> None:
    """What, where, why, an example, what to do."""
    assert render([broken(), INFO]) == (
        "error: required-added at shop/events/order.placed.v1.json#/properties/email\n"
        "  required field added at email: old messages lack it\n"
        '  for example: {"id": 1}\n'
        "  what to do: raise version=\n"
        "info: document-new at shop/events/order.placed.v1.json\n"
        "  is new\n"
    )


def test_painted_text() -> None:
    """Only level and rule are coloured."""
    painted = render([INFO], paint=lambda level, text: f"<{level}>{text}</>")
    assert painted == "<info>info: document-new</> at shop/events/order.placed.v1.json\n  is new\n"


def test_json() -> None:
    """A documented object; what a change does not have is left out."""
    assert json.loads(render([broken(), WARNING], "json")) == {
        "format": 1,
        "ok": False,
        "counts": {"errors": 1, "warnings": 1, "infos": 0},
        "findings": [
            {
                "level": "error",
                "rule": "required-added",
                "file": FILE,
                "pointer": "/properties/email",
                "place": f"{FILE}#/properties/email",
                "sentence": "required field added at email: old messages lack it",
                "hint": "raise version=",
                "change": {"direction": "backward", "new": ["email"], "witness": {"id": 1}},
            },
            {
                "level": "warning",
                "rule": "waiver-unused",
                "file": FILE,
                "pointer": "",
                "place": FILE,
                "sentence": "covers nothing",
                "hint": "remove it",
            },
        ],
    }
    assert json.loads(render([], "json"))["ok"] is True


def test_github() -> None:
    """A command for each finding, on one line, with the path from the repository."""
    assert render([broken(sentence="100% of a,b:c\nlost"), WARNING, INFO], "github", root="src/schemas") == (
        "::error file=src/schemas/shop/events/order.placed.v1.json,title=required-added::"
        '100%25 of a,b:c\\nlost%0Afor example: {"id": 1}%0Awhat to do: raise version=\n'
        "::warning file=src/schemas/shop/events/order.placed.v1.json,title=waiver-unused::"
        "covers nothing%0Awhat to do: remove it\n"
        "::notice file=src/schemas/shop/events/order.placed.v1.json,title=document-new::is new\n"
    )


def test_githubs_properties_are_escaped() -> None:
    """Nothing in a name ends the property, or begins another command."""
    finding = Finding("error", "a:b", "a,line=1::\n::set-env name=PATH", "", "x")
    assert render([finding], "github", root=".") == (
        "::error file=a%2Cline=1%3A%3A\\n%3A%3Aset-env name=PATH,title=a%3Ab::x\n"
    )


def test_junit() -> None:
    """A case for each finding; only errors are failures."""
    suite = ET.fromstring(render([broken(), WARNING, INFO], "junit", root="schemas"))[0]
    assert suite.attrib == {"name": "contracts", "tests": "3", "failures": "1", "errors": "0"}
    assert [(case.get("classname"), case.get("name"), [part.tag for part in case]) for case in suite] == [
        (f"schemas/{FILE}", f"required-added {FILE}#/properties/email", ["failure"]),
        (f"schemas/{FILE}", f"waiver-unused {FILE}", ["system-out"]),
        (f"schemas/{FILE}", f"document-new {FILE}", ["system-out"]),
    ]
    failure = suite[0][0]
    assert failure.attrib == {
        "message": "required field added at email: old messages lack it",
        "type": "required-added",
    }
    assert failure.text == (
        'required field added at email: old messages lack it\nfor example: {"id": 1}\nwhat to do: raise version='
    )


def test_junit_without_findings() -> None:
    """One case that passed: some tools take an empty suite for a fault."""
    suite = ET.fromstring(render([], "junit"))[0]
    assert (suite.get("tests"), suite.get("failures"), len(suite)) == ("1", "0", 1)


def test_markdown() -> None:
    """A table whose cells hold no Markdown, no HTML and no mention."""
    assert render([broken(sentence="a|b <i> @you *x*", witness="|"), INFO], "markdown") == (
        "**Contracts:** 1 error, 1 info\n"
        "\n"
        "| | Where | Rule | What |\n"
        "|---|---|---|---|\n"
        "| error | <code>shop/events/order.placed.v1.json#/properties/email</code> | <code>required-added</code> | "
        'a&#124;b &#60;i&#62; &#64;you &#42;x&#42;<br>for example: <code>"&#124;"</code><br>raise version= |\n'
        "| info | <code>shop/events/order.placed.v1.json</code> | <code>document-new</code> | is new |\n"
    )
    assert render([], "markdown") == "Contracts: nothing to report.\n"


EVIL = "\x1b[31m\x00\x07\r\n\u202e\ud800\ufffe]]>&\"'"


@pytest.mark.parametrize("form", FORMATS)
def test_what_acts_is_escaped(form: Any) -> None:
    """Control characters, directions of writing and half characters, wherever they stand."""
    finding = broken(sentence=EVIL, witness={EVIL: [EVIL, float("nan"), Decimal("1.5"), ..., {1}]})
    made = render([finding, Finding("error", EVIL, f"shop/{EVIL}", f"/{EVIL}", EVIL, EVIL)], form)
    made.encode()
    assert not set(made) & set("\x1b\x00\x07\r\u202e\ud800\ufffe")
    if form == "junit":
        assert "\\x1b[31m" in str(ET.fromstring(made)[0][0][0].text)
    if form == "json":
        assert json.loads(made)["findings"][0]["sentence"] == EVIL
    if form == "github":
        assert made.count("\n") == 2


def test_a_witness_that_has_no_value() -> None:
    """null and false are examples too; only a change that breaks nothing has none."""
    assert "for example: null" in render([broken(witness=None)])
    assert "for example: false" in render([broken(witness=False)])
    assert "for example" not in render([broken(witness=...)])


def test_a_long_witness_is_shortened() -> None:
    """Where people read; machines get all of it."""
    finding = broken(witness="x" * 100_000)
    assert len(render([finding])) < 3000
    assert len(json.loads(render([finding], "json"))["findings"][0]["change"]["witness"]) == 100_000


def test_a_witness_is_written_in_one_way() -> None:
    """A check that is repeated says the same, so two runs can be compared."""
    assert 'for example: {"city": "", "id": 1}' in render([broken(witness={"id": 1, "city": ""})])


def test_numbers_of_a_witness_are_exact() -> None:
    """Decimals are numbers in JSON."""
    assert "for example: [1.5, 3, 0.1]" in render([broken(witness=[Decimal("1.5"), Decimal("3.0"), Decimal("0.1")])])


def test_the_summary() -> None:
    """Errors and warnings, in words."""
    assert summary([broken(), broken(), WARNING, INFO]) == "2 errors, 1 warning"
    assert summary([INFO]) == ""
