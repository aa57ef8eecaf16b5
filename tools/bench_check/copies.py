"""Manifests of real projects, copied into namespaces of their own until there are enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

SUFFIXES = (".yaml", ".yml")

_METADATA = re.compile(r"^metadata:[ \t]*\n(( +).*\n(?:\2.*\n)*)", re.MULTILINE)


def copied(source: Path, *, into: Path, files: int, readable: Callable[[Path], bool]) -> int:
    """Write so many files, and return how many of the originals were left out as not readable."""
    found = sorted(each for each in source.rglob("*") if each.suffix in SUFFIXES and each.is_file())
    originals = [each for each in found if readable(each)]
    for original, copy in islice(_copies(originals, source), files):
        target = into / f"copy-{copy:02}" / original.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(placed(original.read_text(), namespace=f"copy-{copy:02}"))
    return len(found) - len(originals)


def placed(text: str, *, namespace: str) -> str:
    """Return manifests with another namespace, so that no copy declares the objects of another."""

    def place(found: re.Match[str]) -> str:
        fields, indent = found[1], found[2]
        line = f"{indent}namespace: {namespace}\n"
        others = re.sub(rf"^{indent}namespace:.*\n", "", fields, flags=re.MULTILINE)
        return f"metadata:\n{line}{others}"

    return _METADATA.sub(place, text)


def _copies(originals: list[Path], source: Path) -> Iterator[tuple[Path, int]]:
    if not originals:
        raise FileNotFoundError(f"{source} holds no manifests")
    return ((original, copy) for copy in count() for original in originals)
