"""Objects of other APIs that create pods: they are not judged, but reports list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.selectors import Labels

_WITHOUT_TEMPLATE = frozenset(
    {
        ("apps.openshift.io", "DeploymentConfig"),
        ("argoproj.io", "ClusterWorkflowTemplate"),
        ("argoproj.io", "CronWorkflow"),
        ("argoproj.io", "Rollout"),
        ("argoproj.io", "Workflow"),
        ("argoproj.io", "WorkflowTemplate"),
        ("sparkoperator.k8s.io", "ScheduledSparkApplication"),
        ("sparkoperator.k8s.io", "SparkApplication"),
        ("tekton.dev", "ClusterTask"),
        ("tekton.dev", "PipelineRun"),
        ("tekton.dev", "Task"),
        ("tekton.dev", "TaskRun"),
    }
)
"""Group and kind of objects that may create pods without a pod template whose containers have images."""

_SPEAKING_OF_OTHERS = frozenset({"apiextensions.k8s.io", "kyverno.io", "policies.kyverno.io"})
"""The groups of objects in which a pod template only describes those of other objects."""

MAKERS = frozenset(kind for _, kind in _WITHOUT_TEMPLATE)
"""The kinds by which such objects are found in a text; all others contain `containers`."""

_DEEPEST = 16
"""The maximum depth at which a pod template is searched for."""


def group_of(raw: Mapping[str, Any]) -> str:
    """Return the API group of an object; empty for the core group."""
    return str(raw.get("apiVersion")).rpartition("/")[0]


def makes_pods(raw: Mapping[str, Any]) -> bool:
    """Return whether an object creates pods, judging by its kind or a pod template in it."""
    group = group_of(raw)
    if group in _SPEAKING_OF_OTHERS:
        return False
    return (group, str(raw.get("kind"))) in _WITHOUT_TEMPLATE or any(_templates(raw, left=_DEEPEST))


def labels_of_pods(raw: Mapping[str, Any]) -> Iterator[Labels]:
    """Return the labels of the pods that an object creates: those of each pod template, or those that it selects by.

    Such as a Rollout with a workloadRef, which has no template, but a selector.
    """
    templates = list(_templates(raw, left=_DEEPEST))
    for each in templates:
        yield Fields(each).mapping("metadata").text_map("labels")
    if not templates:
        yield Fields(raw).below("spec", "selector").text_map("matchLabels")


def _templates(value: Any, *, left: int) -> Iterator[Mapping[str, Any]]:
    if left == 0:
        return
    if isinstance(value, Mapping) and _is_template(value):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _templates(each, left=left - 1)


def _is_template(value: Mapping[str, Any]) -> bool:
    """Return whether a mapping has a pod spec with containers that have an image."""
    spec = value.get("spec")
    containers = spec.get("containers") if isinstance(spec, Mapping) else None
    return isinstance(containers, list) and any(isinstance(each, Mapping) and "image" in each for each in containers)
