"""Documents that are not whole objects, such as patches, which cannot be judged by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import template_of

PART = (
    "it lacks the image of a container, so it is only a part of a workload, such as a patch: judge the whole "
    "workload, for example the output of `kustomize build`"
)

_ABOUT = {
    "Deployment": "selector",
    "StatefulSet": "selector",
    "DaemonSet": "selector",
    "ReplicaSet": "selector",
    "PodDisruptionBudget": "selector",
    "HorizontalPodAutoscaler": "scaleTargetRef",
}
"""The field of the spec that selects or names the target of an object, which a patch usually does not repeat."""


def is_part(raw: Mapping[str, Any]) -> bool:
    """Return whether a workload lacks an image, without which the API server rejects it.

    A field that cannot be read counts as present, because it is reported separately.
    """
    template = template_of(raw)
    containers = tuple(template.mapping("spec").items("containers"))
    whole = bool(containers) and all("image" in each for each in containers)
    return not whole and not template.problems


def is_deletion(raw: Mapping[str, Any]) -> bool:
    """Return whether it is a patch that deletes an object, so that there is nothing to judge."""
    return raw.get("$patch") == "delete"


def is_no_object(raw: Mapping[str, Any]) -> bool:
    """Return whether it only has a kind, like the values of some Helm charts."""
    return not {"apiVersion", "metadata", "spec"} & raw.keys()


def is_complete(raw: Mapping[str, Any]) -> bool:
    """Return whether an object has its selector or target. Otherwise it may be a patch of an object that has.

    It may also be whole, because kustomize adds selectors (`commonLabels`).
    """
    field = _ABOUT.get(str(raw.get("kind")))
    return field is None or field in Fields(raw).mapping("spec")
