"""The product in a control plane: its manifests, and the service account as which the operator then runs."""

from __future__ import annotations

from pathlib import Path

from control_plane.plane import ControlPlane

REPOSITORY = Path(__file__).parents[2]
SYSTEM_NAMESPACE = "productionpolicy-system"
SERVICE_ACCOUNT = "productionpolicy"
AWAIT_KIND = ("wait", "--for=condition=Established", "crd/productionpolicies.productionpolicy.dev", "--timeout=30s")


def install(plane: ControlPlane) -> Path:
    """Install as a user would, and return the kubeconfig of the operator."""
    apply(plane)
    return operators_kubeconfig(plane)


def apply(plane: ControlPlane) -> None:
    """Apply the manifests, and wait until the API server serves our kind."""
    plane.kubectl("apply", "-k", str(REPOSITORY / "manifests"))
    plane.kubectl(*AWAIT_KIND)


def operators_kubeconfig(plane: ControlPlane) -> Path:
    """Return the kubeconfig of the operator, which the manifests give its rights; without them there is none."""
    return plane.kubeconfig_of_service_account(SYSTEM_NAMESPACE, SERVICE_ACCOUNT)
