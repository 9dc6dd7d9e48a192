"""Generated classes to contracts: kind and address of the root classes, names and defaults of the fields."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from services_codegen.clean import REPLY_PROPERTY, ROOT_MARK
from services_codegen.errors import InputError
from services_codegen.fields import field_name, lazy_default, settle_default, settle_name, wire_name
from services_codegen.made import describe, expand_constraints, made_classes
from services_codegen.marks import Marks
from services_codegen.overlay import drop_marks, overlay
from services_codegen.plan import BASES, Plan
from services_codegen.references import References

CONTRACTS = "services_communication.contracts"


def rebase(
    modules: Mapping[str, ast.Module], plans: list[Plan], marks: Marks, references: References
) -> tuple[dict[str, Plan], list[str]]:
    """Change `modules` in place. Returns exported name → plan for the root classes that there are, and what is lost.

    Raises InputError for a contract whose schema is no object, a key that is no field, a name taken twice.
    """
    _drop_unused_roots(modules)
    for module in modules.values():
        expand_constraints(module)
    by_module = {plan.module: plan for plan in plans}
    roots = _roots(modules, by_module)
    copied = {plan.module for _, plan in roots.values()}
    copied = {plan.module for node, plan in _owned(modules, by_module) if id(node) not in roots} - copied
    made = made_classes(modules, roots, marks, references)
    imports = {name: _local_names(module) for name, module in modules.items()}
    notes = overlay(made, references, imports)
    _drop_unused_roots(modules)  # fields that are annotated anew have no use for them
    found: dict[str, Plan] = {}
    for name, module in modules.items():
        imported = {alias.asname or alias.name: alias.name for node in _imports(module) for alias in node.names}
        names = {node.name for node in _classes(module)} | set(imported)
        ready = {alias.asname or alias.name for node in _imports(module) if node.level for alias in node.names}
        local = {node.name for node in _classes(module)}
        for node in _classes(module):
            plan = roots[id(node)][1] if id(node) in roots else None
            where = f"{plan.name if plan else by_module[name].name if name in by_module else name}: {node.name}"
            describe(node, plan.document.schema if plan else None, marks)
            wires = _settle_fields(node, names, imported, ready, where)
            if plan:
                _root(module, node, plan, wires)
                found[plan.export if node.name == plan.class_name else node.name] = replace(plan, class_name=node.name)
            used = {item for field in _fields(node) for item in _names(field.annotation)} & local
            ready |= {node.name} if used <= ready | {node.name} else set()
    rooted = {plan.module for plan in found.values()}
    for plan in plans:
        if plan.module in copied:
            text = f"a part of the schema is called {plan.class_name} as its root is; give the root another title"
            raise InputError(f"{plan.name}: {text}")
        if plan.kind != "payload" and plan.module not in rooted:
            raise InputError(f'{plan.name}: the schema of a contract must have "type": "object" and properties')
    return found, notes


def _owned(modules: Mapping[str, ast.Module], by_module: Mapping[str, Plan]) -> Iterator[tuple[ast.ClassDef, Plan]]:
    """The classes that were made of a document's root: its own, and copies of it."""
    for module in modules.values():
        for node in _classes(module):
            plan = _owner(node, by_module)
            if plan:
                yield node, plan


def _roots(modules: Mapping[str, ast.Module], by_module: Mapping[str, Plan]) -> dict[int, tuple[ast.ClassDef, Plan]]:
    """``id`` of a root class → class and plan. The generator makes a copy of a $ref with more beside it: no root."""
    return {id(node): (node, plan) for node, plan in _owned(modules, by_module) if node.name == plan.generated_name}


def _local_names(module: ast.Module) -> dict[str, str]:
    """What the module imports from outside the package → its name there."""
    return {
        alias.name: alias.asname or alias.name for node in _imports(module) if not node.level for alias in node.names
    }


