"""One field of a generated class: its name, its name on the wire, its default."""

from __future__ import annotations

import ast
import base64
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from services_codegen.errors import InputError
from services_codegen.names import IMPORTED_NAMES
from services_communication.contracts import CallModel, CommandModel, EventModel
from services_communication.contracts.casing import to_camel

# A field of one of these names would hide what the base classes offer.
TAKEN_NAMES = frozenset(name for model in (EventModel, CommandModel, CallModel) for name in dir(model))
NEEDLESS = frozenset({"alias", "validate_default", "title"})
FROM_TEXT: dict[str, Any] = {
    "AwareDatetime": AwareDatetime,
    "date": date,
    "datetime": datetime,
    "time": time,
    "timedelta": timedelta,
    "Decimal": Decimal,
    "UUID": UUID,
    "IPv4Address": IPv4Address,
    "IPv6Address": IPv6Address,
}


def wire_name(field: ast.AnnAssign) -> str:
    """The key of `field` in JSON: its alias as the generator wrote it, or its name."""
    call = _field_call(field)
    for keyword in call.keywords if call else ():
        if keyword.arg == "alias" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            return keyword.value.value
    return field_name(field)


def field_name(field: ast.AnnAssign) -> str:
    assert isinstance(field.target, ast.Name)  # noqa: S101  the allow-list has seen to it
    return field.target.id


def settle_name(field: ast.AnnAssign, others: Collection[str]) -> None:
    """Keep an alias only where the contracts' alias generator would not give the name on the wire."""
    wire, name = wire_name(field), field_name(field)
    while name in TAKEN_NAMES or (name != field_name(field) and name in others):
        name += "_"
    field.target = ast.Name(name)
    call = _field_call(field)
    keywords = [keyword for keyword in (call.keywords if call else ()) if keyword.arg not in NEEDLESS]
    if to_camel(name) != wire:
        keywords.insert(0, ast.keyword("alias", ast.Constant(wire)))
    kind, metadata = parts_of(field.annotation)
    metadata = [item for item in metadata if item is not call]
    if keywords:
        metadata.insert(0, ast.Call(ast.Name("Field"), [], keywords))
    field.annotation = annotated(kind, metadata)


def settle_default(field: ast.AnnAssign, classes: Collection[str], imported: Mapping[str, str], where: str) -> None:
    """Write the default in the field's own type: JSON has only texts and objects. Raises InputError if it cannot be."""
    if field.value is None or _is_empty_factory(field.value):
        return
    if isinstance(field.value, ast.Call):  # Field(default_factory=…), as older generators write it
        raise InputError(f"{where}: its default cannot be written as a constant; remove the default from the schema")
    kinds = [kind for kind in _alternatives(parts_of(field.annotation)[0]) if ast.unparse(kind) != "None"]
    if len(kinds) != 1 or (isinstance(field.value, ast.Constant) and field.value.value is None):
        return
    field.value = _typed(field.value, kinds[0], classes, imported, where)


def lazy_default(field: ast.AnnAssign, ready: Collection[str]) -> None:
    """Make the default anew for each instance where it needs a class that is not complete yet.

    `ready` are the classes that are. pydantic copies a list or dictionary for each instance, so it may stand as it is.
    """
    value = field.value
    if value is None or _makers(value) <= set(ready):
        return
    empty = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    field.value = ast.Call(ast.Name("Field"), [], [ast.keyword("default_factory", ast.Lambda(empty, value))])


def _makers(value: ast.expr) -> set[str]:
    """The classes whose instances `value` makes."""
    calls = [node.func for node in ast.walk(value) if isinstance(node, ast.Call)]
    return {
        ast.unparse(func.value)
        for func in calls
        if isinstance(func, ast.Attribute) and func.attr == "model_validate_json"
    }


