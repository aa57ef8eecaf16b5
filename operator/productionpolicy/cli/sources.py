"""The files that a command is given: named, found in folders, or standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from productionpolicy.offline import Document, Unread, Wanted, read_documents

STANDARD_INPUT = "-"
NAME_OF_STANDARD_INPUT = "stdin"
_SUFFIXES = (".yaml", ".yml", ".json")


def found(paths: Iterable[str], *, without: Path | None = None) -> tuple[list[str], list[Unread]]:
    """Return the files that the paths name, each once, and the folders that cannot be read.

    Args:
        paths: files, folders, or standard input.
        without: a folder that is left out.
    """
    unread: list[Unread] = []
    files: dict[str, str] = {}
    for path in paths:
        for file in _in_folder(path, unread) if Path(path).is_dir() else (path,):
            files.setdefault(_same(file), file)
    left_out = without.resolve() if without else None
    kept = (file for same, file in files.items() if left_out is None or left_out not in Path(same).parents)
    return list(kept), unread


def read(file: str, *, wanted: Wanted) -> Iterator[Document | Unread]:
    """Return the wanted objects in a file."""
    if file == STANDARD_INPUT:
        yield from read_documents(NAME_OF_STANDARD_INPUT, sys.stdin.buffer.read(), wanted=wanted)
        return
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        yield _unread(error, file)
        return
    yield from read_documents(file, content, wanted=wanted)


def _in_folder(folder: str, unread: list[Unread]) -> Iterator[str]:
    """Return the manifests below a folder. Links to folders are not followed, so there are no loops."""
    for above, folders, names in os.walk(folder, onerror=lambda error: unread.append(_unread(error, folder))):
        folders.sort()
        paths = (Path(above, name) for name in sorted(names) if name.lower().endswith(_SUFFIXES))
        yield from (str(path) for path in paths if path.is_file() or path.is_symlink())


def _same(file: str) -> str:
    return file if file == STANDARD_INPUT else os.path.realpath(file)


def _unread(error: OSError, path: str) -> Unread:
    return Unread(str(error.filename or path), 1, f"it cannot be read: {error.strerror}")
