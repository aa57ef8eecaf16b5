"""Whether the admission policies are installed, bound and effective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from productionpolicy.controller.admission_policies import (
    DENY,
    GUARD,
    GUARD_BINDINGS,
    REPAIR,
    RESTRAINT,
    WARN,
    AdmissionPolicy,
    binding,
    same_binding,
    type_check_warnings,
)
from productionpolicy.doctor.diagnosis import Finding, State
from productionpolicy.doctor.facts import (
    Facts,
    Raw,
    Served,
    Trial,
    Unseen,
    account_of,
    deleted_at,
    known,
    mode_label,
    name_of,
    named,
    served,
)
from productionpolicy.doctor.trial import effect
from productionpolicy.doctor.words import listed
from productionpolicy.kube.fields import Fields
from productionpolicy.policy import InvalidPolicy, Policy, read_policy
from productionpolicy.verdict.arrival import Effect

_RESTRAIN = "kubectl apply -k manifests/admission/restraint/, or with Helm: --set admission.restraint=true"
_ONLY_BACKGROUND = "repairs are made only in the background"
_LONGEST_WARNING = 200
_RUNBOOK = "see docs/operations.md, When it says NotEffective"


def restraint(facts: Facts) -> Finding:
    """Judge whether the API server limits what the operator's service account may write."""
    installed = named(served(facts.validating), RESTRAINT)
    if installed is None:
        message = f"{RESTRAINT} is not installed: whoever steals the operator's token can change any image"
        return Finding(State.HINT, message, _RESTRAIN)
    bound = named(served(facts.validating_bindings), RESTRAINT)
    if bound is None or not _denies(bound):
        return Finding(
            State.WRONG, f"{RESTRAINT} is installed, but its binding is missing or denies nothing", _RESTRAIN
        )
    strangers = [each for each in _accounts(known(facts.deployments)) if not _names(installed, each)]
    if strangers:
        message = f"{RESTRAINT} does not limit the account of the operator, {listed(strangers)}"
        remedy = (
            "name this account in the first match condition of the policy, in the manifests; the Helm chart does it"
        )
        return Finding(State.WRONG, message, remedy)
    return Finding(State.OK, f"{RESTRAINT} limits what the operator's service account may write")


def _denies(bound: Raw) -> bool:
    spec = Fields(bound).mapping("spec")
    return spec.text("policyName") == RESTRAINT and "Deny" in spec.texts("validationActions")


def _accounts(deployments: Sequence[Raw]) -> list[str]:
    return [":".join(("system:serviceaccount", *account_of(each))) for each in deployments]


def _names(policy: Raw, account: str) -> bool:
    conditions = Fields(policy).mapping("spec").items("matchConditions")
    return any(f'"{account}"' in (each.text("expression") or "") for each in conditions)


def repair_policy(facts: Facts) -> Finding:
    """Judge whether the policies that repair at admission are installed, as far as the API server serves them."""
    if facts.mutating is None:
        message = f"the API server serves no {REPAIR.kind.kind} ({REPAIR.kind.since}): {_ONLY_BACKGROUND}"
        return Finding(State.HINT, message)
    installed, remedy = served(facts.mutating), REPAIR.installation(facts.mutating_version)
    if named(installed, REPAIR.name) is None:
        message = f"the admission policy {REPAIR.name} is not installed: {_ONLY_BACKGROUND}"
        return Finding(State.HINT, message, remedy)
    bindings = served(facts.mutating_bindings)
    lacking = [f"the policy {GUARD}"] if named(installed, GUARD) is None else []
    lacking += [f"the binding {each}" for each in GUARD_BINDINGS if named(bindings, each) is None]
    if lacking:
        message = f"the admission policy {REPAIR.name} is installed without what belongs to it: {listed(lacking)}"
        return Finding(State.WRONG, message, remedy)
    return Finding(State.OK, f"the admission policies {REPAIR.name} and {GUARD} are installed")


def validation_policies(facts: Facts) -> Finding:
    """Judge whether the policies that refuse and warn are installed, as far as a ProductionPolicy asks for them."""
    installed = served(facts.validating)
    for policy, by in _asked(known(facts.policies)):
        if named(installed, policy.name) is None:
            message = f"{listed(by)} asks for {policy.action}, but the admission policy {policy.name} is not installed"
            return Finding(State.WRONG, message, policy.installation())
    present = [each for each in (DENY, WARN) if named(installed, each.name) is not None]
    doubts = [doubt for each in present for doubt in type_check_warnings(named(installed, each.name))]
    if doubts:
        message = f"the API server's type check warns: {doubts[0][:_LONGEST_WARNING]}"
        return Finding(State.WRONG, message, f"install the policies of this release: {DENY.installation()}")
    tried = [each for each in facts.trials if each.to_deny and not _is_read_only(each, facts)]
    passed = list(filter(None, map(_passed, tried)))
    if passed:
        return Finding(
            State.WRONG, f"a dry run of a Deployment is admitted that should be refused: {listed(passed)}", _RUNBOOK
        )
    if not present:
        return Finding(State.OK, "no policy asks for Deny or Warn, and their admission policies are not installed")
    return Finding(State.OK, f"the admission policies {' and '.join(each.name for each in present)} are installed")


