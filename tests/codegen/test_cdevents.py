"""A real vocabulary: the 39 events of CDEvents 0.3. The data are not part of the repository."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from services_codegen.__main__ import main

from services_communication.contracts import EventModel, registry

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "cdevents"
V3 = DATA / "v0.3"
EXAMPLES = sorted((V3 / "examples").glob("*.json")) if V3.is_dir() else []
PACKAGE = "generated_cdevents_v3"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the test data are not here: {DATA}")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The generated package, its contracts forgotten afterwards."""
    known = set(registry)
    folder = tmp_path_factory.mktemp("cdevents")
    start = time.monotonic()
    rule = ["--kind", "event", "--aggregate", "codegen-cdevents"]
    assert main(["generate", str(V3 / "schemas"), "-o", str(folder / PACKAGE), *rule]) == 0
    assert time.monotonic() - start < 30
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield importlib.import_module(PACKAGE)
    for contract in set(registry) - known:
        registry.discard(contract)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_contracts(package: ModuleType) -> None:
    """Every schema is an event of an address of its own, named after its file."""
    events = [getattr(package, name) for name in package.__all__]
    assert len(events) == 39
    assert all(issubclass(event, EventModel) for event in events)
    types = {event.__contract__.address.routing_key for event in events}
    assert types == {path.stem for path in (V3 / "schemas").glob("*.json")}


def test_types(package: ModuleType, check_types: Callable[..., str]) -> None:
    """mypy --strict finds nothing."""
    assert check_types(Path(str(package.__file__)).parent) == ""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(package: ModuleType, example: Path) -> None:
    """The published example of each event is read, and what is written is read as the same."""
    event = getattr(package, example.stem.replace("_", "").capitalize())
    read = event.model_validate_json(example.read_bytes())
    assert event.model_validate_json(read.model_dump_json()) == read


def test_references_against_absolute_identities(tmp_path: Path, check_types: Callable[..., str]) -> None:
    """CDEvents 0.4 refers to its link schemas through absolute $ids: they are found in the directory."""
    rule = ["--kind", "event", "--aggregate", "codegen-cdevents-4"]
    assert main(["generate", str(DATA / "v0.4" / "schemas"), "-o", str(tmp_path / "generated_v4"), *rule]) == 0
    assert check_types(tmp_path / "generated_v4") == ""
