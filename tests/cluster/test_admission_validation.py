"""Refusals and warnings that the API server makes itself, when a workload is brought in or changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from cluster import answers
from cluster.answers import Answer
from cluster.conftest import ROOT
from cluster.world import Raw, World, container, deployment, eventually, journal, stateful_set
from control_plane.installation import apply, operators_kubeconfig
from control_plane.operator_process import OperatorProcess, at_work
from control_plane.plane import ControlPlane, KubectlFailed
from owners import manifests
from owners.manifests import cron_job, daemon_set, job
from productionpolicy.controller.admission_policies import DENY, WARN
from productionpolicy.kube.identity import EXEMPT, GROUP, KIND, MODE_LABEL, VERSION

JUDGED = ("podDisruptionBudget", "readinessProbe", "resources", "imageTag")
DENIED: Raw = {each: {"action": "Deny"} for each in JUDGED}
LATEST = "example/web:latest"
PROBE = manifests.pod("pod", {"name": "web", "image": LATEST})


SCHEMA = f"/openapi/v3/apis/{GROUP}/{VERSION}"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the admission policies that refuse and warn, and without the one that repairs."""
    with ControlPlane.start(tmp_path_factory.mktemp("validation"), audit=True) as started:
        apply(started)
        # The type check reads the schema once, and servers up to 1.35 take `params` for undeclared without it.
        eventually(lambda: KIND in started.kubectl("get", "--raw", SCHEMA), not_now=(KubectlFailed,))
        started.kubectl("apply", "-k", str(ROOT / "manifests" / "admission" / "validation"))
        yield started


@pytest.fixture(scope="module")
def operator(plane: ControlPlane) -> Iterator[OperatorProcess]:
    with at_work(operators_kubeconfig(plane), log=plane.log("operator")) as process:
        yield process


def bare_pod(*containers: Raw, **metadata: Any) -> Raw:
    return manifests.pod("pod", *containers, **metadata)


def budget(**terms: Any) -> Raw:
    return manifests.budget("web", **terms)


def annotated(raw: Raw, **annotations: str) -> Raw:
    return {**raw, "metadata": {**raw["metadata"], "annotations": annotations}}


def answered(world: World, namespace: str, raw: Raw) -> Answer:
    return answers.answered(world.plane, raw, namespace)


def governed(world: World, **spec: Any) -> tuple[str, str]:
    """Return a policy, and a namespace in which the API server answers by it."""
    policy = world.policy(**{"expectations": DENIED, **spec})
    namespace = world.namespace(policy)

    def answering() -> bool:
        """The API server refuses, or warns of, an image without a tag."""
        answer = answered(world, namespace, bare_pod(container(image="example/web")))
        return bool(answer.refusal or answer.warning)

    eventually(answering)
    return policy, namespace


@pytest.fixture(scope="module")
def standing(plane: ControlPlane, operator: OperatorProcess) -> Iterator[tuple[World, str]]:
    """A namespace in which all is refused that can be."""
    world = World(plane, operator)
    _, namespace = governed(world)
    yield world, namespace
    world.clean_up()


def condition(world: World, policy: str) -> tuple[str, str, str]:
    found = world.condition(policy, "AdmissionValidation")
    return found["status"], found["reason"], found["message"]


