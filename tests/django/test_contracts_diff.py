"""contracts diff: what changed since a git revision, or between two files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import create_model

from services_communication.consumer import MessageRouter
from services_communication.contracts import EventModel
from services_communication.contracts.files.owned import owned_document
from services_communication.contracts.schema import canonical, document
from services_communication.management.contracts.git import GitError, Revision
from services_communication.management.service import this_service
from tests.support.contracts import ROUTER, nothing_declared, router
from tests.support.contracts_diff import FILE, commit, diff, event, findings, former, git, refused


@pytest.fixture(autouse=True)
def shop(configure: Any) -> Iterator[MessageRouter]:
    """The service of these tests: its router is empty, and nothing is declared yet."""
    with nothing_declared(), router() as made:
        configure(APP_ID="shop", MESSAGE_CONSUMER=f"{ROUTER}.router")
        yield made


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """The directory of schemas in a new repository that has one commit."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "begin")
    return tmp_path / "schemas"


def test_nothing_has_changed(schemas: Path) -> None:
    commit(schemas, {FILE: former(n=int)})
    event(n=int)
    code, out = diff("--output", schemas)
    assert code == 0
    assert out == "No contract differs between HEAD and the code.\n"


def test_a_break_since_a_revision(schemas: Path) -> None:
    """Exit code 1; the text tells rule, field and a payload that breaks."""
    commit(schemas, {FILE: former(n=int)})
    event(n=int, email=str)
    code, out = diff("--output", schemas)
    assert code == 1
    assert "email" in out
    assert 'for example: {"n": ' in out
    assert out.splitlines()[-1] == "Between HEAD and the code: 1 error"


def test_a_compatible_change(schemas: Path) -> None:
    commit(schemas, {FILE: former(n=int)})
    event(n=int, note=(str, ""))
    code, found = findings("--output", schemas)
    assert code == 0
    assert {level for level, _, _ in found} == {"info"}
    assert {file for _, _, file in found} == {FILE}


def test_the_mode_says_which_directions_must_hold(schemas: Path) -> None:
    """A new required field breaks readers of old messages only."""
    commit(schemas, {FILE: former(n=int)})
    event(n=int, email=str)
    assert findings("--output", schemas, "--mode", "BACKWARD")[0] == 1
    assert findings("--output", schemas, "--mode", "forward")[0] == 0


def test_the_working_tree_does_not_matter(schemas: Path) -> None:
    """The revision is compared with the code, whatever lies in the directory."""
    commit(schemas, {FILE: former(n=int)})
    (schemas / FILE).write_text("{")
    event(n=int)
    assert diff("--output", schemas)[0] == 0


def test_any_revision_can_be_named(schemas: Path) -> None:
    """A tag, a branch, a commit, one before it."""
    commit(schemas, {FILE: former(n=int)})
    git(schemas.parent, "tag", "v1")
    first = git(schemas.parent, "rev-parse", "HEAD")
    commit(schemas, {FILE: former(n=int, email=str)})
    event(n=int, email=str)
    assert diff("HEAD", "--output", schemas)[0] == 0
    for name in ("v1", first, first[:10], "HEAD~1"):
        assert diff(name, "--output", schemas)[0] == 1


def test_new_contracts_break_nobody(schemas: Path) -> None:
    event(n=int)
    assert findings("--output", schemas) == (0, [("info", "document-new", FILE)])


def test_a_contract_that_is_gone_is_a_break(schemas: Path) -> None:
    commit(schemas, {FILE: former(n=int)})
    assert findings("--output", schemas) == (1, [("error", "contract-missing", FILE)])
    assert f"makecontracts --retire {FILE}\n" in diff("--output", schemas)[1]


def test_a_version_that_is_raised(schemas: Path) -> None:
    """With an up-caster the old messages are read; without one they are lost."""
    commit(schemas, {FILE: former(n=int)})
    newer = event(version=2, m=int)
    new = ("info", "document-new", "shop/events/order.placed.v2.json")
    assert findings("--output", schemas) == (1, [("error", "contract-missing", FILE), new])

    @newer.upcast(1)
    def from_1(payload: dict[str, Any]) -> dict[str, Any]:
        return {"m": payload["n"]}

    assert findings("--output", schemas) == (0, [("info", "document-replaced", FILE), new])


