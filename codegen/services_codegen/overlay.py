"""The fields of generated classes, annotated from their schemas.

The generator makes the classes; it knows files, inheritance and names. What a field may hold is written here, because
a contract must give its own document again (`render`). Where that is not possible the generator's annotation stays.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services_codegen.clean import REPLY, REPLY_PROPERTY, ROOT_MARK, clean_text
from services_codegen.documents import Document
from services_codegen.fidelity import class_notes, generator_notes
from services_codegen.fields import TAKEN_NAMES, annotated, field_name, parts_of, wire_name
from services_codegen.marks import CLASS_MARK
from services_codegen.references import References
from services_codegen.render import Place, Renderer, UnreadableError, constant

FACTORIES = ("list", "dict", "set")


@dataclass(frozen=True, slots=True)
class Made:
    """A class and what it was made of. `properties` are those of its schema, and a call's reply."""

    module: str
    node: ast.ClassDef
    document: Document
    where: str
    schema: dict[str, Any]
    properties: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, ast.AnnAssign]:
        """Name on the wire → field."""
        return {wire_name(item): item for item in self.node.body if isinstance(item, ast.AnnAssign)}

    def place(self, wire: str) -> str:
        """Where the schema of the field stands in the document."""
        return REPLY if wire == REPLY_PROPERTY else f"{self.where}/properties/{wire}"


def overlay(classes: list[Made], references: References, imports: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Annotate the fields of `classes` in place. `imports`: module → name → its local name. Returns what is lost."""
    sketch, _ = _rendered(classes, references, imports)
    for made in classes:
        _keep_types_visible(made, [kind for key, kind in sketch.items() if key[0] == id(made.node)])
    rendered, notes = _rendered(classes, references, imports)
    for made in classes:
        for wire, field in made.fields.items():
            kind = rendered.get((id(made.node), wire))
            if kind is not None:
                _annotate(made, wire, field, kind, imports.get(made.module, {}), notes)
    return [f"{document}: {where}: {keyword} {text}" for (document, where, keyword), text in sorted(notes.items())]


def _rendered(
    classes: list[Made], references: References, imports: Mapping[str, Mapping[str, str]]
) -> tuple[dict[tuple[int, str], ast.expr], dict[tuple[str, str, str], str]]:
    """(class, wire name) → annotation, and (document, place, keyword) → note."""
    places = {
        id(made.schema): Place(
            made.module, made.node.name, made.schema, {wire: field_name(field) for wire, field in made.fields.items()}
        )
        for made in classes
    }
    rendered: dict[tuple[int, str], ast.expr] = {}
    notes: dict[tuple[str, str, str], str] = {}
    for made in classes:
        lost = dict.fromkeys(class_notes(made.schema, made.where, places), "is not enforced")
        for wire in made.fields:
            if wire not in made.properties:
                continue
            schema, where = made.properties[wire], made.place(wire)
            renderer = Renderer(made.document, references, made.module, places, dict(imports.get(made.module, {})))
            try:
                rendered[id(made.node), wire] = renderer.annotation(schema, where)
                lost |= renderer.notes
            except UnreadableError:
                lost |= dict.fromkeys(generator_notes(schema, where, places), "is not enforced")
        notes |= {(made.document.name, where, keyword): text for (where, keyword), text in lost.items()}
    return rendered, notes


def _keep_types_visible(made: Made, kinds: list[ast.expr]) -> None:
    """Rename the fields that are called as a type is: in the class, ``date`` would be the field's default."""
    values = [field.value for field in made.fields.values() if field.value is not None]
    types = {node.id for kind in [*kinds, *values] for node in ast.walk(kind) if isinstance(node, ast.Name)}
    if any(name == "AwareDatetime" for name in types):
        types.add("datetime")  # a default is made with it
    fields = made.fields
    names = {field_name(field) for field in fields.values()}
    for wire, field in fields.items():
        name = field_name(field)
        if name in types - TAKEN_NAMES:
            while name in types or name in names:
                name += "_"
            kind, metadata = parts_of(field.annotation)
            if wire_name(field) == field_name(field):  # nothing else holds the name on the wire
                call = ast.Call(ast.Name("Field"), [], [ast.keyword("alias", ast.Constant(wire))])
                field.annotation = annotated(kind, [call, *metadata])
            field.target = ast.Name(name)
            names.add(name)


def _annotate(
    made: Made,
    wire: str,
    field: ast.AnnAssign,
    kind: ast.expr,
    local: Mapping[str, str],
    notes: dict[tuple[str, str, str], str],
) -> None:
    schema = made.properties[wire] if isinstance(made.properties[wire], dict) else {}
    bare, metadata = parts_of(kind)
    if field.value is not None and ("default" not in schema or schema["default"] is None):
        origin = bare.value.id if isinstance(bare, ast.Subscript) and isinstance(bare.value, ast.Name) else ""
        if "default" not in schema and origin in FACTORIES and "x-contract" in made.document.schema:
            # the library writes no default where it is made anew for each instance
            factory = ast.keyword("default_factory", ast.Name(origin))
            field.value = ast.Call(ast.Name(local.get("Field", "Field")), [], [factory])
        elif not _takes_none(bare):
            bare, metadata = ast.BinOp(kind, ast.BitOr(), ast.Constant(None)), []
            if "x-contract" in made.document.schema and "default" not in schema:
                notes[made.document.name, made.place(wire), "required"] = (
                    "does not list it, nor has it a default: it may be None"
                )
    keywords = [ast.keyword("alias", ast.Constant(wire))]
    for item in metadata:
        keywords += item.keywords if isinstance(item, ast.Call) else []
    description = schema.get("description")
    if isinstance(description, str) and "properties" not in schema:  # a class says it itself
        keywords.append(ast.keyword("description", ast.Constant(clean_text(description))))
    if isinstance(schema.get("examples"), list):
        keywords.append(ast.keyword("examples", constant(schema["examples"])))
    if schema.get("deprecated") is True:
        keywords.append(ast.keyword("deprecated", ast.Constant(True)))
    field.annotation = annotated(bare, [ast.Call(ast.Name(local.get("Field", "Field")), [], keywords)])


def _takes_none(kind: ast.expr) -> bool:
    if isinstance(kind, ast.BinOp):
        return _takes_none(kind.left) or _takes_none(kind.right)
    if isinstance(kind, ast.Subscript) and isinstance(kind.value, ast.Name) and kind.value.id.startswith("Literal"):
        return any(isinstance(item, ast.Constant) and item.value is None for item in ast.walk(kind.slice))
    return (isinstance(kind, ast.Constant) and kind.value is None) or (isinstance(kind, ast.Name) and kind.id == "Any")


def drop_marks(field: ast.AnnAssign) -> None:
    """The generator writes a class's description to the field that holds it, too."""
    for item in parts_of(field.annotation)[1]:
        if isinstance(item, ast.Call):
            item.keywords = [word for word in item.keywords if not _is_mark(word)]


def _is_mark(word: ast.keyword) -> bool:
    text = word.value.value if isinstance(word.value, ast.Constant) else None
    return word.arg == "description" and isinstance(text, str) and text.startswith((CLASS_MARK, ROOT_MARK))