TEMPLATE = "spec.template.spec.containers"
NIGHTLY = "spec.jobTemplate.spec.template.spec.containers"
MOVES = "so it may change without notice; name the image by a version tag or a digest"
UNREADY = (
    "container web has no readinessProbe, so it gets requests before it can answer; add a readinessProbe that checks "
    "whether the container can serve"
)
SET = "set each of them: requests to what the container needs, limits to the maximum that it may use"
BLOCKS = (
    "allows no eviction at any number of pods, so node drains never end; use maxUnavailable: 1, or a minAvailable "
    "below the number of replicas"
)
REFUSED = [
    (
        deployment(containers=[container(image=LATEST)]),
        f"imageTag: {TEMPLATE}[0].image: the image of container web has the moving tag latest, {MOVES}",
    ),
    (
        job("job", container(image="registry.example:5000/web")),
        f"imageTag: {TEMPLATE}[0].image: the image of container web has neither tag nor digest, {MOVES}",
    ),
    (
        bare_pod(container(image=LATEST)),
        f"imageTag: spec.containers[0].image: the image of container web has the moving tag latest, {MOVES}",
    ),
    (
        stateful_set(containers=[container(readinessProbe=None)]),
        f"readinessProbe: {TEMPLATE}[0].readinessProbe: {UNREADY}",
    ),
    (
        daemon_set(
            containers=[
                container(),
                container("side", ports=[], readinessProbe=None, resources={"limits": {"memory": "16Mi"}}),
            ]
        ),
        f"resources: {TEMPLATE}[1].resources: container side has no requests.cpu; {SET}",
    ),
    (
        cron_job("night", container(resources={"requests": {"cpu": "10m", "memory": "16Mi"}})),
        f"resources: {NIGHTLY}[0].resources: container web has no limits.memory; {SET}",
    ),
    (budget(maxUnavailable=0), f"podDisruptionBudget: spec: PodDisruptionBudget web (maxUnavailable 0) {BLOCKS}"),
    (budget(maxUnavailable="0%"), f"podDisruptionBudget: spec: PodDisruptionBudget web (maxUnavailable 0%) {BLOCKS}"),
    (budget(minAvailable="100%"), f"podDisruptionBudget: spec: PodDisruptionBudget web (minAvailable 100%) {BLOCKS}"),
    (
        budget(maxUnavailable=None),
        f"podDisruptionBudget: spec: PodDisruptionBudget web (neither minAvailable nor maxUnavailable) {BLOCKS}",
    ),
]
ACCEPTED = [
    deployment(),
    stateful_set(containers=[container(ports=[{"name": "metrics", "containerPort": 9090}], readinessProbe=None)]),
    daemon_set(containers=[container(image="registry.example:5000/web@sha256:" + "a" * 64)]),
    job("job", container(image="registry.example:5000/web:1", readinessProbe=None)),
    cron_job("night", container()),
    bare_pod(container(), container("istio-proxy", image="example/proxy", resources={})),
    budget(maxUnavailable=1),
    budget(maxUnavailable="1%"),
    budget(minAvailable=5),
    budget(minAvailable="99%"),
]


@pytest.mark.parametrize(("raw", "said"), REFUSED)
def test_what_falls_short_is_refused_in_the_words_of_the_finding(
    standing: tuple[World, str], raw: Raw, said: str
) -> None:
    assert answered(*standing, raw).refusal == said


@pytest.mark.parametrize("raw", ACCEPTED, ids=lambda each: each["kind"])
def test_what_meets_the_expectations_is_accepted(standing: tuple[World, str], raw: Raw) -> None:
    answer = answered(*standing, raw)
    assert (answer.accepted, answer.warning) == (True, ""), answer


def test_all_that_falls_short_is_told_at_once(standing: tuple[World, str]) -> None:
    refusal = answered(*standing, deployment(containers=[container(image=LATEST, readinessProbe=None)])).refusal
    assert [each.partition(":")[0] for each in refusal.split(" | ")] == ["readinessProbe", "imageTag"]


def test_what_a_container_lacks_is_one_finding(standing: tuple[World, str]) -> None:
    raw = deployment(
        containers=[container(resources={}), container("side", ports=[], readinessProbe=None, resources={})]
    )
    lacking = answered(*standing, raw).refusal.split(" | ")
    fields = "requests.cpu, requests.memory, limits.memory"
    assert lacking == [
        f"resources: {TEMPLATE}[{at}].resources: container {name} has no {fields}; {SET}"
        for at, name in enumerate(("web", "side"))
    ]


def test_a_refusal_names_the_policy_and_how_to_be_exempt(world: World) -> None:
    policy, namespace = governed(world)
    asking = f"this is required by ProductionPolicy {policy}"
    exempt = "annotate it with exempt.productionpolicy.dev/<expectation>: <reason>"
    assert answered(world, namespace, PROBE).asking == f"{asking}; to exempt this Pod, {exempt}"
    assert answered(world, namespace, budget(maxUnavailable=0)).asking == (
        f"{asking}; to exempt this PodDisruptionBudget, {exempt}"
    )
    world.change_policy(policy, exemptions="Ignored")
    eventually(lambda: answered(world, namespace, PROBE).asking == asking)


def test_of_many_findings_the_first_are_told_and_the_others_counted(standing: tuple[World, str]) -> None:
    raw = bare_pod(*(container(f"web-{each}", image=LATEST, ports=[]) for each in range(40)))
    *told, last = answered(*standing, raw).refusal.split(" | ")
    assert (len(told), last) == (8, "and 32 more")