def test_forms_that_a_version_had_before_are_judged_too(schemas: Path) -> None:
    """Unless the mode looks at the last one only."""
    now = former(n=int, email=(str, ""))
    with_revision = {**now, "x-contract": {**now["x-contract"], "revisions": [{"reader": plain(former(n=int))}]}}
    commit(schemas, {FILE: with_revision})
    event(n=int, email=str)
    assert findings("--output", schemas)[0] == 1
    assert findings("--output", schemas, "--mode", "FULL")[0] == 0


def plain(made: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in made.items() if key not in ("x-contract", "$schema")}


def test_documents_of_other_services_are_not_missed(schemas: Path) -> None:
    """Nor needs, locks, examples and what is no document at all."""
    commit(
        schemas,
        {
            FILE: former(n=int),
            "billing/events/bill.made.v1.json": former(event_type="x", n=int),
            "shop/needs/events/order.placed.v1.json": b"{",
            "shop/contracts.lock.json": {FILE: "0" * 64},
            "shop/events/order.placed.v1.examples.json": [],
            "envelopes/event.json": {},
        },
    )
    event(n=int)
    assert findings("--output", schemas) == (0, [])


def test_handling_the_event_of_another_service_is_not_owning_its_directory(schemas: Path, shop: MessageRouter) -> None:
    """Several services may keep their documents side by side; what the other one has besides is not missed here."""
    keywords = {"aggregate": "bill", "event_type": "made", "owner": "billing"}
    made = create_model("Bill", __base__=EventModel, __module__=__name__, __cls_kwargs__=keywords, n=(int, ...))

    @shop.consumer(made)
    def on_bill(bill: Any) -> None: ...

    other = former(event_type="paid", n=int)
    commit(schemas, {"billing/events/bill.made.v1.json": document(made), "billing/events/order.paid.v1.json": other})
    assert findings("--output", schemas) == (0, [])


def test_the_asyncapi_document_is_compared_too(schemas: Path, shop: MessageRouter, configure: Any) -> None:
    """Topology is not in the contracts' documents: a queue of another name leaves the old one full."""

    def consume(queue: str) -> None:
        configure(APP_ID="shop", MESSAGE_CONSUMER=f"{ROUTER}.router", QUEUE=queue)

    made = event(n=int)

    @shop.consumer(made)
    def on_order(order: Any) -> None: ...

    consume("shop")
    commit(schemas, {FILE: owned_document(made, "shop"), "shop/asyncapi.json": this_service().asyncapi()})
    assert findings("--output", schemas) == (0, [])
    consume("another")
    code, found = findings("--output", schemas)
    assert code == 1
    assert {file for _, _, file in found} == {"shop/asyncapi.json"}


def test_a_raised_version_is_told_once(schemas: Path) -> None:
    """The AsyncAPI document knows no up-casters, so it has no say on messages where the contracts' documents have."""
    with nothing_declared():
        old = event(n=int)
        commit(schemas, {FILE: owned_document(old, "shop"), "shop/asyncapi.json": this_service().asyncapi()})
    newer = event(version=2, m=int)

    @newer.upcast(1)
    def from_1(payload: dict[str, Any]) -> dict[str, Any]:
        return {"m": payload["n"]}

    new = ("info", "document-new", "shop/events/order.placed.v2.json")
    assert findings("--output", schemas) == (0, [("info", "document-replaced", FILE), new])


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"\xff", b'{"x-contract": {}}', b'{"x-contract": 5}', b"[" * 100_000]
)
def test_a_document_that_could_not_be_read_then(schemas: Path, damage: bytes) -> None:
    """Wrong usage of that revision, and no traceback."""
    commit(schemas, {FILE: damage})
    event(n=int)
    assert f"HEAD:{FILE}" in refused("--output", schemas)


def test_a_document_that_held_no_schema_then(schemas: Path) -> None:
    commit(schemas, {FILE: {**former(n=int), "properties": {"n": {"$ref": "#/nowhere"}}}})
    event(n=int)
    assert f"HEAD:{FILE} is no document of a contract" in refused("--output", schemas)


