"""The product in a control plane: its manifests, and the service account as which the operator then runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from control_plane import binaries
from control_plane.components import APISERVER
from control_plane.plane import ControlPlane, KubectlFailed
from productionpolicy.kube.identity import GROUP, PLURAL

REPOSITORY = Path(__file__).parents[2]
SYSTEM_NAMESPACE = "productionpolicy-system"
SERVICE_ACCOUNT = "productionpolicy"
AWAIT_KIND = ("wait", "--for=condition=Established", f"crd/{PLURAL}.{GROUP}", "--timeout=30s")
MUTATING = "MutatingAdmissionPolicy"
ADMISSION_VERSIONS = {"v1": ("repair", "validation"), "v1beta1": ("repair-v1beta1", "validation")}
"""The versions of that kind, in the order of preference, and the folders of manifests/admission to install for each."""

BETA_FLAGS = ("--runtime-config=admissionregistration.k8s.io/v1beta1=true", f"--feature-gates={MUTATING}=true")
"""What turns the beta of that kind on."""

_ADMISSION_GROUP = "admissionregistration.k8s.io"


class NotServedError(Exception):
    """The API server lacks a capability; the message names it."""


def install(plane: ControlPlane) -> Path:
    """Install as a user would, and return the kubeconfig of the operator."""
    apply(plane)
    return operators_kubeconfig(plane)


def apply(plane: ControlPlane) -> None:
    """Apply the manifests, and wait until the API server serves our kind."""
    plane.kubectl("apply", "-k", str(REPOSITORY / "manifests"))
    plane.kubectl(*AWAIT_KIND)


def start_admitting(folder: Path, *, controllers: bool = True, audit: bool = False) -> ControlPlane:
    """Start a control plane whose API server can repair at admission: as a beta, if it has no more than that.

    Raises:
        NotServedError: it does not have that kind at all.
    """
    plane = ControlPlane.start(folder, controllers=controllers, audit=audit)
    if admission_version(plane) is not None:
        return plane
    plane.stop()
    return start_with_beta(folder, controllers=controllers, audit=audit)


def start_with_beta(folder: Path, *, controllers: bool = True, audit: bool = False) -> ControlPlane:
    """Start a control plane whose API server serves the beta of the kind that repairs at admission.

    Raises:
        NotServedError: there is no beta. An API server that only knows an alpha never becomes ready with these flags,
            so its help is asked first, which names the stage of each feature until it is locked.
    """
    server = binaries.located().kube_apiserver
    told = subprocess.run([server, "--help"], capture_output=True, text=True, check=True).stdout
    if f"{MUTATING}=true|false (ALPHA" in told:
        raise NotServedError(MUTATING)
    plane = ControlPlane.start(folder, controllers=controllers, audit=audit, flags={APISERVER: BETA_FLAGS})
    if not _serves_mutating(plane, "v1beta1"):
        plane.stop()
        raise NotServedError(f"{MUTATING} v1beta1")
    return plane


def admission_version(plane: ControlPlane) -> str | None:
    """Return the version in which the API server serves policies that repair at admission; None if it does not."""
    return next((version for version in ADMISSION_VERSIONS if _serves_mutating(plane, version)), None)


def admission_folders(plane: ControlPlane) -> list[str]:
    """Return the folders to install everything from that this API server can do at admission.

    Raises:
        NotServedError: it cannot repair.
    """
    version = admission_version(plane)
    if version is None:
        raise NotServedError(MUTATING)
    return [str(REPOSITORY / "manifests" / "admission" / name) for name in ADMISSION_VERSIONS[version]]


def install_admission(plane: ControlPlane) -> None:
    """Apply the admission policies.

    Raises:
        NotServedError: the API server cannot repair at admission.
    """
    for folder in admission_folders(plane):
        plane.kubectl("apply", "-k", folder)


def operators_kubeconfig(plane: ControlPlane) -> Path:
    """Return the kubeconfig of the operator, which the manifests give its rights; without them there is none."""
    return plane.kubeconfig_of_service_account(SYSTEM_NAMESPACE, SERVICE_ACCOUNT)


def _serves_mutating(plane: ControlPlane, version: str) -> bool:
    try:
        found = json.loads(plane.kubectl("get", "--raw", f"/apis/{_ADMISSION_GROUP}/{version}"))
    except KubectlFailed:
        return False
    return any(each["kind"] == MUTATING for each in found["resources"])
