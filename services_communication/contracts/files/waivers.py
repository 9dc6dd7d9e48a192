"""``waivers.json``: breaks that were accepted, until when and why. People edit it too; it is read under review.

A waiver covers the findings of one rule at one place. After its last day (UTC) the break is an error again, if a former
form of the document still has it. ``compatibility-unknown`` says nothing of what changed, so a waiver of it also names
the document that was looked at, by its digest: another one may break in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from services_communication.contracts.files import strict
from services_communication.contracts.files.lock import digest
from services_communication.contracts.finding import Finding
from services_communication.contracts.schema import canonical

NAME = "waivers.json"
LONGEST = timedelta(days=366)
"""How long a break may be accepted. A longer waiver would be a rule that nobody looks at again."""
UNKNOWN = "compatibility-unknown"
_KEYS = ("place", "rule", "reason", "until")
_OTHER = f"{NAME} accepts it for another form of the document, by its digest; this one has to be looked at by itself"


@dataclass(frozen=True, slots=True, order=True)
class Waiver:
    place: str
    """``shop/events/order.placed.v1.json#/properties/email``"""
    rule: str
    reason: str
    until: date
    """The last day on which it holds."""
    digest: str = ""
    """Of ``compatibility-unknown`` only: the SHA-256 of the document that was accepted, without its former forms."""

    @property
    def file(self) -> str:
        return self.place.partition("#")[0]

    def covers(self, finding: Finding) -> bool:
        return (self.place, self.rule) == (finding.place, finding.rule)


def load(data: bytes, directory: str) -> list[Waiver]:
    """Raises ValueError with a clause that says what is wrong, and in which entry."""
    entries = strict.loads(data)
    if not isinstance(entries, list):
        raise ValueError("it is no JSON list")  # noqa: TRY004  a file is wrong, no argument
    found = [_waiver(number, entry, directory) for number, entry in enumerate(entries, 1)]
    seen: set[tuple[str, str]] = set()
    for waiver in found:
        if (waiver.place, waiver.rule) in seen:
            raise ValueError(f"{waiver.rule} at {waiver.place} is waived twice")
        seen.add((waiver.place, waiver.rule))
    return found


def dump(waivers: Iterable[Waiver]) -> bytes:
    return canonical(
        [
            {"place": waiver.place, "rule": waiver.rule, "reason": waiver.reason, "until": waiver.until.isoformat()}
            | ({"digest": waiver.digest} if waiver.digest else {})
            for waiver in sorted(waivers)
        ]
    )


def digest_of(document: Mapping[str, Any]) -> str:
    return digest(canonical(dict(document)))


def is_waivable(finding: Finding) -> bool:
    """Breaks are; faults of files are mended instead."""
    return finding.change is not None or finding.rule in (UNKNOWN, "upcaster-missing")


def settle(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    today: date,
    judged: Callable[[str], bool],
    digests: Mapping[str, str],
) -> list[Finding]:
    """The findings after the waivers: a covered error is told as ``info``, one whose waiver has ended as an error.

    `judged` says of a file whether everything was found that there is to find; of another file, a waiver that covers
    nothing is no news. `digests` are those of the documents of the code, by file.
    """
    by_slot = {(waiver.place, waiver.rule): waiver for waiver in waivers}
    used: set[Waiver] = set()
    settled: list[Finding] = []
    for finding in findings:
        waiver = by_slot.get((finding.place, finding.rule))
        if waiver is None or not is_waivable(finding):
            settled.append(finding)
            continue
        used.add(waiver)  # also where consumers have excused the break: they are not known to every run
        if finding.level != "error":
            settled.append(finding)
        elif waiver.rule == UNKNOWN and waiver.digest != digests.get(waiver.file):
            settled.append(replace(finding, sentence=f"{finding.sentence} ({_OTHER})"))
        else:
            settled.append(_covered(finding, waiver, today))
    settled.extend(_too_long(waiver) for waiver in waivers if waiver.until > today + LONGEST)
    settled.extend(_unused(waiver, today) for waiver in waivers if waiver not in used and judged(waiver.file))
    return settled


def _covered(finding: Finding, waiver: Waiver, today: date) -> Finding:
    if today <= waiver.until:
        sentence = f"{finding.sentence} (accepted until {waiver.until}: {waiver.reason})"
        return replace(finding, level="info", sentence=sentence, hint="")
    sentence = f"{finding.rule} was accepted until {waiver.until} ({waiver.reason}), and is still there"
    return replace(finding, rule="waiver-expired", sentence=f"{sentence}: {finding.sentence}")


def _too_long(waiver: Waiver) -> Finding:
    file, _, pointer = waiver.place.partition("#")
    sentence = f"the waiver of {waiver.rule} until {waiver.until} ends more than {LONGEST.days} days from now"
    return Finding("error", "waiver-too-long", file, pointer, sentence, f"write an earlier day into {NAME}")


def _unused(waiver: Waiver, today: date) -> Finding:
    file, _, pointer = waiver.place.partition("#")
    hint = f"remove it from {NAME}"
    if today <= waiver.until:
        sentence = f"the waiver of {waiver.rule} covers nothing: that break does not occur any more"
        return Finding("warning", "waiver-unused", file, pointer, sentence, hint)
    sentence = f"the waiver of {waiver.rule} ended on {waiver.until} ({waiver.reason}) and covers nothing any more"
    return Finding("error", "waiver-expired", file, pointer, sentence, hint)


def _waiver(number: int, entry: Any, directory: str) -> Waiver:
    if not isinstance(entry, dict) or set(entry) - {"digest"} != set(_KEYS):
        raise ValueError(f"entry {number} is no object of {', '.join(_KEYS)}")
    place, rule, reason, until = (entry[key] for key in _KEYS)
    for key in entry:
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise ValueError(f"{key} of entry {number} is no text")
    if not place.startswith(f"{directory}/"):
        raise ValueError(f"the place of entry {number}, {place!r}, does not begin with '{directory}/'")
    if "digest" in entry and rule != UNKNOWN:
        raise ValueError(f"entry {number} has a digest, which only {UNKNOWN} has")
    return Waiver(place, rule, reason, day(until, f"until of entry {number}"), entry.get("digest", ""))


def day(text: str, what: str) -> date:
    """A date as ``2031-12-31``. Raises ValueError that names `what`."""
    try:
        if len(text) == len("2031-12-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{what} is {text!r}, no date like 2031-12-31")
