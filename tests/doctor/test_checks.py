"""What each check says of the facts. All facts are in order, except for what a test changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from productionpolicy.controller.admission_policies import DENY, GUARD, GUARD_BINDINGS, REPAIR, RESTRAINT, WARN, binding
from productionpolicy.controller.rights import DRAIN_RIGHTS, RIGHTS
from productionpolicy.doctor.checks import CHECKS
from productionpolicy.doctor.diagnosis import Report, State, diagnose
from productionpolicy.doctor.facts import Facts, Trial, Unseen
from productionpolicy.doctor.trial import bare, denied, pod_of, repaired, violating
from productionpolicy.kube.identity import FINALIZER, POLICY_LABEL, REPAIRS, REPAIRS_POLICY
from productionpolicy.policy import read_policy
from productionpolicy.policy.schema import custom_resource_definition

Raw = dict[str, Any]

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text())
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHEN = "2026-01-02T03:04:05Z"
SYSTEM = "productionpolicy-system"
ACCOUNT = f"system:serviceaccount:{SYSTEM}:productionpolicy"
LABELS = {"app.kubernetes.io/name": "productionpolicy"}
HIDDEN = Unseen("list things", "it is broken")


def ready(*, status: str = "True", **more: str) -> Raw:
    return {"type": "Ready", "status": status, **more}


def policy(name: str = "default", **spec: Any) -> Raw:
    return {
        "metadata": {"name": name, "uid": f"uid-of-{name}", "generation": 1},
        "spec": {"mode": "Enforce", **spec},
        "status": {"observedGeneration": 1, "conditions": [ready()]},
    }


def namespace(name: str = "shop", governed_by: str = "default", **labels: str) -> Raw:
    return {"metadata": {"name": name, "labels": {POLICY_LABEL: governed_by, **labels}}}


def operator(**spec: Any) -> Raw:
    pod = {"serviceAccountName": "productionpolicy", "containers": [{"name": "operator", "image": "operator:1"}]}
    return {
        "metadata": {"name": "productionpolicy", "namespace": SYSTEM, "labels": LABELS},
        "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": {"spec": pod}, **spec},
    }


def pod(**status: Any) -> Raw:
    metadata = {"name": "productionpolicy-1", "namespace": SYSTEM, "labels": LABELS}
    return {"kind": "Pod", "metadata": metadata, "status": {"conditions": [ready()], **status}}


def monitor() -> Raw:
    spec = {"selector": {"matchLabels": LABELS}}
    return {"kind": "PodMonitor", "metadata": {"name": "productionpolicy", "namespace": SYSTEM}, "spec": spec}


def definition() -> Raw:
    stored = msgspec.json.decode(msgspec.json.encode(custom_resource_definition()))
    defaults = {"conversion": {"strategy": "None"}, "names": {**stored["spec"]["names"], "categories": []}}
    status = {"conditions": [{"type": "Established", "status": "True"}]}
    return {**stored, "spec": {**stored["spec"], **defaults}, "status": status}


def named(name: str, **spec: Any) -> Raw:
    return {"metadata": {"name": name}, "spec": spec}


def bound(*names: str) -> tuple[Raw, ...]:
    found = {each.name: each for each in (REPAIR, DENY, WARN)}
    return tuple(binding(found[name], to="default", uid="uid-of-default") for name in names)


def restraint(account: str = ACCOUNT) -> Raw:
    return named(RESTRAINT, matchConditions=[{"name": "it", "expression": f'request.userInfo.username == "{account}"'}])


def written(manifest: Raw) -> Raw:
    """Return a manifest as the API server stores it when it is created."""
    metadata = {**manifest["metadata"], "uid": "a-uid", "generation": 1, "creationTimestamp": WHEN}
    return {**manifest, "metadata": metadata}


def trial(governing: Raw | None = None, *, at_admission: bool = True) -> Trial:
    raw = governing or policy()
    plain = bare("shop", image="operator:1")
    sent = repaired(plain, read_policy(raw), today=NOW.date())
    return Trial(
        policy=raw,
        namespace="shop",
        admitted=written(sent if at_admission else plain),
        sent=sent,
        kept=written(sent),
        pod=pod_of(sent),
    )


REPAIRING = (named(REPAIR.name), named(GUARD))
GUARDED = tuple(map(named, GUARD_BINDINGS))
VALIDATING = (restraint(), named(DENY.name), named(WARN.name))
RESTRAINED = named(RESTRAINT, policyName=RESTRAINT, validationActions=["Deny"])

IN_ORDER = Facts(
    now=NOW,
    version=(1, 37, 2),
    definition=definition(),
    deployments=(operator(),),
    pods=(pod(),),
    monitors=(monitor(),),
    policies=(policy(),),
    namespaces=(namespace(),),
    mutating=REPAIRING,
    mutating_bindings=(*GUARDED, *bound(REPAIR.name)),
    validating=VALIDATING,
    validating_bindings=(RESTRAINED, *bound(DENY.name, WARN.name)),
    trials=(trial(),),
)


def changed(**facts: Any) -> dict[str, tuple[State, str, str]]:
    """Return the lines that differ from those when everything is in order."""
    before = {each.check: each for each in report().checks}
    after = report(**facts).checks
    return {each.check: (each.state, each.message, each.remedy) for each in after if each != before[each.check]}


def report(**facts: Any) -> Report:
    return diagnose(replace(IN_ORDER, **facts), CHECKS)


def only(check: str, **facts: Any) -> tuple[State, str, str]:
    """Return the one line that differs."""
    found = changed(**facts)
    assert list(found) == [check]
    return found[check]


def test_all_is_in_order() -> None:
    assert [each for each in report().checks if each.state is not State.OK or each.remedy] == []
    assert report().exit_code == 0


def test_a_hint_changes_no_exit_code() -> None:
    assert report(monitors=()).exit_code == 0


def test_what_is_wrong_weighs_more_than_what_is_unknown() -> None:
    assert report(monitors=HIDDEN).exit_code == 3
    assert report(monitors=HIDDEN, definition=None).exit_code == 1


def test_the_server_is_not_tested() -> None:
    state, message, _ = only("server", version=(1, 31, 4))
    assert (state, message) == (State.HINT, "Kubernetes 1.31 is not among the tested versions, 1.32 to 1.37")


def test_the_definition_is_missing() -> None:
    state, message, remedy = only("definition", definition=None)
    assert state is State.WRONG
    assert "productionpolicies.productionpolicy.dev is missing" in message
    assert "crds/productionpolicies.yaml" in remedy
    assert "crds.enabled" in remedy


def test_the_definition_is_of_another_release() -> None:
    old = msgspec.json.decode(msgspec.json.encode(definition()))
    del old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["rollout"]
    state, message, _ = only("definition", definition=old)
    path = "spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.rollout"
    assert (state, message.split(": ")[1]) == (State.WRONG, f"{path} differs")


def test_the_definition_of_a_later_release_has_more() -> None:
    new = msgspec.json.decode(msgspec.json.encode(definition()))
    new["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["more"] = {}
    assert only("definition", definition=new)[0] is State.WRONG


def test_no_operator_is_installed() -> None:
    found = changed(deployments=(), pods=())
    assert {name: state for name, (state, _, _) in found.items()} == {
        "operator": State.WRONG,
        "permissions": State.HINT,
        "metrics": State.HINT,
    }


def test_two_operators_are_installed() -> None:
    other = {**operator(), "metadata": {"name": "other", "namespace": SYSTEM, "labels": LABELS}}
    state, message, _ = only("operator", deployments=(operator(), other))
    assert (state, message.split(": ")[0]) == (State.WRONG, "2 operators are installed")


def test_the_operator_is_scaled_to_nothing() -> None:
    _, message, remedy = changed(deployments=(operator(replicas=0),))["operator"]
    assert message.endswith("is scaled to 0")
    assert remedy == "kubectl -n productionpolicy-system scale deployment productionpolicy --replicas=1"


def test_the_pod_of_the_operator_cannot_start() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    broken = pod(conditions=[ready(status="False")], containerStatuses=[{"state": waiting}])
    state, message, remedy = only("operator", pods=(broken,))
    assert (state, message.split(": ")[1]) == (State.WRONG, "ImagePullBackOff no such image")
    assert "describe pods -l app.kubernetes.io/name=productionpolicy" in remedy


def test_the_operator_has_more_replicas_than_it_needs() -> None:
    assert only("operator", deployments=(operator(replicas=2),))[0] is State.HINT


def test_the_operator_lacks_rights() -> None:
    state, message, _ = only("permissions", lacking=RIGHTS[:5])
    assert state is State.WRONG
    assert "list productionpolicies.productionpolicy.dev" in message
    assert message.endswith("and 2 more")


AUDITING = policy(drainAudit={"mode": "Enabled"})


def test_the_operator_lacks_rights_for_audits_of_drains() -> None:
    state, message, remedy = only("drainAudit", policies=(AUDITING,), lacking_for_drains=DRAIN_RIGHTS)
    assert state is State.WRONG
    assert message.startswith("for audits of drains (default), the operator lacks rights: list persistentvolumes, list")
    assert "kubectl apply -k manifests/drain-audit" in remedy
    assert "drainAudit.enabled" in remedy


def test_drains_are_audited() -> None:
    state, message, _ = only("drainAudit", policies=(AUDITING,))
    assert (state, message) == (State.OK, "drains are audited for policies: default")


def test_drains_could_not_be_audited() -> None:
    told = {"type": "NodesDrainable", "status": "Unknown", "reason": "TooLarge", "message": "not played: too large"}
    unknown = {**AUDITING, "status": {**AUDITING["status"], "conditions": [ready(), told]}}
    state, message, _ = only("drainAudit", policies=(unknown,))
    assert state is State.HINT
    assert message == "it is not known whether nodes drain: default (not played: too large)"


def test_nobody_may_see_whether_the_operator_has_the_rights_for_audits_of_drains() -> None:
    assert only("drainAudit", policies=(AUDITING,), lacking_for_drains=HIDDEN)[0] is State.UNKNOWN


def test_the_restraint_is_not_installed() -> None:
    state, _, remedy = only("restraint", validating=VALIDATING[1:])
    assert state is State.HINT
    assert "admission.restraint" in remedy


def test_the_restraint_is_not_bound() -> None:
    assert only("restraint", validating_bindings=bound(DENY.name, WARN.name))[0] is State.WRONG


def test_the_restraint_limits_another_account() -> None:
    other = restraint("system:serviceaccount:elsewhere:productionpolicy")
    state, message, _ = only("restraint", validating=(other, *VALIDATING[1:]))
    assert state is State.WRONG
    assert message.endswith(ACCOUNT)


def test_nothing_can_repair_at_admission() -> None:
    plain = trial(at_admission=False)
    found = changed(mutating=None, mutating_bindings=None, trials=(plain,))
    assert {name: state for name, (state, _, _) in found.items() if name != "bindings"} == {
        "repairPolicy": State.HINT,
        "repairAtAdmission": State.HINT,
    }
    assert found["repairPolicy"][1].startswith("the API server serves no MutatingAdmissionPolicy (Kubernetes 1.36)")


@pytest.mark.parametrize(
    ("version", "folder"), [("v1", "manifests/admission/"), ("v1beta1", "manifests/admission/repair-v1beta1/")]
)
def test_the_repair_policy_is_not_installed(version: str, folder: str) -> None:
    lacking = {"mutating": (), "mutating_bindings": (), "mutating_version": version}
    state, _, remedy = changed(**lacking, trials=(trial(at_admission=False),))["repairPolicy"]
    assert state is State.HINT
    assert remedy == f"kubectl apply -k {folder}, or with Helm: --set admission.repair=auto"


@pytest.mark.parametrize(
    ("facts", "lacking"),
    [
        ({"mutating": REPAIRING[:1]}, "the policy productionpolicy-guard"),
        (
            {"mutating_bindings": (GUARDED[0], *bound(REPAIR.name))},
            "the binding productionpolicy-guard-new",
        ),
    ],
)
def test_the_guard_is_missing(facts: Raw, lacking: str) -> None:
    state, message, _ = only("repairPolicy", **facts)
    assert state is State.WRONG
    assert message.endswith(f": {lacking}")


def test_what_refuses_is_asked_for_but_not_installed() -> None:
    asking = policy(expectations={"imageTag": {"action": "Deny"}})
    state, message, remedy = changed(policies=(asking,), validating=(restraint(),))["validationPolicies"]
    assert state is State.WRONG
    assert message == "default asks for Deny, but the admission policy productionpolicy-deny is not installed"
    assert "admission.validation" in remedy


def asking_to_deny(violating_one: Raw | Unseen | None) -> dict[str, Any]:
    asking = policy(expectations={"imageTag": {"action": "Deny"}})
    tried = replace(trial(asking), to_deny=("imageTag",), violating=violating_one)
    return {"policies": (asking,), "trials": (tried,)}


def test_what_should_be_refused_is_admitted() -> None:
    state, message, _ = only("validationPolicies", **asking_to_deny(written(violating("shop", image="operator:1"))))
    assert state is State.WRONG
    assert message.endswith("shop violates imageTag")


def test_what_should_be_refused_is_refused() -> None:
    assert changed(**asking_to_deny(Unseen("create deployments.apps in shop", "imageTag: no tag"))) == {}


def test_who_may_not_try_does_not_learn_whether_it_is_refused() -> None:
    unseen = Unseen("create deployments.apps in shop")
    assert only("validationPolicies", **asking_to_deny(unseen))[0] is State.UNKNOWN


@pytest.mark.parametrize(
    ("image", "untagged"),
    [("app", "app"), ("app:1", "app"), ("host:5000/app:1", "host:5000/app"), ("host/app:1@sha256:00", "host/app")],
)
def test_the_violating_deployment_has_no_tag_and_no_probe(image: str, untagged: str) -> None:
    asking = read_policy(policy(expectations={"imageTag": {"action": "Deny"}, "readinessProbe": {"action": "Deny"}}))
    found = violating("shop", image=image)
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == untagged
    assert set(denied(found, asking, today=NOW.date())) == {"imageTag", "readinessProbe"}


def test_nobody_asks_for_what_refuses() -> None:
    assert changed(validating=(restraint(),))["validationPolicies"][0] is State.OK


def test_the_type_check_warns() -> None:
    warning = {"fieldRef": "spec.validations[0].expression", "warning": "undefined field 'x'"}
    doubtful = {**named(DENY.name), "status": {"typeChecking": {"expressionWarnings": [warning]}}}
    state, message, _ = only("validationPolicies", validating=(restraint(), doubtful, named(WARN.name)))
    assert state is State.WRONG
    assert message.endswith("productionpolicy-deny, spec.validations[0].expression: undefined field 'x'")


def test_a_binding_is_missing() -> None:
    state, message, _ = only("bindings", mutating_bindings=GUARDED)
    assert (state, message) == (
        State.WRONG,
        "missing: mutatingadmissionpolicybinding productionpolicy-default",
    )


def test_a_binding_was_changed() -> None:
    (live,) = bound(REPAIR.name)
    other = {**live, "spec": {**live["spec"], "paramRef": {"name": "another"}}}
    state, _, remedy = only("bindings", mutating_bindings=(*GUARDED, other))
    assert state is State.WRONG
    assert remedy.startswith("kubectl delete mutatingadmissionpolicybinding productionpolicy-default")


def test_workloads_are_admitted_without_repairs() -> None:
    state, message, _ = only("repairAtAdmission", trials=(trial(at_admission=False),))
    assert state is State.WRONG
    assert "shop lacks " in message
    assert "preStop" in message


@pytest.mark.parametrize("spec", [{"mode": "Audit"}, {"paused": True}])
def test_no_policy_repairs_at_admission(spec: Raw) -> None:
    asking = policy(**spec)
    found = changed(policies=(asking,), trials=(trial(asking, at_admission=False),))
    assert {name: state for name, (state, _, _) in found.items()} == {"repairAtAdmission": State.HINT}


def test_a_dry_run_is_refused() -> None:
    refused = replace(trial(), admitted=HIDDEN, kept=HIDDEN)
    found = changed(trials=(refused,))
    assert {name: state for name, (state, _, _) in found.items()} == {
        "repairAtAdmission": State.UNKNOWN,
        "otherWriters": State.UNKNOWN,
    }


def test_another_writer_undoes_a_repair_of_a_deployment() -> None:
    before = trial()
    kept = msgspec.json.decode(msgspec.json.encode(before.kept))
    del kept["spec"]["template"]["spec"]["containers"][0]["lifecycle"]
    rule = {"apiGroups": ["apps"], "resources": ["deployments"]}
    hook = {"metadata": {"name": "meddler"}, "webhooks": [{"rules": [rule]}]}
    state, message, _ = only("otherWriters", trials=(replace(before, kept=kept),), webhooks=(hook,))
    assert state is State.WRONG
    assert "shop: preStop of Deployments" in message
    assert message.endswith("these change workloads: mutatingwebhookconfiguration meddler")


def test_another_writer_undoes_a_repair_of_pods() -> None:
    before = trial()
    changed_pod = msgspec.json.decode(msgspec.json.encode(before.pod))
    changed_pod["spec"]["terminationGracePeriodSeconds"] = 1
    state, message, _ = only("otherWriters", trials=(replace(before, pod=changed_pod),))
    assert state is State.WRONG
    assert "shop: terminationGracePeriod of pods" in message


def test_a_webhook_that_undoes_nothing_is_not_named() -> None:
    rule = {"apiGroups": ["*"], "resources": ["*"]}
    assert changed(webhooks=({"metadata": {"name": "labels"}, "webhooks": [{"rules": [rule]}]},)) == {}


def test_a_policy_is_not_in_use() -> None:
    invalid = policy()
    invalid["status"]["conditions"] = [ready(status="False", message="spec.mode: is unknown")]
    state, message, _ = only("policies", policies=(invalid,))
    assert (state, message) == (State.WRONG, "not in use: default (spec.mode: is unknown)")


def test_the_operator_has_not_seen_the_present_form_of_a_policy() -> None:
    newer = policy()
    newer["metadata"]["generation"] = 2
    assert only("policies", policies=(newer,))[0] is State.WRONG


def test_there_is_no_policy() -> None:
    found = changed(policies=(), namespaces=(), trials=())
    assert {name: state for name, (state, _, _) in found.items() if state is not State.OK} == {
        "repairAtAdmission": State.HINT,
        "otherWriters": State.HINT,
        "policies": State.HINT,
    }


def test_a_namespace_names_a_policy_that_does_not_exist() -> None:
    state, message, _ = only("namespaces", namespaces=(namespace(), namespace("cart", "defualt")))
    assert (state, message) == (State.WRONG, "namespaces name a policy that does not exist: cart (defualt)")


def test_a_namespace_has_an_unknown_mode() -> None:
    odd = namespace("cart", **{"productionpolicy.dev/mode": "audit"})
    assert only("namespaces", namespaces=(namespace(), odd))[0] is State.WRONG


def test_a_chosen_namespace_names_no_policy() -> None:
    free = {"metadata": {"name": "cart"}}
    state, message, _ = changed(namespaces=(free,), chosen=("cart",))["namespaces"]
    assert (state, message) == (State.HINT, "no policy governs cart: the label productionpolicy.dev/policy is missing")


def test_a_policy_governs_nothing() -> None:
    idle = policy("idle")
    found = changed(policies=(policy(), idle))
    assert found["unusedPolicies"][:2] == (State.HINT, "policies that govern no namespace: idle")


def leaving(**metadata: Any) -> Raw:
    raw = policy("old")
    return {**raw, "metadata": {**raw["metadata"], "deletionTimestamp": WHEN, **metadata}}


def test_a_finalizer_holds_a_policy_that_the_operator_is_withdrawing() -> None:
    found = changed(policies=(policy(), leaving(finalizers=[FINALIZER])))
    assert found["removal"][0] is State.HINT


def test_a_finalizer_is_left_over() -> None:
    found = changed(policies=(policy(), leaving(finalizers=[FINALIZER])), deployments=(), pods=())
    state, _, remedy = found["removal"]
    assert state is State.WRONG
    assert "kubectl patch productionpolicy old" in remedy


def test_a_governed_namespace_is_being_deleted() -> None:
    raw = namespace()
    raw["metadata"]["deletionTimestamp"] = WHEN
    raw["status"] = {"conditions": [{"status": "True", "message": "a finalizer remains"}]}
    state, message, _ = only("terminating", namespaces=(raw,))
    assert state is State.HINT
    assert message.endswith(f"shop (since {WHEN}; a finalizer remains)")


@pytest.mark.parametrize(
    ("mode", "reason", "state"),
    [
        pytest.param("Auto", "Forbidden", State.HINT, id="a-default"),
        pytest.param("PolicyReport", "NotServed", State.WRONG, id="a-kind-that-the-policy-names"),
    ],
)
def test_reports_are_missing(mode: str, reason: str, state: State) -> None:
    told = policy(reports={"mode": mode})
    missing = {"type": "Reports", "status": "False", "reason": reason, "message": "no right"}
    told["status"]["conditions"].append(missing)
    found, message, remedy = only("reports", policies=(told,))
    assert (found, message) == (state, "reports are missing: default (no right)")
    assert "docs/reports.md" in remedy


def test_a_paused_policy_lacks_no_reports() -> None:
    told = policy(paused=True)
    told["status"]["conditions"].append({"type": "Reports", "status": "False", "reason": "Paused"})
    assert changed(policies=(told,)).get("reports", (State.OK, "", ""))[0] is State.OK


def test_nothing_scrapes_the_metrics() -> None:
    state, _, remedy = only("metrics", monitors=())
    assert state is State.HINT
    assert "serviceMonitor.enabled" in remedy


def test_an_annotation_has_the_metrics_scraped() -> None:
    scraped = pod()
    scraped["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}
    assert changed(monitors=HIDDEN, pods=(scraped,))["metrics"][0] is State.OK


def test_a_service_monitor_has_the_metrics_scraped_through_a_service() -> None:
    metadata = {"name": "metrics", "namespace": SYSTEM, "labels": {"app": "metrics"}}
    service = {"kind": "Service", "metadata": metadata, "spec": {"selector": LABELS}}
    spec = {"selector": {"matchLabels": {"app": "metrics"}}, "namespaceSelector": {"matchNames": [SYSTEM]}}
    through = {"kind": "ServiceMonitor", "metadata": {"name": "metrics", "namespace": "monitoring"}, "spec": spec}
    assert changed(monitors=(through,), services=(service,))["metrics"][0] is State.OK


FACTS = {
    "version": {"server"},
    "definition": {"definition"},
    "deployments": {"operator", "permissions", "restraint"},
    "pods": {"operator", "metrics"},
    "monitors": {"metrics"},
    "lacking": {"permissions"},
    "policies": {
        *(
            "validationPolicies",
            "bindings",
            "policies",
            "reports",
            "namespaces",
            "unusedPolicies",
            "removal",
            "drainAudit",
        ),
    },
    "namespaces": {"repairAtAdmission", "namespaces", "unusedPolicies", "terminating"},
    "mutating": {"repairPolicy", "bindings"},
    "mutating_bindings": {"repairPolicy", "bindings"},
    "validating": {"restraint", "validationPolicies", "bindings"},
    "validating_bindings": {"restraint", "bindings"},
    "webhooks": set(),
}


@pytest.mark.parametrize(("fact", "checks"), FACTS.items(), ids=FACTS)
def test_what_cannot_be_seen_is_unknown_and_never_ok(fact: str, checks: set[str]) -> None:
    found = changed(**{fact: HIDDEN})
    assert set(found) == checks
    assert {state for state, _, _ in found.values()} <= {State.UNKNOWN}
    assert all("could not list things: it is broken" in message for _, message, _ in found.values())


def test_the_json_is_as_its_schema_says() -> None:
    told = msgspec.to_builtins(report(monitors=HIDDEN, definition=None))
    Draft202012Validator(SCHEMA).validate(told)
    assert told["summary"] == {"ok": len(CHECKS) - 2, "hint": 0, "wrong": 1, "unknown": 1}


def test_a_missing_right_is_named() -> None:
    state, message, _ = only("metrics", monitors=Unseen("list podmonitors.monitoring.coreos.com"))
    assert (state, message) == (State.UNKNOWN, "you may not list podmonitors.monitoring.coreos.com")


def test_the_trial_needs_repairs_and_carries_them_as_the_operator_would_write_them() -> None:
    notes = trial().sent["metadata"]["annotations"]
    assert notes[REPAIRS_POLICY] == "default"
    assert {f"{REPAIRS}preStop", f"{REPAIRS}terminationGracePeriod", f"{REPAIRS}spread"} <= set(notes)
