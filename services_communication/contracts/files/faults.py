"""What can be wrong with a directory of documents, in words that say what to do."""

from __future__ import annotations

import shlex

from services_communication.contracts.files.lock import LOCK
from services_communication.contracts.finding import Finding


class Faults:
    """The findings about the files of one directory. `name` stands for it in findings, `shown` is what a user types."""

    def __init__(self, name: str, shown: str) -> None:
        self._name = name
        self._shown = shown
        self._found: dict[str, Finding] = {}  # one for each file: the first fault explains the rest

    @property
    def findings(self) -> list[Finding]:
        return list(self._found.values())

    def about(self, name: str) -> Finding | None:
        """What is wrong with the file or with a directory that it is in."""
        parts = name.split("/")
        paths = ["", *("/".join(parts[: number + 1]) for number in range(len(parts)))]
        return next((self._found[path] for path in paths if path in self._found), None)

    @property
    def hide_all(self) -> bool:
        """Whether the directory or its lock could not be read, so that nothing can be said of the documents."""
        return any(name in self._found for name in ("", LOCK))

    def forget(self, name: str) -> None:
        self._found.pop(name, None)

    def edited(self, name: str, *, only_line_ends: bool) -> None:
        if only_line_ends:
            sentence = "its line ends were changed to CRLF, so its bytes are not those that makecontracts wrote"
            hint = f"write '*.json -text' into {self._shown}/.gitattributes, then {self._checkout(name)}"
        else:
            sentence = "was edited: its bytes are not those that makecontracts wrote"
            hint = (
                f"change the class, not the file: {self._checkout(name)}, then makecontracts; "
                f"in a merge: {self._side(name)}, then makecontracts"
            )
        self._add("document-edited", name, sentence, hint)

    def deleted(self, name: str) -> None:
        hint = f"{self._checkout(name)}; or retire it, when nobody needs it: makecontracts --retire {self._file(name)}"
        self._add("document-deleted", name, "was deleted, and the lock still names it", hint)

    def unreadable(self, name: str, why: str) -> None:
        self._add("document-unreadable", name, f"cannot be read: {why}", self._restore(name, why))

    def foreign(self, name: str) -> None:
        hint = f"remove it, or keep it elsewhere: only makecontracts writes documents into {self._shown}"
        self._add("file-foreign", name, "was not written by makecontracts: the lock does not know it", hint)

    def lock_unreadable(self, name: str, why: str) -> None:
        self._add("lock-unreadable", name, f"the lock cannot be read: {why}", self._restore(name, why))

    def lock_missing(self, name: str, documents: int) -> None:
        sentence = f"the lock is missing, and {_counted(documents)} would stand in it"
        hint = f"{self._checkout(name)}; or, if there never was one, move those files away and run makecontracts"
        self._add("lock-missing", name, sentence, hint)

    def waivers_unreadable(self, name: str, why: str) -> None:
        hint = "keep the entries of both sides" if "merge conflict" in why else self._restore(name, why)
        self._add("waivers-unreadable", name, f"the waivers cannot be read: {why}", hint)

    def _restore(self, name: str, why: str) -> str:
        if "merge conflict" in why:
            return f"take one side: {self._side(name)}; then run makecontracts"
        if "permission" in why:
            return "give yourself the right to read it"
        return self._checkout(name)

    def _checkout(self, name: str) -> str:
        return f"git checkout -- {shlex.quote(f'{self._shown}/{name}' if name else self._shown)}"

    def _side(self, name: str) -> str:
        """While a merge or a rebase stands still; without a conflict in the file, --ours would not be taken."""
        return f"git checkout HEAD -- {shlex.quote(f'{self._shown}/{name}')}"

    def _file(self, name: str) -> str:
        return f"{self._name}/{name}" if name else self._name

    def _add(self, rule: str, name: str, sentence: str, hint: str) -> None:
        self._found.setdefault(name, Finding("error", rule, self._file(name), "", sentence, hint))


def _counted(number: int) -> str:
    return "1 document" if number == 1 else f"{number} documents"
