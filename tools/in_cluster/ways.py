"""The ways to install the operator, as docs/operations.md and the README of the chart describe them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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

READY = ("rollout", "status", DEPLOYMENT, "-n", SYSTEM_NAMESPACE, "--timeout=120s")


class Way(Protocol):
    """One way to install, upgrade, roll back and uninstall."""

    @property
    def name(self) -> str:
        """What it is called."""

    def install(self, cluster: Cluster) -> None:
        """Install, and wait until the operator is ready."""

    def upgrade(self, cluster: Cluster) -> None:
        """Upgrade to another image, and wait until the operator is ready."""

    def roll_back(self, cluster: Cluster) -> None:
        """Roll back, and wait until the operator is ready."""

    def uninstall(self, cluster: Cluster) -> None:
        """Remove what is left after the policies."""


@dataclass(frozen=True, slots=True)
class Kustomize:
    """`kubectl apply -k`."""

    @property
    def name(self) -> str:
        """What it is called."""
        return "kustomize"

    def install(self, cluster: Cluster) -> None:
        """Install, and wait until the operator is ready."""
        cluster.kubectl("apply", "-k", str(MANIFESTS))
        cluster.kubectl(*READY)
        cluster.kubectl("apply", "-k", str(MANIFESTS / "admission"))
        cluster.kubectl("apply", "-f", str(MANIFESTS / "monitoring" / "service.yaml"))

    def upgrade(self, cluster: Cluster) -> None:
        """Upgrade to another image, and wait until the operator is ready."""
        with tempfile.TemporaryDirectory() as folder:
            manifests = os.path.relpath(MANIFESTS, Path(folder).resolve())
            images = f"images: [{{name: productionpolicy, newTag: {NEXT}}}]"
            (Path(folder) / "kustomization.yaml").write_text(f"resources: [{manifests}]\n{images}\n")
            cluster.kubectl("apply", "-k", folder)
        cluster.kubectl(*READY)

    def roll_back(self, cluster: Cluster) -> None:
        """Roll back, and wait until the operator is ready."""
        cluster.kubectl("apply", "-k", str(MANIFESTS))
        cluster.kubectl(*READY)

    def uninstall(self, cluster: Cluster) -> None:
        """Remove what is left after the policies."""
        cluster.kubectl("delete", "-k", str(MANIFESTS / "admission"), "--ignore-not-found")
        cluster.kubectl("delete", "-k", str(MANIFESTS))


@dataclass(frozen=True, slots=True)
class Helm:
    """The chart, with one version of Helm."""

    program: GoProgram

    @property
    def name(self) -> str:
        """What it is called."""
        return f"Helm {self.program.name.removeprefix('helm')}"

    def install(self, cluster: Cluster) -> None:
        """Install, and wait until the operator is ready."""
        # Helm sets no labels on a namespace that it creates, so restricted Pod Security needs one that exists.
        cluster.kubectl("create", "namespace", SYSTEM_NAMESPACE)
        cluster.kubectl("label", "namespace", SYSTEM_NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        self._run(cluster, "install", RELEASE, str(CHART), "--wait", "--timeout=2m", "--set=service.enabled=true")

    def upgrade(self, cluster: Cluster) -> None:
        """Upgrade to another image, and wait until the operator is ready."""
        changed = ("--reuse-values", f"--set=image.tag={NEXT}")
        self._run(cluster, "upgrade", RELEASE, str(CHART), "--wait", "--timeout=2m", *changed)

    def roll_back(self, cluster: Cluster) -> None:
        """Roll back, and wait until the operator is ready."""
        self._run(cluster, "rollback", RELEASE, "1", "--wait", "--timeout=2m")

    def uninstall(self, cluster: Cluster) -> None:
        """Remove what is left after the policies."""
        self._run(cluster, "uninstall", RELEASE, "--wait", "--timeout=2m")
        cluster.kubectl("delete", "customresourcedefinition", f"{PLURAL}.{GROUP}")
        cluster.kubectl("delete", "namespace", SYSTEM_NAMESPACE)

    def _run(self, cluster: Cluster, *arguments: str) -> None:
        with tempfile.TemporaryDirectory() as home:
            folders = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
            environment = {**os.environ, **folders, "KUBECONFIG": str(cluster.plane.kubeconfig)}
            command = [str(self.program.ensure()), *arguments, f"--namespace={SYSTEM_NAMESPACE}"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NeverHappened(f"helm {arguments[0]} failed: {done.stderr.strip()}\n{cluster.evidence()}")


WAYS: dict[str, Way] = {"kustomize": Kustomize(), "helm3": Helm(HELM_3), "helm4": Helm(HELM_4)}
