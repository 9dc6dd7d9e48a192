"""waivers.json: what it may hold, and what it makes of findings."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services_communication.contracts.files import waivers
from services_communication.contracts.files.waivers import Waiver, settle
from services_communication.contracts.finding import Finding
from services_communication.contracts.report import Change

FILE = "shop/events/order.placed.v1.json"
LAST = date(2030, 6, 30)
DIGESTS = {FILE: "ab" * 32}
WAIVER = Waiver(f"{FILE}#/properties/email", "required-added", "only the shop reads it", LAST)


def broken(rule: str = "required-added", pointer: str = "/properties/email", level: Any = "error") -> Finding:
    change = Change(rule, pointer, ..., "email", "backward", "a break", {})
    return Finding(level, rule, FILE, pointer, "a break", "raise the version", change)


def settled(*findings: Finding, today: date = LAST, held: tuple[Waiver, ...] = (WAIVER,)) -> list[tuple[str, str]]:
    return [
        (finding.level, finding.rule)
        for finding in settle(findings, held, today, judged=lambda _: True, digests=DIGESTS)
    ]


def test_the_bytes() -> None:
    """Sorted by place and rule, each key on a line of its own: a change is easy to review."""
    other = Waiver(FILE, "upcaster-missing", "none is left", date(2031, 1, 1))
    assert waivers.dump([WAIVER, other]).decode() == (
        "[\n"
        "  {\n"
        '    "place": "shop/events/order.placed.v1.json",\n'
        '    "reason": "none is left",\n'
        '    "rule": "upcaster-missing",\n'
        '    "until": "2031-01-01"\n'
        "  },\n"
        "  {\n"
        '    "place": "shop/events/order.placed.v1.json#/properties/email",\n'
        '    "reason": "only the shop reads it",\n'
        '    "rule": "required-added",\n'
        '    "until": "2030-06-30"\n'
        "  }\n"
        "]\n"
    )
    assert waivers.load(waivers.dump([WAIVER, other]), "shop") == [other, WAIVER]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"until": "2030-6-30"}, "until of entry 1 is '2030-6-30', no date like 2031-12-31"),
        ({"until": "2030-02-30"}, "until of entry 1 is '2030-02-30', no date"),
        ({"until": 20300630}, "until of entry 1 is no text"),
        ({"until": "2030W011"}, "no date like"),
        ({"reason": " "}, "reason of entry 1 is no text"),
        ({"rule": None}, "rule of entry 1 is no text"),
        ({"place": "sms/commands/send.v1.json"}, "does not begin with 'shop/'"),
        ({"digest": "ab" * 32}, "entry 1 has a digest, which only compatibility-unknown has"),
        ({"rule": "compatibility-unknown", "digest": 5}, "digest of entry 1 is no text"),
        ({"author": "me"}, "entry 1 is no object of place, rule, reason, until"),
    ],
)
def test_an_entry_that_is_wrong(change: dict[str, Any], reason: str) -> None:
    """The text names the entry and the key."""
    entry = json.loads(waivers.dump([WAIVER]))[0] | change
    with pytest.raises(ValueError, match=re.escape(reason)):
        waivers.load(json.dumps([entry]).encode(), "shop")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{}", "it is no JSON list"),
        (b"[5]", "entry 1 is no object"),
        (b"", "it is empty"),
        (b"[", "it is not JSON"),
        (waivers.dump([WAIVER, WAIVER]), f"required-added at {WAIVER.place} is waived twice"),
    ],
)
def test_a_file_that_is_wrong(data: bytes, reason: str) -> None:
    """The text says what it should be."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        waivers.load(data, "shop")


def test_a_break_is_covered_through_the_last_day() -> None:
    """It is told then, with the reason; on the day after it is an error."""
    (finding,) = settle([broken()], [WAIVER], LAST, judged=lambda _: True, digests=DIGESTS)
    assert (finding.level, finding.rule, finding.hint) == ("info", "required-added", "")
    assert finding.sentence == "a break (accepted until 2030-06-30: only the shop reads it)"
    (finding,) = settle([broken()], [WAIVER], date(2030, 7, 1), judged=lambda _: True, digests=DIGESTS)
    assert (finding.level, finding.rule, finding.place) == ("error", "waiver-expired", WAIVER.place)
    assert finding.sentence == (
        "required-added was accepted until 2030-06-30 (only the shop reads it), and is still there: a break"
    )
    assert finding.hint == "raise the version"


def test_one_rule_at_one_place() -> None:
    """Nothing else is covered."""
    other_rule, other_place = broken("type-changed"), broken(pointer="/properties/phone")
    assert settled(broken(), other_rule, other_place) == [
        ("info", "required-added"),
        ("error", "type-changed"),
        ("error", "required-added"),
    ]


def test_faults_of_files_are_not_waived() -> None:
    """They are mended instead."""
    waiver = Waiver(FILE, "document-edited", "nobody cares", LAST)
    edited = Finding("error", "document-edited", FILE, "", "was edited")
    assert settled(edited, held=(waiver,)) == [("error", "document-edited"), ("warning", "waiver-unused")]


def test_what_is_unknown_is_waived_for_one_document() -> None:
    """Another one, or a waiver that names none, is not covered, and the sentence says why."""
    unknown = Finding("error", "compatibility-unknown", FILE, "", "patterns differ")
    waiver = Waiver(FILE, "compatibility-unknown", "looked at by hand", LAST, "ab" * 32)
    assert waivers.load(waivers.dump([waiver]), "shop") == [waiver]
    assert settled(unknown, held=(waiver,)) == [("info", "compatibility-unknown")]
    for digest in ("cd" * 32, ""):
        other = replace(waiver, digest=digest)
        (finding,) = settle([unknown], [other], LAST, judged=lambda _: True, digests=DIGESTS)
        assert (finding.level, finding.rule) == ("error", "compatibility-unknown")
        assert finding.sentence.startswith("patterns differ (waivers.json accepts it for another form of the document")


def test_a_waiver_that_covers_nothing() -> None:
    """A warning while it holds; when it has ended, it has to go."""
    assert settled() == [("warning", "waiver-unused")]
    assert settled(today=date(2030, 7, 1)) == [("error", "waiver-expired")]
    assert settle([], [WAIVER], LAST, judged=lambda _: False, digests=DIGESTS) == []


def test_a_break_that_consumers_excuse_keeps_its_waiver() -> None:
    """The same waivers serve a run that knows the consumers and one that does not."""
    assert settled(broken(level="info")) == [("info", "required-added")]


def test_a_waiver_that_never_ends() -> None:
    """A year is the longest; an entry that was written by hand is held to it too."""
    (used,) = settled(broken(), today=date(2029, 6, 29))
    assert used == ("info", "required-added")
    assert settled(broken(), today=date(2029, 6, 28)) == [("info", "required-added"), ("error", "waiver-too-long")]
