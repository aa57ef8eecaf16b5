"""Reading the manifests of a project: whatever is there, in whatever form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

KINDS = frozenset(
    {
        "ConfigMap",
        "CronJob",
        "DaemonSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Job",
        "LimitRange",
        "PersistentVolumeClaim",
        "Pod",
        "PodDisruptionBudget",
        "ReplicaSet",
        "ReplicationController",
        "Secret",
        "Service",
        "ServiceAccount",
        "StatefulSet",
    }
)
"""What bears on workloads; the rest of a project is left out."""


def variants(project: Path) -> list[list[Document]]:
    """Return the documents of a project, so that no variant holds two objects of one kind and name."""
    found: list[list[Document]] = []
    seen: Counter[tuple[str, str]] = Counter()
    for document in _documents(project):
        name = (str(document["kind"]), str(document["metadata"]["name"]))
        while len(found) <= seen[name]:
            found.append([])
        found[seen[name]].append(document)
        seen[name] += 1
    return found


def placed(document: Document, namespace: str) -> Document:
    """Return the document for a namespace of ours."""
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def _documents(project: Path) -> Iterator[Document]:
    for path in sorted([*project.rglob("*.yaml"), *project.rglob("*.yml")]):
        for document in _parsed(path):
            yield from (each for each in _flattened(document) if _usable(each))


def _parsed(path: Path) -> list[Any]:
    try:
        return list(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError):
        return []


def _flattened(document: Any) -> Iterator[Any]:
    items = document.get("items") if isinstance(document, dict) else None
    yield from items if isinstance(items, list) else [document]


def _usable(document: Any) -> bool:
    """Say whether it is a whole object of a kind that matters; patches of kustomize have no spec worth the name."""
    if not isinstance(document, dict) or document.get("kind") not in KINDS:
        return False
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