def _passed(trial: Trial) -> str:
    """Return what was admitted though it should have been refused.

    Raises:
        NotSeen: it could not be tried.
    """
    if trial.violating is None or (isinstance(trial.violating, Unseen) and trial.violating.why):
        return ""  # refused: by the operator's policy, or by another one that was asked earlier
    known(trial.violating)
    return f"{trial.namespace} violates {', '.join(trial.to_deny)}"


def _asked(policies: Sequence[Raw]) -> Iterator[tuple[AdmissionPolicy, list[str]]]:
    for each in (DENY, WARN):
        by = [policy.name for policy in map(_read, policies) if policy is not None and policy.acting(each.action)]
        if by:
            yield each, by


def bindings(facts: Facts) -> Finding:
    """Judge whether each installed admission policy is bound to each ProductionPolicy."""
    stored = [each for each in known(facts.policies) if deleted_at(each) is None]
    lacking, differing = [], []
    for policy, installed, bound in _kinds(facts):
        if named(served(installed), policy.name) is None:
            continue
        for each in stored:
            wanted = binding(policy, to=name_of(each), uid=Fields(each).mapping("metadata").text("uid") or "")
            live, title = named(served(bound), wanted["metadata"]["name"]), _title(wanted)
            if live is None:
                lacking.append(title)
            elif not same_binding(live, wanted):
                differing.append(title)
    return _of_bindings(lacking, differing, policies=len(stored))


def _kinds(facts: Facts) -> tuple[tuple[AdmissionPolicy, Served, Served], ...]:
    validating = (facts.validating, facts.validating_bindings)
    return (
        (REPAIR, facts.mutating, facts.mutating_bindings),
        (DENY, *validating),
        (WARN, *validating),
    )


def _title(wanted: Raw) -> str:
    return f"{str(wanted['kind']).lower()} {name_of(wanted)}"


def _of_bindings(lacking: list[str], differing: list[str], *, policies: int) -> Finding:
    if differing:
        message = f"not as the operator creates them: {listed(differing)}"
        remedy = f"kubectl delete {differing[0]}; the operator creates it again within 15 minutes"
        return Finding(State.WRONG, message, remedy)
    if lacking:
        message = f"missing: {listed(lacking)}"
        remedy = (
            "the running operator creates it within 15 minutes; if not, read the conditions AdmissionRepair and "
            "AdmissionValidation: kubectl describe productionpolicies"
        )
        return Finding(State.WRONG, message, remedy)
    if not policies:
        return Finding(State.OK, "there is no policy to bind the admission policies to")
    return Finding(State.OK, f"all installed admission policies are bound to all policies: {policies}")


def repair_at_admission(facts: Facts) -> Finding:
    """Judge by dry runs whether workloads are admitted with their repairs."""
    tried = [each for each in facts.trials if _must_repair(each, facts)]
    if not tried:
        return _not_tried(facts)
    misses = [f"{each.namespace} lacks {', '.join(lacking)}" for each in tried if (lacking := _lacking(each, facts))]
    if not misses:
        where = listed(each.namespace for each in tried)
        return Finding(State.OK, f"a dry run of a Deployment is admitted with its repairs, in {where}")
    if not served(facts.mutating):
        return _not_tried(facts)
    return Finding(
        State.WRONG, f"a dry run of a Deployment is admitted without its repairs: {listed(misses)}", _RUNBOOK
    )


def _must_repair(trial: Trial, facts: Facts) -> bool:
    policy = _read(trial.policy)
    return policy is not None and policy.writes and not _is_read_only(trial, facts)


def _is_read_only(trial: Trial, facts: Facts) -> bool:
    namespace = named(known(facts.namespaces), trial.namespace)
    return namespace is not None and mode_label(namespace) is not None


def _lacking(trial: Trial, facts: Facts) -> tuple[str, ...]:
    policy = _read(trial.policy)
    found = effect(trial, policy, today=facts.now.date()) if policy else None
    return found.lacking if found is not None and found.effect is Effect.MISS else ()


def _not_tried(facts: Facts) -> Finding:
    if named(served(facts.mutating), REPAIR.name) is None:
        return Finding(State.HINT, f"nothing is repaired at admission: {_ONLY_BACKGROUND}", "see repairPolicy")
    known(facts.policies)
    known(facts.namespaces)
    message = "not tried: no policy in mode Enforce governs a namespace without the label productionpolicy.dev/mode"
    return Finding(State.HINT, message)


def _read(raw: Raw) -> Policy | None:
    try:
        return read_policy(raw)
    except InvalidPolicy:
        return None
