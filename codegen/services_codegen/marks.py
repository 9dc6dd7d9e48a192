"""Which schema a generated class was made of: its docstring says it, until the class is written out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services_codegen.documents import Document

CLASS_MARK = "services-codegen class "


@dataclass(frozen=True, slots=True)
class Marked:
    """A schema of `document` that becomes a class, and its place there."""

    document: Document
    where: str
    schema: dict[str, Any]
    name: str | None
    """The name that the class shall have, where the generator's own is not wanted."""


class Marks:
    """The marked schemas of one run."""

    def __init__(self) -> None:
        self._marked: list[Marked] = []

    def add(self, marked: Marked) -> str:
        """The description that tells the class of this schema."""
        self._marked.append(marked)
        return f"{CLASS_MARK}{len(self._marked) - 1}"

    def found(self, modules: Mapping[str, ast.Module]) -> dict[int, tuple[str, ast.ClassDef, Marked]]:
        """``id`` of a schema → module, class and mark; without the schemas of which the generator made two classes."""
        found: dict[int, list[tuple[str, ast.ClassDef, Marked]]] = {}
        for name, module in modules.items():
            for node in module.body:
                marked = self.of(node)
                if marked and isinstance(node, ast.ClassDef):
                    found.setdefault(id(marked.schema), []).append((name, node, marked))
        return {key: places[0] for key, places in found.items() if len(places) == 1}

    def of(self, node: ast.stmt) -> Marked | None:
        """What the class `node` was made of."""
        text = (ast.get_docstring(node) or "") if isinstance(node, ast.ClassDef) else ""
        return self._marked[int(text.removeprefix(CLASS_MARK))] if text.startswith(CLASS_MARK) else None
