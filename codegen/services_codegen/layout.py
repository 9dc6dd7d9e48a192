"""The syntax tree, written out: 120 columns, double quotes, one blank form for every module.

Only the nodes of `allowlist` are known here, so the text of the generator never reaches a file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

WIDTH = 120
_BLOCKS = {"__future__": 0, "pydantic": 2, "services_communication": 2}  # 1 is the standard library, 3 the package


def expression(node: ast.expr, room: int = 10**6, indent: int = 0) -> str:
    """The source of `node`; where it does not fit into `room` columns, its brackets are opened at `indent`."""
    line = _line(node)
    if len(line) <= room:
        return line
    inner = WIDTH - indent
    if isinstance(node, ast.BinOp):
        left, right = expression(node.left, inner, indent), expression(node.right, inner - 2, indent)
        return f"{left}\n{' ' * indent}| {right}"
    if isinstance(node, ast.Subscript):
        return _line(node.value) + brackets(_elements(node.slice), "[]", indent)
    if isinstance(node, ast.Call):
        return _line(node.func) + brackets([*node.args, *node.keywords], "()", indent)
    if isinstance(node, ast.List):
        return brackets(node.elts, "[]", indent)
    return line


def brackets(items: Sequence[ast.expr | ast.keyword], pair: str, indent: int) -> str:
    """`items` on a line of their own, or on one each where they do not fit."""
    inner, outer = " " * (indent + 4), " " * indent
    line = ", ".join(map(_line, items))
    if len(inner) + len(line) > WIDTH:
        room = WIDTH - len(inner) - 1
        comma = "" if pair == "[]" and len(items) == 1 else ","
        line = f",\n{inner}".join(_item(item, room, indent + 4) for item in items) + comma
    return f"{pair[0]}\n{inner}{line}\n{outer}{pair[1]}"


def _item(item: ast.expr | ast.keyword, room: int, indent: int) -> str:
    if isinstance(item, ast.keyword):
        return f"{item.arg}={expression(item.value, room - len(item.arg or '') - 1, indent)}"
    return expression(item, room, indent)


def field(name: str, annotation: ast.expr, value: ast.expr | None) -> list[str]:
    """One annotated field in a class body."""
    head = f"    {name}: "
    kind = _line(annotation)
    line = head + kind
    if value is not None:
        line += f" = {_line(value)}"
    if len(line) <= WIDTH:
        return [line]
    if value is not None and not isinstance(value, ast.Constant) and len(head + kind) + 4 < WIDTH:
        return f"{head}{kind} = {expression(value, 0, 4)}".split("\n")
    tail = "" if value is None else f" = {_line(value)}"
    if isinstance(annotation, ast.BinOp):
        return f"{head}(\n        {expression(annotation, WIDTH - 8, 8)}\n    ){tail}".split("\n")
    return (head + expression(annotation, 0, 4) + tail).split("\n")


def docstring(text: str, indent: str) -> list[str]:
    """`text` as a docstring."""
    safe = text.replace("\\", "\\\\")
    if '"""' in safe or safe.endswith('"'):
        safe = safe.replace('"', '\\"')
    lines = [line.rstrip() for line in safe.strip().splitlines()]  # long ones too: the text is the document's
    if not lines:
        return []
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    body = [f"{indent}{line}" if line else "" for line in lines[1:]]
    return [f'{indent}"""{lines[0]}', *body, f'{indent}"""']


def class_header(node: ast.ClassDef) -> list[str]:
    items: list[ast.expr | ast.keyword] = [*node.bases, *node.keywords]
    line = f"class {node.name}({', '.join(map(_line, items))}):"
    if len(line) <= WIDTH:
        return [line]
    return (f"class {node.name}" + brackets(items, "()", 0) + ":").split("\n")


def import_lines(imports: Iterable[tuple[int, str, str, str]]) -> list[str]:
    """Sorted import statements for (level, module, name, local name), in the blocks that isort makes."""
    blocks: dict[int, dict[tuple[str, str], list[str]]] = {}
    for level, module, name, local in sorted(imports, key=lambda item: (item[1], _order(item[2]))):
        block = 3 if level else _BLOCKS.get(module.partition(".")[0], 1)
        renamed = f"{name} as {local}" if local != name else ""
        blocks.setdefault(block, {}).setdefault(("." * level + module, renamed), []).append(name)
    lines: list[str] = []
    for block in sorted(blocks):
        lines.append("")
        statements = sorted(blocks[block].items(), key=lambda item: (item[0][0], _order(item[1][0]), item[0][1]))
        for (module, renamed), names in statements:
            line = f"from {module} import {renamed or ', '.join(names)}"
            if len(line) > WIDTH:
                line = f"from {module} import (\n    " + ",\n    ".join(names) + ",\n)"
            lines.append(line)
    return lines


def text(value: object) -> str:
    """A constant; a text in double quotes unless that takes more backslashes."""
    source = repr(value)
    if isinstance(value, bytes) and '"' not in source and "\\'" not in source:
        return 'b"' + source[2:-1] + '"'
    if isinstance(value, str) and source.startswith("'") and value.count('"') <= value.count("'"):
        return '"' + source[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    return source


def _line(node: ast.expr | ast.keyword) -> str:  # noqa: C901, PLR0912  one case for each kind of node
    match node:
        case ast.Constant(value=value):
            return "..." if value is Ellipsis else text(value)
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_line(owner)}.{name}"
        case ast.keyword(arg=name, value=value):
            return f"{name}={_line(value)}"
        case ast.Subscript(value=origin, slice=inner):
            return f"{_line(origin)}[{', '.join(map(_line, _elements(inner)))}]"
        case ast.BinOp(left=left, right=right):
            return f"{_line(left)} | {_line(right)}"
        case ast.UnaryOp(operand=operand):
            return f"-{_line(operand)}"
        case ast.List(elts=items):
            return f"[{', '.join(map(_line, items))}]"
        case ast.Set(elts=items):
            return f"{{{', '.join(map(_line, items))}}}"
        case ast.Tuple(elts=items):
            return f"({', '.join(map(_line, items))}{',' if len(items) == 1 else ''})"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return f"{{{', '.join(f'{_line(key)}: {_line(value)}' for key, value in pairs if key)}}}"
        case ast.Call(func=func, args=arguments, keywords=keywords):
            return f"{_line(func)}({', '.join([*map(_line, arguments), *map(_line, keywords)])})"
        case ast.Lambda(body=body):
            return f"lambda: {_line(body)}"
    raise TypeError(f"{type(node).__name__} is not in the allow-list")


def _elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _order(name: str) -> tuple[int, str]:
    """Constants, classes, the rest: isort's order."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name
