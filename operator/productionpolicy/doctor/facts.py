"""What was read from a cluster to judge an installation. What could not be read is there as the reason for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from productionpolicy.controller.rights import Right
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import MODE_LABEL, POLICY_LABEL

Raw = Mapping[str, Any]
Known = TypeVar("Known")


class Unseen(Struct, frozen=True):
    """Something that could not be read."""

    what: str
    """The request, in the words of `kubectl auth can-i`, such as `list namespaces`."""
    why: str = ""
    """The message of the API server; empty where nothing but the right for the request is missing."""


class NotSeen(Exception):
    """A judgement depends on something that could not be read."""

    def __init__(self, unseen: Unseen) -> None:
        super().__init__(unseen.what)
        self.unseen = unseen


Listed = tuple[Raw, ...] | Unseen
"""The objects of a kind; empty where there are none, or where the API server does not serve the kind."""

Served = tuple[Raw, ...] | Unseen | None
"""The same; None where the API server does not serve the kind."""


class Trial(Struct, frozen=True):
    """What the API server made of objects in dry runs: they were admitted, but not stored."""

    policy: Raw
    """The ProductionPolicy that governs the namespace."""
    namespace: str
    admitted: Raw | Unseen
    """A Deployment that needs repairs."""
    sent: Raw
    """The same Deployment with the repairs that the operator would write."""
    kept: Raw | Unseen
    """What became of that one."""
    pod: Raw | Unseen
    """What became of a pod from its template."""
    to_deny: tuple[str, ...] = ()
    """The expectations that another Deployment violates, and for which the policy says Deny."""
    violating: Raw | Unseen | None = None
    """What became of that one; None where there is nothing to deny, so that it was not tried."""


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of an installation."""

    now: datetime
    version: tuple[int, int, int] | Unseen = (0, 0, 0)
    """Of the API server: major, minor and patch."""
    definition: Raw | Unseen | None = None
    """The CustomResourceDefinition."""
    deployments: Listed = ()
    """Those that run an operator, in any namespace."""
    pods: Listed = ()
    """The pods of these Deployments."""
    services: Listed = ()
    """The Services in the namespaces of these Deployments."""
    monitors: Listed = ()
    """The ServiceMonitors and PodMonitors of the cluster."""
    lacking: tuple[Right, ...] | Unseen = ()
    """The rights that the operator needs and its service account does not have."""
    lacking_for_drains: tuple[Right, ...] | Unseen = ()
    """Those that it needs for audits of drains, and does not have; not looked up where no policy asks for audits."""
    policies: Listed = ()
    namespaces: Listed = ()
    chosen: tuple[str, ...] = ()
    """The namespaces that the person asks about; empty for all."""
    mutating: Served = None
    """The MutatingAdmissionPolicies."""
    mutating_version: str = "v1"
    """The version in which they are served."""
    mutating_bindings: Served = None
    validating: Served = None
    """The ValidatingAdmissionPolicies."""
    validating_bindings: Served = None
    webhooks: Listed = ()
    """The MutatingWebhookConfigurations."""
    trials: tuple[Trial, ...] = ()


def known(fact: Known | Unseen) -> Known:
    """Return what was read.

    Raises:
        NotSeen: it could not be read.
    """
    if isinstance(fact, Unseen):
        raise NotSeen(fact)
    return fact


def served(fact: Served) -> tuple[Raw, ...]:
    """Return the objects of a kind; none where it is not served.

    Raises:
        NotSeen: they could not be read.
    """
    if isinstance(fact, Unseen):
        raise NotSeen(fact)
    return fact or ()


def name_of(raw: Raw) -> str:
    """Return the name of an object."""
    return Fields(raw).mapping("metadata").text("name") or ""


def namespace_of(raw: Raw) -> str:
    """Return the namespace of an object."""
    return Fields(raw).mapping("metadata").text("namespace") or ""


def labels_of(raw: Raw) -> dict[str, str]:
    """Return the labels of an object."""
    return Fields(raw).mapping("metadata").text_map("labels")


def deleted_at(raw: Raw) -> str | None:
    """Return since when an object is being deleted; None where it is not."""
    return Fields(raw).mapping("metadata").text("deletionTimestamp")


def named(objects: Iterable[Raw], name: str) -> Raw | None:
    """Return the object with a name."""
    return next((each for each in objects if name_of(each) == name), None)


def policy_label(namespace: Raw) -> str | None:
    """Return the policy that a namespace names."""
    return labels_of(namespace).get(POLICY_LABEL)


def mode_label(namespace: Raw) -> str | None:
    """Return what the mode label of a namespace says."""
    return labels_of(namespace).get(MODE_LABEL)


def account_of(deployment: Raw) -> tuple[str, str]:
    """Return namespace and name of the service account of a Deployment's pods."""
    pod = Fields(deployment).below("spec", "template", "spec")
    return namespace_of(deployment), pod.text("serviceAccountName") or "default"