@pytest.mark.parametrize("name", ["--upload-pack=x", "-x", "", "a\nb", "x" * 600])
def test_what_is_no_revision_is_not_given_to_git(schemas: Path, name: str) -> None:
    """An option in its place would be obeyed."""
    with pytest.raises(GitError, match="no git revision"):
        Revision.of(name, schemas)


@pytest.mark.parametrize("name", ["nowhere", "HEAD..HEAD", "HEAD:schemas", "^HEAD", ":/", "HEAD^{tree}"])
def test_a_revision_that_is_not_there(schemas: Path, name: str) -> None:
    assert "there is no revision" in refused(name, "--output", schemas)


def test_a_directory_without_git(tmp_path: Path) -> None:
    assert "is in no git repository" in refused("--output", tmp_path / "schemas")


def test_without_git_installed(schemas: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "git is not installed" in refused("--output", schemas)


def test_variables_of_a_hook_do_not_mislead(schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git sets GIT_DIR where it runs a hook, and it may be relative."""
    commit(schemas, {FILE: former(n=int)})
    event(n=int)
    monkeypatch.setenv("GIT_DIR", "elsewhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "elsewhere/index")
    assert diff("--output", schemas)[0] == 0


@pytest.mark.parametrize("place", ["a directory", "*", ":(top)", "-x", "ж", "a/b"])
def test_directories_of_odd_names(schemas: Path, place: str) -> None:
    """They are names, and neither patterns nor options."""
    root = schemas.parent / place
    commit(root, {FILE: former(n=int)}) if "/" not in place else commit_below(root)
    event(n=int)
    assert findings("--output", root) == (0, [])
    commit_below(schemas)


def commit_below(root: Path) -> None:
    """As `commit`, where the repository is not the directory's parent."""
    top = next(parent for parent in root.parents if (parent / ".git").exists())
    (root / FILE).parent.mkdir(parents=True, exist_ok=True)
    (root / FILE).write_bytes(canonical(former(n=int)))
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "contracts")


def test_a_link_out_of_the_repository(schemas: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """git knows nothing of what lies there."""
    outside = tmp_path_factory.mktemp("outside")
    git(outside, "init", "-q")
    schemas.symlink_to(outside / "missing")
    assert "leads out of the git repository" in refused("--output", schemas)


def test_links_in_a_revision_are_not_followed(schemas: Path) -> None:
    """Their content is a path, and no document."""
    commit(schemas, {FILE: former(n=int)})
    (schemas / "shop/events/link.v1.json").symlink_to("/etc/hostname")
    commit(schemas, {})
    event(n=int)
    assert findings("--output", schemas) == (0, [])


def test_github_finds_the_file(schemas: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its path in the repository, wherever the command runs."""
    commit(schemas, {FILE: former(n=int)})
    monkeypatch.setenv("GITHUB_WORKSPACE", str(schemas.parent))
    event(n=int, email=str)
    assert f"::error file=schemas/{FILE}," in diff("--output", schemas, "--format", "github")[1]


@pytest.mark.parametrize(
    ("form", "begins"),
    [("json", "{"), ("github", "::error file="), ("junit", "<?xml"), ("markdown", "**Contracts:** 1 error")],
)
def test_formats_for_machines(schemas: Path, form: str, begins: str) -> None:
    """Nothing but the format is written."""
    commit(schemas, {FILE: former(n=int)})
    event(n=int, email=str)
    code, out = diff("--output", schemas, "--format", form)
    assert code == 1
    assert out.startswith(begins)


def test_a_version_that_was_replaced_before(schemas: Path) -> None:
    """Its document is still there, and nothing has changed since the revision."""
    new = event(version=2, m=int)
    commit(schemas, {FILE: former(n=int), "shop/events/order.placed.v2.json": owned_document(new, "shop")})

    @new.upcast(1)
    def from_1(payload: dict[str, Any]) -> dict[str, Any]:
        return {"m": payload["n"]}

    assert findings("--output", schemas) == (0, [])


def test_a_key_that_is_gone(schemas: Path) -> None:
    """No payload shows it, and the order of messages changes."""
    keyed = {**former(n=int)}
    keyed["x-contract"] = {**keyed["x-contract"], "key": "n"}
    commit(schemas, {FILE: keyed})
    event(n=int)
    assert findings("--output", schemas) == (0, [("warning", "key-changed", FILE)])
