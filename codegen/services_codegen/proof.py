"""The proof that a generated package can be imported and its defaults are valid. Runs in a process of its own.

``python -m services_codegen.proof FOLDER PACKAGE`` prints what is wrong and exits with 1.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from pathlib import Path

from pydantic import BaseModel, RootModel, ValidationError

from services_codegen.errors import InputError
from services_codegen.generate import run_python


def prove(folder: Path, package: str) -> None:
    """Raise InputError when `package`, which lies in `folder`, cannot be used."""
    result = run_python(["-m", "services_codegen.proof", str(folder), package], folder)
    if result.returncode:
        lines = (result.stdout or result.stderr).splitlines()
        raise InputError(f"the generated package cannot be used: {lines[-1] if lines else 'no reason given'}")


def main() -> int:
    folder, package = sys.argv[1:]
    sys.path.insert(0, folder)
    warnings.simplefilter("error")
    try:
        mistakes = _mistakes(package)
    except Exception as error:  # noqa: BLE001  whatever it is, the package is not fit
        mistakes = [" ".join(f"{type(error).__name__}: {error}".split())]
    sys.stdout.write("".join(mistakes[:1]))
    return int(bool(mistakes))


def _mistakes(package: str) -> list[str]:
    found = []
    root = importlib.import_module(package)
    for item in pkgutil.iter_modules(root.__path__):
        module = importlib.import_module(f"{package}.{item.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__:
                value.model_rebuild(raise_errors=True)
                if not issubclass(value, RootModel):
                    found += _wrong_defaults(value)
    return found


def _wrong_defaults(model: type[BaseModel]) -> list[str]:
    try:
        model.model_validate({})
    except ValidationError as error:
        return [
            f"{model.__module__}.{model.__name__}: the default of {'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
            if item["type"] != "missing" and item["loc"]
        ]
    return []


if __name__ == "__main__":
    sys.exit(main())
