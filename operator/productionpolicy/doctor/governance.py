"""Whether policies and the namespaces that they govern fit together, and what is left of those that are deleted."""

from __future__ import annotations

from productionpolicy.doctor.diagnosis import Finding, State
from productionpolicy.doctor.facts import Facts, Raw, deleted_at, known, mode_label, name_of, policy_label
from productionpolicy.doctor.words import listed
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import FINALIZER, MODE_LABEL, POLICY_LABEL
from productionpolicy.policy import ReportsMode
from productionpolicy.policy.namespaces import AUDIT, OFF

_NO_FINALIZERS = """--type=merge -p '{"metadata":{"finalizers":null}}'"""
_REVIEW = "kubectl describe productionpolicy"


def policies(facts: Facts) -> Finding:
    """Judge whether the operator uses all policies, in their present form."""
    found = [each for each in known(facts.policies) if deleted_at(each) is None]
    if not found:
        message = "there is no ProductionPolicy"
        return Finding(State.HINT, message, "kubectl apply -f examples/policy.yaml, or with Helm: the value policies")
    unused = [f"{name_of(each)} ({reason})" for each in found if (reason := _unused(each))]
    if unused:
        return Finding(State.WRONG, f"not in use: {listed(unused)}", f"{_REVIEW}, and see the log of the operator")
    return Finding(State.OK, f"the operator uses all policies in their present form: {len(found)}")


def _unused(policy: Raw) -> str:
    """Return why the operator does not use a policy as it is now; nothing where it does."""
    fields = Fields(policy)
    status, generation = fields.mapping("status"), fields.mapping("metadata").integer("generation")
    if status.integer("observedGeneration") != generation:
        return "the operator has not reported on its present form"
    ready = next((each for each in status.items("conditions") if each.text("type") == "Ready"), None)
    if ready is not None and ready.text("status") != "True":
        return ready.text("message") or ready.text("reason") or "it is not Ready"
    return ""


def reports(facts: Facts) -> Finding:
    """Judge whether the operator can write the reports that policies ask for, as their conditions tell."""
    missing = {name_of(each): reason for each in known(facts.policies) if (reason := _unreported(each))}
    if not missing:
        return Finding(State.OK, "nothing keeps the operator from writing reports where a policy asks for them")
    named = [each for each in known(facts.policies) if name_of(each) in missing and not _asks_by_default(each)]
    listing = listed(f"{name} ({reason})" for name, reason in missing.items())
    remedy = "install or grant what is missing, or set spec.reports.mode of the policy; see docs/reports.md"
    return Finding(State.WRONG if named else State.HINT, f"reports are missing: {listing}", remedy)


def _unreported(policy: Raw) -> str:
    """Return why the operator does not write the reports that a policy asks for; nothing where it does."""
    conditions = Fields(policy).mapping("status").items("conditions")
    told = next((each for each in conditions if each.text("type") == "Reports"), None)
    if told is None or told.text("status") != "False" or told.text("reason") == "Paused":
        return ""
    return told.text("message") or told.text("reason") or "no reason is given"


def _asks_by_default(policy: Raw) -> bool:
    return Fields(policy).below("spec", "reports").text("mode") in (None, str(ReportsMode.AUTO))


def namespaces(facts: Facts) -> Finding:
    """Judge whether the labels of namespaces name policies and modes that exist."""
    there = {name_of(each) for each in known(facts.policies)}
    labelled = [each for each in known(facts.namespaces) if policy_label(each) is not None]
    free = [each for each in facts.chosen if each not in map(name_of, labelled)]
    if free:
        remedy = f"kubectl label namespace {free[0]} {POLICY_LABEL}=<policy>"
        return Finding(State.HINT, f"no policy governs {listed(free)}: the label {POLICY_LABEL} is missing", remedy)
    lost = [f"{name_of(each)} ({policy_label(each)})" for each in labelled if policy_label(each) not in there]
    if lost:
        remedy = (
            f"create this policy, or name another: kubectl label --overwrite namespace <name> {POLICY_LABEL}=<policy>"
        )
        return Finding(State.WRONG, f"namespaces name a policy that does not exist: {listed(lost)}", remedy)
    modes = [f"{name_of(each)} ({mode_label(each)})" for each in labelled if mode_label(each) not in (None, AUDIT, OFF)]
    if modes:
        message = f"the label {MODE_LABEL} is neither {AUDIT} nor {OFF} and counts as {AUDIT}: {listed(modes)}"
        remedy = f"kubectl label --overwrite namespace <name> {MODE_LABEL}={AUDIT}"
        return Finding(State.WRONG, message, remedy)
    return Finding(State.OK, f"all labelled namespaces name a policy that exists: {len(labelled)}")


