"""Two runs at a time, and files that change between reading and writing: nothing of anybody's is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services_communication.contracts import EventModel
from services_communication.contracts.files.alone import WriteConflictError, alone
from services_communication.contracts.files.lock import digest
from services_communication.contracts.files.review import Request, Review, directories, review
from services_communication.contracts.files.writing import write
from tests.support import contract_files
from tests.support.contract_files import ORDER, TODAY, judge, order, rules, tree

HOLDER = """
import sys, time
from pathlib import Path
from services_communication.contracts.files.alone import alone
with alone([Path(sys.argv[1])]):
    print("held", flush=True)
    time.sleep(600)
"""


class Late(EventModel, aggregate="files", event_type="late"):
    pass


LATE = "shop/events/files.late.v1.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory of schemas with one document."""
    contract_files.run(tmp_path / "schemas", order())
    return tmp_path / "schemas"


def reviewed(root: Path) -> Review:
    """A run that has a changed document and a new one to write."""
    found = review(Request(root, "shop", [order(note=(str, "")), Late]), judge, TODAY)
    assert not found.refused
    return found


def test_a_second_run_is_refused_while_the_first_one_writes(root: Path) -> None:
    """At once, with what to do; the directory of another service is free."""
    with alone([root / "shop"]):
        with (
            pytest.raises(WriteConflictError, match=r"another makecontracts is writing into .*shop: run it again"),
            alone([root / "shop"]),
        ):
            pytest.fail("two hold it")
        with alone([root / "users"]):
            assert (root / "users").is_dir()
    with alone([root / "shop"]):
        pass


def test_a_run_that_crashes_holds_nothing(root: Path) -> None:
    """The system ends the lock with the process, and no file is left that would have to be removed."""
    before = tree(root)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(root / "shop")], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(WriteConflictError), alone([root / "shop"]):
            pytest.fail("two hold it")
        other.kill()
    with alone([root / "shop"]):
        assert tree(root) == before


def test_a_directory_that_stays_empty_is_removed(tmp_path: Path) -> None:
    """With those above it that were made for it, and not those that were there."""
    (tmp_path / "there").mkdir()
    with alone([tmp_path / "there/schemas/shop"]):
        assert (tmp_path / "there/schemas/shop").is_dir()
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_every_directory_that_a_run_may_write_is_held(tmp_path: Path) -> None:
    """The service's own, those of the commands and calls that it declares, and those of the options."""

    class Foreign(EventModel, aggregate="files", event_type="foreign", owner="users"):
        pass

    request = Request(tmp_path, "shop", [order(), Foreign], retire=["old/events/a.b.v1.json"])
    assert directories(request) == [tmp_path / "old", tmp_path / "shop"]


def test_a_document_that_changed_meanwhile_is_not_overwritten(root: Path) -> None:
    """Nothing else is written then either."""
    found = reviewed(root)
    (root / ORDER).write_text("{}")
    before = tree(root)
    with pytest.raises(WriteConflictError, match=r"files.placed.v1.json was changed by somebody else"):
        write(found.writings)
    assert tree(root) == before


def test_a_file_that_was_put_at_a_new_documents_place_is_kept(root: Path) -> None:
    """As above."""
    found = reviewed(root)
    (root / LATE).write_text("{}")
    before = tree(root)
    with pytest.raises(WriteConflictError, match=r"files.late.v1.json was changed by somebody else"):
        write(found.writings)
    assert tree(root) == before


def test_a_lock_that_another_run_wrote_is_kept(root: Path) -> None:
    """On a file system without locks, or on another machine, it may have come between."""
    found = reviewed(root)
    contract_files.run(root, order(), Late)
    before = tree(root)
    with pytest.raises(WriteConflictError):
        write(found.writings)
    assert tree(root) == before
    assert not contract_files.run(root, order(note=(str, "")), Late).refused


def test_what_changes_while_files_are_renamed_is_kept_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run says what is wrong, and finishes when that is mended."""
    found = reviewed(root)
    link = Path.replace

    def replace(self: Path, target: Path) -> Path:
        made = link(self, target)
        if target == root / ORDER:
            (root / LATE).write_text("{}")
        return made

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(WriteConflictError, match=r"files.late.v1.json"):
            write(found.writings)
    assert (root / LATE).read_text() == "{}"
    changed = order(note=(str, ""))
    then = contract_files.run(root, changed, Late)
    assert ("error", "document-unreadable", LATE) in rules(then)
    (root / LATE).unlink()
    assert not contract_files.run(root, changed, Late).refused
    lock = json.loads((root / "shop/contracts.lock.json").read_bytes())
    assert lock == {name: digest((root / "shop" / name).read_bytes()) for name in lock}
    assert len(lock) == 2
