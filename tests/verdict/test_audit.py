"""Judging one workload by all expectations."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.identity import EXEMPT
from productionpolicy.verdict import Outcome, Verdict, audit
from support.manifests import Raw, budget, container, deployment, job, pod, stateful_set
from support.policies import only, policy
from support.world import World, repaired

FLAWLESS_CONTAINER = container(
    command=["tini", "-g", "--", "sh", "-c", "server | filter"],
    readinessProbe={"httpGet": {"path": "/", "port": 8080}},
    livenessProbe={"httpGet": {"path": "/alive", "port": 8080}},
    lifecycle={"preStop": {"exec": {"command": ["drain"]}}},
)
NOT_OF_A_DEPLOYMENT = {"imagePullSecrets", "barePods", "jobDeadline"}
"""Expectations that have nothing to judge on a flawless Deployment."""
APART = {"topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}]}


def flawless(**pod: Any) -> World:
    """Return a workload in which nothing is to be found."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    raw = deployment(pod={"containers": [FLAWLESS_CONTAINER], **APART, **pod}, strategy=rolling)
    return World(raw, others=[budget(maxUnavailable=1)])


def with_container(**fields: Any) -> Raw:
    return deployment(pod={"containers": [container(**fields)]})


def outcomes(world: World) -> dict[str, Outcome]:
    return {each.expectation: each.outcome for each in audit(world.inputs)}


def verdict(world: World, name: str) -> Verdict | None:
    return next((each for each in audit(world.inputs) if each.expectation == name), None)


def paths(world: World, name: str) -> list[str]:
    found = verdict(world, name)
    return [each.path for each in found.findings] if found else []


def messages(world: World, name: str) -> list[str]:
    found = verdict(world, name)
    return [each.message for each in found.findings] if found else []


def test_there_is_one_verdict_for_each_expectation_in_their_order() -> None:
    assert outcomes(flawless()) == {
        each.name: Outcome.NOT_APPLICABLE if each.name in NOT_OF_A_DEPLOYMENT else Outcome.PASSED
        for each in EXPECTATIONS
    }
    assert [each.expectation for each in audit(flawless().inputs)] == [each.name for each in EXPECTATIONS]


def test_there_is_none_for_what_the_policy_ignores() -> None:
    world = World(deployment(), policy=only("imageTag", "replicas"))
    assert outcomes(world) == {"replicas": Outcome.PASSED, "imageTag": Outcome.PASSED}


def test_there_is_none_where_no_policy_governs() -> None:
    assert audit(World(deployment(), policy=None).inputs) == ()


def test_what_has_nothing_to_judge_is_not_applicable() -> None:
    world = World(deployment(replicas=1, pod={"containers": [container(ports=[])]}))
    assert {name for name, outcome in outcomes(world).items() if outcome is Outcome.NOT_APPLICABLE} == {
        "podDisruptionBudget",
        "spread",
        "rollingUpdate",
        "preStop",
        "initProcess",
        "readinessProbe",
        "startupProbe",
        *NOT_OF_A_DEPLOYMENT,
    }


def test_our_repairs_count() -> None:
    world = repaired(deployment())
    assert [name for name, outcome in outcomes(world).items() if outcome is Outcome.FAILED] == ["readinessProbe"]


# Exemptions.


def test_an_exempt_workload_keeps_its_findings() -> None:
    world = World(deployment(), policy=only("spread"))
    world.exempt("spread")
    found = verdict(world, "spread")
    assert found is not None
    assert (found.outcome, len(found.findings)) == (Outcome.EXEMPT, 1)


def test_an_exemption_is_not_honoured_if_the_policy_says_so() -> None:
    world = World(deployment(), policy=only("spread", spec={"exemptions": "Ignored"}))
    world.exempt("spread")
    world.exempt("sprad")
    assert outcomes(world) == {"spread": Outcome.FAILED}


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("spread", "", "the exemption from spread has no effect: it gives no reason"),
        ("spread", "x until=2026-06-14", "the exemption from spread has no effect: it expired on 2026-06-14"),
        (
            "spread",
            "x until=soon",
            "the exemption from spread has no effect: its date is not in the form until=YYYY-MM-DD",
        ),
        ("sprad", "because", "the exemption from sprad has no effect: no expectation has this name"),
        ("x" * 200, "because", f"the exemption from {'x' * 63} has no effect: no expectation has this name"),
    ],
)
def test_an_exemption_that_does_not_hold_is_a_finding_of_its_own(name: str, reason: str, message: str) -> None:
    world = World(deployment(), policy=only("spread"))
    world.exempt(name, reason)
    assert outcomes(world) == {"spread": Outcome.FAILED, "exemptions": Outcome.FAILED}
    assert messages(world, "exemptions") == [message]


