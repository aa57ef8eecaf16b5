"""What becomes of a workload in a namespace that names a policy."""

from __future__ import annotations

from cluster.world import World, changed, container, deployment, eventually, journal, pod_spec, stateful_set
from productionpolicy.expectations import EXPECTATIONS

OUR_ANTI_AFFINITY = {
    "preferredDuringSchedulingIgnoredDuringExecution": [
        {
            "weight": 100,
            "podAffinityTerm": {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": topology_key},
        }
        for topology_key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]
}


def test_a_deployment_gets_all_its_repairs_in_one_change(world: World) -> None:
    namespace = world.running(deployment(replicas=4), policy=world.policy())
    repaired = world.repaired("web", namespace)

    assert repaired["metadata"]["generation"] == 2
    assert pod_spec(repaired)["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
    assert pod_spec(repaired)["terminationGracePeriodSeconds"] == 40
    assert pod_spec(repaired)["affinity"] == {"podAntiAffinity": OUR_ANTI_AFFINITY}
    assert repaired["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == "1%"


def test_the_journal_tells_what_was_done(world: World) -> None:
    policy, namespace = world.governed(deployment(replicas=4))

    assert journal(world.repaired("web", namespace)) == {
        "policy": policy,
        "preStop": "sleep 10s: web",
        "rollingUpdate": "25% -> 1%",
        "spread": "Preferred: kubernetes.io/hostname,topology.kubernetes.io/zone",
        "terminationGracePeriod": "30 -> 40",
    }


def test_nothing_but_the_repair_and_its_journal_is_left_on_the_workload(world: World) -> None:
    namespace = world.applied(deployment(), policy=world.policy())
    world.repaired("web", namespace)

    def is_released() -> bool:
        managers = [each["manager"] for each in world.get("deployment", "web", namespace)["metadata"]["managedFields"]]
        return "productionpolicy" not in managers

    eventually(is_released)
    metadata = world.get("deployment", "web", namespace)["metadata"]
    domains = {key.partition("/")[0] for key in metadata["annotations"]}
    ours = {"repairs.productionpolicy.dev", "rollout.productionpolicy.dev"}
    assert domains == {"deployment.kubernetes.io", "kubectl.kubernetes.io", *ours}
    assert "finalizers" not in metadata


def test_a_stateful_set_is_repaired_likewise(world: World) -> None:
    namespace = world.applied(stateful_set(), policy=world.policy())
    repaired = world.repaired("db", namespace, "statefulset")

    assert pod_spec(repaired)["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
    assert repaired["metadata"]["generation"] == 2
    assert world.budgets(namespace) == ["db-statefulset-productionpolicy"]


def test_ordinary_containers_keep_their_order_and_native_sidecars_are_left_alone(world: World) -> None:
    namespace = world.namespace(world.policy())
    helper = {"name": "a-helper", "image": "example/helper:1"}
    mesh = {**container("mesh"), "restartPolicy": "Always"}
    world.apply(namespace, deployment(containers=[container(), helper, container("api")], initContainers=[mesh]))
    spec = pod_spec(world.repaired("web", namespace))

    assert [each["name"] for each in spec["containers"]] == ["web", "a-helper", "api"]
    assert [each["lifecycle"] for each in spec["containers"]] == [{"preStop": {"sleep": {"seconds": 10}}}] * 3
    assert "lifecycle" not in spec["initContainers"][0]


def test_a_namespace_without_the_label_is_left_alone(world: World) -> None:
    world.policy()
    namespace = world.running(deployment())

    untouched = world.fixed(lambda: world.get("deployment", "web", namespace))
    assert (untouched["metadata"]["generation"], journal(untouched)) == (1, {})
    assert world.budgets(namespace) == []


def test_the_status_of_the_policy_tells_it_all(world: World) -> None:
    policy, namespace = world.governed(deployment(), deployment("one", replicas=1), deployment("other"))
    status = world.settled(policy, total=3, compliant=2, violating=1)

    assert status["namespaces"] == 1
    assert status["compliance"] == "66%"
    assert status["repaired"] == 3
    assert status["byNamespace"] == [{"name": namespace, "total": 3, "violating": 1, "repaired": 3}]
    assert {each["name"]: each["repaired"] for each in status["expectations"]} == {
        **{each.name: 0 for each in EXPECTATIONS},
        "podDisruptionBudget": 2,
        "spread": 2,
        "preStop": 3,
        "terminationGracePeriod": 3,
    }
    assert [(each["name"], each["expectation"], each["path"]) for each in status["violations"]] == [
        ("one", "replicas", "spec.replicas")
    ]
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True",
        "Compliant": "False",
        "Progressing": "False",
        "AdmissionRepair": "False",
    }


def test_kubectl_get_shows_the_verdict(world: World) -> None:
    policy = world.policy()
    world.apply(world.namespace(policy), deployment())
    world.settled(policy, compliant=1)

    header, row = (line.split() for line in world.kubectl("get", "pp", policy, "-o", "wide").splitlines())
    assert " ".join(header) == (
        "NAME WORKLOADS COMPLIANT VIOLATING FAILED PENDING REPAIRED COMPLIANCE MODE READY"
        " NAMESPACES PROFILE ENFORCED EXEMPT CONTESTED PROGRESSING AGE"
    )
    shown = dict(zip(header, row, strict=True))
    del shown["AGE"]
    assert list(shown.values()) == [
        *(policy, "1", "1", "0", "0", "0", "1", "100%", "Enforce", "True"),
        *("1", "Production", "100%", "0", "0", "Settled"),
    ]


def test_an_event_on_the_workload_tells_of_its_repair(world: World) -> None:
    namespace = world.applied(deployment(), policy=world.policy())
    world.repaired("web", namespace)

    def told() -> str:
        return " ".join(each["message"] for each in world.events(namespace, "Repaired"))

    eventually(lambda: "preStop (sleep 10s: web)" in told() and "podDisruptionBudget" in told())


def test_a_workload_that_another_controller_owns_is_only_audited(world: World) -> None:
    policy, namespace = world.governed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "parent"}})
    parent = world.get("configmap", "parent", namespace)["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": parent, "controller": True}
    owned = deployment()
    owned["metadata"]["ownerReferences"] = [owner]
    world.apply(namespace, owned)
    status = world.settled(policy, total=1, violating=1)

    assert world.get("deployment", "web", namespace)["metadata"]["generation"] == 1
    assert world.budgets(namespace) == []
    assert all("ConfigMap parent owns the workload" in each["message"] for each in status["violations"])


