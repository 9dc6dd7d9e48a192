"""Text for a terminal or a file: columns that are aligned, colours only where they are seen."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, OutputWrapper
from django.core.management.color import Style, no_style

from services_communication.contracts.rendering import visible

SCHEMAS = "schemas"
GAP = "  "
LEAST_LAST_COLUMN = 20


class Output:
    """What a subcommand writes to: the command's streams, its style, and how wide a line may be."""

    def __init__(self, command: BaseCommand, *, force_color: bool = False) -> None:
        self.out: OutputWrapper = command.stdout
        self.err: OutputWrapper = command.stderr
        self.terminal: bool = self.out.isatty()
        coloured = force_color or (self.terminal and not os.environ.get("NO_COLOR"))
        self.style: Style = command.style if coloured else no_style()
        self.width: int | None = shutil.get_terminal_size().columns if self.terminal else None
        """None: lines may be as long as they like, for a file or another program reads them."""

    def line(self, text: str = "") -> None:
        self.out.write(text)

    def warn(self, text: str) -> None:
        self.err.write(self.style.WARNING(text))

    def title(self, text: str) -> None:
        self.line(self.style.MIGRATE_HEADING(text))

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        first, *others = columns([header, *rows], self.width)
        self.line(self.style.MIGRATE_LABEL(first))
        for line in others:
            self.line(line)

    def columns(self, rows: Iterable[Sequence[str]]) -> None:
        for line in columns(rows, self.width):
            self.line(line)


def schemas_directory(output: str | None) -> Path:
    """The directory of schemas: `output`, else ``schemas`` in BASE_DIR, which is where makecontracts writes."""
    return Path(output) if output is not None else Path(getattr(settings, "BASE_DIR", None) or ".") / SCHEMAS


def columns(rows: Iterable[Sequence[str]], width: int | None = None) -> list[str]:
    """The rows as lines, cell below cell. The last cell goes on in further lines where `width` ends."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(columns_of, cells)) for cells in zip(*rows, strict=True)]
    lines: list[str] = []
    for *cells, last in rows:
        begin = GAP.join(padded(cell, wide) for cell, wide in zip(cells, widths, strict=False))
        begin = f"{begin}{GAP}" if cells else ""
        indent = columns_of(begin)
        room = None if width is None else max(width - indent, LEAST_LAST_COLUMN)
        pieces = _pieces(last, room)
        lines.append(f"{begin}{pieces[0]}".rstrip())
        lines.extend(f"{' ' * indent}{piece}" for piece in pieces[1:])
    return lines


def _pieces(text: str, room: int | None) -> list[str]:
    """`text` broken at blanks; a word that is too long stays whole, so that it can be copied."""
    if room is None:
        return [text]
    pieces = [""]
    for word in text.split(" "):
        joined = f"{pieces[-1]} {word}" if pieces[-1] else word
        if columns_of(joined) <= room or not pieces[-1]:
            pieces[-1] = joined
        else:
            pieces.append(word)
    return pieces


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_markdown_row(header), _markdown_row(["---"] * len(header)), *map(_markdown_row, rows)]
    return "\n".join(lines)


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(markdown_text(cell) for cell in cells)} |"


def markdown_text(text: str) -> str:
    """`text` as it is, for what reads Markdown: no sign in it makes a table, a link or HTML."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#!" else sign for sign in printable(text))


def printable(text: str) -> str:
    """`text` without what would move a terminal's cursor or end a line: names may come from another service's files."""
    return visible(text)


def padded(text: str, width: int, style: Callable[[str], str] = str) -> str:
    return f"{style(text)}{' ' * (width - columns_of(text))}"


def columns_of(text: str) -> int:
    """How many columns a terminal needs for it."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