def unused(facts: Facts) -> Finding:
    """Tell of policies that govern nothing."""
    if facts.chosen:
        return Finding(State.OK, "not looked for: only some namespaces were asked about")
    used = {policy_label(each) for each in known(facts.namespaces)}
    idle = [name_of(each) for each in known(facts.policies) if name_of(each) not in used]
    if idle:
        remedy = f"kubectl label namespace <name> {POLICY_LABEL}={idle[0]}"
        return Finding(State.HINT, f"policies that govern no namespace: {listed(idle)}", remedy)
    return Finding(State.OK, "each policy governs a namespace")


def drain_audit(facts: Facts) -> Finding:
    """Judge whether the operator can play drains for the policies that ask for it."""
    asking = [each for each in known(facts.policies) if _audits_drains(each) and deleted_at(each) is None]
    if not asking:
        return Finding(State.OK, "no policy asks for audits of drains (spec.drainAudit)")
    names, lacking = listed(map(name_of, asking)), known(facts.lacking_for_drains)
    if lacking:
        message = f"for audits of drains ({names}), the operator lacks rights: {listed(map(str, lacking))}"
        remedy = "kubectl apply -k manifests/drain-audit, or helm upgrade with drainAudit.enabled=true"
        return Finding(State.WRONG, message, remedy)
    unknown = [f"{name_of(each)} ({reason})" for each in asking if (reason := _why_unknown(each))]
    if unknown:
        return Finding(State.HINT, f"it is not known whether nodes drain: {listed(unknown)}", _REVIEW)
    return Finding(State.OK, f"drains are audited for policies: {names}")


def _audits_drains(policy: Raw) -> bool:
    return Fields(policy).below("spec", "drainAudit").text("mode") == "Enabled"


def _why_unknown(policy: Raw) -> str:
    """Return why the condition of a policy about drains is unknown; nothing where it is not."""
    conditions = Fields(policy).mapping("status").items("conditions")
    found = next((each for each in conditions if each.text("type") == "NodesDrainable"), None)
    if found is None or found.text("status") != "Unknown":
        return ""
    return found.text("message") or found.text("reason") or "the condition NodesDrainable is Unknown"


def removal(facts: Facts) -> Finding:
    """Judge whether policies that are deleted can go: only a running operator removes its finalizer."""
    leaving = [each for each in known(facts.policies) if deleted_at(each) is not None]
    if not leaving:
        return Finding(State.OK, "no policy waits for its deletion")
    names = listed(f"{name_of(each)} (since {deleted_at(each)})" for each in leaving)
    held = [each for each in leaving if FINALIZER in Fields(each).mapping("metadata").texts("finalizers")]
    if held and not known(facts.deployments):
        patch = f"kubectl patch productionpolicy {name_of(held[0])} {_NO_FINALIZERS}"
        remedy = f"install the operator again, or skip the withdrawal: {patch}"
        return Finding(State.WRONG, f"a finalizer keeps deleted policies, and no operator runs: {names}", remedy)
    message = f"deleted policies wait until their repairs are withdrawn: {names}"
    return Finding(State.HINT, message, "the condition Removal says how many workloads are left")


def terminating(facts: Facts) -> Finding:
    """Tell of governed namespaces that are being deleted, and what they wait for."""
    leaving = [each for each in known(facts.namespaces) if deleted_at(each) and policy_label(each) is not None]
    if not leaving:
        return Finding(State.OK, "no governed namespace is being deleted")
    names = listed(f"{name_of(each)} (since {deleted_at(each)}{_obstacle(each)})" for each in leaving)
    remedy = "if this takes more than a few minutes, remove what it waits for; the operator sets no finalizer there"
    return Finding(State.HINT, f"governed namespaces are being deleted: {names}", remedy)


def _obstacle(namespace: Raw) -> str:
    conditions = Fields(namespace).mapping("status").items("conditions")
    told = (each.text("message") for each in conditions if each.text("status") == "True")
    return "".join(f"; {each}" for each in told if each)
