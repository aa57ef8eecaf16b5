"""The chart installs what `kubectl apply -k manifests/` installs, object by object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from control_plane import kubernetes
from productionpolicy.kube.identity import MANAGED_BY
from support.charts import CHART, Helm, HelmFailed, by_name, changes
from support.manifests import Raw

ROOT = CHART.parents[1]
VERSIONS = [each.version for each in kubernetes.releases()]
MUTATING = "admissionregistration.k8s.io/{}/MutatingAdmissionPolicy"
OF_HELM = {"app.kubernetes.io/instance", MANAGED_BY, "app.kubernetes.io/version", "helm.sh/chart"}
OF_THE_DEFINITION = {"argocd.argoproj.io/sync-options": "ServerSideApply=true", "helm.sh/resource-policy": "keep"}
GUARD = "{}/productionpolicy-uninstall"
ONLY_IN_THE_CHART = {
    GUARD.format(kind) for kind in ("ConfigMap", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
}
"""What keeps `helm uninstall` from stranding a finalizer."""
CHANGED = {"Deployment", "NetworkPolicy"}
"""What the component of the page changes."""


def admission_folders(version: str) -> list[str]:
    """Return the folders that docs/operations.md names for a version of Kubernetes."""
    return ["admission"] if int(version.split(".")[1]) >= 36 else ["admission/validation"]


def without_marks_of_helm(value: Any) -> Any:
    """Return an object without the labels of Helm, in selectors and templates too."""
    if isinstance(value, dict):
        return {name: without_marks_of_helm(held) for name, held in value.items() if name not in OF_HELM}
    return [without_marks_of_helm(each) for each in value] if isinstance(value, list) else value


def compared(rendered: Sequence[Raw], applied: Sequence[Raw]) -> dict[str, Any]:
    """Return how the chart differs from manifests, apart from what is meant to."""
    chart = [without_marks_of_helm(each) for each in rendered if name(each) not in ONLY_IN_THE_CHART]
    # Helm makes the namespace itself, by --create-namespace.
    return changes([each for each in applied if each["kind"] != "Namespace"], chart)


def name(raw: Raw) -> str:
    return f"{raw['kind']}/{raw['metadata']['name']}"


def definition_of(objects: Sequence[Raw]) -> Raw:
    [found] = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_chart_is_the_manifests(helm: Helm, kustomized: Callable[[str], list[Raw]], version: str) -> None:
    rendered = helm.rendered(kubernetes_version=version)
    applied = [each for folder in (".", *admission_folders(version)) for each in kustomized(folder)]

    assert definition_of(rendered)["metadata"].pop("annotations") == OF_THE_DEFINITION
    for each in (rendered, applied):
        definition_of(each)["metadata"].pop("labels", None)
    assert compared(rendered, applied) == {}
    assert by_name(rendered).keys() >= ONLY_IN_THE_CHART


@pytest.mark.parametrize(
    ("asked", "served", "version", "folder"),
    [
        pytest.param("auto", ["v1"], "1.36.0", "repair", id="served"),
        pytest.param("auto", ["v1", "v1beta1"], "1.36.0", "repair", id="the-stable-one-first"),
        pytest.param("auto", ["v1beta1"], "1.34.4", "repair-v1beta1", id="the-beta-is-turned-on"),
        pytest.param("auto", [], "1.35.4", None, id="the-beta-is-not-turned-on"),
        pytest.param("v1", [], "1.35.4", "repair", id="v1"),
        pytest.param("v1beta1", ["v1"], "1.36.0", "repair-v1beta1", id="v1beta1"),
        pytest.param("off", ["v1"], "1.36.0", None, id="off"),
        pytest.param(False, ["v1"], "1.36.0", None, id="off-as-yaml-reads-it"),
    ],
)
def test_repairs_at_admission_are_installed_as_the_api_server_serves_them(
    helm_4: Helm,
    kustomized: Callable[[str], list[Raw]],
    asked: str | bool,
    served: list[str],
    version: str,
    folder: str | None,
) -> None:
    rendered = helm_4.rendered(
        {"admission": {"repair": asked}}, kubernetes_version=version, served=[MUTATING.format(each) for each in served]
    )

    mutating = [each for each in rendered if each["kind"].startswith("Mutating")]
    assert compared(mutating, kustomized(f"admission/{folder}") if folder else []) == {}


def test_the_monitoring_of_the_chart_is_that_of_the_manifests(
    helm: Helm, kustomized: Callable[[str], list[Raw]]
) -> None:
    shown = {"enabled": True, "renderMode": "alwaysRender"}
    values = {"serviceMonitor": shown, "prometheusRule": shown, "grafanaDashboard": {"enabled": True}}
    usual = by_name(helm.rendered()).keys()
    monitoring = [each for each in helm.rendered(values) if name(each) not in usual]

    assert by_name(monitoring).keys() == {
        "ConfigMap/productionpolicy-dashboard",
        "PrometheusRule/productionpolicy",
        "Service/productionpolicy-metrics",
        "ServiceMonitor/productionpolicy",
    }
    assert compared(monitoring, kustomized("monitoring")) == {}


def test_the_rights_for_audits_of_drains_are_those_of_the_manifests(
    helm: Helm, kustomized: Callable[[str], list[Raw]]
) -> None:
    usual = by_name(helm.rendered()).keys()
    added = [each for each in helm.rendered({"drainAudit": {"enabled": True}}) if name(each) not in usual]

    assert len(added) == 2
    assert compared(added, kustomized("drain-audit")) == {}


def test_the_page_of_the_chart_is_that_of_the_component(
    helm: Helm, kustomization: Callable[[Raw], list[Raw]], kustomized: Callable[[str], list[Raw]]
) -> None:
    applied = kustomization({"resources": ["."], "components": ["page"]})
    both = [each for each in applied if name(each) not in by_name(kustomized(".")) or each["kind"] in CHANGED]
    rendered = [each for each in helm.rendered({"page": {"enabled": True}}) if name(each) in by_name(both)]

    assert by_name(both).keys() == {
        "Deployment/productionpolicy",
        "NetworkPolicy/productionpolicy",
        "Service/productionpolicy-page",
    }
    assert compared(rendered, both) == {}


def test_both_helms_render_the_same(helm: Helm, helm_4: Helm, everything: Raw) -> None:
    for values in ({}, everything):
        assert changes(helm_4.rendered(values), helm.rendered(values)) == {}


@pytest.mark.parametrize("page", ["docs/compatibility.md", "charts/productionpolicy/README.md"])
def test_these_are_the_supported_versions(page: str) -> None:
    minors = [each.minor for each in kubernetes.releases()]

    assert f"Kubernetes {minors[-1]} to {minors[0]}." in " ".join((ROOT / page).read_text().split())


def test_a_version_that_lacks_a_kind_of_the_chart_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmFailed, match=r"requires kubeVersion: >=1\.30\.0-0"):
        helm.rendered(kubernetes_version="1.29.9")
