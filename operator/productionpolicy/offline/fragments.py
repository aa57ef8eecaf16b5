"""Parts of objects: patches, as kustomize merges them into an object that stands elsewhere.

What a part does not say, the whole may say; so a part is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import Kind, pods_of
from productionpolicy.offline.documents import Document

_DIRECTIVE = "$patch"
"""The key by which a strategic merge patch says to delete or to replace."""

_ABOUT = {
    "Deployment": "selector",
    "StatefulSet": "selector",
    "DaemonSet": "selector",
    "PodDisruptionBudget": "selector",
    "HorizontalPodAutoscaler": "scaleTargetRef",
}
"""The field of the spec by which a whole object says what it is about, and which no patch has reason to repeat."""

_WORKLOADS = frozenset(map(str, Kind))


def is_fragment(document: Document) -> bool:
    """Say whether a document is surely no whole object: it holds a directive, or neither a selector nor an image.

    A workload with an image and no selector may be whole, for kustomize adds selectors (`commonLabels`). A patch that
    adds an image looks just the same.
    """
    if _DIRECTIVE in document.piece.text and _directs(document.raw):
        return True
    return document.kind in _WORKLOADS and not is_whole(document) and not _names_an_image(document)


def is_whole(document: Document) -> bool:
    """Say whether a document says what it is about, as whole objects of its kind do."""
    field = _ABOUT.get(document.kind)
    return field in Fields(document.raw).mapping("spec") if field else document.kind not in _WORKLOADS


def _names_an_image(document: Document) -> bool:
    """Say whether a container has an image, or may have: something on the way to it cannot be read."""
    fields = Fields(document.raw)
    pod = pods_of(fields, Kind(document.kind)).mapping("spec")
    lists = (pod.items(name) for name in ("containers", "initContainers"))
    return any("image" in each for containers in lists for each in containers) or bool(fields.problems)


def _directs(value: Any) -> bool:
    """Say whether a directive stands anywhere in a value; parsing has bounded how deep it is."""
    if isinstance(value, Mapping):
        return _DIRECTIVE in value or any(map(_directs, value.values()))
    return isinstance(value, list) and any(map(_directs, value))