def test_a_warning_lets_through(world: World) -> None:
    _, namespace = governed(world, expectations={each: {"action": "Warn"} for each in ("imageTag", "replicas")})
    answer = answered(world, namespace, deployment(replicas=1, containers=[container(image=LATEST)]))
    assert answer.accepted
    assert answer.warning == (
        "replicas: spec.replicas: replicas is 1, and at least 2 are expected so that the loss of a pod is not an "
        "outage; set spec.replicas to 2 or more, or exempt a workload that cannot run twice (an autoscaler is not "
        "visible here) | "
        f"imageTag: {TEMPLATE}[0].image: the image of container web has the moving tag latest, {MOVES}"
    )


def test_replicas_are_warned_of_when_they_are_written_and_not_when_they_are_scaled(world: World) -> None:
    replicas = {"action": "Warn", "minimum": 3}
    _, namespace = governed(world, expectations={"imageTag": {"action": "Warn"}, "replicas": replicas})
    world.apply(namespace, deployment())
    strictly = ("--warnings-as-errors", "-n", namespace, "deployment", "web")
    world.kubectl("scale", *strictly, "--replicas=1")
    world.kubectl("annotate", *strictly, "example.com/note=x")
    with pytest.raises(KubectlFailed, match="1 warning received"):
        world.kubectl("patch", *strictly, "--patch", '{"spec": {"replicas": 2}}')
    world.kubectl("patch", *strictly, "--patch", '{"spec": {"replicas": 0}}')


@pytest.mark.parametrize(
    "raw",
    [
        annotated(deployment(containers=[container(image=LATEST)]), **{f"{EXEMPT}imageTag": "pinned by the registry"}),
        annotated(deployment(containers=[container(image=LATEST)]), **{f"{EXEMPT}all": "pinned by the registry"}),
        annotated(budget(maxUnavailable=0), **{f"{EXEMPT}podDisruptionBudget": "drained by hand; until=2099-12-31"}),
        deployment(containers=[container(), container("linkerd-proxy", image="example/proxy", resources={})]),
    ],
    ids=["an exemption", "an exemption from all", "an exemption with a date", "a container that the policy exempts"],
)
def test_what_is_exempt_passes(standing: tuple[World, str], raw: Raw) -> None:
    assert answered(*standing, raw).accepted


@pytest.mark.parametrize(
    "reason",
    [
        "",
        " ",
        "until=2099-12-31",
        "(until=2099-12-31)",
        "until 2020-01-01",
        "x Until=2020-01-01",
        "x until=soon",
        "x 1.1.2020",
    ],
)
def test_an_exemption_without_a_reason_or_with_an_end_that_cannot_be_read_does_not_count(
    standing: tuple[World, str], reason: str
) -> None:
    raw = annotated(deployment(containers=[container(image=LATEST)]), **{f"{EXEMPT}imageTag": reason})
    assert answered(*standing, raw).refusal.startswith("imageTag: ")


def test_an_exemption_does_not_count_where_the_policy_ignores_it(world: World) -> None:
    _, namespace = governed(world, exemptions="Ignored")
    raw = annotated(bare_pod(container(image=LATEST)), **{f"{EXEMPT}imageTag": "pinned by the registry"})
    assert answered(world, namespace, raw).refusal.startswith("imageTag: ")


def test_what_something_else_makes_passes(standing: tuple[World, str]) -> None:
    world, namespace = standing
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}
    raw = bare_pod(container(image=LATEST), ownerReferences=[owner], namespace=namespace)
    assert "created" in world.kubectl("create", "--dry-run=server", "-f", "-", stdin=raw)


@pytest.mark.parametrize(
    "spec", [{"mode": "Audit"}, {"paused": True}, {"expectations": {each: {"action": "Audit"} for each in JUDGED}}]
)
def test_nothing_is_refused_where_the_policy_forbids_it(world: World, spec: Raw) -> None:
    policy, namespace = governed(world)
    world.change_policy(policy, **spec)
    eventually(lambda: answered(world, namespace, bare_pod(container(image=LATEST))).accepted)


def test_nothing_is_refused_where_the_namespace_forbids_it(standing: tuple[World, str]) -> None:
    world, namespace = standing
    world.label(namespace, f"{MODE_LABEL}=audit")
    try:
        eventually(lambda: answered(world, namespace, bare_pod(container(image=LATEST))).accepted)
    finally:
        world.label(namespace, f"{MODE_LABEL}-")


