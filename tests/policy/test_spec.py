"""What a policy says, and what is said of one that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.expectations import BY_NAME, EXPECTATIONS, Action
from productionpolicy.kube.workloads import Kind
from productionpolicy.policy import Exemptions, InvalidPolicy, Mode, OnRemoval, Profile, Timing, read_policy
from productionpolicy.policy.spec import INJECTED_SIDECARS
from support.policies import only, policy

MINIMAL = {"mode": "Enforce"}
PERSISTENCE = "spec.expectations.persistence"


def fault(spec: Any) -> str:
    with pytest.raises(InvalidPolicy) as found:
        read_policy({"metadata": {"name": "default"}, "spec": spec})
    return str(found.value)


def fault_of(expectation: str, **parameters: Any) -> str:
    return fault({**MINIMAL, "expectations": {expectation: parameters}})


def test_all_but_the_mode_has_a_default() -> None:
    spec = read_policy({"metadata": {"name": "default"}, "spec": MINIMAL}).spec
    assert (spec.mode, spec.profile, spec.paused) == (Mode.ENFORCE, Profile.PRODUCTION, False)
    assert (spec.exemptions, spec.on_removal) == (Exemptions.HONOURED, OnRemoval.KEEP)
    assert (spec.exempt_containers, spec.rollout.max_concurrent) == (INJECTED_SIDECARS, 5)
    assert spec.rollout.timing is Timing.IMMEDIATE


def test_the_parameters_have_the_documented_defaults() -> None:
    expected = policy().spec.expectations
    assert (expected.preStop.sleep_seconds, expected.preStop.containers) == (10, "Serving")
    assert (expected.replicas.minimum, expected.terminationGracePeriod.shutdown_seconds) == (2, 30)
    assert (expected.spread.strength, expected.spread.topology_keys) == (
        "Preferred",
        ("kubernetes.io/hostname", "topology.kubernetes.io/zone"),
    )
    assert [expected.podDisruptionBudget.terms(each).as_fields() for each in (Kind.DEPLOYMENT, Kind.STATEFUL_SET)] == [
        {"maxUnavailable": "25%"},
        {"maxUnavailable": 1},
    ]
    assert (expected.podDisruptionBudget.unhealthy_pods, expected.imageTag.disallowed_tags) == ("Any", ("latest",))


def test_a_policy_is_read_whole() -> None:
    read = read_policy(
        {
            "metadata": {"name": "strict", "uid": "u", "generation": 7},
            "spec": {
                "mode": "Audit",
                "profile": "Development",
                "paused": True,
                "exemptions": "Ignored",
                "onRemoval": "Revert",
                "exemptContainers": ["side-*"],
                "rollout": {"maxConcurrent": "10%", "timing": "NextRollout"},
                "expectations": {"preStop": {"action": "Repair", "sleepSeconds": 7, "containers": "All"}},
            },
        }
    )
    spec = read.spec
    assert (read.name, read.uid, read.generation) == ("strict", "u", 7)
    assert (spec.mode, spec.profile, spec.paused) == (Mode.AUDIT, Profile.DEVELOPMENT, True)
    assert (spec.exemptions, spec.on_removal) == (Exemptions.IGNORED, OnRemoval.REVERT)
    assert (spec.exempt_containers, spec.rollout.max_concurrent, spec.rollout.timing) == (
        ("side-*",),
        "10%",
        Timing.NEXT_ROLLOUT,
    )
    assert (spec.expectations.preStop.action, spec.expectations.preStop.sleep_seconds) == (Action.REPAIR, 7)


SOFT = "strength Required needs method AntiAffinity: constraints are written with whenUnsatisfiable ScheduleAnyway"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (None, "spec: Object missing required field `mode`: use Enforce or Audit"),
        ({}, "spec: Object missing required field `mode`: use Enforce or Audit"),
        ([], "spec: Expected `object`, got `array`"),
        ({"mode": "enforce"}, "spec.mode: Invalid enum value 'enforce': use Enforce or Audit"),
        ({"mode": None}, "spec: Object missing required field `mode`: use Enforce or Audit"),
        ({**MINIMAL, "paused": "true"}, "spec.paused: Expected `bool`, got `str`"),
        ({**MINIMAL, "profile": "Prod"}, "spec.profile: Invalid enum value 'Prod': use Production or Development"),
        ({**MINIMAL, "onRemoval": "Delete"}, "spec.onRemoval: Invalid enum value 'Delete': use Keep or Revert"),
        ({**MINIMAL, "Mode": 1}, "spec: Object contains unknown field `Mode`: did you mean mode?"),
        ({**MINIMAL, "exemptContainers": ["ok", ""]}, "spec.exemptContainers[1]: Expected `str` of length >= 1"),
        (
            {**MINIMAL, "preStop": {}},
            "spec: Object contains unknown field `preStop`: did you mean spec.expectations.preStop?",
        ),
        (
            {**MINIMAL, "rollout": {"pace": 1}},
            (
                "spec.rollout: Object contains unknown field `pace`: use maxConcurrent, timing, windows, freezes or "
                "progressDeadlineSeconds"
            ),
        ),
        (
            {**MINIMAL, "expectations": {"prestop": {}}},
            "spec.expectations: Object contains unknown field `prestop`: did you mean preStop?",
        ),
        ({**MINIMAL, "expectations": {"tidiness": {}}}, "spec.expectations: Object contains unknown field `tidiness`"),
    ],
)
def test_a_policy_that_cannot_be_used_says_where_and_why(spec: Any, message: str) -> None:
    assert fault(spec) == message


@pytest.mark.parametrize("given", [0, -1, "0%", "101%", "100", "", "5 %", "many"])
def test_the_number_of_concurrent_rollouts_is_one_or_more(given: int | str) -> None:
    assert fault({**MINIMAL, "rollout": {"maxConcurrent": given}}).startswith("spec.rollout: ")


@pytest.mark.parametrize(
    ("given", "workloads", "slots"),
    [(5, 100, 5), (5, 1, 5), ("10%", 100, 10), ("10%", 101, 11), ("1%", 3, 1), ("1%", 0, 1), ("100%", 7, 7)],
)
def test_a_percentage_of_rollouts_rounds_up_and_is_at_least_one(given: int | str, workloads: int, slots: int) -> None:
    assert policy(spec={"rollout": {"maxConcurrent": given}}).spec.rollout.slots(workloads) == slots


@pytest.mark.parametrize(
    ("expectation", "parameters", "message"),
    [
        ("preStop", {"sleepSeconds": 0}, "spec.expectations.preStop.sleepSeconds: Expected `int` >= 1"),
        ("preStop", {"sleepSeconds": 3601}, "spec.expectations.preStop.sleepSeconds: Expected `int` <= 3600"),
        ("preStop", {"sleepSeconds": "10"}, "spec.expectations.preStop.sleepSeconds: Expected `int`, got `str`"),
        (
            "preStop",
            {"containers": "Some"},
            "spec.expectations.preStop.containers: Invalid enum value 'Some': use Serving or All",
        ),
        (
            "preStop",
            {"sleepSecond": 5},
            "spec.expectations.preStop: Object contains unknown field `sleepSecond`: did you mean sleepSeconds?",
        ),
        (
            "preStop",
            {"action": "repair"},
            "spec.expectations.preStop.action: Invalid enum value 'repair': use Ignore, Audit or Repair",
        ),
        (
            "persistence",
            {"dataStores": []},
            f"{PERSISTENCE}: Object contains unknown field `dataStores`: did you mean additionalDataStores?",
        ),
        (
            "persistence",
            {"disabledDataStores": ["postgre"]},
            "spec.expectations.persistence: postgre cannot be disabled, because it is not built in",
        ),
        ("replicas", {"minimum": 0}, "spec.expectations.replicas.minimum: Expected `int` >= 1"),
        (
            "terminationGracePeriod",
            {"shutdownSeconds": 0},
            "spec.expectations.terminationGracePeriod.shutdownSeconds: Expected `int` >= 1",
        ),
        ("spread", {"topologyKeys": []}, "spec.expectations.spread.topologyKeys: Expected `array` of length >= 1"),
        (
            "spread",
            {"topologyKeys": ["a b"]},
            "spec.expectations.spread.topologyKeys[0]: Expected `str` matching regex '^[A-Za-z0-9._/-]+$'",
        ),
        (
            "spread",
            {"method": "TopologySpread", "strength": "Required"},
            f"spec.expectations.spread: {SOFT}",
        ),
        (
            "podDisruptionBudget",
            {"maxUnavailable": 1, "minAvailable": 1},
            "spec.expectations.podDisruptionBudget: maxUnavailable and minAvailable are mutually exclusive: remove one",
        ),
        (
            "podDisruptionBudget",
            {"maxUnavailable": 0},
            "spec.expectations.podDisruptionBudget: maxUnavailable must be 1 or more, or a percentage from 1% to 99%",
        ),
        (
            "podDisruptionBudget",
            {"maxUnavailable": "100%"},
            "spec.expectations.podDisruptionBudget: maxUnavailable must be 1 or more, or a percentage from 1% to 99%",
        ),
        (
            "podDisruptionBudget",
            {"statefulSetMaxUnavailable": "100%"},
            (
                "spec.expectations.podDisruptionBudget: "
                "statefulSetMaxUnavailable must be 1 or more, or a percentage from 1% to 99%"
            ),
        ),
        (
            "podDisruptionBudget",
            {"minAvailable": "0%"},
            "spec.expectations.podDisruptionBudget: minAvailable must be 1 or more, or a percentage from 1% to 99%",
        ),
        (
            "podDisruptionBudget",
            {"minAvailable": "100%"},
            "spec.expectations.podDisruptionBudget: minAvailable must be 1 or more, or a percentage from 1% to 99%",
        ),
        (
            "imageTag",
            {"action": "Repair"},
            "spec.expectations.imageTag: action Repair is not supported here, only Ignore, Audit, Warn or Deny",
        ),
        (
            "replicas",
            {"action": "Repair"},
            "spec.expectations.replicas: action Repair is not supported here, only Ignore, Audit or Warn",
        ),
    ],
)
def test_a_parameter_that_cannot_be_used_says_where_and_why(
    expectation: str, parameters: dict[str, Any], message: str
) -> None:
    assert fault_of(expectation, **parameters) == message


@pytest.mark.parametrize("given", [1, 50, "1%", "99%"])
def test_any_other_max_unavailable_is_taken(given: int | str) -> None:
    read = policy(podDisruptionBudget={"maxUnavailable": given}).spec.expectations.podDisruptionBudget
    assert read.terms(Kind.DEPLOYMENT).as_fields() == {"maxUnavailable": given}


@pytest.mark.parametrize("given", [1, 50, "1%", "99%"])
def test_stateful_sets_have_a_max_unavailable_of_their_own(given: int | str) -> None:
    parameters = {"maxUnavailable": 7, "statefulSetMaxUnavailable": given}
    read = policy(podDisruptionBudget=parameters).spec.expectations.podDisruptionBudget
    assert read.terms(Kind.STATEFUL_SET).as_fields() == {"maxUnavailable": given}


@pytest.mark.parametrize("profile", Profile)
def test_the_profile_decides_where_the_policy_gives_no_action(profile: Profile) -> None:
    read = policy(spec={"profile": profile})
    defaults = {
        each.name: each.production if profile is Profile.PRODUCTION else each.development for each in EXPECTATIONS
    }
    assert {each.name: read.action(each) for each in EXPECTATIONS} == defaults


def test_the_policys_word_counts_before_the_profile() -> None:
    read = policy(spec={"profile": "Development"}, preStop={"action": "Repair"}, imageTag={"action": "Audit"})
    actions = {name: read.action(BY_NAME[name]) for name in ("preStop", "imageTag", "spread")}
    assert actions == {"preStop": Action.REPAIR, "imageTag": Action.AUDIT, "spread": Action.IGNORE}


def test_a_policy_tells_about_what_an_action_is_taken() -> None:
    read = policy(imageTag={"action": "Deny"}, podDisruptionBudget={"action": "Deny"}, replicas={"action": "Warn"})
    told = [read.acting(each) for each in (Action.DENY, Action.WARN)]
    assert told == [("podDisruptionBudget", "imageTag"), ("replicas",)]
    assert "podDisruptionBudget" not in read.acting(Action.REPAIR)


def test_too_few_replicas_cannot_be_refused() -> None:
    assert fault_of("replicas", action="Deny") == (
        "spec.expectations.replicas: action Deny is not supported here, only Ignore, Audit or Warn"
    )


@pytest.mark.parametrize(
    ("mode", "paused", "writes"),
    [("Enforce", False, True), ("Enforce", True, False), ("Audit", False, False), ("Audit", True, False)],
)
def test_only_a_policy_that_enforces_and_is_not_paused_writes(mode: str, paused: bool, writes: bool) -> None:
    assert policy(spec={"mode": mode, "paused": paused}).writes is writes


@pytest.mark.parametrize(
    ("name", "exempt"),
    [
        ("istio-proxy", True),
        ("opentelemetry-auto-instrumentation-java", True),
        ("web", False),
        ("istio-proxy-2", False),
    ],
)
def test_injected_sidecars_are_exempt_by_default(name: str, exempt: bool) -> None:
    assert policy().exempts_container(name) is exempt


def test_containers_are_exempt_by_pattern_and_case_counts() -> None:
    read = policy(spec={"exemptContainers": ["log-?", "x*"]})
    told = [read.exempts_container(name) for name in ("log-1", "log-10", "xray", "Xray", "istio-proxy")]
    assert told == [True, False, True, False, False]


def test_the_terms_of_an_expectation_change_with_its_action_and_its_parameters_only() -> None:
    told = [
        each.terms(BY_NAME["preStop"])
        for each in (
            policy(),
            policy("another", preStop={"action": "Repair"}, spread={"action": "Audit"}),
            policy(preStop={"sleepSeconds": 11}),
            policy(preStop={"action": "Audit"}),
        )
    ]
    assert (told[0] != told[2], told[0] != told[3], told[2] != told[3]) == (True, True, True)
    assert policy().terms(BY_NAME["preStop"]) == policy("another", spread={"action": "Audit"}).terms(BY_NAME["preStop"])


def test_a_policy_may_name_some_expectations_and_ignore_the_rest() -> None:
    read = only("preStop")
    acting = [each.name for each in EXPECTATIONS if read.action(each) is not Action.IGNORE]
    assert acting == ["preStop"]


def test_lists_that_are_built_in_are_added_to_and_taken_from() -> None:
    parameters = policy(persistence={"additionalDataStores": ["*-db"], "disabledDataStores": ["etcd"]})
    listed = parameters.spec.expectations.persistence.listed("data_stores")
    built_in = BY_NAME["persistence"].parameters.built_in["data_stores"]
    assert listed == (*(each for each in built_in if each != "etcd"), "*-db")
    assert policy().spec.expectations.persistence.listed("data_stores") == built_in
