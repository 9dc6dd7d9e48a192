"""Whether a change of a contract breaks somebody: a pure function of two documents.

    compare(old, new)                 as services use contracts: a writer emits its own fields, a reader ignores others
    compare(old, new, roles=False)    two plain JSON Schemas: does one take what the other takes
    compare_all([v1, v2], v3)         against all forms that were ever valid

A verdict is ``compatible`` only with a proof that the second opinion does not contradict (of about one pair in six it
has none), and ``breaking`` only with a payload which the validators confirm: one side takes it, the other does not. The
one exception is a call's reply that appears or goes: no payload shows that. Everything else is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pydantic import BaseModel

from services_communication.contracts import schema as schemas
from services_communication.contracts.changes.attribute import witness
from services_communication.contracts.changes.difference import Difference
from services_communication.contracts.changes.walk import Walk
from services_communication.contracts.changes.wording import sentence
from services_communication.contracts.normal import without_nullable
from services_communication.contracts.proof.admission import admit
from services_communication.contracts.proof.draft import draft_of
from services_communication.contracts.proof.inclusion import Judgement, Side, is_empty, judge
from services_communication.contracts.report import Change, Direction, Mode, Report, Verdict

REPLY = "/x-contract/reply"
Comparable: TypeAlias = "Mapping[str, Any] | bool | type[BaseModel]"


def compare(old: Comparable, new: Comparable, roles: bool = True, *, formats: bool = True) -> Report:
    """The judgement of the change from `old` to `new`: documents, plain schemas, or model classes.

    With `roles` (CONTRACTS: writer closed, reader open), backward is "the new reader takes what the old writer emits",
    forward "the old reader takes what the new writer emits"; for a call the same holds of its reply. Without, backward
    is "`new` takes every value that `old` takes", forward the other way round. `formats`: whether ``format`` is
    asserted. Raises ValueError for what is no schema, ConfigurationError without the extra ``contracts``.
    """
    before, after = _document(old, roles), _document(new, roles)
    if not roles:
        return _report(_Pair.plain(before, after, formats))
    if (
        isinstance(before, dict)
        and schemas.EXTENSION in before
        and schemas.canonical(before) == schemas.canonical(after)
    ):
        return Report("compatible", "compatible")
    report = _report(_Pair.of_roles(before, after, formats))
    replies = [schemas.reply_of(part) if isinstance(part, dict) else None for part in (before, after)]
    return _worst([report, _report_of_reply(replies[0], replies[1], formats)])


def _report_of_reply(old: Any, new: Any, formats: bool) -> Report:
    """A reply that appears or goes breaks both ways: one side waits for it, or does not take it."""
    if old is None and new is None:
        return Report("compatible", "compatible")
    if old is None or new is None:
        verb = "added" if old is None else "removed"
        values = (... if old is None else True), (... if new is None else True)
        text = f"the reply was {verb}: who asks and who answers no longer agree"
        changes = (Change(f"reply-{verb}", REPLY, *values, direction, text) for direction in Mode.FULL.directions)
        return Report("breaking", "breaking", tuple(changes))
    report = _report(_Pair.of_roles(old, new, formats))
    return replace(report, changes=tuple(replace(c, pointer=REPLY + c.pointer) for c in report.changes))


def compare_all(
    former: Sequence[Comparable], new: Comparable, mode: Mode = Mode.FULL_TRANSITIVE, roles: bool = True
) -> Report:
    """`new` against the forms that were valid before it, the oldest first: all, or the last one only.

    That depends on whether `mode` is transitive. The verdict is the worst; a change is named once.
    """
    against = former if mode.transitive else former[-1:]
    return _worst([compare(old, new, roles) for old in reversed(against)])


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two documents as they are judged: who writes and who reads, before and after."""

    writers: tuple[Side, Side]
    readers: tuple[Side, Side]
    plain_schemas: bool = False
    """What is written is what is read."""

    @classmethod
    def of_roles(cls, old: Any, new: Any, formats: bool) -> _Pair:
        readers = [Side.of(_part(schemas.reader_of, document), draft_of(document), formats) for document in (old, new)]
        writers = [_writer(document, formats) for document in (old, new)]
        return cls((writers[0], writers[1]), (readers[0], readers[1]))

    @classmethod
    def plain(cls, old: Any, new: Any, formats: bool) -> _Pair:
        drafts = (draft_of(old, new), draft_of(new, old))
        sides = (Side.of(old, drafts[0], formats), Side.of(new, drafts[1], formats))
        return cls(sides, sides, plain_schemas=True)

    def of(self, direction: Direction) -> tuple[Side, Side]:
        """Who writes and who reads, when one side is released before the other."""
        old, new = 0, 1
        return (
            (self.writers[old], self.readers[new])
            if direction == "backward"
            else (self.writers[new], self.readers[old])
        )

    def differences(self) -> list[Difference]:
        """Of what the readers accept."""
        return Walk(self.readers[0].document, self.readers[1].document).differences()

    def differences_of_writers(self) -> list[Difference]:
        """Of what the writers emit, where that is not the same as what the readers accept."""
        if self.plain_schemas:
            return []
        return Walk(self.writers[0].document, self.writers[1].document).differences()


