"""What is told, and what is not done: modes, exemptions, and policies that cannot be used."""

from __future__ import annotations

import json
from typing import Any

from cluster.world import World, changed, container, deployment, eventually, journal
from productionpolicy.kube.identity import CONTESTED, EXEMPT, GROUP, MODE_LABEL, PLURAL, REPAIRS


def untouched(world: World, namespace: str) -> bool:
    found = world.get("deployment", "web", namespace)
    return found["metadata"]["generation"] == 1 and not journal(found) and not world.budgets(namespace)


def annotated(**annotations: str) -> dict[str, Any]:
    raw = deployment()
    domain = "exempt.productionpolicy.dev"
    raw["metadata"]["annotations"] = {f"{domain}/{name}": text for name, text in annotations.items()}
    return raw


def test_mode_audit_writes_nothing_and_tells_what_enforce_would_do(world: World) -> None:
    policy, namespace = world.governed(deployment(replicas=4), mode="Audit")
    eventually(lambda: world.status(policy).get("pending", {}).get("repairs") == 5)
    status = world.status(policy)

    (told,) = status["pending"]["workloads"]
    assert (told["namespace"], told["name"], told["restarts"]) == (namespace, "web", True)
    assert "preStop (sleep 10s: web)" in told["changes"]
    assert (status["pending"]["restarts"], len(told["changes"])) == (1, 5)
    progressing = world.condition(policy, "Progressing")
    assert progressing["reason"] == "AuditOnly"
    assert f"-n {namespace} -o yaml | productionpolicy check --plan" in progressing["message"]
    assert world.fixed(lambda: untouched(world, namespace))
    assert world.status(policy)["workloads"]["violating"] == 1


def test_a_namespace_can_be_more_careful_than_its_policy(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy, **{MODE_LABEL: "Audit"})
    world.apply(namespace, deployment())
    eventually(lambda: world.status(policy).get("pending", {}).get("restarts") == 1)
    assert world.condition(policy, "Progressing")["reason"] == "HeldBack"
    assert world.fixed(lambda: untouched(world, namespace))


def test_an_unknown_mode_counts_as_audit_and_is_an_event(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy, **{MODE_LABEL: "Enforce"})
    world.apply(namespace, deployment())
    (event,) = eventually(lambda: world.events(namespace, "ModeNotKnown"))
    assert "is Enforce, which is neither Audit nor Off, so it counts as Audit" in event["message"]
    eventually(lambda: world.status(policy).get("workloads", {}).get("violating") == 1)
    assert world.fixed(lambda: untouched(world, namespace))


def test_where_the_mode_is_off_nothing_is_judged(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy, **{MODE_LABEL: "Off"})
    world.apply(namespace, deployment())
    assert world.fixed(lambda: untouched(world, namespace))
    assert world.status(policy)["workloads"]["total"] == 0


def test_taking_the_mode_label_away_lets_repairs_begin(world: World) -> None:
    namespace = world.namespace(world.policy(), **{MODE_LABEL: "Audit"})
    world.apply(namespace, deployment())
    world.label(namespace, f"{MODE_LABEL}-")
    assert world.repaired("web", namespace)["metadata"]["generation"] == 2


def test_a_paused_policy_writes_nothing_until_it_goes_on(world: World) -> None:
    policy, namespace = world.governed(deployment(), paused=True)
    eventually(lambda: world.status(policy).get("pending", {}).get("restarts") == 1)
    assert world.fixed(lambda: untouched(world, namespace))
    world.change_policy(policy, paused=False)
    world.repaired("web", namespace)


def test_an_exemption_with_a_reason_is_honoured(world: World) -> None:
    policy, namespace = world.governed(annotated(spread="runs on one node on purpose; until=2099-12-31"))
    repaired = world.repaired("web", namespace)
    assert set(journal(repaired)) == {"policy", "preStop", "terminationGracePeriod"}
    assert world.settled(policy, total=1)["workloads"]["exempt"] == 1


