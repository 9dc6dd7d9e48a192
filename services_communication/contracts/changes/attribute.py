"""Which of the differences break something: those for which a payload is found that one side writes and the other
rejects just there."""

from __future__ import annotations

import itertools
from typing import Any

from services_communication.contracts.changes.difference import Difference
from services_communication.contracts.changes.place import Step, wrapped
from services_communication.contracts.proof.formula import Sub
from services_communication.contracts.proof.inclusion import Judgement, Side, search
from services_communication.contracts.proof.node import Document, Node, UnresolvedError

STEPS = 4000
UNITS = 40_000


def witness(difference: Difference, writer: Side, reader: Side, says: Any) -> Any:
    """A payload that `writer` emits and `reader` rejects, where it contradicts what `reader` `says` at that place.

    ``...`` where none is found.
    """
    if says is True:
        return ...
    there = difference.place.steps
    steps: tuple[Step, ...] = there[:-1] if difference.rule.startswith(("required-", "property-")) else there
    contradicted = _Wrapping(reader.document).around(says, steps)
    found: Judgement = search(writer, reader, frozenset([Sub(writer.node), Sub(contradicted)]), STEPS, UNITS)
    return found.witness


class _Wrapping(Document):
    """A document made for one question. Its one reference leads into the reader's document."""

    _serial = itertools.count()

    def __init__(self, reader: Document) -> None:
        super().__init__(schema=True, formats=reader.formats)
        self._reader = reader
        self._wrapped: Node | None = None

    def around(self, says: Any, steps: tuple[Step, ...]) -> Node:
        """The payloads in which what is at `steps` does not fit `says`, a schema of the reader's document."""
        self._wrapped = Node.of_keywords(says, self._reader)
        self.scope = f"wrapping {next(self._serial)}"
        self.schema = wrapped({"not": {"$ref": "#"}}, steps)
        return self.node(self.schema)

    def resolve(self, reference: object) -> Node:  # noqa: ARG002  there is but one
        if self._wrapped is None:
            raise UnresolvedError("nothing was wrapped")
        return self._wrapped
