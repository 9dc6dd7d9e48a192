"""What consumers need of a producer's contracts, judged: a change fails only where somebody would feel it.

    consumers = Consumers.below([Path("../billing/schemas")])
    consumers.findings(documents)        breaks of what a known consumer reads or writes: errors
    consumers.excused(own, documents)    the producer's own findings, those of consumers' concern turned into infos

How ``makecontracts --check --consumers DIR…`` uses it. `documents` maps file → document, for what this service
publishes, answers and handles (`management/contracts/consumers.py` chooses them). Without --consumers it must suppose
that every former reader of its events and replies, and every former writer of its commands and questions, still runs as
it was. With --consumers it knows them, so for these *outward* directions

    event                   forward     new writer here → readers elsewhere
    command                 backward    writers elsewhere → new reader here
    call, its question      backward
    call, its reply         forward
    rest                    both

the comparison with the own former document is replaced by `findings`; `excused` makes infos of what it said. All other
directions (old messages in a queue that the new code reads, say) stay errors. An unreadable need is an error too:
nobody knows then who is broken.

A need is judged against the document of its kind, address and version: ``reads`` as "new writer → the consumer's
reader", ``writes`` as "the consumer's writer → new reader", a call's reply the other way round, ``both`` both ways.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from services_communication.contracts.compatibility import compare
from services_communication.contracts.files.paths import Identity, directory_of, identity_in
from services_communication.contracts.files.revisions import former_documents
from services_communication.contracts.finding import Finding
from services_communication.contracts.release import order_of_release
from services_communication.contracts.report import Direction, Report, Verdict
from services_communication.contracts.schema import EXTENSION, reply_of
from services_communication.contracts.usage import Need, read_needs, unreadable

Document: TypeAlias = Mapping[str, Any]

UNKNOWN = "compatibility-unknown"
REPLY = f"/{EXTENSION}/reply"
OUTWARD: dict[str, tuple[Direction, ...]] = {
    "event": ("forward",),
    "command": ("backward",),
    "call": ("backward",),
    "rest": ("backward", "forward"),
}
_DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "reads": ("forward",),
    "writes": ("backward",),
    "both": ("backward", "forward"),
}
_OPPOSITE: dict[Direction, Direction] = {"forward": "backward", "backward": "forward"}


@dataclass(frozen=True, slots=True)
class Consumers:
    """The needs of other services, as they were found."""

    needs: tuple[Need, ...]
    faults: tuple[Finding, ...] = ()
    """What could not be read."""

    @classmethod
    def below(cls, directories: Sequence[Path], service: str | None = None) -> Consumers:
        """A directory without a need of another service than `service` is among the faults."""
        needs, faults = read_needs(directories, service)
        return cls(tuple(needs), tuple(faults))

    def of(self, document: Document) -> tuple[str, ...]:
        """The services that are known to use it, sorted."""
        wanted = identity_in(document)
        return tuple(sorted({need.service for need in self.needs if (need.identity, need.version) == wanted}))

    def findings(
        self,
        documents: Mapping[str, Document],
        *,
        service: str | None = None,
        former: Mapping[str, Document] | None = None,
        written: Collection[str] | None = None,
    ) -> list[Finding]:
        """What `documents` break for whom; and what could not be read.

        A need of an address that is not among them is an error where it was this service's: its owner is `service`
        (guessed from the directories of `documents` when it is not given), or a `former` document had it. `written`
        are the files of versions that this service still writes, where not of all: messages of an older version may
        be read through up-casters when no class of it is left, but nobody sends them.
        """
        present = {identity_in(document): file for file, document in documents.items()}
        here = _versions(documents[file] for file in documents if written is None or file in written)
        gone = _versions([*(former or {}).values(), *documents.values()])
        owners = {directory_of(service)} if service is not None else _owners(documents)
        found = list(self.faults)
        for need in self.needs:
            file = present.get((need.identity, need.version))
            if file is not None and (need.uses == "writes" or written is None or file in written):
                found += _judged(need, file, documents[file])
            elif need.identity in here:
                found.append(_missing_version(need, here[need.identity]))
            elif need.identity in gone or (need.owner is not None and directory_of(need.owner) in owners):
                found.append(_missing_address(need))
        return found

    def excused(
        self,
        findings: Iterable[Finding],
        documents: Mapping[str, Document],
        former: Mapping[str, Document] | None = None,
    ) -> list[Finding]:
        """The findings of the comparison with the own `former` documents, as far as consumers do not decide them."""
        former = former or {}
        return [
            self._excused(finding, documents[finding.file], former.get(finding.file))
            if finding.level == "error" and finding.file in documents
            else finding
            for finding in findings
        ]

    def _excused(self, finding: Finding, document: Document, former: Document | None) -> Finding:
        if finding.change is not None:
            excused = finding.change.direction in _outward(document, finding.pointer)
        else:
            excused = finding.rule == UNKNOWN and former is not None and _holds_inward(former, document)
        if not excused:
            return finding
        known = self.of(document)
        why = f"judged by the needs of {', '.join(known)} instead" if known else "no known consumer uses it"
        return replace(finding, level="info", sentence=f"{finding.sentence} ({why})", hint="")


def _outward(document: Document, pointer: str) -> tuple[Direction, ...]:
    directions = OUTWARD[document[EXTENSION]["kind"]]
    if pointer == REPLY or pointer.startswith(f"{REPLY}/"):
        return tuple(_OPPOSITE[direction] for direction in directions)
    return directions


def _holds_inward(former: Document, document: Document) -> bool:
    """Whether every direction that no consumer decides is proved, against all forms that `document` had."""
    for old in [*former_documents(former), former]:
        for part, before, after in _parts(old, document):
            report, outward = compare(before, after), _outward(document, part)
            if any(_verdict(report, direction) != "compatible" for direction in _OPPOSITE if direction not in outward):
                return False
    return True


def _judged(need: Need, file: str, document: Document) -> Iterator[Finding]:
    """The consumer's model is the old side, whatever its age: it is what runs there while this code is released."""
    for part, old, new in _parts(need.document, document):
        directions = _DIRECTIONS[need.uses]
        if part == REPLY:
            directions = tuple(_OPPOSITE[direction] for direction in directions)
        try:
            report = compare(old, new)
        except ValueError as error:  # ours was made from a model, so it is the need's
            yield unreadable(need.file, f"the file holds no schema: {error}")
            return
        yield from _broken(need, file, report, directions, part)


