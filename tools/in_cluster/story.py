"""What an administrator does with the operator, step by step; each step returns what it has shown."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from control_plane import probe
from control_plane.installation import REPOSITORY, SYSTEM_NAMESPACE
from control_plane.patience import NeverHappened
from control_plane.plane import KubectlFailed
from image.contents import MEGABYTE
from in_cluster.cluster import OPERATOR, Cluster
from in_cluster.ways import Way
from owners.manifests import Raw, deployment
from owners.rollouts import conditions, is_ready, is_rolled_out
from productionpolicy.kube.identity import FINALIZER, MANAGED_BY
from testbed.client import journal

SHOP = Path(__file__).with_name("shop.yaml")
POLICY = REPOSITORY / "examples" / "policy.yaml"
NAMESPACE = "shop"
SERVICE = "productionpolicy-metrics"
PORT = 8080
PYTHON = "/opt/productionpolicy/bin/python"
REPAIR_SECONDS = 60.0
SETTLE_SECONDS = 180.0
METRICS_SECONDS = 60.0
BACK_SECONDS = 90.0
CLEAN = ("info", "debug")

_WRITE = """
import errno, os
try:
    open("/opt/productionpolicy/written", "w")
except OSError as error:
    print(os.getuid(), errno.errorcode[error.errno])
