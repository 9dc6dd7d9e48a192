"""What a check of contracts has to say, one line of it: for a person, and for the machines that show it to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services_communication.contracts.report import Change

Level: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    """Only errors make a check fail."""
    rule: str
    """A stable id: that of a change (``required-added``), or of a file's fault (``document-edited``)."""
    file: str
    """The document, relative to the directory of schemas, with slashes."""
    pointer: str
    """The place in it, as a JSON pointer; ``""`` for the whole."""
    sentence: str
    hint: str = ""
    """What to do about it."""
    change: Change | None = None

    @property
    def place(self) -> str:
        """``shop/events/order.placed.v1.json#/properties/email``: how a waiver names it."""
        return f"{self.file}#{self.pointer}" if self.pointer else self.file
