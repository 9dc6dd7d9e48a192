"""Independent validation: the `jsonschema` package, with formats asserted and no way to fetch anything."""

from __future__ import annotations

from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from referencing import Registry

DRAFTS = {
    4: jsonschema.Draft4Validator,
    7: jsonschema.Draft7Validator,
    2020: jsonschema.Draft202012Validator,
}


def validator(schema: Any, draft: int = 2020, *, formats: bool = True) -> Validator:
    kind = DRAFTS[draft]
    checker = kind.FORMAT_CHECKER if formats else None
    made: Validator = kind(schema, format_checker=checker, registry=Registry())
    return made


def accepts(schema: Any, value: Any, draft: int = 2020, *, formats: bool = True) -> bool:
    return bool(validator(schema, draft, formats=formats).is_valid(value))
