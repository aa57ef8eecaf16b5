"""What `kubectl apply -k manifests/` leaves in a cluster, and what the API server then makes of policies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import yaml

from control_plane.plane import ControlPlane, KubectlFailed
from productionpolicy.cli.run import command
from productionpolicy.kube.identity import API_VERSION
from productionpolicy.policy import InvalidPolicy, read_policy

Object = dict[str, Any]
Found = TypeVar("Found", str, list[set[str]])

MANIFESTS = Path(__file__).parents[2] / "manifests"
NAMESPACE = "productionpolicy-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:productionpolicy"
SOON_SECONDS = 30


def test_the_operators_pod_is_admitted_and_becomes_ready(cluster: ControlPlane) -> None:
    cluster.kubectl("rollout", "status", "deployment/productionpolicy", f"--namespace={NAMESPACE}", "--timeout=60s")

    labels = json.loads(cluster.kubectl("get", "namespace", NAMESPACE, "--output=json"))["metadata"]["labels"]
    levels = {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "warn", "audit")}
    assert levels == dict.fromkeys(levels, "restricted")


def test_applying_again_changes_nothing(cluster: ControlPlane) -> None:
    lines = cluster.kubectl("apply", "-k", str(MANIFESTS)).splitlines()

    assert [each for each in lines if not each.endswith(" unchanged")] == []


def test_the_command_line_takes_the_arguments_of_the_deployment() -> None:
    [container] = _manifest("deployment")["spec"]["template"]["spec"]["containers"]
    program, *arguments = container["command"] + container["args"]

    assert (program, arguments[0]) == ("productionpolicy", "run")
    [port] = container["ports"]
    assert command.make_context("run", arguments[1:]).params["probes_address"] == ("0.0.0.0", port["containerPort"])


def test_a_kustomization_of_ones_own_may_name_another_image(cluster: ControlPlane, tmp_path: Path) -> None:
    overlay = {
        "resources": [os.path.relpath(MANIFESTS, tmp_path)],
        "images": [{"name": "productionpolicy", "newName": "images.example/ours", "newTag": "1"}],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))

    objects = yaml.safe_load_all(cluster.kubectl("kustomize", str(tmp_path)))

    [deployment] = [each for each in objects if each["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "images.example/ours:1"


def test_the_operators_role_names_all_it_gives() -> None:
    rules = _manifest("clusterrole")["rules"]

    assert [each for each in rules if set(each) != {"apiGroups", "resources", "verbs"}] == []
    named = {word for rule in rules for words in rule.values() for word in words}
    assert named & {"*", "secrets", "configmaps", "escalate", "bind", "impersonate", "deletecollection"} == set()
    [pods] = [set(each["verbs"]) for each in rules if "pods" in each["resources"]]
    assert pods == {"get", "list"}


@pytest.mark.parametrize(
    "asked",
    [
        "get secrets",
        "list configmaps",
        "watch pods",
        "delete pods",
        "create pods/eviction",
        "create deployments.apps",
        "delete deployments.apps",
        "update deployments.apps",
        "delete productionpolicies.productionpolicy.dev",
        "update clusterroles.rbac.authorization.k8s.io",
    ],
)
def test_the_operator_may_not(cluster: ControlPlane, asked: str) -> None:
    answer = cluster.kubectl("auth", "can-i", *asked.split(), f"--as={ACCOUNT}", "--all-namespaces", check=False)

    assert answer.strip() == "no"


def test_viewers_of_the_cluster_may_read_policies_and_nobody_may_write_more(cluster: ControlPlane) -> None:
    def verbs() -> list[set[str]]:
        return [_policy_verbs(cluster, role) for role in ("view", "edit", "admin")]

    assert _soon(verbs, accepted=all) == [{"get", "list", "watch"}] * 3


def test_kubectl_explains_what_a_field_means(cluster: ControlPlane) -> None:
    def explanation() -> str:
        return cluster.kubectl("explain", "productionpolicy.spec.expectations.preStop", check=False)

    told = " ".join(_soon(explanation, accepted=bool).split())
    assert "Pods that serve requests wait before they stop" in told
    assert "How long the added preStop hook sleeps, in seconds." in told


def test_a_minimal_policy_is_stored_with_the_defaults_that_the_operator_uses(cluster: ControlPlane) -> None:
    minimal = _policy({"mode": "Audit"})

    stored = json.loads(cluster.kubectl("apply", "-f", "-", "--output=json", stdin=json.dumps(minimal)))

    assert read_policy(stored).spec == read_policy(minimal).spec
    used = _without_nothing(json.loads(msgspec.json.encode(read_policy(minimal).spec)))
    for parameters in (used["rollout"], *used["expectations"].values()):
        for name in [name for name, value in parameters.items() if value == []]:
            del parameters[name]  # what is not given is not written into each policy
    assert stored["spec"] == used


@pytest.mark.parametrize(
    ("spec", "field", "complaint"),
    [
        pytest.param({"mode": None}, "mode", "Required value", id="no-mode"),
        pytest.param({"mode": "audit"}, "spec.mode", "Unsupported value", id="bad-mode"),
        pytest.param({"profile": "Prod"}, "spec.profile", "Unsupported value", id="bad-profile"),
        pytest.param({"onRemoval": "Delete"}, "spec.onRemoval", "Unsupported value", id="bad-removal"),
        pytest.param({"pause": True}, "pause", "unknown field", id="unknown-field"),
        pytest.param(
            {"rollout": {"maxConcurrent": 0}}, "spec.rollout", "maxConcurrent must be 1 or more", id="no-rollout"
        ),
        pytest.param(
            {"rollout": {"maxConcurrent": "0%"}}, "spec.rollout", "maxConcurrent must be 1 or more", id="no-percentage"
        ),
        pytest.param(
            {"rollout": {"maxConcurrent": "101%"}}, "spec.rollout", "maxConcurrent must be 1 or more", id="over-100%"
        ),
        pytest.param({"rollout": {"timing": "Later"}}, "spec.rollout.timing", "Unsupported value", id="bad-timing"),
        pytest.param(
            {"expectations": {"podDisruptionBudget": {"maxUnavailable": 1, "minAvailable": 1}}},
            "spec.expectations.podDisruptionBudget",
            "maxUnavailable and minAvailable are mutually exclusive",
            id="both-terms",
        ),
        pytest.param(
            {"expectations": {"spread": {"method": "TopologySpread", "strength": "Required"}}},
            "spec.expectations.spread",
            "strength Required needs method AntiAffinity",
            id="hard-constraints",
        ),
        pytest.param(
            {"expectations": {"podDisruptionBudget": {"maxUnavailable": 0}}},
            "spec.expectations.podDisruptionBudget",
            "maxUnavailable must be 1 or more",
            id="no-eviction",
        ),
        pytest.param(
            {"expectations": {"replicas": {"action": "Repair"}}},
            "spec.expectations.replicas",
            "Unsupported value",
            id="no-such-repair",
        ),
        pytest.param(
            {"expectations": {"preStop": {"sleepSeconds": 0}}},
            "spec.expectations.preStop.sleepSeconds",
            "greater than or equal to 1",
            id="no-sleep",
        ),
        pytest.param(
            {"expectations": {"preStop": {"sleepSeconds": "10"}}},
            "spec.expectations.preStop.sleepSeconds",
            "must be of type integer",
            id="text-for-a-number",
        ),
        pytest.param(
            {"expectations": {"spread": {"topologyKeys": []}}},
            "spec.expectations.spread.topologyKeys",
            "at least 1 items",
            id="no-topology-key",
        ),
    ],
)
def test_server_and_operator_refuse_a_bad_policy_and_name_the_field(
    cluster: ControlPlane, spec: Object, field: str, complaint: str
) -> None:
    bad = _policy({"mode": "Audit", **spec})

    with pytest.raises(KubectlFailed) as by_the_server:
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(bad))
    with pytest.raises(InvalidPolicy) as by_the_operator:
        read_policy(bad)

    assert field in str(by_the_server.value)
    assert complaint in str(by_the_server.value)
    assert field in str(by_the_operator.value)


def test_a_name_that_no_label_can_hold_is_refused(cluster: ControlPlane) -> None:
    """The operator itself need not refuse it: no namespace could name such a policy."""
    longest, longer = (_policy({"mode": "Audit"}, name="p" * length) for length in (63, 64))

    cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(longest))
    with pytest.raises(KubectlFailed, match="the name must be at most 63 characters"):
        cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(longer))


def _manifest(name: str) -> Object:
    found: Object = yaml.safe_load((MANIFESTS / "base" / f"{name}.yaml").read_text())
    return found


def _policy(spec: Object, *, name: str = "try") -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "ProductionPolicy",
        "metadata": {"name": name},
        "spec": _without_nothing(spec),
    }


def _without_nothing(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: _without_nothing(value) for name, value in given.items() if value is not None}
    return given


def _policy_verbs(cluster: ControlPlane, role: str) -> set[str]:
    rules = json.loads(cluster.kubectl("get", "clusterrole", role, "--output=json"))["rules"]
    return {verb for rule in rules if "productionpolicy.dev" in rule.get("apiGroups", ()) for verb in rule["verbs"]}


def _soon(look: Callable[[], Found], *, accepted: Callable[[Found], bool]) -> Found:
    """Return what is seen once it is acceptable: the cluster gathers roles and schemas a moment after it has them."""
    deadline = time.monotonic() + SOON_SECONDS
    while not accepted(found := look()) and time.monotonic() < deadline:
        pass
    return found
