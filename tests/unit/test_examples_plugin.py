"""Stored examples are replayed through the contracts of today, by functions and by the pytest plugin."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel, resources
from services_communication.testing.examples import ExampleError, find, load, replay

pytest_plugins = ["pytester"]

Write = Callable[..., Path]


class Placed(EventModel, aggregate="examples", event_type="placed", version=3):
    order_id: int
    total_price: str


@Placed.upcast(2)
def placed_2(payload: dict[str, Any]) -> dict[str, Any]:
    return {"orderId": payload["orderId"], "totalPrice": payload["price"]}


class Notify(CommandModel, service="examples"):
    phone: str


class Ask(CallModel[int], service="examples", method_name="ask"):
    number: int


class Zone(PayloadModel, resource="examples/zones", version=2):
    name: str


EVENT = {"kind": "event", "address": {"aggregate": "examples", "event_type": "placed"}, "version": 2}
GOOD = {"orderId": 1, "price": "9.90"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(examples, **changes of x-contract) makes a document and its file of examples; text is written as it is."""

    def text(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value)

    def make(examples: Any, document: Any = None, **changes: Any) -> Path:
        file = tmp_path / "made.v2.examples.json"
        file.write_text(text(examples))
        (tmp_path / "made.v2.json").write_text(text(document or {"x-contract": {**EVENT, **changes}}))
        return file

    return make


def test_an_example_becomes_an_instance_of_the_newest_contract(write: Write) -> None:
    """Up-cast from the version of its document; in a list it is named by its number, in an object by its key."""
    (example,) = load(write([GOOD]))
    assert (example.name, example.version, str(example.address)) == ("0", 2, "event 'examples' 'placed'")
    assert replay(example) == Placed(order_id=1, total_price="9.90")
    assert [example.name for example in load(write({"usual": GOOD, "cheap": GOOD}))] == ["usual", "cheap"]
    (example,) = load(write([{"orderId": 1, "totalPrice": ""}], version=3))
    assert replay(example) == Placed(order_id=1, total_price="")


@pytest.mark.parametrize(
    ("changes", "payload", "expected"),
    [
        (
            {"kind": "command", "address": {"service": "examples", "command_name": ""}, "version": 1},
            {"phone": "998"},
            Notify(phone="998"),
        ),
        (
            {"kind": "call", "address": {"service": "examples", "method_name": "ask"}, "version": 1},
            {"number": 5},
            Ask(number=5),
        ),
        ({"kind": "rest", "address": {"resource": "examples/zones"}}, {"name": "A"}, Zone(name="A")),
    ],
)
def test_every_kind_of_contract_has_examples(
    write: Write, changes: dict[str, Any], payload: Any, expected: PayloadModel
) -> None:
    """A command's arguments, a call's data, a REST body."""
    (example,) = load(write([payload], **changes))
    assert replay(example) == expected


REPLAYS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "does not fit": (
        {"version": 3},
        {"orderId": "1", "totalPrice": "1"},
        "'0' of event 'examples' 'placed' version 3 is not read as Placed (version 3): Input should be a valid integer",
    ),
    "does not fit when it is up-cast": (
        {},
        {"orderId": None, "price": ""},
        "Input should be a valid integer at orderId",
    ),
    "an up-caster fails": (
        {},
        {"orderId": 1},
        "is not read as Placed (version 3): upcast(2) of Placed raised KeyError (KeyError('price') in line",
    ),
    "no payload": ({}, 5, "Input should be an object at the body"),
    "too old": ({"version": 1}, {}, "version 1 is not read; versions 2 and 3 are; Placed.upcast(1) is missing"),
    "too new": ({"version": 4}, {}, "version 4 is not read; versions 2 and 3 are"),
    "unknown": (
        {"address": {"aggregate": "examples", "event_type": "gone"}},
        {},
        "no contract is registered for event 'examples' 'gone': import its module (its app must be in INSTALLED_APPS,",
    ),
    "REST of another version": (
        {"kind": "rest", "address": {"resource": "examples/zones"}, "version": 1},
        {"name": "A"},
        "version 1 of resource 'examples/zones' is not in the code, and REST bodies are not up-cast: keep its class",
    ),
}


