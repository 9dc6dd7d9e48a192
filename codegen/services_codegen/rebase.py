"""Generated classes to contracts: kind and address of the root classes, names and defaults of the fields."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping

from services_codegen.clean import REPLY_PROPERTY, ROOT_MARK, clean_text
from services_codegen.errors import InputError
from services_codegen.fields import field_name, lazy_default, settle_default, settle_name, wire_name
from services_codegen.plan import BASES, Plan

CONTRACTS = "services_communication.contracts"


def rebase(modules: Mapping[str, ast.Module], plans: list[Plan]) -> dict[str, Plan]:
    """Change `modules` in place. Returns class name → plan for the root classes that there are.

    Raises InputError for a contract whose schema is no object, a key that is no field, a name taken twice.
    """
    _drop_unused_roots(modules)
    by_module = {plan.module: plan for plan in plans}
    found: dict[str, Plan] = {}
    marked: set[str] = set()
    for name, module in modules.items():
        imported = {alias.asname or alias.name: alias.name for node in _imports(module) for alias in node.names}
        classes = _classes(module)
        names = {node.name for node in classes} | set(imported)
        for node in classes:
            plan = _owner(node, by_module)
            if plan and plan.class_name != node.name:  # a copy, which the generator makes of a $ref with more beside it
                marked.add(plan.class_name)
                plan = None
            where = f"{plan.name if plan else by_module[name].name if name in by_module else name}: {node.name}"
            wires = _settle_fields(node, names, imported, where)
            if plan:
                _root(module, node, plan, wires)
                found[plan.class_name] = plan
    for plan in plans:
        if plan.class_name in marked - set(found):
            text = f"a part of the schema is called {plan.class_name} as its root is; give the root another title"
            raise InputError(f"{plan.name}: {text}")
        if plan.kind != "payload" and plan.class_name not in found:
            raise InputError(f'{plan.name}: the schema of a contract must have "type": "object" and properties')
    return found


def _root(module: ast.Module, node: ast.ClassDef, plan: Plan, wires: Mapping[str, str]) -> None:
    description = plan.document.schema.get("description")
    text = clean_text(description) if isinstance(description, str) else ""
    node.body[0:1] = [ast.Expr(ast.Constant(text))] if text else []
    kind = BASES[plan.kind]
    taken = {other.name for other in module.body if isinstance(other, ast.ClassDef)}
    local = f"{kind}_" if kind in taken and plan.kind != "payload" else kind
    base: ast.expr = ast.Name(local)
    if plan.kind == "call":
        reply = next(field for field in _fields(node) if wires[field_name(field)] == REPLY_PROPERTY)
        node.body.remove(reply)
        base = ast.Subscript(base, reply.annotation)
        if not any(isinstance(other, ast.ClassDef) and _uses(other.bases, node.name) for other in module.body):
            module.body.remove(node)  # the reply's class stands before it
            module.body.insert(_after_classes(module), node)
    if plan.kind != "payload":
        inherited = [item for item in node.bases if ast.unparse(item) != "PayloadModel"]
        node.bases = [*inherited, base]
        module.body.insert(0, ast.ImportFrom(CONTRACTS, [ast.alias(kind, local)], 0))
    settings: dict[str, str | int] = dict(plan.address)
    if plan.version != 1:
        settings["version"] = plan.version
    if plan.key is not None:
        settings["key"] = _key(node, plan, wires)
    node.keywords = [ast.keyword(name, ast.Constant(value)) for name, value in settings.items()]


def _key(node: ast.ClassDef, plan: Plan, wires: Mapping[str, str]) -> str:
    names = [name for name, wire in wires.items() if plan.key in (name, wire)]
    if not names and any(ast.unparse(base) not in BASES.values() for base in node.bases):
        return plan.key or ""  # a field of a base class; the import of the package proves it
    if not names:
        raise InputError(f"{plan.name}: x-contract.key {plan.key!a} is no property of the schema")
    return names[0]


def _settle_fields(node: ast.ClassDef, names: set[str], imported: dict[str, str], where: str) -> dict[str, str]:
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
        lazy_default(field)
        wire = wire_name(field)
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
