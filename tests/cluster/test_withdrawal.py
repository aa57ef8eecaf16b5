"""What withdraws our changes and what leaves them: each line of the table in the documentation."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.world import World, changed, deployment, eventually, journal, pod_spec
from productionpolicy.kube.identity import EXEMPT, MODE_LABEL

BUDGET = "web-deployment-productionpolicy"
FULL = {"policy", "preStop", "rollingUpdate", "spread", "terminationGracePeriod"}


class Governed:
    """A Deployment that has been repaired under a policy, and how it was before."""

    def __init__(self, world: World, **spec: Any) -> None:
        self.world = world
        self.policy = world.policy(**spec)
        self.namespace = world.namespace()
        world.apply(self.namespace, deployment(replicas=4))
        self.before = world.rolled_out("web", self.namespace)
        self.hash_before = world.running_hashes(self.namespace)
        world.govern(self.namespace, self.policy)
        world.repaired("web", self.namespace)
        eventually(lambda: world.budgets(self.namespace) == [BUDGET])
        world.settled(self.policy, total=1)

    def now(self) -> dict[str, Any]:
        return self.world.get("deployment", "web", self.namespace)

    def journal(self) -> set[str]:
        return set(journal(self.now()))

    def state(self) -> tuple[int, set[str], list[str]]:
        """Return how many templates the pods have had, what the journal tells of, and the budgets."""
        templates = len(self.world.all("replicaset", self.namespace))
        return templates, self.journal(), self.world.budgets(self.namespace)


@pytest.mark.parametrize(
    "spec",
    [
        {"mode": "Audit"},
        {"paused": True},
        {"expectations": {name: {"action": "Audit"} for name in ("preStop", "spread", "podDisruptionBudget")}},
    ],
    ids=["mode Audit", "paused", "action Audit"],
)
def test_everything_stays_under(world: World, spec: dict[str, Any]) -> None:
    governed = Governed(world)
    world.change_policy(governed.policy, **spec)
    world.settled(governed.policy, total=1)
    assert world.fixed(governed.state) == (2, FULL, [BUDGET])


def test_everything_stays_where_the_namespace_asks_for_no_writes(world: World) -> None:
    governed = Governed(world)
    world.label(governed.namespace, f"{MODE_LABEL}=Audit")
    world.change_policy(governed.policy, expectations={"preStop": {"sleepSeconds": 3}})
    eventually(lambda: world.status(governed.policy).get("pending", {}).get("repairs") == 2)
    assert world.fixed(governed.state) == (2, FULL, [BUDGET])


def test_action_ignore_withdraws_that_change_only(world: World) -> None:
    governed = Governed(world)
    world.change_policy(governed.policy, expectations={"spread": {"action": "Ignore"}})
    eventually(lambda: governed.journal() == FULL - {"spread"})
    assert "affinity" not in pod_spec(governed.now())
    assert world.budgets(governed.namespace) == [BUDGET]


def test_action_ignore_withdraws_a_budget_without_a_restart(world: World) -> None:
    governed = Governed(world)
    world.change_policy(governed.policy, expectations={"podDisruptionBudget": {"action": "Ignore"}})
    eventually(lambda: world.budgets(governed.namespace) == [])
    assert governed.now()["metadata"]["generation"] == 2


def test_an_exemption_withdraws_that_change_and_what_followed_from_it(world: World) -> None:
    governed = Governed(world)
    exemption = f"{EXEMPT}preStop=drains by itself"
    world.kubectl("annotate", "deployment", "web", "-n", governed.namespace, exemption)
    eventually(lambda: governed.journal() == {"policy", "rollingUpdate", "spread"})
    spec = pod_spec(governed.now())
    assert "lifecycle" not in spec["containers"][0]
    assert spec["terminationGracePeriodSeconds"] == 30
    world.settled(governed.policy, exempt=1)


def test_removing_the_label_under_keep_withdraws_only_what_restarts_nothing(world: World) -> None:
    governed = Governed(world, onRemoval="Keep")
    world.govern(governed.namespace, None)
    eventually(lambda: world.budgets(governed.namespace) == [])
    eventually(lambda: governed.journal() == FULL - {"rollingUpdate"})
    now = governed.now()
    assert now["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == "25%"
    assert pod_spec(now)["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
    assert len(world.running_hashes(governed.namespace)) == 1


def test_removing_the_label_under_revert_withdraws_everything(world: World) -> None:
    governed = Governed(world, onRemoval="Revert")
    world.govern(governed.namespace, None)
    eventually(lambda: governed.journal() == set())
    assert governed.now()["spec"] == governed.before["spec"]


def test_deleting_the_policy_under_keep_keeps_the_templates(world: World) -> None:
    governed = Governed(world, onRemoval="Keep")
    world.kubectl("delete", "productionpolicy", governed.policy, "--timeout=20s")
    eventually(lambda: world.budgets(governed.namespace) == [])
    eventually(lambda: governed.journal() == FULL - {"rollingUpdate"})


def test_deleting_the_policy_under_revert_brings_the_old_replica_set_back(world: World) -> None:
    governed = Governed(world, onRemoval="Revert")
    eventually(lambda: world.get("pp", governed.policy)["metadata"].get("finalizers"))
    world.kubectl("delete", "productionpolicy", governed.policy, "--timeout=30s")

    assert governed.now()["spec"] == governed.before["spec"]
    assert governed.journal() == set()
    assert world.budgets(governed.namespace) == []
    eventually(lambda: world.running_hashes(governed.namespace) == governed.hash_before)


BY_CONSTRAINTS = {"spread": {"method": "TopologySpread"}}


def test_constraints_are_withdrawn_so_that_the_old_replica_set_comes_back(world: World) -> None:
    governed = Governed(world, onRemoval="Revert", expectations=BY_CONSTRAINTS)
    assert len(pod_spec(governed.now())["topologySpreadConstraints"]) == 2
    world.govern(governed.namespace, None)
    eventually(lambda: governed.journal() == set())
    assert governed.now()["spec"] == governed.before["spec"]
    eventually(lambda: world.running_hashes(governed.namespace) == governed.hash_before)


def test_a_change_of_the_method_replaces_the_rules_in_one_rollout(world: World) -> None:
    governed = Governed(world)
    world.change_policy(governed.policy, expectations=BY_CONSTRAINTS)
    eventually(lambda: "topologySpreadConstraints" in pod_spec(governed.now()))
    assert "affinity" not in pod_spec(governed.now())
    world.settled(governed.policy, total=1)
    assert world.fixed(governed.state) == (3, FULL, [BUDGET])
    world.change_policy(governed.policy, expectations={"spread": {"method": "AntiAffinity"}})
    eventually(lambda: "affinity" in pod_spec(governed.now()))
    assert "topologySpreadConstraints" not in pod_spec(governed.now())


def test_a_policy_that_is_deleted_right_after_it_was_told_to_revert_withdraws_everything(world: World) -> None:
    governed = Governed(world)
    world.change_policy(governed.policy, onRemoval="Revert")
    world.kubectl("delete", "productionpolicy", governed.policy, "--wait=false")
    eventually(lambda: world.running_hashes(governed.namespace) == governed.hash_before)
    assert governed.now()["spec"] == governed.before["spec"]
    assert governed.state() == (2, set(), [])


def test_a_paused_policy_is_deleted_at_once_and_withdraws_nothing(world: World) -> None:
    governed = Governed(world, onRemoval="Revert")
    world.change_policy(governed.policy, paused=True)
    eventually(lambda: world.get("pp", governed.policy)["metadata"].get("finalizers"))
    world.kubectl("delete", "productionpolicy", governed.policy, "--timeout=10s")
    assert pod_spec(governed.now())["terminationGracePeriodSeconds"] == 40


def test_another_policy_adopts_what_is_there(world: World) -> None:
    governed = Governed(world)
    adopting = world.policy()
    world.govern(governed.namespace, adopting)
    eventually(lambda: journal(governed.now()).get("policy") == adopting)
    status = world.settled(adopting, total=1, compliant=1)
    assert status["repaired"] == 1
    assert world.fixed(governed.state) == (2, FULL, [BUDGET])


def test_a_repair_that_is_merely_no_longer_needed_stays(world: World) -> None:
    governed = Governed(world)
    world.kubectl("scale", "deployment", "web", "--replicas=1", "-n", governed.namespace)
    eventually(lambda: world.budgets(governed.namespace) == [])
    eventually(lambda: governed.journal() == FULL - {"rollingUpdate"})
    assert "podAntiAffinity" in pod_spec(governed.now())["affinity"]


def test_what_the_owner_has_written_meanwhile_is_not_withdrawn(world: World) -> None:
    governed = Governed(world, onRemoval="Revert")
    world.apply(governed.namespace, {**deployment(replicas=4, terminationGracePeriodSeconds=90)})
    eventually(lambda: governed.journal() == FULL - {"terminationGracePeriod"})
    world.kubectl("delete", "productionpolicy", governed.policy, "--timeout=30s")
    assert governed.journal() == set()
    assert pod_spec(governed.now())["terminationGracePeriodSeconds"] == 90


def test_an_empty_lifecycle_of_the_owner_outlives_the_repair(world: World) -> None:
    policy = world.policy(onRemoval="Revert")
    namespace = world.applied(changed(deployment(), lifecycle={}))
    before = world.rolled_out("web", namespace)
    world.govern(namespace, policy)
    world.repaired("web", namespace)
    world.settled(policy, total=1)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=30s")
    assert world.get("deployment", "web", namespace)["spec"] == before["spec"]