@pytest.mark.parametrize(("changes", "payload", "text"), REPLAYS.values(), ids=REPLAYS)
def test_what_is_read_no_more_is_said_in_a_sentence(
    write: Write, changes: dict[str, Any], payload: Any, text: str
) -> None:
    """With the example, the contract and the path; and where an up-caster raised."""
    (example,) = load(write([payload], **changes))
    with pytest.raises(ExampleError) as caught:
        replay(example)
    assert text in str(caught.value)


FILES: dict[str, tuple[Any, Any, str]] = {
    "empty list": ([], None, "made.v2.examples.json holds no example; add one, or remove the file"),
    "empty object": ({}, None, "holds no example"),
    "no container": (
        5,
        None,
        "made.v2.examples.json must be a JSON list of payloads, or an object of names and payloads",
    ),
    "no JSON": ("{", None, "the examples, made.v2.examples.json, cannot be read: it is not JSON"),
    "empty": ("", None, "cannot be read: it is empty"),
    "a name twice": ('{"a":{},"a":{}}', None, "the key 'a' stands in it twice"),
    "NaN": ("[NaN]", None, "NaN is not JSON"),
    "deep": ("[" * 100_000, None, "cannot be read: it"),
    "broken document": ([{}], "{", "the document of the examples, made.v2.json, cannot be read: it is not JSON"),
    "a list": ([{}], "[1]", "the document of the examples, made.v2.json, is no contract's: it is no JSON object"),
    "no contract": ([{}], '{"type":"object"}', "is no contract's: it has no 'x-contract' object"),
    "no kind": ([{}], {"x-contract": {**EVENT, "kind": "x"}}, "x-contract.kind is 'x'"),
    "no address": ([{}], {"x-contract": {**EVENT, "address": {}}}, "x-contract.address lacks aggregate"),
    "no version": ([{}], {"x-contract": {**EVENT, "version": "2"}}, "x-contract.version is no whole number"),
}


@pytest.mark.parametrize(("examples", "document", "text"), FILES.values(), ids=FILES)
def test_a_wrong_file_is_said_in_a_sentence(write: Write, examples: Any, document: Any, text: str) -> None:
    """Of the examples, and of the document beside them."""
    with pytest.raises(ExampleError) as caught:
        load(write(examples, document))
    assert text in str(caught.value)


def test_examples_need_their_document(write: Write) -> None:
    """It says what they are examples of."""
    file = write([GOOD])
    file.with_name("made.v2.json").unlink()
    with pytest.raises(ExampleError, match=r"made\.v2\.json, is missing: write it with 'manage\.py makecontracts'"):
        load(file)


