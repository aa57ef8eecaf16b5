"""Random clusters: nodes, what runs on them, and the budgets of that. The same seed gives the same cluster."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partialmethod

from drains.more import bound_claim, claim_spec, enriched, only_on
from owners.manifests import Raw

NAMESPACES = ("blue", "green")
NEVER = "drains.productionpolicy.dev/never"
"""The annotation of pods that never become Ready: `ready`, or `started` where they do not even start."""

ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
POOL = "pool"
GPU = "example.com/gpu"
FAMILIES = ("web", "db", "batch")
MOST_NODES_DRAINED = 5

ROOM = {"cpu": ("m", 2000), "memory": ("Mi", 4096)}
"""The unit of each resource, and what the smallest node has at least of it: more than the largest pod."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of `kubectl drain`."""

    ignore_daemonsets: bool = True
    delete_emptydir_data: bool = True
    force: bool = True

    def as_arguments(self) -> list[str]:
        """Return them as kubectl takes them."""
        return [f"--{each.name.replace('_', '-')}={str(getattr(self, each.name)).lower()}" for each in fields(self)]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cluster as its owners describe it, and the drain to play."""

    seed: int
    number: int
    objects: tuple[Raw, ...]
    order: tuple[str, ...]
    """The nodes to drain, one after the other."""

    flags: Flags
    cordoned: tuple[str, ...]
    """Nodes that are cordoned, once everything runs, before the drain begins."""


def scenario(seed: int, number: int) -> Scenario:
    """Return the cluster of this number; each is a world of its own, so that one can be played without the others."""
    made = _Draw(random.Random(f"{seed}/{number}"), number).scenario(seed)
    return replace(made, objects=enriched(random.Random(f"{seed}/{number}/more"), made.objects))


@dataclass(slots=True)
class _Draw:
    """The dice, and what they have fallen on so far."""

    dice: random.Random
    number: int
    pods: int = 0

    def scenario(self, seed: int) -> Scenario:
        nodes = list(self._nodes())
        names = [each["metadata"]["name"] for each in nodes]
        count = self.dice.choice((5, 5, 6, 6, 7, 8, 8, 10, 12, 15, 20, 60 if self._chance(0.15) else 30))
        workloads = [each for index in range(count) for each in self._workload(index, nodes)]
        _make_room(nodes, workloads, share=self.dice.choice((0.3, 0.4, 0.5, 0.6, 0.6, 0.7, 0.8, 0.9, 1.1)))
        order = self.dice.sample(names, k=min(len(names), MOST_NODES_DRAINED))
        kept = [each for each in names if each not in order[:1]]
        return Scenario(
            seed,
            self.number,
            objects=(*nodes, *workloads, *self._budgets(workloads)),
            order=tuple(order),
            flags=Flags(*(self._chance(0.93) for _ in range(3))),
            cordoned=tuple(self.dice.sample(kept, k=1)) if self._chance(0.1) and len(kept) > 1 else (),
        )

    def _chance(self, share: float) -> bool:
        return self.dice.random() < share

    def _nodes(self) -> Iterator[Raw]:
        count = self.dice.choice((2, 3, 3, 4, 4, 5, 6, 8, 12))
        zones = self.dice.randint(1, 3)
        sizes = (1,) if self._chance(0.5) else (1, 2, 4)
        most = self.dice.choice((8, 16, 110, 110, 110, 110))
        for index in range(count):
            size = self.dice.choice(sizes)
            yield self._node(f"node-{index:02}", zone=f"zone-{'abc'[index % zones]}", size=size, most=most)

    def _node(self, name: str, *, zone: str, size: int, most: int) -> Raw:
        labels = {HOSTNAME: name, ZONE: zone, "kubernetes.io/os": "linux", POOL: self.dice.choice(("a", "a", "b"))}
        if self._chance(0.04):
            del labels[ZONE]
        allocatable: Raw = {"cpu": size, "pods": str(most), "ephemeral-storage": "100Gi"}
        if self._chance(0.3):
            allocatable[GPU] = str(self.dice.randint(1, 4))
        taints = []
        if self._chance(0.15):
            effect = self.dice.choice(("NoSchedule", "NoExecute", "PreferNoSchedule"))
            taints = [{"key": "dedicated", "value": self.dice.choice("xy"), "effect": effect}]
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taints},
            "status": {"allocatable": allocatable, "capacity": allocatable, "conditions": [ready]},
        }

    def _workload(self, index: int, nodes: Sequence[Raw]) -> Iterator[Raw]:
        kinds = ("Deployment",) * 9 + ("StatefulSet",) * 4 + ("DaemonSet", "Job", "Job", "Pod", "Pod")
        kind = self.dice.choice((*kinds, "ReplicationController", "ReplicaSet"))
        name, namespace = f"{kind.lower()}-{index:02}", self.dice.choice((*NAMESPACES[:1] * 3, NAMESPACES[1]))
        labels = {"app": name, "family": self.dice.choice(FAMILIES)}
        template = {"metadata": {"labels": labels}, "spec": self._pod_spec(labels, nodes)}
        if self._chance(0.1):
            template["metadata"]["annotations"] = {NEVER: self.dice.choice(("ready", "ready", "started"))}
        head = {"name": name, "namespace": namespace}
        if kind == "StatefulSet" and self._chance(0.4):
            yield from self._volumes_of(head, template["spec"], nodes)
        else:
            if kind in ("Deployment", "Pod", "StatefulSet") and self._chance(0.08):
                yield from self._shared_volume(head, template["spec"], nodes)
            yield getattr(self, f"_{kind.lower()}")(head, labels, template)

    def _replicas(self) -> int:
        return self.dice.choice((1, 1, 2, 2, 2, 3, 3, 4, 5))

    def _replicated(self, version: str, kind: str, head: Raw, labels: Raw, template: Raw) -> Raw:
        selector = labels if version == "v1" else {"matchLabels": labels}
        spec = {"replicas": self._replicas(), "selector": selector, "template": template}
        return {"apiVersion": version, "kind": kind, "metadata": head, "spec": spec}

    _deployment = partialmethod(_replicated, "apps/v1", "Deployment")
    _replicaset = partialmethod(_replicated, "apps/v1", "ReplicaSet")
    _replicationcontroller = partialmethod(_replicated, "v1", "ReplicationController")

    def _statefulset(self, head: Raw, labels: Raw, template: Raw) -> Raw:
        made = self._replicated("apps/v1", "StatefulSet", head, labels, template)
        made["spec"] |= {"serviceName": head["name"]}
        made["spec"] |= {"podManagementPolicy": self.dice.choice(("OrderedReady", "OrderedReady", "Parallel"))}
        return made

    def _daemonset(self, head: Raw, labels: Raw, template: Raw) -> Raw:
        kept = ("containers", "tolerations", "volumes", "initContainers")
        spec = {key: value for key, value in template["spec"].items() if key in kept}
        spec["containers"] = [{**each, "ports": []} for each in spec["containers"]]
        if self._chance(0.3):
            spec["nodeSelector"] = {POOL: "a"}
        body = {"selector": {"matchLabels": labels}, "template": {**template, "spec": spec}}
        return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": head, "spec": body}

    def _job(self, head: Raw, labels: Raw, template: Raw) -> Raw:
        """Return a Job that runs for longer than any drain: it ends when it loses a pod, or replaces that at once."""
        del labels
        count = self.dice.choice((1, 1, 2))
        spec: Raw = {"parallelism": count, "completions": count, "template": template}
        if self._chance(0.5):
            spec["backoffLimit"] = 0
        else:
            disrupted = [{"type": "DisruptionTarget", "status": "True"}]
            spec["podFailurePolicy"] = {"rules": [{"action": "Ignore", "onPodConditions": disrupted}]}
        template["spec"]["restartPolicy"] = "Never"
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": head, "spec": spec}

    def _pod(self, head: Raw, labels: Raw, template: Raw) -> Raw:
        metadata = {**template["metadata"], **head, "labels": labels}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}

    def _pod_spec(self, labels: Raw, nodes: Sequence[Raw]) -> Raw:
        spec: Raw = {"containers": [self._container()], "terminationGracePeriodSeconds": 1}
        if self._chance(0.1):
            spec["initContainers"] = [self._init_container()]
        if self._chance(0.08):
            spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
        if self._chance(0.15):
            spec["nodeSelector"] = self.dice.choice(({POOL: "a"}, {POOL: "b"}, {HOSTNAME: self._some(nodes)}))
        if self._chance(0.2):
            spec["tolerations"] = [self._toleration()]
        affinity = self._affinity(labels, nodes)
        if affinity:
            spec["affinity"] = affinity
        if self._chance(0.15):
            spec["topologySpreadConstraints"] = [self._constraint(labels)]
        return spec

    def _some(self, nodes: Sequence[Raw]) -> str:
        return str(self.dice.choice(nodes)["metadata"]["name"])

    def _container(self) -> Raw:
        cpu = self.dice.choice((50, 100, 100, 250, 250, 500, 500, 1000, 2000))
        memory = self.dice.choice((64, 128, 256, 512, 1024, 4096))
        requests = {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}
        limits = {}
        if self._chance(0.05):
            requests[GPU] = limits[GPU] = "1"
        if self._chance(0.1):
            requests = {key: value for key, value in requests.items() if key == GPU}
        made: Raw = {"name": "app", "image": "registry.example/app:1", "resources": {"requests": requests}}
        if limits:
            made["resources"]["limits"] = limits
        if self._chance(0.06):
            made["ports"] = [{"containerPort": 80, "hostPort": self.dice.choice((8080, 8080, 9090))}]
        return made

    def _init_container(self) -> Raw:
        requests = {"cpu": self.dice.choice(("100m", "1", "2")), "memory": "128Mi"}
        made = {"name": "before", "image": "registry.example/before:1", "resources": {"requests": requests}}
        return {**made, "restartPolicy": "Always"} if self._chance(0.5) else made

    def _toleration(self) -> Raw:
        if self._chance(0.2):
            return {"operator": "Exists"}
        made = {"key": "dedicated", "operator": "Equal", "value": self.dice.choice("xy")}
        return {**made, "effect": "NoSchedule"} if self._chance(0.4) else made

    def _affinity(self, labels: Raw, nodes: Sequence[Raw]) -> Raw:
        made: Raw = {}
        if self._chance(0.2):
            made["podAntiAffinity"] = self._apart(labels)
        if self._chance(0.06):
            family = {"family": self.dice.choice((labels["family"], *FAMILIES))}
            term = {"labelSelector": {"matchLabels": family}, "topologyKey": self._topology()}
            made["podAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        if self._chance(0.06):
            terms = [{"matchExpressions": [self._requirement(nodes)]}]
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
            made["nodeAffinity"] = required
        return made

    def _apart(self, labels: Raw) -> Raw:
        wanted = {"family": self.dice.choice(FAMILIES)} if self._chance(0.2) else {"app": labels["app"]}
        term: Raw = {"labelSelector": {"matchLabels": wanted}, "topologyKey": self._topology()}
        if self._chance(0.1):
            term["namespaceSelector"] = {}
        if self._chance(0.3):
            preferred = [{"weight": 100, "podAffinityTerm": term}]
            return {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
        return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}

    def _topology(self) -> str:
        return self.dice.choice((HOSTNAME, HOSTNAME, ZONE))

    def _requirement(self, nodes: Sequence[Raw]) -> Raw:
        operator = self.dice.choice(("In", "NotIn", "Exists"))
        if operator == "Exists":
            return {"key": ZONE, "operator": operator}
        if self._chance(0.5):
            return {"key": ZONE, "operator": operator, "values": [self.dice.choice(("zone-a", "zone-b"))]}
        return {"key": HOSTNAME, "operator": operator, "values": [self._some(nodes), self._some(nodes)]}

    def _constraint(self, labels: Raw) -> Raw:
        made: Raw = {
            "maxSkew": self.dice.choice((1, 1, 2)),
            "topologyKey": self._topology(),
            "whenUnsatisfiable": self.dice.choice(("DoNotSchedule", "DoNotSchedule", "ScheduleAnyway")),
            "labelSelector": {"matchLabels": {"app": labels["app"]}},
        }
        if made["whenUnsatisfiable"] == "DoNotSchedule" and self._chance(0.15):
            made["minDomains"] = self.dice.randint(1, 3)
        if self._chance(0.2):
            made["nodeTaintsPolicy"] = "Honor"
        if self._chance(0.1):
            made["nodeAffinityPolicy"] = "Ignore"
        return made

    def _volumes_of(self, head: Raw, pod: Raw, nodes: Sequence[Raw]) -> Iterator[Raw]:
        """Yield a StatefulSet whose claims are bound to volumes of one node or zone each."""
        labels = {"app": head["name"], "family": "db"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": pod["containers"]}}
        made = self._statefulset(head, labels, template)
        made["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim_spec("")}]
        for ordinal in range(made["spec"]["replicas"]):
            yield from self._bound(f"data-{head['name']}-{ordinal}", head["namespace"], self.dice.choice(nodes))
        yield made

    def _shared_volume(self, head: Raw, pod: Raw, nodes: Sequence[Raw]) -> Iterator[Raw]:
        yield from self._bound(f"shared-{head['name']}", head["namespace"], self.dice.choice(nodes))
        claim = {"claimName": f"shared-{head['name']}"}
        pod.setdefault("volumes", []).append({"name": "shared", "persistentVolumeClaim": claim})

    def _bound(self, claim: str, namespace: str, node: Raw) -> Iterator[Raw]:
        labels, key = node["metadata"]["labels"], self.dice.choice((HOSTNAME, ZONE))
        key = key if key in labels else HOSTNAME
        yield from bound_claim(claim, namespace, {"local": {"path": "/data"}}, only_on(key, labels[key]))

    def _budgets(self, workloads: Sequence[Raw]) -> Iterator[Raw]:
        guarded = [each for each in workloads if not each["kind"].startswith("PersistentVolume")]
        for each in guarded:
            if self._chance(0.6 if "replicas" in each["spec"] else 0.15):
                name = each["metadata"]["name"]
                yield self._budget(name, each["metadata"]["namespace"], {"matchLabels": {"app": name}})
        if self._chance(0.15):
            yield self._budget("family", self.dice.choice(NAMESPACES), {"matchLabels": {"family": "web"}})
        if self._chance(0.04):
            yield self._budget("everything", NAMESPACES[1], {})

    def _budget(self, name: str, namespace: str, selector: Raw) -> Raw:
        spec: Raw = {"selector": selector}
        if self._chance(0.55):
            spec["maxUnavailable"] = self.dice.choice((1, 1, 1, 2, 0, "25%", "50%", "10%"))
        else:
            spec["minAvailable"] = self.dice.choice((1, 1, 2, 3, "50%", "50%", "80%", "100%"))
        if self._chance(0.25):
            spec["unhealthyPodEvictionPolicy"] = self.dice.choice(("AlwaysAllow", "AlwaysAllow", "IfHealthyBudget"))
        head = {"name": f"budget-{name}", "namespace": namespace}
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": head, "spec": spec}


def _make_room(nodes: Sequence[Raw], workloads: Sequence[Raw], *, share: float) -> None:
    """Give each node the room that its relative size is worth, so that all pods take this share of all nodes."""
    sizes = [each["status"]["allocatable"]["cpu"] for each in nodes]
    for resource, (unit, least) in ROOM.items():
        wanted = sum(_requested(each, resource, unit, nodes=len(nodes)) for each in workloads)
        room = max(least, round(wanted / share / sum(sizes)))
        for node, size in zip(nodes, sizes, strict=True):
            node["status"]["allocatable"][resource] = f"{room * size}{unit}"


def _requested(raw: Raw, resource: str, unit: str, *, nodes: int) -> int:
    """Return what all pods of an object request of a resource, in its unit, but for what comes before they run."""
    spec = raw["spec"]
    pod = spec.get("template", raw)["spec"]
    count = nodes if raw["kind"] == "DaemonSet" else spec.get("replicas", spec.get("parallelism", 1))
    requests = [each["resources"]["requests"].get(resource, "0") for each in pod.get("containers", ())]
    return sum(count * int(each.removesuffix(unit)) for each in requests)
