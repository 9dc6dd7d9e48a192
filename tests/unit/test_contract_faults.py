"""What happened to the files by hand or by accident is found, said in one clear finding, and nothing is overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts import EventModel
from services_communication.contracts.files.lock import digest
from services_communication.contracts.files.review import Request, Review, review
from services_communication.contracts.files.writing import Writing, write
from services_communication.contracts.report import Report


class Placed(EventModel, aggregate="faults", event_type="placed"):
    order_id: int


class Paid(EventModel, aggregate="faults", event_type="paid"):
    order_id: int


NAME = "events/faults.placed.v1.json"
FILE = f"shop/{NAME}"


def run(root: Path, *contracts: type[EventModel]) -> Review:
    found = review(
        Request(root, "shop", contracts or (Placed, Paid)),
        lambda former, new, mode: Report("compatible", "compatible"),
        date(2030, 6, 1),
    )
    if not found.refused:
        write(found.writings)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory of schemas with the documents of both contracts."""
    run(tmp_path / "schemas")
    return tmp_path / "schemas"


def states(root: Path) -> dict[str, Any]:
    return {
        path.relative_to(root).as_posix(): path.readlink() if path.is_symlink() else path.read_bytes()
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def only_error(root: Path, *contracts: type[EventModel]) -> tuple[str, str, str, str]:
    """The one error of a run, which leaves every file as it was."""
    before = states(root)
    (finding,) = run(root, *contracts).findings
    assert states(root) == before
    assert finding.level == "error"
    return finding.rule, finding.file, finding.sentence, finding.hint


def changed(text: str, path: Path) -> bytes:
    return path.read_text().replace('"integer"', text).encode()


EDITS: dict[str, Callable[[Path], bytes]] = {
    "another type": lambda path: changed('"string"', path),
    "another order": lambda path: json.dumps(json.loads(path.read_bytes())).encode(),
    "no newline at the end": lambda path: path.read_bytes()[:-1],
    "a byte order mark": lambda path: b"\xef\xbb\xbf" + path.read_bytes(),
}
BROKEN: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "cut off": (lambda path: path.read_bytes()[:100], "it is not JSON: "),
    "empty": (lambda path: b"", "it is empty"),
    "no JSON": (lambda path: b"<html>", "it is not JSON: "),
    "a list": (lambda path: b"[]", "it is no JSON object"),
    "no x-contract": (lambda path: b"{}", "it has no 'x-contract' object"),
    "x-contract of another": (
        lambda path: (path.parent / "faults.paid.v1.json").read_bytes(),
        "its x-contract is that of",
    ),
    "no kind": (lambda path: path.read_bytes().replace(b'"kind": "event"', b'"kind": 5'), "x-contract.kind is 5"),
    "no version": (lambda path: path.read_bytes().replace(b'"version": 1', b'"version": true'), "x-contract.version"),
    "no address": (lambda path: path.read_bytes().replace(b"event_type", b"event"), "x-contract.address lacks"),
    "odd revisions": (
        lambda path: path.read_bytes().replace(b'"version": 1', b'"version": 1, "revisions": [5]'),
        "x-contract.revisions is no list of former forms",
    ),
    "NUL bytes": (lambda path: path.read_bytes() + b"\0", "it holds NUL bytes"),
    "Latin-1": (lambda path: b'{"a": "\xfc"}', "it is not UTF-8 (byte 7)"),
    "a key twice": (lambda path: b'{"a": 1, "a": 2}', "the key 'a' stands in it twice"),
    "NaN": (lambda path: b'{"a": NaN}', "NaN is not JSON"),
    "more than a float": (lambda path: b'{"a": 1e999}', "1e999 is more than a number can hold"),
    "a very long number": (lambda path: b'{"a": ' + b"1" * 5000 + b"}", "it holds a number of 5000 digits"),
    "a lone surrogate": (lambda path: b'{"a": "\\ud800"}', "it holds a lone surrogate"),
    "too deep": (lambda path: b"[" * 200_000, "it is nested too deeply"),
    "too large": (lambda path: b" " * (16 * 1024 * 1024 + 1), "it has more than 16 MiB"),
    "a merge conflict": (lambda path: b"{\n<<<<<<< HEAD\n=======\n>>>>>>> topic\n}\n", "it holds a merge conflict"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_document(root: Path, edit: str) -> None:
    """The lock knows its bytes; git brings them back."""
    path = root / FILE
    path.write_bytes(EDITS[edit](path))
    rule, file, _, hint = only_error(root)
    if edit != "a byte order mark":  # which JSON forbids
        assert rule == "document-edited"
    assert file == FILE
    assert "git checkout -- " in hint


@pytest.mark.parametrize("how", BROKEN)
def test_a_document_that_cannot_be_read(root: Path, how: str) -> None:
    """Whatever is in the file, the finding says what is wrong with it."""
    path = root / FILE
    make, reason = BROKEN[how]
    path.write_bytes(make(path))
    rule, file, sentence, _ = only_error(root)
    assert (rule, file) == ("document-unreadable", FILE)
    assert sentence.startswith(f"cannot be read: {reason}")


def test_line_ends(root: Path) -> None:
    """CRLF is recognised: the way out is another one, for all files."""
    path = root / FILE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    rule, _, sentence, hint = only_error(root)
    assert rule == "document-edited"
    assert "CRLF" in sentence
    assert ".gitattributes" in hint


def test_a_deleted_document(root: Path) -> None:
    """It is not written anew as if the contract were a new one: its history would be gone."""
    (root / FILE).unlink()
    rule, file, _, hint = only_error(root)
    assert (rule, file) == ("document-deleted", FILE)
    assert f"makecontracts --retire {FILE}" in hint


def test_a_deleted_folder(root: Path) -> None:
    """Each document is named."""
    for path in (root / "shop/events").iterdir():
        path.unlink()
    (root / "shop/events").rmdir()
    assert [finding.rule for finding in run(root).findings] == ["document-deleted", "document-deleted"]


def test_a_deleted_document_can_be_retired(root: Path) -> None:
    """When its class is gone too."""
    (root / FILE).unlink()
    found = review(
        Request(root, "shop", [Paid], retire=[FILE]), lambda *_: Report("compatible", "compatible"), date(2030, 6, 1)
    )
    assert not found.refused
    write(found.writings)
    assert run(root, Paid).findings == []


@pytest.mark.parametrize(
    "name", ["events/faults.lost.v1.json", "notes.txt", "calls/x.json", ".hidden.json", "a/b/c.json"]
)
def test_a_foreign_file(root: Path, name: str) -> None:
    """Others generate code from what lies there, so nothing lies there unseen."""
    path = root / "shop" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    rule, file, _, _ = only_error(root)
    assert (rule, file) == ("file-foreign", f"shop/{name}")


def test_a_file_in_the_place_of_a_new_document(root: Path) -> None:
    """It is not overwritten, even though it is what would be written."""

    class Sent(EventModel, aggregate="faults", event_type="sent"):
        pass

    document = (root / FILE).read_text()
    (root / "shop/events/faults.sent.v1.json").write_text(document)
    rule, file, _, _ = only_error(root, Placed, Paid, Sent)
    assert (rule, file) == ("file-foreign", "shop/events/faults.sent.v1.json")


def test_what_may_lie_there(root: Path) -> None:
    """Examples, needs, waivers, a README and git's own files."""
    for name in ("events/faults.placed.v1.examples.json", "README.md", "needs/events/user.v1.json", ".gitattributes"):
        path = root / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("anything")
    (root / "shop/waivers.json").write_text("[]\n")
    (root / "other-service").mkdir()
    (root / "other-service/anything.json").write_text("{")
    assert run(root).findings == []


LOCKS = {
    "cut off": (b'{"events/faults.placed.v1.js', "it is not JSON"),
    "empty": (b"", "it is empty"),
    "a list": (b"[]", "it is no JSON object"),
    "no digest": (b'{"events/faults.placed.v1.json": "5"}', "is no SHA-256"),
    "a path that leads out": (b'{"../x.json": "%s"}' % (b"0" * 64), "'../x.json' is no file in its directory"),
    "a key twice": (b'{"a": "%s", "a": "%s"}' % (b"0" * 64, b"1" * 64), "the key 'a' stands in it twice"),
    "a merge conflict": (b"{\n<<<<<<< HEAD\n}", "it holds a merge conflict"),
}


@pytest.mark.parametrize("how", LOCKS)
def test_a_broken_lock(root: Path, how: str) -> None:
    """One finding: without the lock nothing can be said of the documents."""
    content, reason = LOCKS[how]
    (root / "shop/contracts.lock.json").write_bytes(content)
    rule, file, sentence, _ = only_error(root)
    assert (rule, file) == ("lock-unreadable", "shop/contracts.lock.json")
    assert reason in sentence


def test_a_missing_lock(root: Path) -> None:
    """It is not made from whatever lies there."""
    (root / "shop/contracts.lock.json").unlink()
    rule, file, sentence, hint = only_error(root)
    assert (rule, file) == ("lock-missing", "shop/contracts.lock.json")
    assert "2 documents" in sentence
    assert "git checkout" in hint


def test_a_directory_in_the_place_of_a_document(root: Path) -> None:
    """It is said to be one."""
    (root / FILE).unlink()
    (root / FILE).mkdir()
    rule, file, sentence, _ = only_error(root)
    assert (rule, file, sentence) == ("document-unreadable", FILE, "cannot be read: it is a directory")


def test_a_pipe_in_the_place_of_a_document(root: Path) -> None:
    """Opening it would wait for ever."""
    (root / FILE).unlink()
    os.mkfifo(root / FILE)
    (finding,) = run(root).findings
    assert finding.sentence == "cannot be read: it is no plain file"


def test_a_link_that_leads_out(root: Path, tmp_path: Path) -> None:
    """It is not followed, even to a file with the right bytes."""
    (root / FILE).rename(tmp_path / "elsewhere.json")
    (root / FILE).symlink_to(tmp_path / "elsewhere.json")
    rule, file, sentence, _ = only_error(root)
    assert (rule, file) == ("document-unreadable", FILE)
    assert "leads out of its directory" in sentence


@pytest.mark.parametrize("target", ["faults.placed.v1.json", "nothing.json"])
def test_a_link_to_nothing(root: Path, target: str) -> None:
    """Or to itself."""
    (root / FILE).unlink()
    (root / FILE).symlink_to(target)
    assert only_error(root)[:2] == ("document-unreadable", FILE)


def test_a_folder_that_is_a_link(root: Path, tmp_path: Path) -> None:
    """One finding, not one for each document in it."""
    (root / "shop/events").rename(tmp_path / "events")
    (root / "shop/events").symlink_to(tmp_path / "events")
    assert only_error(root)[:2] == ("file-foreign", "shop/events")


def test_a_service_directory_that_leads_out(root: Path, tmp_path: Path) -> None:
    """Nothing is written through it."""
    (root / "shop").rename(tmp_path / "shop")
    (root / "shop").symlink_to(tmp_path / "shop")
    assert only_error(root)[:2] == ("document-unreadable", "shop")


def test_a_file_in_the_place_of_the_directory(tmp_path: Path) -> None:
    """It is said, and left there."""
    (tmp_path / "shop").write_text("")
    assert only_error(tmp_path)[:3] == ("document-unreadable", "shop", "cannot be read: it is no directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", [FILE, "shop/events", "shop"])
def test_what_may_not_be_read(root: Path, name: str) -> None:
    """The finding says that it is a matter of permissions."""
    (root / name).chmod(0)
    try:
        (finding,) = run(root).findings
    finally:
        (root / name).chmod(0o755)
    assert (finding.rule, finding.file) == ("document-unreadable", name)
    assert "permission denied" in finding.sentence


def interrupted(root: Path, *, renamed: bool) -> Review:
    """A run that added a contract and was cut off while it renamed."""

    class Sent(EventModel, aggregate="faults", event_type="sent"):
        pass

    contracts = (Placed, Paid, Sent)
    before = (root / "shop/contracts.lock.json").read_bytes()
    run(root, *contracts)
    (root / "shop/contracts.lock.json").rename(root / "shop/.makecontracts-contracts.lock.json")
    (root / "shop/contracts.lock.json").write_bytes(before)
    if not renamed:
        (root / "shop/events/faults.sent.v1.json").rename(root / "shop/events/.makecontracts-abc")
    return run(root, *contracts)


@pytest.mark.parametrize("renamed", [True, False])
def test_a_run_that_was_cut_off(root: Path, renamed: bool) -> None:
    """The next one finishes what it began, however far it came, and leaves nothing over."""
    found = interrupted(root, renamed=renamed)
    assert not found.refused
    assert "write-interrupted" in [finding.rule for finding in found.findings]
    assert sorted(states(root)) == [
        "shop/contracts.lock.json",
        "shop/events/faults.paid.v1.json",
        FILE,
        "shop/events/faults.sent.v1.json",
    ]
    lock = json.loads((root / "shop/contracts.lock.json").read_bytes())
    assert lock == {name: digest((root / "shop" / name).read_bytes()) for name in lock}
    assert len(lock) == 3


def test_nothing_is_renamed_when_a_file_cannot_be_written(root: Path) -> None:
    """A disk that is full at the second file leaves the first as it was, and no half-written file."""
    before = states(root)
    (root / "shop/blocked").write_text("a file where a folder would have to be")
    contents = {NAME: b"new", "blocked/x.json": b"new"}
    with pytest.raises(OSError, match="blocked"):
        write([Writing(root / "shop", contents, {}, {}, {NAME: digest((root / "shop" / NAME).read_bytes())})])
    (root / "shop/blocked").unlink()
    assert states(root) == before