"""

Figures = dict[str, float]


@dataclass(slots=True)
class Story:
    """The steps on one cluster.

    Attributes:
        cluster: where.
        way: how the operator is installed.
        tell: takes each sentence that was shown.
        figures: what was measured, by name.
    """

    cluster: Cluster
    way: Way
    tell: Callable[[str], None]
    figures: Figures = field(default_factory=dict)
    _before: set[str] = field(default_factory=set)

    def told(self) -> Figures:
        """Go through all steps and return the figures.

        Raises:
            NeverHappened: a step fails.
            KubectlFailed: a command fails that should not.
        """
        for step in STEPS:
            self.tell(step(self))
        return self.figures

    def installed(self) -> str:
        """Install the operator beside a service."""
        cluster = self.cluster
        cluster.kubectl("apply", "-f", str(SHOP))
        self._await_shop()
        self._before = cluster.names()
        started = time.monotonic()
        self.way.install(cluster)
        self.figures["installSeconds"] = time.monotonic() - started
        self.figures["readySeconds"] = ready_seconds(cluster.operator())
        return (
            f"installed in {self.figures['installSeconds']:.1f} s; the Pod is ready "
            f"{self.figures['readySeconds']:.0f} s after its container started"
        )

    def restricted(self) -> str:
        """Show what the pod may not do."""
        labels = self.cluster.get("namespace", SYSTEM_NAMESPACE)["metadata"]["labels"]
        self._insist(labels.get("pod-security.kubernetes.io/enforce") == "restricted", "Pod Security is not enforced")
        try:
            self.cluster.kubectl("run", "probe", "--image=probe", "--privileged", "--dry-run=server", *_THERE)
        except KubectlFailed as refusal:
            self._insist("violates PodSecurity" in str(refusal), f"the refusal is another: {refusal}")
        else:
            raise NeverHappened("Pod Security admits a privileged pod")
        pod = self.cluster.operator()["metadata"]["name"]
        written = self.cluster.kubectl("exec", pod, *_THERE, "--", PYTHON, "-c", _WRITE).split()
        self._insist(written == ["65532", "EROFS"], f"writing into the root file system: {written}")
        return "restricted Pod Security is enforced; the Pod runs as user 65532, and its root file system is read-only"

    def served(self) -> str:
        """Ask for probes and metrics."""
        pod = self.cluster.operator()
        name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
        self._insist(is_ready(pod), "the kubelet's probes do not succeed")
        for path in ("livez", "readyz"):
            self.cluster.kubectl(
                "get", "--raw", f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods/{name}:{PORT}/proxy/{path}"
            )
        series = self._series()
        of_kubelet = f"/api/v1/nodes/{node}/proxy/metrics/resource"
        self.figures["memoryMegabytes"] = self._memory(of_kubelet, pod=name) / MEGABYTE
        return (
            f"the kubelet's probes succeed; the Service answers with {len(series)} series; "
            f"the Pod takes {self.figures['memoryMegabytes']:.0f} MB of memory"
        )

    def repaired(self) -> str:
        """Let a policy govern the service."""
        self.cluster.kubectl("apply", "-f", str(POLICY))
        self.cluster.govern(NAMESPACE, "default")
        seconds = self.cluster.until(
            lambda: self._is_repaired("web"), within=REPAIR_SECONDS, otherwise="the service was not repaired"
        )
        self._await_shop()
        self.figures["repairSeconds"] = seconds
        spec = self.cluster.get("deployment", "web", NAMESPACE)["spec"]["template"]["spec"]
        self._insist("preStop" in spec["containers"][0].get("lifecycle", {}), "the service has no preStop hook")
        return f"a Deployment has its preStop hook and its budget {seconds:.1f} s after its namespace got the label"

    def logged(self) -> str:
        """Read the log as `kubectl logs` shows it."""
        pod = self.cluster.operator()
        self._insist(pod["status"]["containerStatuses"][0]["restartCount"] == 0, "the container was restarted")
        lines = self.cluster.kubectl("logs", pod["metadata"]["name"], *_THERE).splitlines()
        wrong = [line for line in lines if not is_clean(line)]
        self._insist(bool(lines) and not wrong, "the log is not clean:\n" + "\n".join(wrong))
        return f"kubectl logs shows {len(lines)} lines, each a JSON object, with no warning and no traceback"

    def upgraded(self) -> str:
        """Upgrade to another image, and roll back."""
        before, pod = self._state(), self.cluster.operator()["metadata"]["uid"]
        for change in (self.way.upgrade, self.way.roll_back):
            change(self.cluster)
            # A pod that is on its way out is not the operator's any more, but takes its time.
            self.cluster.until(
                lambda: len(self.cluster.pods(OPERATOR)) == 1, within=30, otherwise="there is no one pod"
            )
            new = self.cluster.operator()["metadata"]["uid"]
            self._insist(new != pod, "the Pod of the operator was not replaced")
            pod = new
        self.cluster.until(
            self._writes, within=REPAIR_SECONDS, otherwise="the operator did not repair after the rollback"
        )
        self._insist(self._state() == before, f"workloads changed: {before} became {self._state()}")
        return f"an upgrade and a rollback restart no workload: {len(before)} objects and pods are the same"

    def survived(self) -> str:
        """End the node on which the operator runs."""
        lost = self.cluster.operator()
        node, uid = lost["spec"]["nodeName"], lost["metadata"]["uid"]
        self.cluster.nodes.kill(node)
        started = time.monotonic()
        self._create("orders")

        def is_back() -> bool:
            found = [each for each in self.cluster.pods(OPERATOR) if each["metadata"]["uid"] != uid]
            return any(map(is_ready, found)) and self._has_budget("orders")

        self.cluster.until(is_back, within=BACK_SECONDS, otherwise=f"{node} died, and the operator was not back")
        self.figures["backSeconds"] = time.monotonic() - started
        elsewhere = self.cluster.operator()["spec"]["nodeName"]
        self._insist(elsewhere != node, f"the operator is on {node}, which is dead")
        # Kubernetes' way to say that a node will not come back, so that its pods are deleted.
        self.cluster.kubectl("taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
        return (
            f"{node} dies with the operator: {self.figures['backSeconds']:.0f} s later it is on {elsewhere}, and has "
            "repaired a workload that was created in the meantime"
        )

    def uninstalled(self) -> str:
        """Uninstall in the documented order."""
        cluster = self.cluster
        patch = '{"spec":{"onRemoval":"Revert"}}'
        cluster.kubectl("patch", "productionpolicy", "default", "--type=merge", "-p", patch)
        cluster.kubectl("wait", f"--for=jsonpath={{.metadata.finalizers[0]}}={FINALIZER}", "productionpolicy/default")
        cluster.kubectl("delete", "productionpolicies", "--all", f"--timeout={SETTLE_SECONDS:.0f}s")
        self.way.uninstall(cluster)
        cluster.kubectl("delete", "deployment", "orders", "writes", "-n", NAMESPACE, "--ignore-not-found")
        cluster.until(lambda: not self._left(), within=SETTLE_SECONDS, otherwise=f"something is left: {self._left()}")
        web = cluster.get("deployment", "web", NAMESPACE)
        self._insist(not journal(web), f"the service still has repairs: {sorted(journal(web))}")
        container = web["spec"]["template"]["spec"]["containers"][0]
        self._insist("lifecycle" not in container, "the service still has its preStop hook")
        return "uninstalled in the documented order: no object is left, and the workload is as its owner wrote it"

    def _series(self) -> list[str]:
        """Return the metrics of the operator from its Service, once kube-proxy knows where to send requests."""
        address = self.cluster.get("service", SERVICE, SYSTEM_NAMESPACE)["spec"]["clusterIP"]

        def found() -> list[str]:
            metrics = (probe.body(PORT, "/metrics", host=address) or b"").decode()
            return [line for line in metrics.splitlines() if line.startswith("productionpolicy_")]

        return self.cluster.found(
            found, within=METRICS_SECONDS, otherwise="the Service serves no metrics of the operator"
        )

    def _memory(self, metrics: str, *, pod: str) -> float:
        """Return the bytes in use by a pod once its kubelet has looked, which it does every few seconds."""

        def found() -> float:
            return memory(self.cluster.kubectl("get", "--raw", metrics), pod=pod)

        return self.cluster.found(found, within=METRICS_SECONDS, otherwise=f"the kubelet has no metrics of {pod}")

    def _left(self) -> list[str]:
        return sorted(self.cluster.names() - self._before)

    def _state(self) -> dict[str, str]:
        """Return what was last decided about the workload, and the identity of each of its pods.

        Its status is left out: Kubernetes still writes `terminatingReplicas` after a rollout has ended.
        """
        metadata = self.cluster.get("deployment", "web", NAMESPACE)["metadata"]
        found = {"web": f"generation {metadata['generation']}, {metadata['annotations']}"}
        return found | {
            each["metadata"]["name"]: each["metadata"]["uid"] for each in self.cluster.pods("app=web", NAMESPACE)
        }

    def _writes(self) -> bool:
        """Create a workload, once, and tell whether the operator has written its budget."""
        if not self.cluster.find("deployment", "writes", NAMESPACE):
            self._create("writes")
        return self._has_budget("writes")

    def _create(self, name: str) -> None:
        web = self.cluster.get("deployment", "web", NAMESPACE)
        container = web["spec"]["template"]["spec"]["containers"][0]
        kept = {key: container[key] for key in ("name", "image", "args", "readinessProbe")}
        self.cluster.create(deployment(name, replicas=2, containers=[kept]), NAMESPACE)

    def _is_repaired(self, name: str) -> bool:
        return bool(journal(self.cluster.get("deployment", name, NAMESPACE))) and self._has_budget(name)

    def _has_budget(self, name: str) -> bool:
        """Tell whether a workload has a budget of the operator, which only the operator itself can create."""
        found = self.cluster.all("pdb", NAMESPACE, labelled=f"{MANAGED_BY}=productionpolicy")
        return any(each["metadata"]["ownerReferences"][0]["name"] == name for each in found)

    def _await_shop(self) -> None:
        self.cluster.until(self._is_rolled_out, within=SETTLE_SECONDS, otherwise="the service is not available")

    def _is_rolled_out(self) -> bool:
        web = self.cluster.get("deployment", "web", NAMESPACE)
        return is_rolled_out(web) and len(self.cluster.pods("app=web", NAMESPACE)) == web["spec"]["replicas"]

    def _insist(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001  # reads like an assertion, which it is
        if not holds:
            raise NeverHappened(f"{otherwise}\n{self.cluster.evidence()}")


STEPS: Sequence[Callable[[Story], str]] = (
    Story.installed,
    Story.restricted,
    Story.served,
    Story.repaired,
    Story.logged,
    Story.upgraded,
    Story.survived,
    Story.uninstalled,
)
_THERE = ("-n", SYSTEM_NAMESPACE)


def ready_seconds(pod: Raw) -> float:
    """Return the seconds from the start of the container until the pod was ready, as the kubelet gives both."""
    started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    return (_time(conditions(pod)["Ready"]["lastTransitionTime"]) - _time(started)).total_seconds()


def is_clean(line: str) -> bool:
    """Tell whether a line of a log is a JSON object of a level that needs nobody's attention."""
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("level") in CLEAN


def memory(metrics: str, *, pod: str) -> float:
    """Return the bytes in use by a pod, by the metrics of its kubelet; 0 if there are none yet."""
    found = re.search(rf'^pod_memory_working_set_bytes{{[^}}]*pod="{pod}"}} (\S+)', metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