def test_exemptions_that_do_not_hold_are_reported(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy)
    faulty = {"preStop": "", "spread": "moved; until=2020-01-01", "prestop": "typo", "imageTag": "is pinned anyway"}
    world.apply(namespace, annotated(**faulty))
    status = world.settled(policy, total=1, violating=1)

    assert journal(world.get("deployment", "web", namespace)).keys() >= {"preStop", "spread"}
    messages = {each["path"].rpartition("/")[2].rstrip("]"): each["message"] for each in status["violations"]}
    assert {name: message.partition(": ")[2].partition(";")[0] for name, message in messages.items()} == {
        "imageTag": "the workload fulfills the expectation",
        "preStop": "it gives no reason",
        "prestop": "no expectation has this name",
        "spread": "it expired on 2020-01-01",
    }


def test_an_exemption_without_effect_is_an_event_on_the_workload(world: World) -> None:
    namespace = world.applied(annotated(prestop="typo"), policy=world.policy())
    (event,) = eventually(lambda: world.events(namespace, "ExemptionWithoutEffect"))
    assert (event["type"], event["involvedObject"]["name"]) == ("Warning", "web")
    assert event["message"].endswith("no expectation has this name; did you mean preStop?")


def test_a_workload_may_opt_out_of_everything(world: World) -> None:
    policy, namespace = world.governed(annotated(all="is replaced soon; until=2099-12-31"))
    status = world.settled(policy, total=1, exempt=1)
    assert world.fixed(lambda: untouched(world, namespace))
    (told,) = status["exemptions"]
    assert told == {
        "namespace": namespace,
        "kind": "Deployment",
        "name": "web",
        "expectation": "all",
        "reason": "is replaced soon",
        "until": "2099-12-31",
    }


def test_a_policy_may_ignore_exemptions(world: World) -> None:
    namespace = world.applied(annotated(preStop="please"), policy=world.policy(exemptions="Ignored"))
    assert "preStop" in journal(world.repaired("web", namespace))


def test_exempt_containers_are_left_alone(world: World) -> None:
    policy = world.policy(exemptContainers=["we?"])
    namespace = world.applied(deployment(containers=[container("app"), container("web")]), policy=policy)
    repaired = world.repaired("web", namespace)
    assert journal(repaired)["preStop"] == "sleep 10s: app"


def test_a_label_that_names_no_policy_is_an_event_and_nothing_else(world: World) -> None:
    namespace = world.applied(deployment(), policy="no-such-policy")
    eventually(lambda: world.events(namespace, "PolicyNotFound"))
    assert world.fixed(lambda: untouched(world, namespace))


def test_a_policy_that_was_stored_before_a_rule_tightened_repairs_nothing(world: World) -> None:
    crd = world.get("crd", f"{PLURAL}.{GROUP}")
    policy, invalid = world.policy(paused=True), "spec.expectations.preStop.sleepSeconds"
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/expectations/properties/preStop"
    path += "/properties/sleepSeconds/minimum"
    lax = [{"op": "replace", "path": path, "value": 0}]
    world.kubectl("patch", "crd", crd["metadata"]["name"], "--type=json", "-p", json.dumps(lax))
    try:
        change = json.dumps({"spec": {"paused": False, "expectations": {"preStop": {"sleepSeconds": 0}}}})
        eventually(
            lambda: world.kubectl("patch", "pp", policy, "--type=merge", "-p", change, check=False).startswith("prod")
        )
    finally:
        strict = [{"op": "replace", "path": path, "value": 1}]
        world.kubectl("patch", "crd", crd["metadata"]["name"], "--type=json", "-p", json.dumps(strict))
    namespace = world.applied(deployment(), policy=policy)

    eventually(lambda: world.condition(policy, "Ready")["status"] == "False")
    ready = world.condition(policy, "Ready")
    assert ready["reason"] == "InvalidSpec"
    assert invalid in ready["message"]
    assert world.fixed(lambda: untouched(world, namespace))


def test_one_odd_workload_does_not_keep_the_others_from_being_served(world: World) -> None:
    namespace = world.namespace(world.policy())
    odd = changed(deployment("odd"), name="o" * 63)
    odd["metadata"]["annotations"] = {
        f"{REPAIRS}preStop": "sleep 99999999999999s: \n\x1b[31m",
        f"{REPAIRS}spread": "{}",
        f"{CONTESTED}spread": "undone -1x",
        f"{EXEMPT}spread": "until=9999-99-99",
    }
    world.apply(namespace, odd, deployment())
    world.repaired("web", namespace)
    assert journal(world.repaired("odd", namespace))["preStop"] == f"sleep 10s: {'o' * 63}"
