"""The output directory: replaced in one step, or compared; never a file of somebody else."""

from __future__ import annotations

import keyword
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services_codegen.errors import InputError
from services_codegen.write import MARK


def check_place(package: Path, source: Path) -> None:
    """Raise InputError when `package` is no place for a generated package, or holds files that are not generated."""
    name = package.name
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise InputError(f"{package}: the last part must be a Python name, because it is the package's name")
    if package.is_symlink():
        raise InputError(f"{package}: is a link; name the directory itself")
    target, origin = package.resolve(), source.resolve()
    if target.is_relative_to(origin) or origin.is_relative_to(target):
        raise InputError(f"{package}: the output and the input directory must not contain each other")
    if package.exists() and not package.is_dir():
        raise InputError(f"{package}: is a file; name a directory")
    foreign = [path for path in _files(package) if not _is_ours(path)]
    if foreign:
        shown = ", ".join(path.relative_to(package).as_posix() for path in foreign[:5])
        raise InputError(
            f"{package}: holds files that were not generated ({shown}); move them, or name another directory"
        )


def differences(package: Path, files: Mapping[str, str]) -> list[str]:
    """The names of the files that differ from `files`, are missing, or are too many."""
    present = {path.relative_to(package).as_posix(): path for path in _files(package)}
    wrong = [name for name, text in files.items() if name not in present or present[name].read_bytes() != text.encode()]
    return sorted([*wrong, *(set(present) - set(files))])


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Make `folder` with `files` in it."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())


def replace(package: Path, files: Mapping[str, str]) -> None:
    """Put `files` in the place of `package`: the old directory or the new one is there at the end, never a mixture."""
    package.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".services-codegen-", dir=package.parent))
    try:
        new, old = scratch / "new", scratch / "old"
        write_files(new, files)
        if package.exists():
            package.rename(old)
        try:
            new.rename(package)
        except BaseException:  # Ctrl-C too: the user's package must not go with the scratch directory
            if old.exists() and not package.exists():
                old.rename(package)
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _files(package: Path) -> list[Path]:
    """All that is in `package`, except bytecode and plain directories."""
    if not package.is_dir():
        return []
    return sorted(
        path
        for path in package.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and "__pycache__" not in path.relative_to(package).parts
    )


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.name == "py.typed":
        return path.stat().st_size == 0
    with path.open("rb") as file:
        return path.suffix == ".py" and file.read(len(MARK)) == MARK.encode()
