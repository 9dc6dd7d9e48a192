"""What generated code may consist of. Checked on what the generator hands over, and again on what is written.

Imports from a list, classes, annotated fields, constants, docstrings, and calls to the few functions below. Types and
values are told apart: a text in a type would be evaluated by pydantic, so there it must be the name of a class.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Container
from typing import NoReturn

from services_codegen.errors import InputError

# The generator's way to constrain one member of a union; written out with Annotated.
CONSTRAINED = {"conbytes": "bytes", "confloat": "float", "conint": "int", "constr": "str"}
IMPORTS: dict[str, frozenset[str]] = {
    "__future__": frozenset({"annotations"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta"}),
    "decimal": frozenset({"Decimal"}),
    "ipaddress": frozenset({"IPv4Address", "IPv6Address"}),
    "typing": frozenset({"Annotated", "Any", "Literal", "Union"}),
    "uuid": frozenset({"UUID"}),
    "pydantic": frozenset({"AwareDatetime", "ConfigDict", "Field", "RootModel", "StringConstraints", *CONSTRAINED}),
    "services_communication.contracts": frozenset({"CallModel", "CommandModel", "EventModel", "PayloadModel"}),
}
BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple"})
CLASS_KEYWORDS = frozenset(
    {
        *("aggregate", "event_type", "service", "command_name", "method_name", "resource"),
        *("version", "key", "owner", "unroutable_ok"),
    }
)
# Calls that take constants only.
CALLS = frozenset(
    {"ConfigDict", "Decimal", "Field", "IPv4Address", "IPv6Address", "StringConstraints", "UUID", "timedelta"}
)
METHODS = frozenset({"fromisoformat", "model_validate_json"})


def check(name: str, source: str, modules: Container[str]) -> ast.Module:
    """The syntax tree of the module `name`. Raises InputError for anything that is not on the list."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InputError(f"the schemas gave code that is no Python, in module {name}: {error}") from None
    _Module(name, tree, modules).check()
    return tree


