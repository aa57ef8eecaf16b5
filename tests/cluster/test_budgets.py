"""The PodDisruptionBudgets that the operator makes."""

from __future__ import annotations

from cluster.world import Raw, World, deployment, eventually, stateful_set
from owners.manifests import autoscaler, budget, job, pod
from productionpolicy.kube.identity import NOTE_ANNOTATION

OURS = "web-deployment-productionpolicy"
WEB = {"app": "web"}


def own_budget(**terms: object) -> Raw:
    return budget("own", selector=WEB, **terms)


def protected(world: World, policy: str | None = None) -> str:
    namespace = world.applied(deployment(), policy=policy or world.policy())
    world.repaired("web", namespace)
    eventually(lambda: world.budgets(namespace) == [OURS])
    return namespace


def test_it_allows_evictions_and_belongs_to_the_workload(world: World) -> None:
    namespace = protected(world)
    eventually(lambda: world.get("pdb", OURS, namespace)["status"].get("disruptionsAllowed") == 1)
    made = world.get("pdb", OURS, namespace)
    owner = made["metadata"]["ownerReferences"][0]

    assert made["spec"] == {
        "maxUnavailable": "25%",
        "selector": {"matchLabels": {"app": "web"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    assert (owner["kind"], owner["name"]) == ("Deployment", "web")
    assert "controller" not in owner
    assert "blockOwnerDeletion" not in owner


def test_it_comes_back_when_somebody_deletes_it(world: World) -> None:
    namespace = protected(world)
    uid = world.get("pdb", OURS, namespace)["metadata"]["uid"]
    world.kubectl("delete", "pdb", OURS, "-n", namespace)
    eventually(lambda: world.budgets(namespace) == [OURS])
    assert world.get("pdb", OURS, namespace)["metadata"]["uid"] != uid


def test_it_is_put_right_when_somebody_edits_it(world: World) -> None:
    namespace = protected(world)
    world.kubectl("patch", "pdb", OURS, "-n", namespace, "--type=merge", "-p", '{"spec":{"maxUnavailable":0}}')
    eventually(lambda: world.get("pdb", OURS, namespace)["spec"]["maxUnavailable"] == "25%")


def test_it_is_put_right_when_somebody_makes_it_select_other_pods(world: World) -> None:
    namespace = protected(world)
    other = '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}'
    world.kubectl("patch", "pdb", OURS, "-n", namespace, "--type=merge", "-p", other)
    eventually(lambda: world.get("pdb", OURS, namespace)["spec"]["selector"] == {"matchLabels": {"app": "web"}})


def test_it_yields_to_a_budget_of_the_owner(world: World) -> None:
    namespace = protected(world)
    world.apply(namespace, own_budget())
    eventually(lambda: world.budgets(namespace) == ["own"])


def test_it_returns_when_the_owners_budget_goes(world: World) -> None:
    namespace = protected(world)
    world.apply(namespace, own_budget())
    eventually(lambda: world.budgets(namespace) == ["own"])
    world.kubectl("delete", "pdb", "own", "-n", namespace)
    eventually(lambda: world.budgets(namespace) == [OURS])


def test_it_goes_when_the_workload_is_meant_to_have_one_pod(world: World) -> None:
    namespace = protected(world)
    world.kubectl("scale", "deployment", "web", "--replicas=1", "-n", namespace)
    eventually(lambda: world.budgets(namespace) == [])


def test_it_goes_when_an_autoscaler_may_go_down_to_one_pod(world: World) -> None:
    namespace = protected(world)
    world.apply(namespace, autoscaler("web", least=1, most=5))
    eventually(lambda: world.budgets(namespace) == [])
    world.apply(namespace, autoscaler("web", least=2, most=5))
    eventually(lambda: world.budgets(namespace) == [OURS])


def test_it_goes_with_the_workload(world: World) -> None:
    namespace = protected(world)
    world.kubectl("delete", "deployment", "web", "-n", namespace)
    eventually(lambda: world.budgets(namespace) == [])


def test_min_available_that_would_block_becomes_one_unavailable_with_a_note(world: World) -> None:
    _, namespace = world.governed(deployment(), expectations={"podDisruptionBudget": {"minAvailable": 3}})
    eventually(lambda: world.budgets(namespace) == [OURS])
    made = world.get("pdb", OURS, namespace)

    assert made["spec"]["maxUnavailable"] == 1
    assert made["metadata"]["annotations"] == {NOTE_ANNOTATION: "minAvailable 3 would allow no eviction at 3 pods"}


def test_a_stateful_set_may_lose_one_pod_at_a_time(world: World) -> None:
    namespace = world.applied(stateful_set(replicas=9), policy=world.policy())
    (name,) = eventually(lambda: world.budgets(namespace))
    assert world.get("pdb", name, namespace)["spec"]["maxUnavailable"] == 1


def test_it_stays_beside_a_bare_pod_and_a_canary_with_the_labels(world: World) -> None:
    policy = world.policy()
    namespace = protected(world, policy)
    uid = world.get("pdb", OURS, namespace)["metadata"]["uid"]
    canary = deployment("canary", replicas=1)
    canary["spec"]["selector"]["matchLabels"] = {"app": "web", "track": "canary"}
    canary["spec"]["template"]["metadata"]["labels"] = {"app": "web", "track": "canary"}
    world.apply(namespace, canary, pod("debug", labels=WEB))
    world.rolled_out("canary", namespace)
    world.settled(policy, total=3)
    eventually(lambda: world.get("pdb", OURS, namespace)["status"].get("expectedPods") == 4)
    assert world.get("pdb", OURS, namespace)["status"]["disruptionsAllowed"] > 0
    assert world.fixed(lambda: world.budgets(namespace)) == [OURS]
    assert world.get("pdb", OURS, namespace)["metadata"]["uid"] == uid


def test_it_goes_when_the_pods_of_a_job_block_it_and_comes_back_when_the_job_is_gone(world: World) -> None:
    namespace = protected(world)
    world.apply(namespace, job(labels=WEB))
    eventually(lambda: world.budgets(namespace) == [], within=60)
    assert world.fixed(lambda: world.budgets(namespace)) == []
    world.kubectl("delete", "job", "migrate", "-n", namespace)
    eventually(lambda: world.budgets(namespace) == [OURS], within=60)
    eventually(lambda: world.get("pdb", OURS, namespace)["status"].get("disruptionsAllowed") == 1)


def test_a_budget_of_the_owner_that_cannot_be_computed_is_told(world: World) -> None:
    policy, namespace = world.governed(own_budget(maxUnavailable=1), job(labels=WEB), deployment())

    eventually(lambda: "also selects the pods of Job migrate" in str(world.messages(policy, "podDisruptionBudget")))
    world.apply(namespace, own_budget(minAvailable=1))
    eventually(lambda: world.get("pdb", "own", namespace)["status"].get("disruptionsAllowed", 0) > 0)
    eventually(lambda: world.messages(policy, "podDisruptionBudget") == [])


def test_none_is_made_where_the_selector_also_matches_pods_of_another(world: World) -> None:
    policy, namespace = world.governed(job(labels=WEB), deployment())
    world.settled(policy, total=2, violating=2)
    assert world.budgets(namespace) == []
    assert "Job migrate" in world.messages(policy, "podDisruptionBudget")[0]


def test_one_that_turns_out_to_block_every_eviction_is_withdrawn(world: World) -> None:
    policy = world.policy()
    namespace = protected(world, policy)
    world.apply(namespace, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "parent"}})
    uid = world.get("configmap", "parent", namespace)["metadata"]["uid"]
    parent = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": uid, "controller": True}
    world.apply(namespace, pod("stray", labels=WEB, ownerReferences=[parent]))
    eventually(lambda: world.budgets(namespace) == [], within=60)

    def says_why() -> bool:
        return any("allowed no eviction" in each["message"] for each in world.status(policy).get("violations", []))

    eventually(says_why)
    assert world.fixed(lambda: world.budgets(namespace)) == []
