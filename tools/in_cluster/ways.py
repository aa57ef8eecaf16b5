"""The ways to install the operator, as docs/operations.md and the README of the chart describe them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from control_plane.go_program import GoProgram
from control_plane.installation import REPOSITORY, SYSTEM_NAMESPACE
from control_plane.patience import NeverHappened
from helm.programs import HELM_3, HELM_4
from in_cluster.cluster import DEPLOYMENT, Cluster
from productionpolicy.kube.identity import GROUP, PLURAL

CHART = REPOSITORY / "charts" / "productionpolicy"
MANIFESTS = REPOSITORY / "manifests"
RELEASE = "productionpolicy"
NEXT = "next"
"""The tag of the image to upgrade to: the same image under another name."""

Step = Callable[[Cluster], None]
READY = ("rollout", "status", DEPLOYMENT, "-n", SYSTEM_NAMESPACE, "--timeout=120s")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to install the operator. Each step but the last ends when the operator is ready.

    Attributes:
        name: what it is called.
        install: installs it.
        upgrade: upgrades to another image.
        roll_back: rolls back.
        uninstall: removes what is left after the policies.
    """

    name: str
    install: Step
    upgrade: Step
    roll_back: Step
    uninstall: Step


def _apply(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-k", str(MANIFESTS))
    cluster.kubectl(*READY)


def _apply_all(cluster: Cluster) -> None:
    _apply(cluster)
    cluster.kubectl("apply", "-k", str(MANIFESTS / "admission"))
    cluster.kubectl("apply", "-f", str(MANIFESTS / "monitoring" / "service.yaml"))


def _apply_next(cluster: Cluster) -> None:
    with tempfile.TemporaryDirectory() as folder:
        manifests = os.path.relpath(MANIFESTS, Path(folder).resolve())
        images = f"images: [{{name: productionpolicy, newTag: {NEXT}}}]"
        (Path(folder) / "kustomization.yaml").write_text(f"resources: [{manifests}]\n{images}\n")
        cluster.kubectl("apply", "-k", folder)
    cluster.kubectl(*READY)


def _delete_all(cluster: Cluster) -> None:
    cluster.kubectl("delete", "-k", str(MANIFESTS / "admission"), "--ignore-not-found")
    cluster.kubectl("delete", "-k", str(MANIFESTS))


def _install_chart(program: GoProgram, cluster: Cluster) -> None:
    # Helm sets no labels on a namespace that it creates, so restricted Pod Security needs one that exists.
    cluster.kubectl("create", "namespace", SYSTEM_NAMESPACE)
    cluster.kubectl("label", "namespace", SYSTEM_NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    _run(program, cluster, "install", RELEASE, str(CHART), "--set=service.enabled=true")


def _upgrade_chart(program: GoProgram, cluster: Cluster) -> None:
    _run(program, cluster, "upgrade", RELEASE, str(CHART), "--reuse-values", f"--set=image.tag={NEXT}")


def _roll_chart_back(program: GoProgram, cluster: Cluster) -> None:
    _run(program, cluster, "rollback", RELEASE, "1")


def _uninstall_chart(program: GoProgram, cluster: Cluster) -> None:
    _run(program, cluster, "uninstall", RELEASE)
    cluster.kubectl("delete", "customresourcedefinition", f"{PLURAL}.{GROUP}")
    cluster.kubectl("delete", "namespace", SYSTEM_NAMESPACE)


def _run(program: GoProgram, cluster: Cluster, *arguments: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        folders = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
        environment = {**os.environ, **folders, "KUBECONFIG": str(cluster.plane.kubeconfig)}
        command = [str(program.ensure()), *arguments, f"--namespace={SYSTEM_NAMESPACE}", "--wait", "--timeout=2m"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NeverHappened(f"helm {arguments[0]} failed: {done.stderr.strip()}\n{cluster.evidence()}")


def _by_helm(program: GoProgram) -> Way:
    """Return the way by the chart, with one version of Helm."""
    steps = (_install_chart, _upgrade_chart, _roll_chart_back, _uninstall_chart)
    return Way(f"Helm {program.name.removeprefix('helm')}", *(partial(each, program) for each in steps))


WAYS = {
    "kustomize": Way("kustomize", _apply_all, _apply_next, _apply, _delete_all),
    "helm3": _by_helm(HELM_3),
    "helm4": _by_helm(HELM_4),
}
