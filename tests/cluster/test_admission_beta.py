"""The admission policy that repairs is also there for API servers that have its kind as a beta."""

from __future__ import annotations

from pathlib import Path

import yaml

from cluster.conftest import ROOT
from cluster.governing import govern
from cluster.test_admission_plan import PROBE, manifest
from cluster.world import eventually
from control_plane.installation import apply, start_with_beta
from testbed.client import Client

BETA = "admissionregistration.k8s.io/v1beta1"


def test_the_beta_is_installed_and_bound_and_repairs(tmp_path: Path) -> None:
    with start_with_beta(tmp_path, controllers=False) as plane:
        folder = str(ROOT / "manifests" / "admission" / "repair-v1beta1")
        installed = list(yaml.safe_load_all(plane.kubectl("kustomize", folder)))
        assert {each["apiVersion"] for each in installed} == {BETA}
        apply(plane)
        plane.kubectl("apply", "-k", folder)
        govern(plane, manifest("apart"), version="v1beta1")
        eventually(lambda: "sleep" in str(Client(plane).tried(PROBE, "apart")))
