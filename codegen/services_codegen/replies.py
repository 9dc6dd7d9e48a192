"""A call's reply, moved among the definitions of its document, so that a class which both use is one class.

The reply of a document that the library wrote is a document of its own: it has a ``title``, and ``$defs`` to which its
references lead. A reply without ``$defs`` refers to the definitions of the call's document.

A definition that the call has too is the same class, if it is the same in all that it refers to. Another one of that
name gets the first free number, as the library itself counts two classes of one name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from services_codegen.errors import InputError
from services_codegen.names import unused
from services_communication.contracts.normal import rewritten

PREFIX = "#/$defs/"
_ROOT = ""
"""The reply's own key among its definitions, which have names."""


def moved_reply(schema: dict[str, Any], where: str) -> dict[str, Any]:
    """`schema`, in which ``x-contract.reply`` holds no definitions and no class: they are among those of `schema`.

    Raises InputError, which names the file `where`, for a reference in a reply with definitions that leads elsewhere.
    """
    declared = schema.get("x-contract")
    reply = declared.get("reply") if isinstance(declared, dict) else None
    if not isinstance(declared, dict) or not isinstance(reply, dict) or set(reply) <= {"title", "$ref"}:
        return schema
    known, own = schema.get("$defs", {}), reply.get("$defs")
    if not isinstance(known, dict) or not isinstance(own, dict | None):
        return schema  # the cleaner says what is wrong with them
    if own is not None:
        _check_references(reply, own, where)
    title = reply.get("title")
    root = {key: value for key, value in reply.items() if key not in ("$defs", "title")}
    wanted = {name: name for name in own or {}}
    incoming = dict(own or {})
    if isinstance(title, str) and title:
        name = re.sub(r"\W+", "_", title).strip("_")  # Page[Quote] is a class too
        recursive = name if incoming.get(name) == root else _ROOT
        wanted = {recursive: name, **wanted}
        incoming[recursive] = root
    names = _names(incoming, wanted, schema, self_contained=own is not None)
    renamed = {name: _followed(part, names) if own else part for name, part in incoming.items()}
    if isinstance(title, str) and title:
        root = {"$ref": PREFIX + names[recursive]}
    elif own:
        root = _followed(root, names)
    definitions = {names[name]: part for name, part in renamed.items()} | known
    extension = {**declared, "reply": root}
    return {**schema, **({"$defs": definitions} if definitions else {}), "x-contract": extension}


def _names(
    incoming: Mapping[str, Any], wanted: Mapping[str, str], schema: Mapping[str, Any], *, self_contained: bool
) -> dict[str, str]:
    """The name that each of `incoming` gets in the call's document `schema`."""
    known = schema.get("$defs", {})
    same = {key for key in incoming if incoming[key] == known.get(wanted[key])}
    while self_contained:  # equal texts are not the same class where they refer to classes that differ
        fallen = {key for key in same if not _targets(incoming[key]) <= same}
        if not fallen:
            break
        same -= fallen
    names: dict[str, str] = {}
    taken = {*known, str(schema.get("title"))}
    for key, name in wanted.items():  # the reply's class is the first to choose
        names[key] = name if key in same else unused(name, taken)
        taken.add(names[key])
    return names


def _check_references(reply: Mapping[str, Any], own: Mapping[str, Any], where: str) -> None:
    for reference in _references(reply):
        if reference.startswith("#") and _name(reference) not in own:
            raise InputError(
                f"{where}: #/x-contract/reply: $ref leads to {reference[:80]!a}; a reply with $defs of its own refers "
                f"to #/$defs/… of these, or to another file"
            )


def _targets(schema: Any) -> set[str | None]:
    """The definitions that `schema` refers to."""
    return {_name(reference) for reference in _references(schema) if reference.startswith("#")}


def _references(schema: Any) -> list[str]:
    found: list[str] = []

    def note(part: dict[str, Any]) -> dict[str, Any]:
        if isinstance(part.get("$ref"), str):
            found.append(part["$ref"])
        return part

    rewritten(schema, note)
    return found


def _name(reference: str) -> str | None:
    """The definition that ``#/$defs/Quote`` or ``#/$defs/Quote/items`` leads into."""
    if not reference.startswith(PREFIX):
        return None
    return unquote(reference.removeprefix(PREFIX).partition("/")[0]).replace("~1", "/").replace("~0", "~")


def _followed(schema: Any, names: Mapping[str, str]) -> Any:
    """`schema` with its references, and the mappings of its discriminators, led to the new `names`."""

    def moved(reference: object) -> object:
        name = _name(reference) if isinstance(reference, str) else None
        if name is None or names.get(name, name) == name:
            return reference
        _, slash, rest = str(reference).removeprefix(PREFIX).partition("/")
        return f"{PREFIX}{names[name]}{slash}{rest}"

    def follow(part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in part:
            part["$ref"] = moved(part["$ref"])
        discriminator = part.get("discriminator")
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if isinstance(mapping, dict):
            led = {tag: moved(item) for tag, item in mapping.items()}
            part["discriminator"] = {**part["discriminator"], "mapping": led}
        return part

    return rewritten(schema, follow)