def _parts(old: Document, new: Document) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A message itself, and the reply to it: each with where it stands in the document."""
    yield "", _without_reply(old), _without_reply(new)
    before, after = reply_of(old), reply_of(new)
    if before is not None and after is not None:
        yield REPLY, before, after


def _verdict(report: Report, direction: Direction) -> Verdict:
    return report.forward if direction == "forward" else report.backward


def _broken(need: Need, file: str, report: Report, directions: tuple[Direction, ...], place: str) -> Iterator[Finding]:
    for direction in directions:
        verdict = _verdict(report, direction)
        verb = "reads" if direction == "forward" else "writes"
        subject = f"{need.service} {verb} {'the reply to ' if place else ''}{need.name}"
        breaks = [change for change in report.changes if change.direction == direction]
        if verdict == "unknown" or (verdict == "breaking" and not breaks):
            reasons = "; ".join(report.reasons) or "no reason was found"
            sentence = f"{subject}, and whether it still can is not known: {reasons}"
            hint = f"make the change so that {need.service} is proved to cope, or raise the version"
            yield Finding("error", UNKNOWN, file, place, sentence, hint)
        elif verdict == "breaking":
            for change in breaks:
                hint = order_of_release(need, change, report)
                placed = replace(change, pointer=f"{place}{change.pointer}")
                sentence = f"{subject}: {change.sentence}"
                yield Finding("error", change.rule, file, placed.pointer, sentence, hint, placed)


def _missing_version(need: Need, versions: Sequence[int]) -> Finding:
    known = f"this service has version {' and '.join(map(str, versions))}"
    if need.version < max(versions):
        hint = f"release {need.service} first: {_way_to(need, max(versions))}"
    elif need.uses == "reads":  # readers of a new version go first, and wait for it
        sentence = f"{need.service} reads {need.name} already; {known}"
        return Finding("info", "needed-version-ahead", need.file, "", sentence)
    else:
        hint = f"release this service first: it must have version {need.version} before {need.service} uses it"
    sentence = f"{need.service} {_verb(need)} {need.name}, which is not here; {known}"
    return Finding("error", "needed-version-missing", need.file, "", sentence, hint)


def _way_to(need: Need, version: int) -> str:
    """What makes an old version needless, and what must stay until then."""
    if need.uses == "reads":
        return (
            f"a handler of version {version} with up-casters from version {need.version} reads both; until then keep "
            f"the class of version {need.version} in the code, and publish that version too"
        )
    if need.uses == "writes":
        return (
            f"it must send version {version}; until then read version {need.version} too, with up-casters or with its "
            f"class and a handler"
        )
    return f"it must use version {version}; until then keep the class of version {need.version} in the code"


def _missing_address(need: Need) -> Finding:
    sentence = f"{need.service} {_verb(need)} {need.name}, and this service has no such contract"
    hint = f"release {need.service} first: it must stop using it; until then keep the contract"
    return Finding("error", "needed-address-missing", need.file, "", sentence, hint)


def _verb(need: Need) -> str:
    return "uses" if need.uses == "both" else need.uses


def _versions(documents: Iterable[Document]) -> dict[Identity, list[int]]:
    found: dict[Identity, list[int]] = {}
    for identity, version in sorted(map(identity_in, documents)):
        found.setdefault(identity, []).append(version)
    return found


def _owners(documents: Iterable[str]) -> set[str]:
    """The directories of this service: its events lie there. Commands that it only sends lie in others'."""
    parts = [file.split("/") for file in documents]
    return {part[0] for part in parts if part[1:2] in (["events"], ["rest"])} or {part[0] for part in parts}


def _without_reply(document: Document) -> dict[str, Any]:
    extension = {key: value for key, value in document[EXTENSION].items() if not key.startswith("reply")}
    return {**document, EXTENSION: extension}