def _root(module: ast.Module, node: ast.ClassDef, plan: Plan, wires: Mapping[str, str]) -> None:
    kind = BASES[plan.kind]
    taken = {other.name for other in module.body if isinstance(other, ast.ClassDef)}
    local = f"{kind}_" if kind in taken and kind != "PayloadModel" else kind
    base: ast.expr = ast.Name(local)
    if plan.kind == "call":
        reply = next(field for field in _fields(node) if wires[field_name(field)] == REPLY_PROPERTY)
        node.body.remove(reply)
        base = ast.Subscript(base, reply.annotation)
        if not any(isinstance(other, ast.ClassDef) and _uses(other.bases, node.name) for other in module.body):
            module.body.remove(node)  # the reply's class stands before it
            module.body.insert(_after_classes(module), node)
    if kind != "PayloadModel":
        inherited = [item for item in node.bases if ast.unparse(item) != "PayloadModel"]
        node.bases = [*inherited, base]
        module.body.insert(0, ast.ImportFrom(CONTRACTS, [ast.alias(kind, local)], 0))
    settings: dict[str, str | int | bool] = dict(plan.address)
    if plan.version != 1:
        settings["version"] = plan.version
    if plan.key is not None:
        settings["key"] = _key(node, plan, wires)
    if plan.owner is not None:
        settings["owner"] = plan.owner
    if plan.unroutable_ok:
        settings["unroutable_ok"] = True
    node.keywords = [ast.keyword(name, ast.Constant(value)) for name, value in settings.items()]


def _key(node: ast.ClassDef, plan: Plan, wires: Mapping[str, str]) -> str:
    names = [name for name, wire in wires.items() if plan.key in (name, wire)]
    if not names and any(ast.unparse(base) not in BASES.values() for base in node.bases):
        return plan.key or ""  # a field of a base class; the import of the package proves it
    if not names:
        raise InputError(f"{plan.name}: x-contract.key {plan.key!a} is no property of the schema")
    return names[0]


def _settle_fields(
    node: ast.ClassDef, names: set[str], imported: dict[str, str], ready: set[str], where: str
) -> dict[str, str]:
    """Put the fields right. Returns field name → name on the wire."""
    if _is_root_model(node):
        for field in _fields(node):
            settle_default(field, names, imported, where)
        config = ast.Call(
            ast.Name("ConfigDict"), [], [ast.keyword(key, ast.Constant(True)) for key in ("frozen", "strict")]
        )
        node.body.insert(0, ast.Assign([ast.Name("model_config")], config))
        return {}
    fields = _fields(node)
    wires = {}
    others = {field_name(field) for field in fields}
    for field in fields:
        place = f"{where}.{field_name(field)}"
        settle_default(field, names, imported, place)
        lazy_default(field, ready)
        wire = wire_name(field)
        drop_marks(field)
        settle_name(field, others)
        wires[field_name(field)] = wire
    return wires


def _drop_unused_roots(modules: Mapping[str, ast.Module]) -> None:
    """Root models are written into the fields that use them; what remains of most is a class that nobody uses."""
    while True:
        uses = Counter[str]()
        roots: list[tuple[ast.Module, ast.ClassDef]] = []
        for module in modules.values():
            for node in module.body:
                if isinstance(node, ast.ClassDef):
                    uses.update(_names(node) - {node.name})
                    if _is_root_model(node):
                        roots.append((module, node))
        unused = [(module, node) for module, node in roots if not uses[node.name]]
        for module, node in unused:
            module.body.remove(node)
        gone = {node.name for _, node in unused} - {
            node.name for module in modules.values() for node in _classes(module)
        }
        for module in modules.values():
            module.body = [item for item in module.body if not (isinstance(item, ast.Expr) and _names(item) & gone)]
            for node in _imports(module):
                node.names = [alias for alias in node.names if not node.level or alias.name not in gone]
        if not unused:
            return


def _owner(node: ast.ClassDef, by_module: Mapping[str, Plan]) -> Plan | None:
    text = ast.get_docstring(node) or ""
    return by_module.get(text.removeprefix(ROOT_MARK)) if text.startswith(ROOT_MARK) else None


def _fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    return [item for item in node.body if isinstance(item, ast.AnnAssign)]


def _classes(module: ast.Module) -> list[ast.ClassDef]:
    return [node for node in module.body if isinstance(node, ast.ClassDef)]


def _imports(module: ast.Module) -> list[ast.ImportFrom]:
    return [node for node in module.body if isinstance(node, ast.ImportFrom)]


def _is_root_model(node: ast.ClassDef) -> bool:
    return any("RootModel" in _names(base) for base in node.bases)


def _names(node: ast.AST) -> set[str]:
    """Every name that `node` speaks of, also as an attribute or as a forward reference."""
    found = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            found.add(item.id)
        elif isinstance(item, ast.Attribute):
            found.add(item.attr)
        elif isinstance(item, ast.Constant) and isinstance(item.value, str):
            found.add(item.value)
    return found


def _uses(nodes: list[ast.expr], name: str) -> bool:
    return any(name in _names(node) for node in nodes)


def _after_classes(module: ast.Module) -> int:
    return max((index for index, node in enumerate(module.body) if isinstance(node, ast.ClassDef)), default=-1) + 1