def test_examples_are_found_at_any_depth(tmp_path: Path) -> None:
    """And nothing else is."""
    for name in ("b.v1.examples.json", "a/events/a.v1.examples.json", "a/events/a.v1.json", "a/examples.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in find(tmp_path)]
    assert names == ["a/events/a.v1.examples.json", "b.v1.examples.json"]


# -- the plugin, in projects of its own ---------------------------------------------------------------------------

CONTRACTS = """
from services_communication.contracts import EventModel

class Placed(EventModel, aggregate="order", event_type="placed", version=2):
    order_id: int
"""
UPCAST = """
@Placed.upcast(1)
def placed_1(payload):
    return {"orderId": payload["id"]}
"""
DOCUMENT = {"x-contract": {"kind": "event", "address": {"aggregate": "order", "event_type": "placed"}, "version": 1}}
EXAMPLES = "schemas/shop/events/order.placed.v1.examples.json"


class Project:
    """A directory with contracts, a document, its examples and a test, in which pytest runs as a process."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plugin once, by its name, wherever it is known
        self._pytester = pytester
        self.write("shop_contracts.py", CONTRACTS + UPCAST)
        self.write("schemas/shop/events/order.placed.v1.json", json.dumps(DOCUMENT))
        self.write(EXAMPLES, json.dumps({"usual": {"id": 1}, "large": {"id": 10**30}}))
        self.write("tests/test_own.py", "def test_own():\n    pass\n")
        self.configure("contracts_schemas = schemas", "contracts_modules = shop_contracts")

    def write(self, name: str, text: str) -> None:
        path = self._pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def configure(self, *lines: str) -> None:
        self.write("pytest.ini", "\n".join(["[pytest]", "testpaths = tests", "pythonpath = .", *lines]))

    def run(self, *arguments: str) -> pytest.RunResult:
        plugin = "services_communication.testing.plugin"
        return self._pytester.runpytest_subprocess(
            "-p", plugin, "-p", "no:cacheprovider", "-W", "error", "--strict-config", "-v", *arguments
        )


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)


def test_pytest_without_arguments_replays_the_examples_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test for each, named as in the file. A test that is asked for brings no examples, nor does a subdirectory."""
    result = project.run()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"{EXAMPLES}::usual PASSED*", f"{EXAMPLES}::large PASSED*"])
    project.run("tests/test_own.py").assert_outcomes(passed=1)
    monkeypatch.chdir("tests")
    project.run().assert_outcomes(passed=1)


def test_a_directory_that_is_collected_anyway_is_collected_once(project: Project) -> None:
    """Where testpaths has it too, or is not set."""
    project.configure("contracts_schemas = ./schemas", "contracts_modules = shop_contracts")
    project.run("-o", "testpaths=tests schemas").assert_outcomes(passed=3)
    project.run("-o", "testpaths=").assert_outcomes(passed=3)


def test_a_file_or_one_example_may_be_asked_for(project: Project) -> None:
    """A file also where no directory is configured."""
    project.run(f"{EXAMPLES}::usual").assert_outcomes(passed=1)
    project.run("schemas").assert_outcomes(passed=2)
    project.configure("contracts_modules = shop_contracts")
    project.run(EXAMPLES).assert_outcomes(passed=2)


def test_a_project_that_does_not_use_it_is_left_alone(project: Project) -> None:
    """No example is collected, nothing of the library but the plugin is imported, and no warning is given."""
    project.configure()
    project.write(
        "tests/test_own.py",
        "import sys\n"
        "def test_own():\n"
        "    assert not {'pydantic', 'django'} & set(sys.modules)\n"
        "    ours = {name for name in sys.modules if name.startswith('services_communication')}\n"
        "    assert ours == {'services_communication', 'services_communication.testing',\n"
        "                    'services_communication.testing.plugin'}\n",
    )
    project.write("tests/mine.examples.json", "[]")
    project.run().assert_outcomes(passed=1)
    project.run(".").assert_outcomes(passed=1)


def test_an_example_that_is_read_no_more_fails_with_a_sentence(project: Project) -> None:
    """Without a traceback; the others go on."""
    project.write(EXAMPLES, json.dumps({"usual": {"id": 1}, "text": {"id": "1"}}))
    result = project.run()
    result.assert_outcomes(passed=2, failed=1)
    sentence = (
        "example 'text' of event 'order' 'placed' version 1 is not read as Placed (version 2): *integer at orderId"
    )
    result.stdout.fnmatch_lines([sentence])
    result.stdout.no_fnmatch_line("During handling of *")
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*examples.py*")


def test_without_its_upcaster_an_old_example_fails(project: Project) -> None:
    """The sentence says which one is missing."""
    project.write("shop_contracts.py", CONTRACTS)
    result = project.run()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*version 1 is not read; version 2 is; Placed.upcast(1) is missing"])


