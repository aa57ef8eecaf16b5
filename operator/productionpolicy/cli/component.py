"""A plan as a folder with a kustomize component, which a kustomization lists next to the workloads that it repairs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from productionpolicy.cli.plans.yaml import objects_of, patch_of
from productionpolicy.expectations import OWNED
from productionpolicy.kube.yaml import dumped
from productionpolicy.offline import Proposal, Proposed

KUSTOMIZATION = "kustomization.yaml"
_MARK = "# made by `productionpolicy check --plan --write`, which writes it anew: keep changes of your own elsewhere"
USE = "List the folder under `components` in the kustomization whose `resources` are the workloads"
_LONGEST_STEM = 200
"""The maximum length of a file name: most file systems allow 255 bytes, and a workload name may have 253."""


class NotToBeWritten(Exception):
    """A folder contains files that are not from an earlier run, or cannot be written; the message gives the reason."""


def component(proposal: Proposal) -> dict[str, str]:
    """Return the content of each file by its path."""
    patches = {_path(each): patch_of(each) for each in proposal.changed if each.patch}
    made = {f"{owned.called}.yaml": objects_of(proposal, owned) for owned in OWNED}
    resources = {path: "---\n".join(texts) for path, texts in made.items() if texts}
    heading = _kustomization(list(patches), resources=list(resources))
    files = {KUSTOMIZATION: heading, **patches, **resources}
    return {path: f"{_MARK}\n{text}" for path, text in files.items()}


def write(files: dict[str, str], folder: Path) -> None:
    """Write the files in place of those of an earlier run.

    Raises:
        NotToBeWritten: the folder contains other files, or cannot be written. Then nothing is written.
    """
    earlier = refuse_others(folder)
    try:
        for path in earlier:
            path.unlink()
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        _remove_empty(folder)
    except OSError as error:
        raise NotToBeWritten(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def is_made_here(folder: Path) -> bool:
    """Return whether a folder contains a component from an earlier run."""
    return _is_ours(folder / KUSTOMIZATION)


def refuse_others(folder: Path) -> list[Path]:
    """Return the files of an earlier run.

    Raises:
        NotToBeWritten: the folder contains anything else.
    """
    try:
        found = sorted(folder.rglob("*"))
        other = next((each for each in found if each.is_symlink() or not (each.is_dir() or _is_ours(each))), None)
    except OSError as error:
        raise NotToBeWritten(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    if other is not None:
        raise NotToBeWritten(f"{other} is not from an earlier run: use another folder, or an empty one")
    return [each for each in found if not each.is_dir()]


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline(1000).rstrip() == _MARK.encode()


def _remove_empty(folder: Path) -> None:
    for each in sorted(folder.rglob("*"), reverse=True):
        if each.is_dir() and not any(each.iterdir()):
            each.rmdir()


def _kustomization(patches: list[str], *, resources: list[str]) -> str:
    """Return the component. It always has `resources`, because kustomize rejects a component without any field."""
    content: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": resources,
        "patches": [{"path": path} for path in patches],
    }
    return f"# {USE}.\n{dumped(content)}"


def _path(workload: Proposed) -> str:
    """Return the path of a patch. A namespace has no dot, so no folder has the name of a file."""
    return "/".join(("patches", *_folders(workload), f"{_stem(workload)}.yaml"))


def _folders(workload: Proposed) -> Iterator[str]:
    if workload.key.namespace:
        yield workload.key.namespace


def _stem(workload: Proposed) -> str:
    stem = f"{workload.key.kind.lower()}-{workload.key.name}"
    if len(stem) <= _LONGEST_STEM:
        return stem
    return f"{stem[:_LONGEST_STEM]}-{hashlib.sha256(stem.encode()).hexdigest()[:10]}"
