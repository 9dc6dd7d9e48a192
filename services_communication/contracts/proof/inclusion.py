"""Does a reader take everything that a writer emits? Our own search decides, the second opinion confirms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services_communication.contracts.proof import opinion
from services_communication.contracts.proof.draft import CONTENT, NEWEST, converted
from services_communication.contracts.proof.formula import Sub
from services_communication.contracts.proof.node import Document, Node
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found
from services_communication.contracts.proof.search import STEPS, Search
from services_communication.contracts.proof.work import QUESTION, BudgetError, limited
from services_communication.contracts.report import Verdict

# So many candidates are shown to the validators before the search is given up.
CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Side:
    """One schema in the ways it is needed: to be searched, and to validate with."""

    document: Document
    validator: opinion.Validator

    @staticmethod
    def of(schema: Any, draft: int, formats: bool) -> Side:
        """Raises ValueError for what is no schema of `draft`."""
        return Side(Document(schema, draft, formats), opinion.Validator(schema, draft, formats))

    @property
    def node(self) -> Node:
        return self.document.root


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    witness: Any = ...
    """What the writer emits and the reader rejects; ``...`` where there is none."""
    reason: str = ""
    """Why it is unknown."""


def judge(writer: Side, reader: Side) -> Judgement:
    """Whether `reader` takes every value that `writer` takes."""
    if writer.node is reader.node:
        return Judgement("compatible")
    ours = search(writer, reader, frozenset([Sub(writer.node), Sub(reader.node, fits=False)]))
    if ours.verdict == "breaking":
        return ours
    theirs = _second_opinion(writer.document, reader.document)
    if ours.verdict == "compatible" and theirs == "no":
        return Judgement(
            "unknown", reason="our proof finds no payload that is rejected, jsonschema-rs says there is one"
        )
    if ours.verdict == "unknown":
        return Judgement("unknown", reason=f"{ours.reason}; jsonschema-rs says {theirs}")
    return ours


def _second_opinion(writer: Document, reader: Document) -> opinion.Opinion:
    if writer.draft == reader.draft:
        return opinion.covers(reader.schema, writer.schema, writer.draft, writer.formats)
    if any(f"'{keyword}'" in repr((writer.schema, reader.schema)) for keyword in (*CONTENT, "format")):
        return "unknown"  # the drafts assert different ones
    return opinion.covers(
        converted(reader.schema, reader.draft), converted(writer.schema, writer.draft), NEWEST, writer.formats
    )


def is_empty(side: Side) -> bool:
    """Whether it is proven that no value fits."""
    try:
        with limited():
            return Search().find(frozenset([Sub(side.node)])) is NONE
    except (BudgetError, RecursionError):
        return False


def search(writer: Side, reader: Side, subs: frozenset[Sub], steps: int = STEPS, units: int = QUESTION) -> Judgement:
    """A witness that fits `subs`, looked at again by both validators. Gives up after so many `steps`."""
    found = Search(steps)
    reasons: set[str] = set()
    tries = 0
    try:
        with limited(units):
            for outcome in found.values(subs):
                if isinstance(outcome, Found):
                    if writer.validator(outcome.value) and not reader.validator(outcome.value):
                        return Judgement("breaking", outcome.value)
                    reasons.add("our search found payloads that the validators do not confirm")
                    tries += 1
                    if tries == CANDIDATES:
                        break
                elif outcome is UNKNOWN:
                    reasons.add("our search could not decide")
    except BudgetError:
        reasons.add("the search would take too long")
    except RecursionError:
        reasons.add("the schemas are nested too deep")
    if reasons:
        return Judgement("unknown", reason="; ".join(sorted(reasons | found.troubles)))
    return Judgement("compatible")