def test_the_owners_values_are_never_changed(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy)
    own_hook = {"preStop": {"exec": {"command": ["sleep", "3"]}}}
    written = deployment(containers=[container(lifecycle=own_hook)], terminationGracePeriodSeconds=20)
    world.apply(namespace, written)
    status = world.settled(policy, total=1, violating=1)

    spec = pod_spec(world.get("deployment", "web", namespace))
    assert (spec["containers"][0]["lifecycle"], spec["terminationGracePeriodSeconds"]) == (own_hook, 20)
    assert "the owner has declared a grace period of 20 s" in status["violations"][0]["message"]


def test_a_changed_parameter_is_repaired_again(world: World) -> None:
    policy, namespace = world.governed(deployment())
    world.repaired("web", namespace)

    world.change_policy(policy, expectations={"preStop": {"sleepSeconds": 5}})
    eventually(lambda: journal(world.get("deployment", "web", namespace)).get("preStop") == "sleep 5s: web")
    spec = pod_spec(world.repaired("web", namespace))
    assert spec["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert spec["terminationGracePeriodSeconds"] == 35


def test_the_owners_next_apply_changes_nothing_and_succeeds(world: World) -> None:
    namespace = world.applied(deployment(), policy=world.policy())
    world.repaired("web", namespace)

    assert world.apply(namespace, deployment()) == "deployment.apps/web unchanged\n"
    assert world.fixed(lambda: world.get("deployment", "web", namespace)["metadata"]["generation"]) == 2


def test_the_owners_next_server_side_apply_changes_nothing_and_succeeds(world: World) -> None:
    namespace = world.namespace(world.policy())
    world.apply_server_side(namespace, deployment())
    world.repaired("web", namespace)

    assert world.apply_server_side(namespace, deployment()) == "deployment.apps/web serverside-applied\n"
    assert world.fixed(lambda: world.get("deployment", "web", namespace)["metadata"]["generation"]) == 2


def test_the_owner_can_rename_a_container(world: World) -> None:
    namespace = world.namespace(world.policy())
    world.apply_server_side(namespace, deployment())
    world.repaired("web", namespace)

    world.apply_server_side(namespace, changed(deployment(), name="site"))
    eventually(lambda: journal(world.get("deployment", "web", namespace)).get("preStop") == "sleep 10s: site")
    assert [each["name"] for each in pod_spec(world.repaired("web", namespace))["containers"]] == ["site"]


def test_the_owners_own_sleep_wins_and_leaves_the_journal(world: World) -> None:
    namespace = world.namespace(world.policy())
    world.apply_server_side(namespace, deployment())
    world.repaired("web", namespace)

    own = changed(deployment(), lifecycle={"preStop": {"sleep": {"seconds": 4}}})
    world.apply_server_side(namespace, own)
    eventually(lambda: "preStop" not in journal(world.get("deployment", "web", namespace)))
    spec = pod_spec(world.get("deployment", "web", namespace))
    assert spec["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 4}}}
