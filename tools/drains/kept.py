"""Results that outlive a run, so that the next one continues where it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from control_plane.installation import REPOSITORY
from drains.comparison import Compared

FOLDER = REPOSITORY / ".drains"
SOURCES = ("tools/drains", "operator/productionpolicy/drain", "operator/productionpolicy/kube")
"""The code on which results depend."""


class _Line(msgspec.Struct, frozen=True):
    """A line of the file."""

    code: str
    compared: Compared


@dataclass(slots=True)
class Kept:
    """The results of the clusters of a seed, one a line. Those of other code do not count."""

    file: Path
    code: str = field(default_factory=lambda: fingerprint(SOURCES))

    def of(self, numbers: Iterable[int]) -> list[Compared]:
        """Return what is known of some clusters already."""
        lines = self.file.read_bytes().splitlines() if self.file.is_file() else ()
        read = filter(None, map(_read, lines))
        found = {each.compared.number: each.compared for each in read if each.code == self.code}
        return [found[number] for number in numbers if number in found]

    def add(self, compared: Compared) -> None:
        """Keep a result."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as file:
            file.write(b"\n" + msgspec.json.encode(_Line(self.code, compared)))


def _read(line: bytes) -> _Line | None:
    """Return the line, unless it is empty or was cut off."""
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError:
        return None


def fingerprint(folders: Iterable[str], *, root: Path = REPOSITORY) -> str:
    """Return what changes with any source in these folders."""
    files = sorted(each for folder in folders for each in (root / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:16]
