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
    kind, metadata = _parts(field.annotation)
    metadata = [item for item in metadata if item is not call]
    if keywords:
        metadata.insert(0, ast.Call(ast.Name("Field"), [], keywords))
    field.annotation = kind
    if metadata:
        field.annotation = ast.Subscript(ast.Name("Annotated"), ast.Tuple([kind, *metadata]))


def settle_default(field: ast.AnnAssign, classes: Collection[str], imported: Mapping[str, str], where: str) -> None:
    """Write the default in the field's own type: JSON has only texts and objects. Raises InputError if it cannot be."""
    if field.value is None:
        return
    if isinstance(field.value, ast.Call):  # Field(default_factory=…), as older generators write it
        raise InputError(f"{where}: its default cannot be written as a constant; remove the default from the schema")
    kinds = [kind for kind in _alternatives(_parts(field.annotation)[0]) if ast.unparse(kind) != "None"]
    if len(kinds) != 1 or (isinstance(field.value, ast.Constant) and field.value.value is None):
        return
    field.value = _typed(field.value, kinds[0], classes, imported, where)


def lazy_default(field: ast.AnnAssign) -> None:
    """Make the default anew for each instance where it is mutable or needs a class that is not defined yet."""
    value = field.value
    if isinstance(value, ast.List | ast.Dict) and not (value.elts if isinstance(value, ast.List) else value.keys):
        factory: ast.expr = ast.Name("list" if isinstance(value, ast.List) else "dict")
    elif isinstance(value, ast.List | ast.Dict) or (value is not None and "model_validate_json" in ast.unparse(value)):
        empty = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        factory = ast.Lambda(empty, value)
    else:
        return
    field.value = ast.Call(ast.Name("Field"), [], [ast.keyword("default_factory", factory)])


def _typed(
    value: ast.expr, kind: ast.expr, classes: Collection[str], imported: Mapping[str, str], where: str
) -> ast.expr:
    kind = _parts(kind)[0]
    if isinstance(kind, ast.Subscript) and ast.unparse(kind.value) == "list" and isinstance(value, ast.List):
        return ast.List([_typed(item, kind.slice, classes, imported, where) for item in value.elts])
    source = ast.unparse(kind)
    if isinstance(value, ast.Dict) and (source in classes or isinstance(kind, ast.Attribute)):
        text = TypeAdapter(Any).dump_json(ast.literal_eval(value)).decode()
        return ast.Call(ast.Attribute(kind, "model_validate_json"), [ast.Constant(text)], [])
    original = imported.get(source)
    if source == "bytes" and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return ast.Constant(_from_base64(value.value, where))
    if original in FROM_TEXT and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return _from_text(source, original, value.value, where)
    return value


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


def _parts(annotation: ast.expr) -> tuple[ast.expr, list[ast.expr]]:
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
    for item in _parts(field.annotation)[1]:
        if isinstance(item, ast.Call) and ast.unparse(item.func) == "Field":
            return item
    return None