def _part(part: Callable[[Any], Any], document: Any) -> Any:
    return part(document) if isinstance(document, dict) else document


def _writer(document: Any, formats: bool) -> Side:
    """Of a foreign schema it is only supposed that its writer adds no keys. Where that leaves nothing, it is not so."""
    draft = draft_of(document)
    side = Side.of(_part(schemas.writer_of, document), draft, formats)
    if isinstance(document, dict) and schemas.EXTENSION not in document and is_empty(side):
        return Side.of(document, draft, formats)
    return side


def _report(pair: _Pair) -> Report:
    judgements: dict[Direction, Judgement] = {
        "backward": judge(*pair.of("backward")),
        "forward": judge(*pair.of("forward")),
    }
    differences = pair.differences()
    changes: list[Change] = []
    for direction, judgement in judgements.items():
        if judgement.verdict == "breaking":
            found = _breaks(pair, direction, differences) or _breaks(pair, direction, pair.differences_of_writers())
            changes += found or [_unexplained(pair, direction, judgement.witness)]
    explained = {(change.rule, change.pointer) for change in changes}
    for difference in differences:
        if not difference.quiet and (difference.rule, difference.place.pointer) not in explained:
            changes.append(_change(difference, None, ...))
    changes.sort(key=_order)
    reasons = tuple(f"{direction}: {j.reason}" for direction, j in judgements.items() if j.verdict == "unknown")
    return Report(judgements["backward"].verdict, judgements["forward"].verdict, tuple(changes), reasons)


def _order(change: Change) -> tuple[object, ...]:
    """Breaks first, by their place."""
    value = repr((change.old, change.new))
    return change.direction is None, change.pointer, change.rule, change.direction or "", value


def _breaks(pair: _Pair, direction: Direction, differences: Iterable[Difference]) -> list[Change]:
    """Those of `differences` that a payload can be found for."""
    writer, reader = pair.of(direction)
    found: list[Change] = []
    for difference in differences:
        says = difference.new_says if direction == "backward" else difference.old_says
        payload = witness(difference, writer, reader, says)
        if payload is not ...:
            found.append(_change(difference, direction, payload))
    return found


def _change(difference: Difference, direction: Direction | None, found: Any) -> Change:
    return Change(
        rule=difference.rule,
        pointer=difference.place.pointer,
        old=difference.old,
        new=difference.new,
        direction=direction,
        sentence=sentence(difference, direction),
        witness=found,
    )


def _unexplained(pair: _Pair, direction: Direction, found: Any) -> Change:
    """A break to which no single difference leads: named by what the validator says of the witness."""
    _, reader = pair.of(direction)
    pointer, message = reader.validator.rejection(found)
    who = "the new reader rejects an old message" if direction == "backward" else "an old reader rejects a new message"
    return Change("narrowed", pointer, ..., ..., direction, f"{who}: {message}"[:500], found)


def _document(value: Comparable, roles: bool) -> Any:
    if isinstance(value, type) and issubclass(value, BaseModel):
        document = schemas.document(value)
        return document if roles else schemas.reader_of(document)
    schema = dict(value) if isinstance(value, Mapping) else value
    admit(schema)
    extension = schema.get(schemas.EXTENSION, {}) if isinstance(schema, dict) else {}
    if not isinstance(extension, dict):
        text = f"not a contract: {schemas.EXTENSION} is {type(extension).__name__}, not an object"
        raise ValueError(text)  # noqa: TRY004  whatever cannot be judged is a ValueError
    return without_nullable(schema)


def _worst(reports: Sequence[Report]) -> Report:
    changes: dict[tuple[str, str, Direction | None, str], Change] = {}
    for report in reports:
        for change in report.changes:
            value = repr((change.old, change.new))
            changes.setdefault((change.rule, change.pointer, change.direction, value), change)
    breaking = {(change.rule, change.pointer) for change in changes.values() if change.direction is not None}
    kept = [
        change
        for change in changes.values()
        if change.direction is not None or (change.rule, change.pointer) not in breaking
    ]
    return Report(
        _worst_verdict(report.backward for report in reports),
        _worst_verdict(report.forward for report in reports),
        tuple(kept),
        tuple(dict.fromkeys(reason for report in reports for reason in report.reasons)),
    )


def _worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return "breaking" if "breaking" in found else "unknown" if "unknown" in found else "compatible"