class _Module:
    def __init__(self, name: str, tree: ast.Module, modules: Container[str]) -> None:
        self._name = name
        self._tree = tree
        self._modules = modules
        self._types = set(BUILTINS)
        self._imported: dict[str, str] = {}
        self._siblings: set[str] = set()

    def check(self) -> None:
        for statement in self._tree.body:
            if isinstance(statement, ast.ImportFrom):
                self._import(statement)
            elif isinstance(statement, ast.ClassDef):
                self._identifier(statement.name, statement)
                self._types.add(statement.name)
        for statement in self._tree.body:
            if isinstance(statement, ast.ClassDef):
                self._class(statement)
            elif not isinstance(statement, ast.ImportFrom) and not self._trailer(statement):
                self._refuse(statement)

    def _import(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            local = alias.asname or alias.name
            self._identifier(local, node)
            if node.level == 0 and node.module and alias.name in IMPORTS.get(node.module, ()):
                self._imported[local] = alias.name
            elif node.level == 1 and node.module is None and alias.name in self._modules:
                self._siblings.add(local)
                continue
            elif node.level != 1 or node.module not in self._modules:
                self._refuse(node)
            self._types.add(local)

    def _trailer(self, node: ast.stmt) -> bool:
        """A docstring, ``__all__ = […]`` or ``Tree.model_rebuild()``."""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(node.targets) == 1:
            return node.targets[0].id == "__all__" and isinstance(node.value, ast.List) and _is_constant(node.value)
        if not isinstance(node, ast.Expr):
            return False
        value = node.value
        if isinstance(value, ast.Call) and not value.args and not value.keywords:
            func = value.func
            return isinstance(func, ast.Attribute) and func.attr == "model_rebuild" and self._is_class(func.value)
        return _is_text(value)

    def _class(self, node: ast.ClassDef) -> None:
        if node.decorator_list or getattr(node, "type_params", None):
            self._refuse(node)
        for base in node.bases:
            self._type(base)
        for keyword in node.keywords:
            if keyword.arg not in CLASS_KEYWORDS or not isinstance(keyword.value, ast.Constant):
                self._refuse(keyword.value)
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                self._identifier(statement.target.id, statement)
                self._type(statement.annotation)
                if statement.value is not None:
                    self._value(statement.value)
            elif isinstance(statement, ast.Assign) and _is_config(statement.targets):
                self._value(statement.value)
            elif not isinstance(statement, ast.Pass) and not (
                isinstance(statement, ast.Expr) and _is_text(statement.value)
            ):
                self._refuse(statement)

    def _type(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) and (node.value is None or node.value in self._types):
            return
        if isinstance(node, ast.Name | ast.Attribute) and self._is_class(node):
            return
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self._type(node.left)
            self._type(node.right)
        elif isinstance(node, ast.Subscript) and self._is_class(node.value):
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            origin = self._imported.get(node.value.id) if isinstance(node.value, ast.Name) else None
            for index, item in enumerate(items):
                if origin == "Literal":
                    self._constant(item)
                elif origin == "Annotated" and index:
                    self._value(item)
                elif not (isinstance(item, ast.Constant) and item.value is Ellipsis):
                    self._type(item)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CONSTRAINED:
            self._call(node)
        else:
            self._refuse(node)

    def _value(self, node: ast.expr) -> None:
        if isinstance(node, ast.List | ast.Set | ast.Tuple):
            for item in node.elts:
                self._value(item)
        elif isinstance(node, ast.Dict):
            for part in (*node.keys, *node.values):
                if part is None:
                    self._refuse(node)
                self._value(part)
        elif isinstance(node, ast.Call):
            self._call(node)
        else:
            self._constant(node)

    def _call(self, node: ast.Call) -> None:
        func = node.func
        known = isinstance(func, ast.Name) and self._imported.get(func.id) in CALLS | set(CONSTRAINED)
        if ast.unparse(node) == "set()" and "set" not in self._imported:
            return
        if isinstance(func, ast.Attribute):
            known = func.attr in METHODS and self._is_class(func.value)
        if not known:
            self._refuse(node)
        for argument in node.args:
            self._constant(argument)
        for keyword in node.keywords:
            self._keyword(keyword, node)

    def _keyword(self, keyword: ast.keyword, node: ast.Call) -> None:
        if keyword.arg is None:
            self._refuse(node)
        elif keyword.arg == "default_factory" and isinstance(keyword.value, ast.Lambda):
            if ast.unparse(keyword.value.args):
                self._refuse(node)
            self._value(keyword.value.body)
        elif keyword.arg == "default_factory":
            if ast.unparse(keyword.value) not in ("list", "dict", "set"):
                self._refuse(node)
        elif isinstance(keyword.value, ast.Call):  # a bound: Decimal("0.05")
            self._call(keyword.value)
        else:
            self._constant(keyword.value)

    def _constant(self, node: ast.expr) -> None:
        if not _is_constant(node):
            self._refuse(node)

    def _is_class(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self._types
        return (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in self._siblings
            and not node.attr.startswith("_")
        )

    def _identifier(self, name: str, node: ast.AST) -> None:
        if not name.isascii() or name.startswith("__") or (name[0].isupper() and hasattr(builtins, name)):
            self._refuse(node)

    def _refuse(self, node: ast.AST) -> NoReturn:
        line = getattr(node, "lineno", 0)
        shown = ascii(ast.unparse(node))[:200]
        raise InputError(f"the schemas gave code that is not allowed, in module {self._name}, line {line}: {shown}")


def _is_config(targets: list[ast.expr]) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "model_config"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_constant(node: ast.expr) -> bool:
    """A constant, perhaps in lists and dictionaries."""
    if isinstance(node, ast.List | ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_constant(key) for key in node.keys) and all(map(_is_constant, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant)
