"""Reading: every ``*.json`` file of a directory, measured and parsed before anything else looks at it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services_codegen.errors import InputError
from services_codegen.replies import moved_reply

MAX_BYTES = 10_000_000
MAX_DEPTH = 100
FOREIGN_KINDS = {"asyncapi": "an AsyncAPI document", "openapi": "an OpenAPI document", "swagger": "a Swagger document"}
# What makecontracts keeps beside the documents.
NEEDS = "needs"
COMPANIONS = {"contracts.lock.json": "the list of the documents", "waivers.json": "the list of accepted breaks"}
EXAMPLES = ".examples.json"


@dataclass(slots=True)
class Document:
    """One schema file. `name` is its path below the root, with slashes; errors and headers show it."""

    name: str
    schema: dict[str, Any]
    root_definition: tuple[str, str] | None = field(default=None)
    """The definition that stands in for the root: what ``#/$defs/Tree`` means is then the root itself."""

    @property
    def path(self) -> str:
        """The name without ``.json``."""
        return self.name.removesuffix(".json")

    @property
    def stem(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def identity(self) -> str | None:
        """The document's own ``$id``. It is compared, never fetched."""
        for keyword in ("$id", "id"):
            value = self.schema.get(keyword)
            if isinstance(value, str):
                return value.removesuffix("#")
        return None


def read_documents(root: Path) -> tuple[list[Document], list[str]]:
    """The schemas below `root` in the order of their names, and a note for each file that is none.

    Raises InputError for a file that is too large or too deep, is no JSON object or leads out of `root`.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such directory; give the directory that holds the *.json schemas")
    paths, needs = _files(root)
    documents: list[Document] = []
    notes = [f"{path.relative_to(root).as_posix()}: what is read of other contracts; skipped" for path in needs]
    for path in paths:
        name = path.relative_to(root).as_posix()
        companion = _companion(path)
        if companion:
            notes.append(f"{name}: {companion} is not read; skipped")
            continue
        value = _parsed(path, name, root)
        foreign = next((text for keyword, text in FOREIGN_KINDS.items() if keyword in value), None)
        if foreign and "$schema" not in value:
            notes.append(f"{name}: {foreign} is not read; skipped")
        else:
            documents.append(_unwrapped(Document(name, moved_reply(value, name))))
    if not documents:
        raise InputError(f"{root}: holds no *.json schema")
    return documents, notes


def _files(root: Path) -> tuple[list[Path], list[Path]]:
    """The ``*.json`` files below `root`, and the directories of what services read of others' contracts."""
    found: list[Path] = []
    skipped: list[Path] = []
    for folder, folders, names in os.walk(root, followlinks=False):
        if NEEDS in folders:
            folders.remove(NEEDS)
            skipped.append(Path(folder, NEEDS))
        found.extend(Path(folder, name) for name in names if name.endswith(".json"))

    def by_name(path: Path) -> str:
        return path.relative_to(root).as_posix()

    return sorted(found, key=by_name), sorted(skipped, key=by_name)


def _companion(path: Path) -> str | None:
    """What a file is that makecontracts keeps beside the documents; None for a document."""
    return "a list of examples" if path.name.endswith(EXAMPLES) else COMPANIONS.get(path.name)


def _parsed(path: Path, name: str, root: Path) -> dict[str, Any]:
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{name}: is a link that leads out of the input directory; put a copy in its place")
    if not path.is_file():
        raise InputError(f"{name}: is no regular file; remove it")
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise InputError(f"{name}: is larger than {MAX_BYTES} bytes; split it")
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
        deep = _depth(value) > MAX_DEPTH
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except RecursionError:
        deep = True
    except ValueError as error:
        raise InputError(f"{name}: is no JSON: {error}") from None
    if deep:
        raise InputError(f"{name}: is nested deeper than {MAX_DEPTH} levels; flatten it")
    if not isinstance(value, dict):
        raise InputError(f"{name}: must be a JSON object, a schema")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not allowed")


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            waiting.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            waiting.extend((child, depth + 1) for child in item)
    return deepest


def _unwrapped(document: Document) -> Document:
    """A recursive model's root is also one of its definitions: as pydantic writes it, a ``$ref`` to that definition."""
    root = document.schema
    title, definitions = root.get("title"), root.get("$defs")
    if isinstance(title, str) and isinstance(definitions, dict) and title in definitions:
        outer = {key: value for key, value in root.items() if key not in ("$defs", "$schema", "title", "x-contract")}
        if definitions[title] == outer:  # the library writes the root of a recursive model a second time
            rest = {key: value for key, value in definitions.items() if key != title}
            return Document(document.name, {**root, "$defs": rest}, root_definition=("$defs", title))
    reference = root.get("$ref")
    if not isinstance(reference, str) or "properties" in root:
        return document
    for keyword in ("$defs", "definitions"):
        definitions = root.get(keyword)
        prefix = f"#/{keyword}/"
        name = reference.removeprefix(prefix)
        if not reference.startswith(prefix) or not isinstance(definitions, dict):
            continue
        target = definitions.get(name)
        if isinstance(target, dict) and not {"$ref", "$defs", "definitions"} & set(target):
            rest = {key: value for key, value in definitions.items() if key != name}
            outer = {key: value for key, value in root.items() if key != "$ref"}
            schema = {"title": name} | target | outer | {keyword: rest}
            return Document(document.name, schema, root_definition=(keyword, name))
    return document
