"""What is no whole object: above all patches, which a tool merges into one, and which cannot be judged alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import template_of

PART = (
    "it lacks the image of a container, so it is only a part of a workload, such as a patch: judge the whole, for "
    "example the output of `kustomize build`"
)

_ABOUT = {
    "Deployment": "selector",
    "StatefulSet": "selector",
    "DaemonSet": "selector",
    "ReplicaSet": "selector",
    "PodDisruptionBudget": "selector",
    "HorizontalPodAutoscaler": "scaleTargetRef",
}
"""The field of the spec by which an object of a kind says what it is about, and which no patch has reason to repeat."""


def is_part(raw: Mapping[str, Any]) -> bool:
    """Say whether a workload lacks an image, without which the API server takes none.

    What cannot be read is taken to be there: it is reported in another way.
    """
    template = template_of(raw)
    containers = tuple(template.mapping("spec").items("containers"))
    whole = bool(containers) and all("image" in each for each in containers)
    return not whole and not template.problems


def is_deletion(raw: Mapping[str, Any]) -> bool:
    """Say whether it is a patch that takes an object away: there is nothing in it to judge."""
    return raw.get("$patch") == "delete"


def is_no_object(raw: Mapping[str, Any]) -> bool:
    """Say whether it only has a kind, as the values of a Helm chart may."""
    return not {"apiVersion", "metadata", "spec"} & raw.keys()


def is_complete(raw: Mapping[str, Any]) -> bool:
    """Say whether an object says what it is about. One that does not may be a patch of one that does.

    It need not be: kustomize adds selectors (`commonLabels`).
    """
    field = _ABOUT.get(str(raw.get("kind")))
    return field is None or field in Fields(raw).mapping("spec")
