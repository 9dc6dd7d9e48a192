"""The pytest plugin: each stored example of a contract is a test (see :mod:`services_communication.testing.examples`).

    [tool.pytest.ini_options]
    contracts_schemas = "schemas"            # the directory that makecontracts writes
    contracts_modules = ["shop.contracts"]   # only without Django, which imports the contracts of its apps

``pytest`` without arguments then runs the examples too; ``pytest schemas/shop/events/order.placed.v1.examples.json``
runs those of one file, with or without the option. A project that has neither is left alone: nothing is imported here
but pytest.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from services_communication.testing.examples import Example

SUFFIX = ".examples.json"  # as in examples.py, which is imported only where there are examples
SCHEMAS, MODULES = "contracts_schemas", "contracts_modules"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(SCHEMAS, "directory of contracts' documents, whose *.examples.json are replayed")
    parser.addini(MODULES, "modules that declare contracts, for projects without Django", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Without arguments, the examples are collected beside `testpaths`."""
    directory = _schemas(config)
    if directory is None or not _runs_all(config):
        return
    if not directory.is_dir():
        raise pytest.UsageError(
            f"{SCHEMAS}: there is no directory {directory}; change the option, or run 'manage.py makecontracts'"
        )
    here = config.invocation_params.dir
    if not any(directory.is_relative_to((here / argument).resolve()) for argument in config.args):
        config.args.append(str(directory))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ExamplesFile | None:
    if not file_path.name.endswith(SUFFIX):
        return None
    directory = _schemas(parent.config)
    below = directory is not None and file_path.resolve().is_relative_to(directory)
    if below or parent.session.isinitpath(file_path):
        return ExamplesFile.from_parent(parent, path=file_path)
    return None


class ExamplesFile(pytest.File):
    """A file of examples. Whatever is wrong with it is one failing test, not an error of collecting."""

    def collect(self) -> Iterator[pytest.Item]:
        from services_communication.testing.examples import ExampleError, load  # noqa: PLC0415  only where needed

        try:
            examples = load(self.path)
        except ExampleError as error:
            yield BrokenFile.from_parent(self, name="examples", sentence=str(error))
            return
        for example in examples:
            yield ExampleItem.from_parent(self, name=example.name.replace("::", ":") or "''", example=example)


class BrokenFile(pytest.Item):
    def __init__(self, *, sentence: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._sentence = sentence

    def runtest(self) -> None:
        pytest.fail(self._sentence, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.path.name


class ExampleItem(pytest.Item):
    def __init__(self, *, example: Example, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._example = example

    def runtest(self) -> None:
        from services_communication.testing.examples import ExampleError, replay  # noqa: PLC0415  only where needed

        sentence = _import_contracts(self.config)
        if not sentence:
            try:
                replay(self._example)
            except ExampleError as error:
                sentence = str(error)
        if sentence:
            pytest.fail(sentence, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.path.name}: {self.name}"


def _schemas(config: pytest.Config) -> Path | None:
    """The directory of the option, which is relative to the file that sets it."""
    value = config.getini(SCHEMAS)
    base = config.rootpath if config.inipath is None else config.inipath.parent
    return Path(base, value).resolve() if value else None


def _runs_all(config: pytest.Config) -> bool:
    """Whether neither a file nor a directory was asked for, and pytest was not started in a subdirectory."""
    source = config.args_source
    if source is pytest.Config.ArgsSource.INVOCATION_DIR:
        return config.invocation_params.dir == config.rootpath
    return source is pytest.Config.ArgsSource.TESTPATHS


def _import_contracts(config: pytest.Config) -> str:
    """Import the modules of the option; what went wrong, or ``""``."""
    for name in config.getini(MODULES):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  a module may raise anything, and it is one sentence here
            return f"{MODULES}: {name} cannot be imported: {type(error).__name__}: {error}"
    return ""
