"""What the operator may do in a cluster, with reasons. The ClusterRole of the manifests is generated from it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from productionpolicy.controller.resources import ADMISSION_GROUP, REPORTS
from productionpolicy.kube.identity import GROUP, PLURAL
from productionpolicy.reports import Form


class Right(Struct, frozen=True, order=True):
    """One verb on one resource, in all namespaces."""

    verb: str
    group: str
    resource: str
    """In plural, with the subresource after a slash."""

    def __str__(self) -> str:
        """Return it in the words of `kubectl auth can-i`."""
        return f"{self.verb} {self.resource}{'.' if self.group else ''}{self.group}"


class Rule(Struct, frozen=True):
    """Rights that have one reason."""

    reason: str
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]

    @property
    def rights(self) -> Iterator[Right]:
        """Yield each of the rights."""
        return (Right(verb, self.group, resource) for resource in self.resources for verb in self.verbs)


RULES = (
    Rule(
        "Watch policies; add the finalizer to those with onRemoval: Revert, and remove it.",
        GROUP,
        (PLURAL,),
        ("list", "watch", "patch"),
    ),
    Rule(
        "Bind the admission policies to each ProductionPolicy, so that the API server repairs, refuses and warns at "
        "admission. Whoever creates such a binding must be able to read its parameters. The operator must not update "
        "bindings: the API server evaluates no admission policy for them, so the account could unbind the policy that "
        "restrains it.",
        GROUP,
        (PLURAL,),
        ("get",),
    ),
    Rule("", ADMISSION_GROUP, ("mutatingadmissionpolicies", "validatingadmissionpolicies"), ("get", "list")),
    Rule(
        "",
        ADMISSION_GROUP,
        ("mutatingadmissionpolicybindings", "validatingadmissionpolicybindings"),
        ("get", "list", "create"),
    ),
    Rule("Write the status.", GROUP, (f"{PLURAL}/status",), ("patch",)),
    Rule(
        "Read the label by which a namespace selects its policy, and how many nodes and zones there are to spread pods "
        "over.",
        "",
        ("namespaces", "nodes"),
        ("list", "watch"),
    ),
    Rule(
        "Post Events about repairs, and about labels that name a policy that does not exist.",
        "",
        ("events",),
        ("create",),
    ),
    Rule(
        "Read which claims only one node can mount, which service accounts provide image pull secrets (their names), "
        "and which default requests and limits containers get.",
        "",
        ("limitranges", "persistentvolumeclaims", "serviceaccounts"),
        ("list", "watch"),
    ),
    Rule(
        "Judge pods without an owner: lists return only metadata, and each such pod is read individually. If a rollout "
        "stops, check whether one of its pods waits for a node.",
        "",
        ("pods",),
        ("get", "list"),
    ),
    Rule("Judge those without an owner, in the same way.", "apps", ("replicasets",), ("get", "list")),
    Rule("", "", ("replicationcontrollers",), ("get", "list")),
    Rule(
        "Judge these workloads and repair them.",
        "apps",
        ("deployments", "statefulsets"),
        ("get", "list", "watch", "patch"),
    ),
    Rule(
        "Judge these, and check whether a workload's selector also matches their pods: then no correct disruption "
        "budget is possible.",
        "apps",
        ("daemonsets",),
        ("list", "watch"),
    ),
    Rule("", "batch", ("cronjobs", "jobs"), ("list", "watch")),
    Rule(
        "Read the owners' disruption budgets; create and update the operator's own if there is none.",
        "policy",
        ("poddisruptionbudgets",),
        ("list", "watch", "create", "update", "delete"),
    ),
    Rule(
        "Read the replica range of autoscaled workloads.",
        "autoscaling",
        ("horizontalpodautoscalers",),
        ("list", "watch"),
    ),
)
"""All permissions of the operator. A rule without a reason has that of the rule before it."""

_OF_REPORTS = ("get", "list", "create", "patch", "delete")

REPORT_RULES = (
    Rule(
        "Keep one report for each workload, for other tools. The operator changes and deletes only its own.",
        REPORTS[Form.OPEN_REPORTS].group,
        (REPORTS[Form.OPEN_REPORTS].plural,),
        _OF_REPORTS,
    ),
    Rule("", REPORTS[Form.POLICY_REPORT].group, (REPORTS[Form.POLICY_REPORT].plural,), _OF_REPORTS),
)
"""The permissions to write reports, which are a component of their own."""

RIGHTS = tuple(right for rule in RULES for right in rule.rights)
"""Each of them, in the order of the rules."""

DRAIN_RULES = (
    Rule(
        "Find out where the volumes of a pod can be mounted, for policies with spec.drainAudit. Everything else that "
        "an audit of drains reads, the operator may list anyway.",
        "",
        ("persistentvolumes",),
        ("list",),
    ),
    Rule("", "storage.k8s.io", ("csinodes", "storageclasses"), ("list",)),
)
"""What it needs beyond that for audits of drains."""

DRAIN_RIGHTS = tuple(right for rule in DRAIN_RULES for right in rule.rights)
"""Each of these."""

REPORT_RIGHTS = tuple(right for rule in REPORT_RULES for right in rule.rights)
"""Each permission to write reports."""