def test_an_exemption_holds_on_its_last_day() -> None:
    world = World(deployment(), policy=only("spread"))
    world.exempt("spread", "x until=2026-06-15")
    assert outcomes(world) == {"spread": Outcome.EXEMPT}


def test_an_exemption_that_is_no_longer_needed_is_a_finding() -> None:
    world = flawless()
    world.exempt("spread")
    assert messages(world, "exemptions") == [
        "the exemption from spread has no effect: the workload fulfills the expectation"
    ]


@pytest.mark.parametrize(
    "name", ["podDisruptionBudget", "spread", "rollingUpdate", "preStop", "terminationGracePeriod"]
)
def test_an_exemption_is_needed_as_long_as_only_our_repair_fulfils_the_expectation(name: str) -> None:
    world = repaired(deployment())
    world.exempt(name)
    assert messages(world, "exemptions") == []


def test_an_exemption_from_what_is_ignored_or_not_applicable_is_no_finding() -> None:
    world = World(deployment(replicas=1), policy=only("spread"))
    world.exempt("spread")
    world.exempt("preStop")
    assert outcomes(world) == {"spread": Outcome.NOT_APPLICABLE}


def test_an_exemption_from_all_covers_every_expectation() -> None:
    world = World(deployment(), policy=only("spread", "preStop", "readinessProbe"))
    world.exempt("all", "is replaced soon")
    assert set(outcomes(world).values()) == {Outcome.EXEMPT}
    assert world.plan().changes == ()
    assert [(each.expectation, each.until) for each in world.report().exemptions] == [("all", "")]


def test_an_exemption_from_all_is_needless_where_nothing_is_found() -> None:
    world = flawless()
    world.exempt("all")
    assert messages(world, "exemptions") == [
        "the exemption from all has no effect: the workload fulfills all expectations"
    ]


def test_an_exemption_where_it_does_not_count_is_a_finding() -> None:
    key = f"{EXEMPT}spread"
    world = World(deployment(), policy=only("spread"))
    world.edit(lambda raw: raw["metadata"].update(labels={key: "x"}))
    world.edit(lambda raw: raw["spec"]["template"]["metadata"].update(annotations={key: "one writer", "a": "b"}))
    found = verdict(world, "exemptions")
    assert found is not None
    assert [each.path for each in found.findings] == [
        f"metadata.labels[{key}]",
        f"spec.template.metadata.annotations[{key}]",
    ]
    assert {each.remedy for each in found.findings} == {"move it to metadata.annotations of the workload"}


def test_what_a_tool_writes_in_both_places_counts() -> None:
    world = World(deployment(), policy=only("spread"))
    annotations = {f"{EXEMPT}spread": "one writer"}
    world.edit(lambda raw: raw["spec"]["template"]["metadata"].update(annotations=annotations))
    world.exempt("spread", "one writer")
    assert outcomes(world) == {"spread": Outcome.EXEMPT}


def test_exempt_containers_are_not_judged() -> None:
    pod = {"containers": [FLAWLESS_CONTAINER, container("istio-proxy", image="proxy")]}
    assert outcomes(flawless(**pod)) == outcomes(flawless())


# What cannot be read.

STRICT: dict[str, dict[str, Any]] = {
    "terminationGracePeriod": {"terminationGracePeriod": {"shutdownSeconds": 60}},
    "imagePullSecrets": {"imagePullSecrets": {"privateRegistries": ["*"]}},
    "configuration": {"configuration": {"maxLiteralEnv": 0}},
}
"""Parameters by which a workload would fail if a failure were guessed."""


def test_what_cannot_be_read_is_a_finding_of_its_own_and_comes_last() -> None:
    world = flawless(hostNetwork="yes")
    assert (list(outcomes(world))[-1], paths(world, "unreadable"), messages(world, "unreadable")) == (
        "unreadable",
        ["spec.template.spec.hostNetwork"],
        ["the field is a string, but true or false is expected"],
    )


