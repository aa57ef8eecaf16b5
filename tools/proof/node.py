"""A node: containerd, a kubelet and a network for its pods, with folders and ports of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.ports import LOOPBACK, free_ports
from proof.enclosure import STATE, node_address
from proof.images import PAUSE
from proof.programs import Programs

PODS = "10.244.0.0/16"


@dataclass(frozen=True, slots=True)
class Node:
    """Where a node keeps its things; `number` counts from 1."""

    number: int
    programs: Programs
    ports: Sequence[int] = field(default_factory=lambda: free_ports(2))

    @property
    def name(self) -> str:
        """What it is called."""
        return f"node-{self.number}"

    @property
    def folder(self) -> Path:
        """Everything of it but its logs; in memory."""
        return STATE / self.name

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.folder / "containerd.sock"

    def prepare(self) -> None:
        """Write what its programs read."""
        self.folder.mkdir()
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "bridge.conflist").write_text(json.dumps(self._network()))
        (self.folder / "containerd.toml").write_text(self._containerd())
        (self.folder / "kubelet.yaml").write_text(json.dumps(self._kubelet()))

    def containerd_command(self) -> list[str]:
        """Return the command line of containerd."""
        return [str(self.programs.containerd / "containerd"), f"--config={self.folder / 'containerd.toml'}"]

    def kubelet_command(self, kubeconfig: Path) -> list[str]:
        """Return the command line of the kubelet."""
        return [
            str(self.programs.node / "kubelet"),
            f"--config={self.folder / 'kubelet.yaml'}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={self.name}",
            f"--node-ip={node_address(self.number)}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'certificates'}",
        ]

    def load(self, archive: Path) -> None:
        """Give it an image."""
        command = [str(self.programs.containerd / "ctr"), f"--address={self.socket}", "--namespace=k8s.io"]
        subprocess.run([*command, "images", "import", str(archive)], check=True, capture_output=True, text=True)

    def _network(self) -> dict[str, object]:
        subnet = f"10.244.{self.number}.0/24"
        bridge = {
            "type": "bridge",
            "bridge": f"pods{self.number}",
            "isGateway": True,
            "ipam": {
                "type": "host-local",
                "dataDir": str(self.folder / "addresses"),
                "ranges": [[{"subnet": subnet}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
        return {"cniVersion": "1.0.0", "name": f"pods-of-{self.name}", "plugins": [bridge]}

    def _containerd(self) -> str:
        return CONTAINERD.format(
            folder=self.folder, socket=self.socket, pause=PAUSE, plugins=self.programs.cni, runc=self.programs.runc
        )

    def _kubelet(self) -> dict[str, object]:
        port, health = self.ports
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": node_address(self.number),
            "port": port,
            "healthzBindAddress": LOOPBACK,
            "healthzPort": health,
            # The API server brings no certificate for logs and exec, and nobody else is in this network.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.name}",
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "localStorageCapacityIsolation": False,
            "makeIPTablesUtilChains": False,
            "evictionHard": {"imagefs.available": "0%", "memory.available": "0%", "nodefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            "podLogsDir": str(self.folder / "pod-logs"),
            "volumePluginDir": str(self.folder / "volume-plugins"),
            "resolvConf": "",
        }


def proxy_configuration(*, kubeconfig: Path, node: str) -> dict[str, object]:
    """Return the configuration of kube-proxy; what it does not name is as kube-proxy has it."""
    health, metrics = free_ports(2)
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": PODS,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"},
        "healthzBindAddress": f"{LOOPBACK}:{health}",
        "hostnameOverride": node,
        "metricsBindAddress": f"{LOOPBACK}:{metrics}",
    }


CONTAINERD = """\
version = 3
root = "{folder}/containerd"
state = "{folder}/containerd-state"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]

[grpc]
  address = "{socket}"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"

[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{plugins}"]
  conf_dir = "{folder}/cni"

[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{runc}"
  SystemdCgroup = false
"""
"""Without `restrict_oom_score_adj` runc fails where the right to lower that score is missing."""