def an_old_workload(world: World) -> str:
    """Return a namespace with a Deployment that has fallen short since before its policy refuses that."""
    namespace = world.applied(deployment(containers=[container(image=LATEST, readinessProbe=None)]))
    policy, _ = governed(world)
    world.govern(namespace, policy)
    eventually(lambda: answered(world, namespace, bare_pod(container(image=LATEST))).refusal)
    return namespace


def test_an_old_workload_may_be_changed_elsewhere_and_deleted(world: World) -> None:
    namespace = an_old_workload(world)
    world.kubectl("annotate", "deployment", "web", "-n", namespace, "example.com/note=x")
    world.kubectl("rollout", "restart", "deployment", "web", "-n", namespace)
    world.kubectl("set", "env", "deployment", "web", "-n", namespace, "MODE=calm")
    world.kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=2")
    world.kubectl("delete", "deployment", "web", "-n", namespace)


def test_the_operator_repairs_an_old_workload(world: World) -> None:
    namespace = an_old_workload(world)
    live = world.repaired("web", namespace)
    assert {"preStop", "terminationGracePeriod"} <= journal(live).keys()


def test_an_old_workload_has_to_comply_when_its_image_changes(world: World) -> None:
    namespace = an_old_workload(world)
    change = ("set", "image", "deployment/web", "-n", namespace)
    with pytest.raises(KubectlFailed, match="container web has no readinessProbe"):
        world.kubectl(*change, "web=example/web:1.2.4")
    patch = {"spec": {"template": {"spec": {"containers": [container()]}}}}
    world.kubectl("patch", "deployment", "web", "-n", namespace, "-p", json.dumps(patch))


def test_a_missing_budget_is_neither_refused_nor_made(world: World) -> None:
    policy, namespace = governed(world)
    world.apply(namespace, deployment())
    world.settled(policy, total=1, violating=1)
    [finding] = world.status(policy)["violations"]
    assert (finding["expectation"], world.budgets(namespace)) == ("podDisruptionBudget", [])


def test_the_policy_says_what_is_refused(world: World) -> None:
    policy, _ = governed(world, expectations={**DENIED, "replicas": {"action": "Warn"}})
    told = f"refused at admission: {', '.join(JUDGED)}; warned about at admission: replicas"
    eventually(lambda: condition(world, policy) == ("True", "Bound", told))


@pytest.mark.parametrize("spec", [{"mode": "Audit"}, {"paused": True}])
def test_a_policy_that_is_not_enforced_says_that_nothing_is_refused(world: World, spec: Raw) -> None:
    policy, _ = governed(world)
    world.change_policy(policy, **spec)
    eventually(lambda: condition(world, policy)[:2] == ("False", "NotEnforced"))


def test_a_policy_that_asks_for_neither_says_nothing_of_it(world: World) -> None:
    policy = world.policy()
    eventually(lambda: world.status(policy).get("conditions"))
    assert condition(world, policy) == ("", "", "")


def test_the_bindings_go_with_the_policy(world: World) -> None:
    policy, _ = governed(world)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=30s")
    bindings = [f"validatingadmissionpolicybinding/productionpolicy-{each}-{policy}" for each in ("deny", "warn")]
    eventually(lambda: not world.kubectl("get", *bindings, "--ignore-not-found"))


def test_the_api_server_finds_no_fault_in_the_expressions(plane: ControlPlane) -> None:
    def checked() -> list[Raw] | None:
        found = json.loads(plane.kubectl("get", "validatingadmissionpolicies", "-o", "json"))["items"]
        assert {each["metadata"]["name"] for each in found} == {DENY.name, WARN.name, "productionpolicy-restraint"}
        done = [each for each in found if each.get("status", {}).get("observedGeneration")]
        return done if len(done) == len(found) else None

    policies: list[Raw] = eventually(checked)
    assert [each["status"].get("typeChecking", {}) for each in policies] == [{}, {}, {}]


def test_both_policies_say_the_same(plane: ControlPlane) -> None:
    command = ("get", "validatingadmissionpolicies", DENY.name, WARN.name, "-o", "json")
    deny, warn = (deepcopy(each["spec"]) for each in json.loads(plane.kubectl(*command))["items"])
    actions = [each["variables"].pop(0) for each in (deny, warn)]
    assert deny == warn
    assert actions == [{"name": "action", "expression": f'"{each}"'} for each in ("Deny", "Warn")]
