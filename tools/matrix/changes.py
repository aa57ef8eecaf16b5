"""The rows: what an owner may do next to a workload that was repaired."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from matrix.manifests import LABELS, NAME, REPLICAS, Manifests, deployment
from owners.manifests import Raw, autoscaler, budget, container
from productionpolicy.kube.identity import EXEMPT

Edit = Callable[[Manifests], Manifests]


class Deed(StrEnum):
    """What is no edit of the manifests."""

    UNDO = "undo"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Change:
    """One row.

    Attributes:
        name: what the owner does.
        steps: one after the other, each once the one before has come to rest.
        verdict: the class in which the policy's status counts the workload afterwards; None if the writer decides it.
        rollouts: how many rollouts there may be beside those that the owner's own change causes.
        budget: whether a budget of ours stands afterwards.
        unguarded: why the owner cannot win where the admission policy is missing.
    """

    name: str
    steps: tuple[Edit | Deed, ...]
    verdict: str | None = "compliant"
    rollouts: int = 0
    budget: bool = True
    unguarded: str = ""


def _edit(alter: Callable[[Raw], Any]) -> Edit:
    """Return an edit of the Deployment."""

    def edit(manifests: Manifests) -> Manifests:
        after = copy.deepcopy(manifests)
        alter(deployment(after))
        return after

    return edit


def _pod(**fields: Any) -> Edit:
    return _edit(lambda each: each["spec"]["template"]["spec"].update(copy.deepcopy(fields)))


def _spec(**fields: Any) -> Edit:
    return _edit(lambda each: each["spec"].update(copy.deepcopy(fields)))


def _first(**fields: Any) -> Edit:
    return _edit(lambda each: _containers(each)[0].update(copy.deepcopy(fields)))


def _hook(**handler: Any) -> Edit:
    return _first(lifecycle={"preStop": handler})


def _containers(raw: Raw) -> list[Raw]:
    found: list[Raw] = raw["spec"]["template"]["spec"]["containers"]
    return found


def _annotated(name: str, text: str) -> Edit:
    return _edit(lambda each: each["metadata"].setdefault("annotations", {}).update({name: text}))


def _with(*more: Raw) -> Edit:
    return lambda manifests: (*manifests, *copy.deepcopy(more))


def _port_added(manifests: Manifests) -> Manifests:
    after = copy.deepcopy(manifests)
    service = next(each for each in after if each["kind"] == "Service")
    service["spec"]["ports"].append({"name": "more", "port": 90, "protocol": "TCP", "targetPort": 9090})
    return after


NEW_IMAGE = _first(image="example/web:1.2.4")
OWN_HOOK = {"exec": {"command": ["/bin/drain"]}}
ONE_HANDLER = "refused: a hook of another kind next to the operator's sleep"
TOO_SHORT = "refused: the operator's sleep is longer than the grace period"
NEW = "new containers and workloads are repaired afterwards, in a separate rollout"
GRACE_OF_30 = "grace period 30"

_SELECTOR: Mapping[str, Any] = {"matchLabels": {"app": NAME}}
_TERM = {
    "weight": 50,
    "podAffinityTerm": {"labelSelector": _SELECTOR, "topologyKey": "topology.kubernetes.io/zone"},
}
_AFFINITY = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [_TERM]}}
_CONSTRAINT = {
    "labelSelector": _SELECTOR,
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "ScheduleAnyway",
}

CHANGES = (
    Change("nothing", (lambda manifests: manifests,)),
    Change("another image", (NEW_IMAGE,)),
    Change("a container renamed", (_first(name="frontend"),), unguarded=NEW),
    Change("a container removed", (_edit(lambda each: _containers(each).pop()),)),
    Change(
        "a container added",
        (_edit(lambda each: _containers(each).append(container("proxy", port=7070))),),
        unguarded=NEW,
    ),
    Change("own preStop exec", (_hook(**OWN_HOOK),), unguarded=ONE_HANDLER),
    Change("own preStop httpGet", (_hook(httpGet={"path": "/drain", "port": 8080}),), unguarded=ONE_HANDLER),
    Change(
        "own preStop exec, then removed",
        (_hook(**OWN_HOOK), _edit(lambda each: _containers(each)[0].pop("lifecycle"))),
        unguarded=ONE_HANDLER,
    ),
    Change("own preStop sleep", (_hook(sleep={"seconds": 5}),)),
    Change("exactly the same sleep", (_hook(sleep={"seconds": 10}),)),
    Change("a longer grace period", (_pod(terminationGracePeriodSeconds=90),)),
    Change(
        "a grace period shorter than the sleep",
        (_pod(terminationGracePeriodSeconds=5),),
        verdict="violating",
        unguarded=TOO_SHORT,
    ),
    Change(GRACE_OF_30, (_pod(terminationGracePeriodSeconds=30),), verdict="violating", rollouts=1),
    Change("maxSurge 0", (_spec(strategy={"rollingUpdate": {"maxSurge": 0}}),), verdict="violating"),
    Change("maxUnavailable 50%", (_spec(strategy={"rollingUpdate": {"maxUnavailable": "50%"}}),), verdict="violating"),
    Change("strategy Recreate", (_spec(strategy={"type": "Recreate"}),), verdict="violating"),
    Change("own affinity", (_pod(affinity=_AFFINITY),)),
    Change("own topologySpreadConstraints", (_pod(topologySpreadConstraints=[_CONSTRAINT]),)),
    Change("own budget, the same selector", (_with(budget("own", selector={"app": NAME})),), budget=False),
    Change("own budget, another selector", (_with(budget("own", selector={"tier": LABELS["tier"]})),), budget=False),
    Change("scaled to 1 and back", (_spec(replicas=1), _spec(replicas=4))),
    # Only some writers leave a record of setting spec.replicas, which is a finding beside an autoscaler.
    Change("an autoscaler", (_with(autoscaler(NAME, least=REPLICAS, most=REPLICAS * 2)),), verdict=None),
    Change(
        "an exemption",
        (_annotated(f"{EXEMPT}preStop", "drains by itself"),),
        verdict="exempt",
        rollouts=1,
    ),
    Change("undone", (NEW_IMAGE, Deed.UNDO)),
    Change("deleted and created again", (Deed.RECREATE,), unguarded=NEW),
    Change("another port of the Service", (_port_added,)),
)
