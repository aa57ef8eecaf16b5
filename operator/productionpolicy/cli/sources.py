"""The input of a command: files, the files in folders, or standard input."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from productionpolicy.offline import KUSTOMIZATIONS, Document, Unread, Wanted, read_documents, read_kustomization

STANDARD_INPUT = "-"
NAME_OF_STANDARD_INPUT = "stdin"
_SUFFIXES = (".yaml", ".yml", ".json")


def found(paths: Iterable[str], *, without: Path | None = None) -> tuple[list[str], list[Unread]]:
    """Return the files that the paths name, each once, and the folders that cannot be read.

    Args:
        paths: files, folders, or standard input. If a kustomization in one of the folders, or next to one of the
            files, lists a file as anything other than a resource, such as a patch, the file is left out.
        without: a folder to leave out.
    """
    unread: list[Unread] = []
    files: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        for folder, within in _given(path, unread):
            folders.add(_same(folder))
            for file in within:
                files.setdefault(_same(file), file)
    left_out = _no_resources(folders) | ({str(without.resolve())} if without else set())
    return [file for same, file in files.items() if left_out.isdisjoint(_with_folders(same))], unread


def kustomizations(paths: Iterable[str]) -> Iterator[Path]:
    """Return the kustomizations in the folders that the paths name, and below them."""
    for path in paths:
        for folder, _ in _given(path, []) if Path(path).is_dir() else ():
            yield from (each for each in (Path(folder, name) for name in KUSTOMIZATIONS) if each.is_file())


def read(file: str, *, wanted: Wanted) -> Iterator[Document | Unread]:
    """Return the wanted objects in a file."""
    name = NAME_OF_STANDARD_INPUT if file == STANDARD_INPUT else file
    try:
        found = content(file)
    except OSError as error:
        yield unreadable(error, name)
        return
    yield from read_documents(name, found, wanted=wanted)


def content(file: str) -> bytes:
    """Return the content of a file, or of standard input.

    Raises:
        OSError: it cannot be read.
    """
    if file != STANDARD_INPUT:
        if Path(file).is_char_device() or Path(file).is_block_device():  # some of them never end
            raise OSError(errno.EINVAL, "it is a device, not a file")
        return Path(file).read_bytes()
    if sys.stdin is None:  # Python sets None if the descriptor was closed at the start
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer.read()


def _given(path: str, unread: list[Unread]) -> Iterator[tuple[str, list[str]]]:
    """Return folders, each with the files in it. Links to folders are not followed, so there are no loops."""
    if not Path(path).is_dir():
        yield str(Path(path).parent), [path]
        return
    for folder, below, names in os.walk(path, onerror=lambda error: unread.append(unreadable(error, path))):
        below.sort()
        files = (Path(folder, name) for name in sorted(names) if name.lower().endswith(_SUFFIXES))
        yield folder, [str(each) for each in files if each.is_file() or each.is_symlink()]


def _no_resources(folders: Iterable[str]) -> set[str]:
    """Return the files and folders that the kustomizations of these folders list, except as resources."""
    resources, others = set(), set()
    for folder in folders:
        for kustomization in map(read_kustomization, _kustomizations(folder)):
            resources |= {_same(str(Path(folder, path))) for path in kustomization.resources}
            others |= {_same(str(Path(folder, path))) for path in kustomization.others}
    return others - resources


def _kustomizations(folder: str) -> Iterator[bytes]:
    for name in KUSTOMIZATIONS:
        try:
            yield Path(folder, name).read_bytes()
        except OSError:
            continue


def _with_folders(file: str) -> Iterator[str]:
    """Return a path and all folders above it."""
    while file:
        yield file
        file = file.rpartition(os.sep)[0]


def _same(file: str) -> str:
    return file if file == STANDARD_INPUT else os.path.realpath(file)


def unreadable(error: OSError, path: str) -> Unread:
    """Return what a report says about a file or a folder that cannot be read."""
    return Unread(str(error.filename or path), 1, f"it cannot be read: {error.strerror}")
