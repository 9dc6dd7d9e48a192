"""Schemas are another team's input: what is harmless, what is refused, and how."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from services_codegen.documents import MAX_BYTES

EVIL = '"""; import os; os.system("touch owned") \\\r\n\\"""\u202e\u2028'
EVENT = {"kind": "event", "address": {"aggregate": "codegen-input", "event_type": "x"}}


def a_property(schema: Any) -> dict[str, Any]:
    return {"title": "Thing", "type": "object", "properties": {"a": schema}}


@pytest.mark.parametrize(
    "schema",
    [
        a_property({"type": "string"}) | {"title": EVIL, "description": EVIL},
        a_property({"type": "string", "title": EVIL, "description": EVIL}),
        a_property({"type": "object", "title": EVIL, "description": EVIL, "properties": {"b": {"type": "string"}}}),
        a_property({"type": "string", "default": EVIL, "examples": [EVIL], "$comment": EVIL}),
        a_property({"enum": [EVIL, 1, None, 1.5, True]}),
        a_property({"const": EVIL}),
        a_property({"enum": [{"a": EVIL}, [1]]}),
        a_property({"type": "string", "pattern": "^'\"\\\\$"}),
        a_property({"type": "string", "format": EVIL}),
        a_property({"type": "string", "default_factory": "__import__('os').getcwd"}),
        a_property({"type": "string", "customTypePath": "os.system"}),
        a_property(
            {"type": "string", "x-python-type": "os.PathLike", "x-python-import": {"module": "os", "name": "system"}}
        ),
        a_property({"type": "object", "customBasePath": "os.PathLike", "properties": {"b": {"type": "string"}}}),
        a_property({"type": "string"}) | {"customBasePath": "os.PathLike", "x-python-import": "os"},
        a_property({"type": "object", "patternProperties": {EVIL.split("\\", maxsplit=1)[0]: {"type": "integer"}}}),
        a_property({"$ref": "#/$defs/__class__"}) | {"$defs": {"__class__": {"enum": ["x"]}, "import": {}, "../x": {}}},
        a_property({"$ref": "#/$defs/import%20os"})
        | {"$defs": {"import os": {"type": "object", "properties": {"z": {}}}}},
        a_property({"type": "string"})
        | {"$id": "https://nowhere.invalid/thing", "$schema": "https://nowhere.invalid/s"},
        {
            "title": "Thing",
            "type": "object",
            "properties": {'a"""\n'.strip(): {}, "import os": {}, "x'y": {}, "..": {}},
        },
        {
            "title": "Thing",
            "type": "object",
            "properties": {"True": {}, "__init__": {}, "model_config": {}, "root": {}},
        },
        a_property({"allOf": [{"type": "string"}, {"type": "integer"}]}),
        a_property({"type": "array", "items": {"$ref": "#"}}),
        a_property(True) | {"required": ["a"]},
        a_property(False),
        a_property({"not": {"type": "string"}, "if": {"type": "string"}, "then": {"minLength": 3}}),
        a_property({"type": "string", "contentEncoding": "base64", "contentMediaType": "text/x-python"}),
        a_property({"type": "array", "prefixItems": [{"type": "string"}], "items": False}),
    ],
    ids=str,
)
def test_harmless(workshop: Any, check_types: Callable[..., str], schema: dict[str, Any]) -> None:
    """Hostile or odd text ends up as a constant or nowhere: the package can be imported and is typed."""
    workshop.write("thing.json", schema)
    assert workshop.generate() == 0
    for path in workshop.package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Import | ast.FunctionDef)
            if isinstance(node, ast.ImportFrom):
                assert node.module != "os"
        assert path.read_text().isprintable() or all(c == "\n" or c.isprintable() for c in path.read_text())
    assert workshop.load()
    assert check_types(workshop.package) == ""


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("{", "thing.json: is no JSON"),
        ("[]", "thing.json: must be a JSON object"),
        ("true", "thing.json: must be a JSON object"),
        ('{"default": NaN}', "NaN is not allowed"),
        ('{"a": 1, "a": 2}', "a key stands twice"),
        ('{"title": "\\ud800"}', "thing.json: is no JSON"),
        ('{"default": ' + "[" * 200 + "]" * 200 + "}", "nested deeper"),
        ('{"default": ' + "[" * 200_000, "nested deeper"),
        ('{"title": "' + "x" * MAX_BYTES + '"}', "larger than"),
        (a_property({"$ref": "http://localhost/x.json"}), "only files of the input directory"),
        (a_property({"$ref": "https://example.org/x.json#/a"}), "only files of the input directory"),
        (a_property({"$ref": "file:///etc/passwd"}), "only files of the input directory"),
        (a_property({"$ref": "/etc/passwd"}), "only files of the input directory"),
        (a_property({"$ref": "../../etc/passwd"}), "outside the input directory"),
        (a_property({"$ref": "a/../../x.json"}), "outside the input directory"),
        (a_property({"$ref": "%2e%2e/x.json"}), "outside the input directory"),
        (a_property({"$ref": "missing.json"}), "not in the directory"),
        (a_property({"$ref": "#/$defs/Missing"}), "no schema at"),
        (a_property({"$ref": "#/title"}), "no schema at"),
        (a_property({"$ref": "#anchor"}), "JSON pointer"),
        (a_property({"$ref": 1}), "must be a text"),
        (a_property({"$dynamicRef": "#x"}), "$dynamicRef is not read"),
        (a_property({"$ref": "#/properties/a"}), "circle"),
        (a_property({"allOf": [{"$ref": "#/properties/a"}]}), "circle"),
        (a_property({"type": "text"}), "#/properties/a/type"),
        (a_property({"minLength": "1"}), "#/properties/a/minLength"),
        (a_property({"allOf": {}}), "#/properties/a/allOf"),
        (a_property([]), "#/properties/a"),
        (a_property({"type": "integer", "default": "five"}), "the default of a"),
        (
            a_property({"type": "string", "format": "date-time", "default": "2024-01-02T03:04:05"}),
            "correct the default",
        ),
        (a_property({"type": "string", "pattern": "("}), "cannot be used"),
        ({"properties": {"\u0430": {}}}, "printable ASCII"),
        ({"properties": {"x\r\nimport os": {}}}, "printable ASCII"),
        ({"properties": {"": {}}}, "printable ASCII"),
        ({"properties": {"userName": {}, "user_name": {}, "user_name_1": {}, "userName1": {}}}, None),
        ({"x-contract": 1}, "x-contract must be an object"),
        ({"x-contract": {"kind": "query"}}, "x-contract.kind"),
        ({"x-contract": {"kind": "event"}}, "x-contract.address.aggregate"),
        ({"x-contract": EVENT | {"version": "1"}}, "x-contract.version"),
        ({"x-contract": EVENT | {"key": "nope"}, "type": "object", "properties": {"a": {}}}, "x-contract.key"),
        ({"x-contract": EVENT, "type": "string"}, '"type": "object"'),
        (
            {"x-contract": EVENT | {"address": {"aggregate": "a" * 300, "event_type": "x"}}, "type": "object"},
            "cannot be used",
        ),
        ({"x-contract": EVENT | {"kind": "call", "address": {"service": "a", "method_name": "b"}}}, "x-contract.reply"),
    ],
    ids=lambda value: str(value)[:80],
)
def test_refused(workshop: Any, capsys: pytest.CaptureFixture[str], schema: Any, text: str | None) -> None:
    """Wrong input: exit code 1, one line that says what and where, no package."""
    workshop.write("thing.json", schema)
    code = workshop.generate()
    said = capsys.readouterr().err
    if text is None and code == 0:
        return
    assert code == 1
    assert said.startswith("services-codegen: ")
    assert len(said.splitlines()) == 1
    assert (text or "") in said
    assert not workshop.package.exists()


