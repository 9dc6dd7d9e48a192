"""What each document becomes: its module, its class, its kind and its address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast, get_args

from services_codegen.documents import Document
from services_codegen.errors import InputError
from services_codegen.names import class_name, is_class_name, module_name

Kind: TypeAlias = Literal["event", "command", "call", "rest", "payload"]

BASES: dict[Kind, str] = {
    "event": "EventModel",
    "command": "CommandModel",
    "call": "CallModel",
    "rest": "PayloadModel",
    "payload": "PayloadModel",
}
ADDRESS_KEYS: dict[Kind, tuple[str, ...]] = {
    "event": ("aggregate", "event_type"),
    "command": ("service", "command_name"),
    "call": ("service", "method_name"),
    "rest": ("resource",),
    "payload": (),
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class AddressRule:
    """The kind and address of documents that do not say it themselves. Values may hold placeholders."""

    kind: Kind = "payload"
    address: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    document: Document
    module: str
    class_name: str
    kind: Kind
    address: Mapping[str, str]
    version: int = 1
    key: str | None = None
    owner: str | None = None
    unroutable_ok: bool = False
    reply: Any = None
    """The schema of a call's reply."""
    former: bool = False
    """Whether another document holds a newer version of the contract."""

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def contract(self) -> tuple[str, ...]:
        """What its versions have in common."""
        return self.class_name, self.kind, *self.address.values()

    @property
    def export(self) -> str:
        """The name in the package. A contract of several versions is the newest one; the others say their version."""
        return f"{self.class_name}V{self.version}" if self.former else self.class_name

    @property
    def generated_name(self) -> str:
        """The name that the generator gives the class, which has rules of its own for underscores."""
        return class_name(self.class_name) or self.class_name


def make_plans(documents: list[Document], rule: AddressRule, parts: set[str]) -> list[Plan]:
    """A plan for each document. `parts` are the names of documents that others refer to: the rule passes them by.

    Raises InputError for an ``x-contract`` that is wrong and for two documents that want one name or address.
    """
    plans = _with_former([_plan(document, AddressRule() if document.name in parts else rule) for document in documents])
    modules: dict[object, Plan] = {}
    classes: dict[object, Plan] = {}
    addresses: dict[object, Plan] = {}
    for plan in plans:
        _claim(modules, plan.module, plan, f"both become the module {plan.module}; rename one file")
        text = f"both become the class {plan.export}; give one another title, or rename its file"
        _claim(classes, plan.export, plan, text)
        if plan.kind != "payload":
            slot = (plan.kind, *plan.address.values(), plan.version)
            shown = " ".join(plan.address.values())
            text = f"both are the {plan.kind} {shown!r} in version {plan.version}; change one address or version"
            _claim(addresses, slot, plan, text)
    return plans


def _with_former(plans: list[Plan]) -> list[Plan]:
    """`plans`, in which those are marked of whose contract, of the same name and address, there is a newer version."""
    newest: dict[object, int] = {}
    for plan in plans:
        newest[plan.contract] = max(newest.get(plan.contract, 0), plan.version)
    return [replace(plan, former=plan.kind != "payload" and plan.version < newest[plan.contract]) for plan in plans]


def _claim(owners: dict[object, Plan], slot: object, plan: Plan, text: str) -> None:
    owner = owners.setdefault(slot, plan)
    if owner is not plan:
        raise InputError(f"{owner.name} and {plan.name}: {text}")


def _plan(document: Document, rule: AddressRule) -> Plan:
    module = module_name(document.path)
    if module is None:
        raise InputError(f"{document.name!a}: no Python name can be made of it; rename the file, in ASCII letters")
    title = document.schema.get("title")
    name = (class_name(title) if isinstance(title, str) else None) or class_name(document.stem) or class_name(module)
    assert name is not None  # noqa: S101  a module name always gives one
    declared = document.schema.get("x-contract")
    if declared is not None and isinstance(title, str) and is_class_name(title):
        name = title  # the name of the class that the document was made of
    if declared is None:
        address = {key: _filled(text, document) for key, text in rule.address.items()}
        return Plan(document, module, name, rule.kind, address)
    if not isinstance(declared, dict):
        raise InputError(f"{document.name}: x-contract must be an object")
    return Plan(document, module, name, **_declaration(document.name, declared))


def _declaration(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    """What ``x-contract`` says. Its other keys are for those who compare documents."""
    kind = declared.get("kind", None if "address" in declared else "payload")
    if kind not in get_args(Kind):
        raise InputError(f"{name}: x-contract.kind must be one of {', '.join(get_args(Kind))}")
    kind = cast("Kind", kind)
    version = declared.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InputError(f"{name}: x-contract.version must be a whole number from 1")
    key = declared.get("key")
    if key is not None and (not isinstance(key, str) or kind in ("payload", "rest")):
        raise InputError(f"{name}: x-contract.key must be the name of a field of an event, command or call")
    owner = declared.get("owner")
    if owner is not None and (not isinstance(owner, str) or not owner or kind == "payload"):
        raise InputError(f"{name}: x-contract.owner must be the name of the service whose contract it is")
    unroutable_ok = declared.get("unroutable_ok", False)
    if not isinstance(unroutable_ok, bool) or (unroutable_ok and kind != "event"):
        raise InputError(f"{name}: x-contract.unroutable_ok must be true or false, and belongs to events only")
    reply = declared.get("reply")
    if (kind == "call") != isinstance(reply, dict):
        text = "is missing: a call names the schema of its reply" if kind == "call" else "belongs to calls only"
        if kind == "call" or reply is not None:
            raise InputError(f"{name}: x-contract.reply {text}")
    return {
        "kind": kind,
        "address": _address(name, kind, declared),
        "version": version,
        "key": key,
        "owner": owner,
        "unroutable_ok": unroutable_ok,
        "reply": reply,
    }


def _address(name: str, kind: Kind, declared: dict[str, Any]) -> dict[str, str]:
    given = declared.get("address") or {}
    if not isinstance(given, dict):
        raise InputError(f"{name}: x-contract.address must be an object")
    address = {}
    for key in ADDRESS_KEYS[kind]:
        head, _, tail = key.partition("_")
        value = given.get(key, given.get(head + tail.capitalize()))
        if not isinstance(value, str) or (not value and key != "command_name"):
            raise InputError(f"{name}: x-contract.address.{key} must be a text that is not empty")
        address[key] = value
    return address


def _filled(template: str, document: Document) -> str:
    """`template` with ``{stem}``, ``{path}``, ``{title}`` and ``{field:context.type}`` put in."""

    def value(match: re.Match[str]) -> str:
        placeholder = match[1]
        if placeholder == "stem":
            return document.stem
        if placeholder == "path":
            return document.path.replace("/", ".")
        found = document.schema.get("title") if placeholder == "title" else None
        if placeholder.startswith("field:"):
            found = _fixed_value(document.schema, placeholder.removeprefix("field:").split("."))
        if not isinstance(found, str) or not found:
            raise InputError(f"{document.name}: has no single value for {{{placeholder}}} in the address {template!r}")
        return found

    return _PLACEHOLDER.sub(value, template)


def _fixed_value(schema: Any, path: list[str]) -> Any:
    """The one value that the property at `path` may have: its const, its only enum value, or its default."""
    for name in path:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        schema = properties.get(name) if isinstance(properties, dict) else None
    if not isinstance(schema, dict):
        return None
    values = schema.get("enum")
    single = values[0] if isinstance(values, list) and len(values) == 1 else schema.get("default")
    return schema.get("const", single)