def test_what_cannot_be_read_does_not_keep_the_rest_from_being_judged() -> None:
    world = World(deployment(pod={"containers": [container(image=5)]}), policy=only("preStop", "imageTag"))
    assert outcomes(world) == {
        "preStop": Outcome.FAILED,
        "imageTag": Outcome.NOT_APPLICABLE,
        "unreadable": Outcome.FAILED,
    }


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("replicas", deployment(replicas="4")),
        ("spread", deployment(pod={"affinity": []})),
        ("spread", deployment(pod={"affinity": {"podAntiAffinity": "soft"}})),
        (
            "spread",
            deployment(pod={"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": 1}}}),
        ),
        ("rollingUpdate", deployment(strategy=["RollingUpdate"])),
        ("rollingUpdate", deployment(strategy={"type": "recreate"})),
        ("rollingUpdate", deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "few"}})),
        ("preStop", deployment(pod={"containers": [container(lifecycle="preStop")]})),
        ("preStop", deployment(pod={"containers": [container(lifecycle={"preStop": 5})]})),
        ("terminationGracePeriod", deployment(pod={"terminationGracePeriodSeconds": "5"})),
        ("readinessProbe", deployment(pod={"containers": [container(readinessProbe=True)]})),
        (
            "livenessProbe",
            with_container(readinessProbe={"exec": {}, "periodSeconds": "5"}, livenessProbe={"exec": {}}),
        ),
        ("livenessProbe", with_container(livenessProbe={"exec": {}, "failureThreshold": 1, "timeoutSeconds": "1"})),
        ("startupProbe", with_container(livenessProbe={"exec": {}, "initialDelaySeconds": "60"})),
        ("resources", with_container(resources="much")),
        ("resources", with_container(resources={"requests": {"cpu": "lots"}, "limits": 5})),
        ("imagePullPolicy", with_container(image="web", imagePullPolicy=["Never"])),
        ("imagePullPolicy", with_container(image=5, imagePullPolicy="IfNotPresent")),
        ("terminationMessage", with_container(terminationMessagePolicy=5)),
        ("terminationMessage", with_container(terminationMessagePolicy="File", args="x")),
        ("containerFilesystem", with_container(securityContext={"readOnlyRootFilesystem": "yes"})),
        ("toolchainImage", with_container(image=["golang"], command=["web"])),
        ("toolchainImage", with_container(command=[5], args=["make"])),
        ("imagePullSecrets", deployment(pod={"serviceAccountName": 5})),
        ("imagePullSecrets", deployment(pod={"imagePullSecrets": "registry"})),
        ("secretLiterals", with_container(env=[{"name": "DB_PASSWORD", "value": 5}])),
        ("secretLiterals", with_container(env=[{"name": ["DB_PASSWORD"], "value": "hunter2"}])),
        ("configuration", with_container(env=[{"name": "A", "value": "a"}, 5])),
        ("configuration", with_container(args=[5, "a\nb"])),
        ("persistence", stateful_set(volumeClaimTemplates="data")),
        ("persistence", stateful_set(pod={"volumes": 5})),
        ("persistence", with_container(image="postgres:17", volumeMounts="data")),
        ("persistence", deployment(replicas="2", pod={"volumes": [{"name": 5}]})),
        ("barePods", pod(ownerReferences="web")),
        ("jobDeadline", job(spec={"activeDeadlineSeconds": "600"})),
        ("jobDeadline", job(pod={"activeDeadlineSeconds": "600"})),
        ("sidecars", job(pod={"containers": [container(), container("sql", image=["cloud-sql-proxy"])]})),
        ("sidecars", deployment(pod={"containers": [container(image=5), container("sql", image="cloud-sql-proxy")]})),
        ("podDisruptionBudget", deployment(selector="app=web")),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_no_failure_is_guessed_from_a_field_that_cannot_be_read(name: str, raw: Raw) -> None:
    world = World(deployment(), policy=only(name, **STRICT.get(name, {})))
    world.raw = raw
    assert outcomes(world)[name] is not Outcome.FAILED
    assert outcomes(world)["unreadable"] is Outcome.FAILED


def test_one_container_that_cannot_be_read_does_not_excuse_another() -> None:
    containers = [container(lifecycle="x"), container("api")]
    world = World(deployment(pod={"containers": containers}), policy=only("preStop"))
    assert paths(world, "preStop") == ["spec.template.spec.containers[1].lifecycle.preStop"]


def test_a_judgement_is_the_same_every_time() -> None:
    world = World(deployment())
    assert audit(world.inputs) == audit(world.inputs)


def test_a_policy_of_profile_development_asks_for_less() -> None:
    world = World(deployment(pod={"terminationGracePeriodSeconds": 5}), policy=policy(spec={"profile": "Development"}))
    judged = {name: each for name, each in outcomes(world).items() if name not in NOT_OF_A_DEPLOYMENT}
    assert judged == {
        "terminationGracePeriod": Outcome.FAILED,
        "signalHandling": Outcome.PASSED,
        "initProcess": Outcome.NOT_APPLICABLE,
        "singleProcess": Outcome.PASSED,
        "imagePullPolicy": Outcome.PASSED,
        "secretLiterals": Outcome.PASSED,
        "logging": Outcome.PASSED,
        "persistence": Outcome.PASSED,
    }
