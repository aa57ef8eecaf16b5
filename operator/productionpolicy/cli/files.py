"""Files that a command changes in place."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE


class Changed(OSError):
    """A file is not as it was when it was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EBUSY, "it has changed since it was read", str(path))


def roots(paths: Iterable[str]) -> list[Path]:
    """Return the files and folders that arguments name. A link to a file counts as the link, not as its target."""
    return [
        Path(each).resolve() if Path(each).is_dir() else Path(each).parent.resolve() / Path(each).name for each in paths
    ]


def is_within(path: str | Path, folders: Iterable[Path]) -> bool:
    """Return whether a file, after links are followed, is one of these files or in one of these folders."""
    real = Path(path).resolve()
    return any(real == each or each in real.parents for each in folders)


def replace(path: Path, *, before: bytes | None, after: bytes) -> None:
    """Replace the content of a file at once, so that a reader sees either the old or the new one. The mode stays.

    Args:
        path: the file; if it is a link, its target is replaced.
        before: the content that it should have now; None if there should be no file.
        after: the new content.

    Raises:
        Changed: it has other content.
        OSError: it cannot be written.
    """
    real = path.resolve()
    if before is not None and not os.access(real, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    real.parent.mkdir(parents=True, exist_ok=True)
    beside = real.with_name(f".{real.name[:200]}.{os.getpid()}.tmp")
    try:
        _write(beside, after, like=real if before is not None else None)
        if (real.read_bytes() if real.exists() else None) != before:
            raise Changed(path)
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(real.parent)


def _write(path: Path, content: bytes, *, like: Path | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if like is not None:
            known = like.stat()
            with suppress(PermissionError):
                os.fchown(descriptor, known.st_uid, known.st_gid)
            os.fchmod(descriptor, S_IMODE(known.st_mode))
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file survive a crash. Some file systems do not support this for folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
