"""Helm 3 and Helm 4, and kubectl for the manifests that the chart is compared with."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from control_plane import binaries
from helm.programs import HELM_3, HELM_4
from support.charts import Helm, objects_of
from support.manifests import Raw

MANIFESTS = Path(__file__).parents[2] / "manifests"


@pytest.fixture(scope="session", params=[HELM_3, HELM_4], ids=lambda program: program.name)
def helm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Each Helm in turn."""
    return Helm(request.param.ensure(), tmp_path_factory.mktemp(request.param.name))


@pytest.fixture(scope="session")
def helm_4(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """One Helm, where both were shown to render the same."""
    return Helm(HELM_4.ensure(), tmp_path_factory.mktemp("helm4"))


@pytest.fixture(scope="session")
def kustomized() -> Callable[[str], list[Raw]]:
    """Return what is in a folder of manifests/."""
    kubectl = binaries.ensure().kubectl

    @cache
    def text(folder: str) -> str:
        return subprocess.run(
            [kubectl, "kustomize", MANIFESTS / folder], capture_output=True, text=True, check=True
        ).stdout

    return lambda folder: objects_of(text(folder))


@pytest.fixture
def kustomization(tmp_path: Path) -> Callable[[Raw], list[Raw]]:
    """Return what a kustomization of one's own makes of folders of manifests/."""
    kubectl = binaries.ensure().kubectl

    def objects(given: Raw) -> list[Raw]:
        folders = {
            name: [os.path.relpath(MANIFESTS / each, tmp_path) for each in listed] for name, listed in given.items()
        }
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(folders))
        made = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True, check=True)
        return objects_of(made.stdout)

    return objects


@pytest.fixture(scope="session")
def everything() -> Raw:
    """Return values that turn on all that can be turned on."""
    monitor = {"enabled": True, "renderMode": "alwaysRender"}
    return {
        "admission": {"repair": "v1"},
        "policies": [{"name": "default", "spec": {"mode": "Audit"}}],
        "rbac": {"aggregateToEdit": True, "aggregateToAdmin": True},
        "drainAudit": {"enabled": True},
        "hostUsers": False,
        "page": {"enabled": True},
        "service": {"enabled": True},
        "serviceMonitor": monitor,
        "podMonitor": monitor,
        "prometheusRule": monitor,
        "grafanaDashboard": {"enabled": True},
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}}],
    }


@pytest.fixture(scope="session")
def nothing() -> Raw:
    """Return values that turn off all that can be turned off."""
    return {
        "crds": {"enabled": False, "keep": False},
        "admission": {"repair": "off", "validation": False, "restraint": False},
        "uninstallGuard": False,
        "serviceAccount": {"create": False},
        "rbac": {"create": False, "aggregateToView": False},
        "networkPolicy": {"enabled": False},
        "resources": None,
        "podSecurityContext": None,
        "securityContext": None,
    }
