"""Files as they were at a git revision. Nothing is checked out, no hook or filter runs, and no network is asked."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_REGULAR = (b"100644", b"100755")
# A hook's variables would name another repository than the one that holds the directory.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
_COMMIT = re.compile(rb"[0-9a-f]{40,64}\n")
_MOST_REVISION_CHARACTERS = 500


class GitError(Exception):
    """git cannot answer; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Revision:
    top: Path
    commit: str
    """The full id."""
    name: str
    """As the user spelled it."""

    @classmethod
    def of(cls, name: str, directory: Path) -> Revision:
        """The revision `name` of the repository that holds `directory`, which need not exist. Raises GitError."""
        if not name or name.startswith("-") or not name.isprintable() or len(name) > _MOST_REVISION_CHARACTERS:
            raise GitError(f"{name[:80]!r} is no git revision: give a branch, a tag, a commit, or HEAD~1")
        place = directory.absolute()
        while not place.is_dir():
            place = place.parent
        try:
            # Without the newline that git adds; a directory's name may end in blanks.
            top = Path(os.fsdecode(_git(place, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
        except GitError as error:
            raise GitError(f"{directory} is in no git repository: {error}") from None
        try:
            commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", "--")
        except GitError:
            commit = b""
        if not _COMMIT.fullmatch(commit):  # "^HEAD" is taken by git, as what to leave out
            raise GitError(f"there is no revision {name!r} in {top}")
        return cls(top, commit.decode().strip(), name)

    def files(self, directory: Path) -> dict[str, bytes]:
        """Every regular ``*.json`` file below `directory` as it was, by its path relative to it. Raises GitError."""
        try:
            below = directory.resolve().relative_to(self.top.resolve()).as_posix()
        except ValueError:
            raise GitError(f"{directory} leads out of the git repository {self.top}") from None
        inside = [] if below == "." else [f"{below}/"]
        listed = _git(self.top, "ls-tree", "-r", "-z", "--full-tree", self.commit, "--", *inside)
        objects: dict[str, bytes] = {}
        for line in listed.split(b"\0"):
            described, _, path = line.partition(b"\t")
            if path.endswith(b".json") and described.split(b" ")[0] in _REGULAR:
                objects[os.fsdecode(path).removeprefix("" if below == "." else f"{below}/")] = described.split(b" ")[2]
        return dict(zip(objects, self._contents(list(objects.values())), strict=True))

    def _contents(self, objects: list[bytes]) -> list[bytes]:
        """One process for all of them. Unlike ``git show`` it applies no textconv filter."""
        answer = _git(self.top, "cat-file", "--batch", given=b"".join(name + b"\n" for name in objects))
        contents, at = [], 0
        for name in objects:
            end = answer.find(b"\n", at)
            described = answer[at:end].split(b" ")
            if end < 0 or len(described) != 3 or described[1] != b"blob":  # noqa: PLR2004  name, type, size
                raise GitError(f"object {name.decode()} is missing in this clone; run 'git fetch'")
            size = int(described[2])
            contents.append(answer[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return contents


def _git(directory: Path, *arguments: str, given: bytes = b"") -> bytes:
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    environment |= {
        "GIT_LITERAL_PATHSPECS": "1",  # a directory may be called ":(top)" or "*"
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    command = ["git", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  no shell, and the arguments are checked by the caller
            command, cwd=directory, env=environment, input=given, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise GitError("git is not installed, or is not in PATH") from None
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitError(said[0].removeprefix("fatal: ") if said else f"git {arguments[0]} failed")
    return done.stdout
