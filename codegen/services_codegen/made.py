"""The classes of the generator, brought together with the schemas they were made of."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from services_codegen.allowlist import CONSTRAINED
from services_codegen.clean import REPLY_PROPERTY, ROOT_MARK, clean_text, named_reply
from services_codegen.fields import annotated
from services_codegen.marks import CLASS_MARK, Marks
from services_codegen.overlay import Made
from services_codegen.plan import Plan
from services_codegen.references import References


def made_classes(
    modules: Mapping[str, ast.Module],
    roots: Mapping[int, tuple[ast.ClassDef, Plan]],
    marks: Marks,
    references: References,
) -> list[Made]:
    """The classes whose schemas are known, under the names that they had where the schemas were written."""
    made = []
    for name, node, marked in marks.found(modules).values():
        _rename(modules, name, node, marked.name or node.name)
        made.append(Made(name, node, marked.document, marked.where, marked.schema, marked.schema.get("properties", {})))
    for name, module in modules.items():
        for node, plan in [roots[id(item)] for item in module.body if id(item) in roots]:
            _rename(modules, name, node, plan.class_name)
            schema = plan.document.schema
            reply = {} if plan.reply is None else {REPLY_PROPERTY: named_reply(plan, references)}
            made.append(Made(name, node, plan.document, "#", schema, {**schema.get("properties", {}), **reply}))
    return made


def describe(node: ast.ClassDef, schema: Mapping[str, object] | None, marks: Marks) -> None:
    """Put the description of the schema in the place of the mark. `schema` is that of a root."""
    text = ast.get_docstring(node) or ""
    if not text.startswith((ROOT_MARK, CLASS_MARK)):
        return
    marked = marks.of(node)
    description = (schema or (marked.schema if marked else {})).get("description")
    lines = clean_text(description) if isinstance(description, str) else ""
    node.body[0:1] = [ast.Expr(ast.Constant(lines))] if lines else []


def expand_constraints(module: ast.Module) -> None:
    """``constr(min_length=1)``, which is a call in a type, becomes ``Annotated[str, Field(min_length=1)]``."""
    _Expander().visit(module)


class _Expander(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in CONSTRAINED:
            return annotated(ast.Name(CONSTRAINED[node.func.id]), [ast.Call(ast.Name("Field"), [], node.keywords)])
        return node


def _rename(modules: Mapping[str, ast.Module], home: str, node: ast.ClassDef, name: str) -> None:
    """Call the class `name`, if nothing is in the way: a class of that name, another module, a text of the old name."""
    old, module = node.name, modules[home]
    if name == old or any(isinstance(other, ast.ClassDef) and other.name == name for other in module.body):
        return
    for place, other in modules.items():
        for item in ast.walk(other):
            imported = isinstance(item, ast.ImportFrom) and item.module == home and old in {a.name for a in item.names}
            elsewhere = isinstance(item, ast.Attribute) and item.attr == old
            text = place == home and isinstance(item, ast.Constant) and item.value == old
            if imported or elsewhere or text:
                return
    node.name = name
    for item in ast.walk(module):
        if isinstance(item, ast.Name) and item.id == old:
            item.id = name