@pytest.mark.parametrize(
    ("names", "schema", "text"),
    [
        (("a-b.json", "a_b.json"), {"type": "object"}, "both become the module a_b"),
        (("a.json", "b.json"), {"title": "Same", "type": "object"}, "both become the class Same"),
        (("a.json", "b.json"), {"type": "object", "x-contract": EVENT}, "in version 1"),
        (("\u0430.json",), {"type": "object"}, "in ASCII letters"),
        (("...json",), {"type": "object"}, "rename the file"),
    ],
)
def test_names_that_collide(
    workshop: Any, capsys: pytest.CaptureFixture[str], names: tuple[str, ...], schema: Any, text: str
) -> None:
    """Two documents for one module, class or address are refused by name, as is a name that Python cannot have."""
    for name in names:
        workshop.write(name, schema)
    assert workshop.generate() == 1
    assert text in capsys.readouterr().err


def test_keywords_as_file_names(workshop: Any) -> None:
    """A file may be called like a keyword, a module of Python or an imported name."""
    for name in ("class", "Field", "__init__", "typing", "1st", "None"):
        workshop.write(f"{name}.json", {"type": "object", "properties": {"x": {"type": "string", "minLength": 1}}})
    assert workshop.generate() == 0
    assert workshop.load().__all__ == ["Class", "FieldModel", "Init", "NoneModel", "Schema1st", "Typing"]


def test_links_out_of_the_directory(workshop: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link that leads out of the input directory is refused; a linked directory is not entered."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text('{"title": "Secret", "type": "object"}')
    workshop.write("thing.json", {"type": "object"})
    (workshop.schemas / "folder").symlink_to(outside)
    assert workshop.generate() == 0
    assert workshop.load().__all__ == ["Thing"]
    (workshop.schemas / "link.json").symlink_to(outside / "secret.json")
    assert workshop.generate() == 1
    assert "leads out of the input directory" in capsys.readouterr().err


def test_no_regular_file(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe is not opened, which would wait for ever."""
    os.mkfifo(workshop.schemas / "pipe.json")
    assert workshop.generate() == 1
    assert "no regular file" in capsys.readouterr().err


def test_other_documents_are_skipped(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An AsyncAPI document beside the schemas is left out, with a note."""
    workshop.write("asyncapi.json", {"asyncapi": "3.0.0"})
    workshop.write("thing.json", {"type": "object"})
    assert workshop.generate() == 0
    assert "asyncapi.json: an AsyncAPI document is not read" in capsys.readouterr().err
    assert json.dumps(workshop.load().__all__) == '["Thing"]'
