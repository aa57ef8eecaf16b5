"""The admission policies of manifests/admission/, and how each of them is bound to a ProductionPolicy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.controller.resources import ADMISSION_GROUP, Resource
from productionpolicy.expectations import Action
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import GROUP, KIND, NAME, POLICY_LABEL, VERSION

Raw = dict[str, Any]

_TYPE_ERROR = re.compile(r"ERROR: <input>:\d+:\d+: (.*)")


class AdmissionKind(Struct, frozen=True):
    """A kind of admission policy, as far as an API server serves it."""

    kind: str
    versions: tuple[str, ...]
    """In the order of preference."""
    since: str

    def policies(self, version: str) -> Resource:
        """Return where its policies are served."""
        return Resource(ADMISSION_GROUP, version, f"{self._stem}policies", self.kind, namespaced=False)

    def bindings(self, version: str) -> Resource:
        """Return where their bindings are served."""
        plural = f"{self._stem}policybindings"
        return Resource(ADMISSION_GROUP, version, plural, f"{self.kind}Binding", namespaced=False)

    @property
    def _stem(self) -> str:
        return self.kind.lower().removesuffix("policy")


MUTATING = AdmissionKind("MutatingAdmissionPolicy", ("v1", "v1beta1"), since="Kubernetes 1.36")
"""v1beta1 is there where somebody has turned it on."""

VALIDATING = AdmissionKind("ValidatingAdmissionPolicy", ("v1",), since="Kubernetes 1.30")


class AdmissionPolicy(Struct, frozen=True):
    """A policy of manifests/admission/ that carries out an action; the names of its bindings begin with its name."""

    action: Action
    name: str
    kind: AdmissionKind
    folders: Mapping[str, str]
    """From where kustomize installs it, by the version in which its kind is served."""
    value: str
    """The value with which the Helm chart installs it, as for `--set`."""
    terms: Mapping[str, Any] = {}
    """What its bindings say beside what all say."""

    def installation(self, version: str = "v1") -> str:
        """Return how to install it, with either of the two tools, where its kind is served in this version."""
        return f"kubectl apply -k {self.folders[version]}, or with Helm: --set {self.value}"


_REPAIR = {"v1": "manifests/admission/", "v1beta1": "manifests/admission/repair-v1beta1/"}
REPAIR = AdmissionPolicy(Action.REPAIR, NAME, MUTATING, _REPAIR, "admission.repair=auto")
_VALIDATION = (VALIDATING, {"v1": "manifests/admission/validation/"}, "admission.validation=true")
DENY = AdmissionPolicy(Action.DENY, f"{NAME}-deny", *_VALIDATION, terms={"validationActions": ["Deny"]})
WARN = AdmissionPolicy(Action.WARN, f"{NAME}-warn", *_VALIDATION, terms={"validationActions": ["Warn"]})

GUARD = f"{NAME}-guard"
"""The policy that is installed together with the repairs."""

GUARD_BINDINGS = (GUARD, f"{GUARD}-new")
"""Its bindings: for existing workloads everywhere, and for new ones in namespaces that name a policy."""

RESTRAINT = f"{NAME}-restraint"
"""The policy that limits what the operator's service account may write; its binding has the same name."""


def binding(policy: AdmissionPolicy, *, to: str, uid: str, version: str = "v1") -> Raw:
    """Return the binding of an admission policy to a ProductionPolicy, which owns it.

    Args:
        policy: the admission policy.
        to: the name of the ProductionPolicy.
        uid: the uid of the ProductionPolicy.
        version: the version in which the API server serves the kind.
    """
    owner = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": to, "uid": uid}
    return {
        "apiVersion": f"{ADMISSION_GROUP}/{version}",
        "kind": f"{policy.kind.kind}Binding",
        "metadata": {
            "name": f"{policy.name}-{to}",
            "labels": {POLICY_LABEL: to},
            "ownerReferences": [owner],
        },
        "spec": {
            "policyName": policy.name,
            "paramRef": {"name": to, "parameterNotFoundAction": "Allow"},
            "matchResources": {"namespaceSelector": {"matchLabels": {POLICY_LABEL: to}}},
            **policy.terms,
        },
    }


def same_binding(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether a live binding says what it should; the API server adds defaults to what was written."""
    owners = [each["uid"] for each in live["metadata"].get("ownerReferences", [])]
    wanted_owners = [each["uid"] for each in wanted["metadata"]["ownerReferences"]]
    return owners == wanted_owners and _holds(live["spec"], wanted["spec"])


def type_check_warnings(policy: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what the API server's type check of a ValidatingAdmissionPolicy warns of, each with the field.

    None where this generation has not been checked yet. Kubernetes 1.35 and older check a policy before the schema of
    its `paramKind` is published, if it is installed with the CustomResourceDefinition, and then warn that `params` is
    not declared until the policy changes (`HasParams` in `typechecking.go` of k8s.io/apiserver). This is left out: the
    expressions work.
    """
    fields = Fields(policy)
    metadata, status = fields.mapping("metadata"), fields.mapping("status")
    if status.integer("observedGeneration") != metadata.integer("generation"):
        return
    for each in status.mapping("typeChecking").items("expressionWarnings"):
        warning = (each.text("warning") or "").strip()
        errors = _TYPE_ERROR.findall(warning)
        if not errors or not all(error.startswith("undeclared reference to 'params'") for error in errors):
            yield f"{metadata.text('name')}, {each.text('fieldRef')}: {warning}"


def _holds(live: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_holds(live.get(name), value) for name, value in wanted.items())
    return bool(live == wanted)