def _typed(
    value: ast.expr, kind: ast.expr, classes: Collection[str], imported: Mapping[str, str], where: str
) -> ast.expr:
    kind = parts_of(kind)[0]
    if isinstance(kind, ast.BinOp):
        kinds = [item for item in _alternatives(kind) if ast.unparse(item) != "None"]
        if len(kinds) != 1 or (isinstance(value, ast.Constant) and value.value is None):
            return value
        return _typed(value, kinds[0], classes, imported, where)
    if isinstance(kind, ast.Subscript):
        return _typed_collection(value, kind, classes, imported, where)
    source = ast.unparse(kind)
    original = imported.get(source, source)
    is_class = (source in classes and original not in IMPORTED_NAMES) or isinstance(kind, ast.Attribute)
    if isinstance(value, ast.Dict) and is_class:
        text = TypeAdapter(Any).dump_json(ast.literal_eval(value)).decode()
        return ast.Call(ast.Attribute(kind, "model_validate_json"), [ast.Constant(text)], [])
    if source == "bytes" and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return ast.Constant(_from_base64(value.value, where))
    if original == "Decimal" and _is_number(value):
        return ast.Call(ast.Name(source), [ast.Constant(ast.unparse(value))], [])
    if original in FROM_TEXT and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return _from_text(source, original, value.value, where)
    return value


def _typed_collection(
    value: ast.expr, kind: ast.Subscript, classes: Collection[str], imported: Mapping[str, str], where: str
) -> ast.expr:
    origin = ast.unparse(kind.value)
    inner = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
    if origin == "dict" and isinstance(value, ast.Dict):
        keys = [key and _typed(key, inner[0], classes, imported, where) for key in value.keys]
        return ast.Dict(keys, [_typed(item, inner[1], classes, imported, where) for item in value.values])
    if origin not in ("list", "set", "tuple") or not isinstance(value, ast.List):
        return value
    if origin == "tuple" and len(inner) == len(value.elts):
        pairs = zip(value.elts, inner, strict=True)
        return ast.Tuple([_typed(item, part, classes, imported, where) for item, part in pairs])
    items = [_typed(item, inner[0], classes, imported, where) for item in value.elts]
    if origin == "set":
        return ast.Set(items) if items else ast.Call(ast.Name("set"), [], [])
    return ast.List(items) if origin == "list" else ast.Tuple(items)


def _is_empty_factory(value: ast.expr) -> bool:
    """``Field(default_factory=list)``, which was written here."""
    factories = (
        [word.value for word in value.keywords if word.arg == "default_factory"] if isinstance(value, ast.Call) else []
    )
    return bool(factories) and all(isinstance(item, ast.Name) for item in factories)


def _is_number(value: ast.expr) -> bool:
    inner = value.operand if isinstance(value, ast.UnaryOp) else value
    return (
        isinstance(inner, ast.Constant) and isinstance(inner.value, int | float) and not isinstance(inner.value, bool)
    )


def _from_text(local: str, original: str, text: str, where: str) -> ast.expr:
    try:
        value = TypeAdapter(FROM_TEXT[original]).validate_python(text)
    except ValidationError:
        raise InputError(f"{where}: its default {text[:80]!a} is no {original}; correct the default") from None
    if isinstance(value, timedelta):
        parts = {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
        keywords = [ast.keyword(name, _number(part)) for name, part in parts.items() if part]
        return ast.Call(ast.Name(local), [], keywords)
    if isinstance(value, date | time):
        owner = "datetime" if original == "AwareDatetime" else local
        return ast.Call(ast.Attribute(ast.Name(owner), "fromisoformat"), [ast.Constant(value.isoformat())], [])
    return ast.Call(ast.Name(local), [ast.Constant(str(value))], [])


def _from_base64(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, altchars="-_", validate=True)
    except ValueError:
        raise InputError(f"{where}: its default {text[:80]!a} is no base64url; correct the default") from None


def _number(value: int) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def annotated(kind: ast.expr, metadata: list[ast.expr]) -> ast.expr:
    """`kind` with `metadata`, if there is any."""
    return ast.Subscript(ast.Name("Annotated"), ast.Tuple([kind, *metadata])) if metadata else kind


def parts_of(annotation: ast.expr) -> tuple[ast.expr, list[ast.expr]]:
    """A type and what ``Annotated`` adds to it."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        assert isinstance(annotation.slice, ast.Tuple)  # noqa: S101  Annotated takes two at least
        kind, *metadata = annotation.slice.elts
        return kind, metadata
    return annotation, []


def _alternatives(kind: ast.expr) -> list[ast.expr]:
    if isinstance(kind, ast.BinOp):
        return [*_alternatives(kind.left), *_alternatives(kind.right)]
    return [kind]


def _field_call(field: ast.AnnAssign) -> ast.Call | None:
    for item in parts_of(field.annotation)[1]:
        if isinstance(item, ast.Call) and ast.unparse(item.func) == "Field":
            return item
    return None