def test_broken_files_are_failing_tests(project: Project) -> None:
    """Not errors of collecting: everything else runs."""
    project.write("schemas/shop/events/alone.v1.examples.json", "[{}]")
    project.write("schemas/shop/events/cut.v1.examples.json", "[{}]")
    project.write("schemas/shop/events/cut.v1.json", "{")
    project.write("schemas/shop/events/empty.v1.examples.json", "[]")
    project.write("schemas/shop/events/empty.v1.json", json.dumps(DOCUMENT))
    gone = {**DOCUMENT["x-contract"], "address": {"aggregate": "order", "event_type": "gone"}}
    project.write("schemas/shop/events/gone.v1.examples.json", "[{}]")
    project.write("schemas/shop/events/gone.v1.json", json.dumps({"x-contract": gone}))
    result = project.run()
    result.assert_outcomes(passed=3, failed=4)
    result.stdout.fnmatch_lines_random(
        [
            "the document of the examples, alone.v1.json, is missing: *",
            "the document of the examples, cut.v1.json, cannot be read: *",
            "empty.v1.examples.json holds no example; *",
            "no contract is registered for event 'order' 'gone': *",
        ]
    )


def test_a_directory_that_is_not_there_is_said(project: Project) -> None:
    """An option that leads nowhere would test nothing for ever."""
    project.configure("contracts_schemas = elsewhere")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: contracts_schemas: there is no directory *elsewhere; change the option*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_module_that_cannot_be_imported_is_said(project: Project) -> None:
    """It is the examples' fault, not that of other tests."""
    project.configure("contracts_schemas = schemas", "contracts_modules = shop_contrakts")
    result = project.run()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["contracts_modules: shop_contrakts cannot be imported: ModuleNotFoundError: No module named 'shop_contrakts'"]
    )


def test_other_collectors_of_json_are_not_disturbed(project: Project) -> None:
    """Documents are nobody's examples; a file that two plugins collect is collected by both."""
    project.write(
        "conftest.py",
        "import pytest\n"
        "def pytest_collect_file(file_path, parent):\n"
        "    if file_path.suffix == '.json':\n"
        "        return Json.from_parent(parent, path=file_path)\n"
        "class Json(pytest.File):\n"
        "    def collect(self):\n"
        "        yield Check.from_parent(self, name='json')\n"
        "class Check(pytest.Item):\n"
        "    def runtest(self):\n"
        "        pass\n",
    )
    result = project.run("schemas")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines_random(
        [f"{EXAMPLES}::json PASSED*", f"{EXAMPLES}::usual PASSED*", "schemas/*placed.v1.json::json PASSED*"]
    )


def test_with_django_the_apps_contracts_are_known(project: Project) -> None:
    """pytest-django sets Django up, and that imports contracts.py of each app; no module need be listed."""
    project.write("shop/__init__.py", "")
    project.write("shop/contracts.py", CONTRACTS + UPCAST)
    project.write(
        "settings.py",
        "SECRET_KEY = 'x'\nUSE_TZ = True\n"
        "INSTALLED_APPS = ['django.contrib.contenttypes', 'services_communication', 'shop']\n"
        "MICROSERVICES_COMMUNICATION_SETTINGS = {'APP_ID': 'shop', 'BROKER_CONNECTION_URL': 'memory://shop'}\n",
    )
    project.configure("contracts_schemas = schemas", "DJANGO_SETTINGS_MODULE = settings")
    project.run("-p", "pytest_django.plugin").assert_outcomes(passed=3)


def test_the_library_brings_the_plugin_with_it() -> None:
    """Whoever installs it need not name the plugin."""
    found = {entry.name: entry.value for entry in entry_points(group="pytest11")}
    if "services_communication" not in found:
        pytest.skip("this environment was made before the entry point was declared; install the project again")
    assert found["services_communication"] == "services_communication.testing.plugin"


def test_resources_of_this_module_are_registered() -> None:
    """The tests of REST bodies rest on it."""
    assert Zone in set(resources)
