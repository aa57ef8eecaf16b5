"""The places that contain the version of the product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

PLACES: Mapping[str, tuple[str, ...]] = {
    "pyproject.toml": (r'^version = "(.*)"$',),
    "uv.lock": (r'^name = "productionpolicy"\nversion = "(.*)"$',),
    "charts/productionpolicy/Chart.yaml": (r"^version: (.*)$", r"^appVersion: (.*)$"),
    "manifests/kustomization.yaml": (r"^ +newTag: (.*)$",),
    "docs/operations.md": (r"newName: images\.example/productionpolicy, newTag: (.*)}$",),
    "Dockerfile": (r"docker build -t productionpolicy:(\S+) \.", r"^ARG VERSION=(.*)$"),
}
"""By file, patterns that match exactly once; their group is the version."""


class NotConsistent(Exception):
    """The places contain different versions, or one is missing; the message names them."""


def version(root: Path) -> str:
    """Return the version that all places contain.

    Raises:
        NotConsistent: they contain different versions.
    """
    named = {
        f"{name} ({pattern})": _found(pattern, (root / name).read_text(), name=name)[1]
        for name, patterns in PLACES.items()
        for pattern in patterns
    }
    if len(set(named.values())) > 1:
        told = "\n".join(f"  {found}: {place}" for place, found in named.items())
        raise NotConsistent(f"these places contain different versions; correct them first:\n{told}")
    return next(iter(named.values()))


def moved(root: Path, *, to: str) -> dict[Path, str]:
    """Return the text of each file with another version.

    Raises:
        NotConsistent: a place is missing.
    """
    return {root / name: _with(to, (root / name).read_text(), patterns, name=name) for name, patterns in PLACES.items()}


def _with(to: str, text: str, patterns: tuple[str, ...], *, name: str) -> str:
    for pattern in patterns:
        found = _found(pattern, text, name=name)
        text = f"{text[: found.start(1)]}{to}{text[found.end(1) :]}"
    return text


def _found(pattern: str, text: str, *, name: str) -> re.Match[str]:
    matches = list(re.finditer(pattern, text, re.MULTILINE))
    if len(matches) != 1:
        raise NotConsistent(f"{name} matches {pattern} {len(matches)} times instead of once")
    return matches[0]
