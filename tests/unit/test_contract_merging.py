"""Two branches that change contracts are merged by what the findings say, and nothing that was written is lost."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import new_class
from typing import Any, cast

import pytest

from services_communication.contracts import EventModel, registry
from services_communication.contracts.files.review import Review
from tests.support.contract_files import ORDER, errors, load, order, rules, run

LOCK = "shop/contracts.lock.json"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The directory of schemas in a repository whose branch main has the contract files.placed."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    with registry.isolated():
        yield tmp_path / "schemas"


def git(*arguments: str, check: bool = True) -> str:
    names = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *names, *arguments], check=check, capture_output=True, text=True)
    return done.stdout


def another(name: str, **fields: Any) -> type[EventModel]:
    """The event <name>.it."""
    namespace = {"__module__": __name__, "__annotations__": {"id": int, **fields}}
    keywords = {"aggregate": name, "event_type": "it"}
    return cast("type[EventModel]", new_class(name.title(), (EventModel,), keywords, lambda b: b.update(namespace)))


def write(root: Path, titles: str, *contracts: type[EventModel], branch: str = "") -> None:
    if branch:
        git("checkout", "-q", branch) if branch == "main" else git("checkout", "-q", "-b", branch)
    derived = {"shop": {"asyncapi.json": {"asyncapi": "3.0.0", "info": {"title": titles}}}}
    assert not run(root, *contracts, derived=derived).refused
    git("add", "-A")
    git("commit", "-q", "-m", titles)


def follow(root: Path, contracts: Sequence[type[EventModel]]) -> Review:
    """Do what the hints say until nothing is refused, as somebody would who reads nothing else."""
    derived = {"shop": {"asyncapi.json": {"asyncapi": "3.0.0", "info": {"title": "both"}}}}
    for _ in range(5):
        found = run(root, *contracts, derived=derived)
        commands = [re.search(r"git checkout HEAD -- [^;,]*", error.hint) for error in errors(found)]
        if not commands:
            return found
        for command in commands:
            assert command is not None
            git(*shlex.split(command[0])[1:])
    raise AssertionError(rules(found))


@pytest.mark.parametrize("how", [["merge", "--no-edit"], ["rebase"]])
def test_two_branches_add_contracts(root: Path, how: list[str]) -> None:
    """Their lines of the lock lie side by side, and the file of the other side is not in the lock that is kept."""
    write(root, "base", order())
    write(root, "topic", order(), another("mine"), branch="topic")
    write(root, "main", order(), another("theirs"), branch="main")
    git("checkout", "-q", "topic")
    git(*how, "main", check=False)
    assert "<<<<<<<" in (root / LOCK).read_text()
    contracts = [order(), another("mine"), another("theirs")]
    follow(root, contracts)
    assert sorted(load(root / LOCK)) == [
        "asyncapi.json",
        "events/files.placed.v1.json",
        "events/mine.it.v1.json",
        "events/theirs.it.v1.json",
    ]
    assert rules(run(root, *contracts, check=True, derived=load_derived(root))) == []


@pytest.mark.parametrize("how", [["merge", "--no-edit"], ["rebase"]])
def test_two_branches_change_one_contract(root: Path, how: list[str]) -> None:
    """The form that both began with is still kept, and the merged class is judged against what is kept."""
    write(root, "base", order())
    before = {key: value for key, value in load(root / ORDER).items() if key not in ("x-contract", "$schema")}
    write(root, "topic", order(mine=(str, "")), branch="topic")
    write(root, "main", order(theirs=(str, "")), branch="main")
    git("checkout", "-q", "topic")
    git(*how, "main", check=False)
    assert "<<<<<<<" in (root / ORDER).read_text()
    merged = order(mine=(str, ""), theirs=(str, ""))
    follow(root, [merged])
    document = load(root / ORDER)
    assert sorted(document["properties"]) == ["id", "mine", "theirs"]
    assert before in [form["reader"] for form in document["x-contract"]["revisions"]]
    assert rules(run(root, merged, check=True, derived=load_derived(root))) == []


def test_the_other_branch_changes_a_contract_and_this_one_adds_one(root: Path) -> None:
    """The document merges without a conflict, and is not that of the lock which is kept."""
    write(root, "base", order())
    write(root, "topic", order(), another("gone"), branch="topic")
    write(root, "main", order(theirs=(str, "")), branch="main")
    git("checkout", "-q", "topic")
    git("merge", "--no-edit", "main", check=False)
    contracts = [order(theirs=(str, "")), another("gone")]
    follow(root, contracts)
    assert sorted(load(root / ORDER)["properties"]) == ["id", "theirs"]
    assert rules(run(root, *contracts, check=True, derived=load_derived(root))) == []


def test_a_document_of_another_branch_is_judged(root: Path) -> None:
    """It comes with its former forms, and the code has to fit them."""
    contract = order(mine=(str, ""))
    write(root, "base", order())
    write(root, "changed", contract)
    data = (root / ORDER).read_bytes()
    (root / LOCK).write_text("{}\n")
    assert rules(run(root, contract, derived={}))[-1] == ("info", "document-new", ORDER)
    assert (root / ORDER).read_bytes() == data
    (root / LOCK).write_text("{}\n")
    assert ("error", "file-foreign", ORDER) in rules(run(root, order(other=(str, ""))))


def load_derived(root: Path) -> dict[str, dict[str, Any]]:
    return {"shop": {"asyncapi.json": load(root / "shop/asyncapi.json")}}
