"""By what each workload is judged: one policy for all, or the policies of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import GROUP, KIND
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.offline.gathering import Given
from productionpolicy.policy import InvalidPolicy, Policy, read_policy
from productionpolicy.policy.namespaces import Namespace, read_namespace
from productionpolicy.verdict import Governance, Inputs

POLICY = GroupKind(GROUP, KIND)
NAMESPACE = GroupKind("", "Namespace")


class Governing(Protocol):
    """Says by what a workload is judged."""

    def inputs(self, given: Given, *, today: date) -> Inputs | None:
        """Return all that the judgement depends on; None if the workload is not judged."""


def governed(workloads: Iterable[Given], policy: Policy | Governing, *, today: date) -> Iterator[tuple[Given, Inputs]]:
    """Return the workloads that are judged, each with all that its judgement depends on."""
    governing = ByOnePolicy(policy) if isinstance(policy, Policy) else policy
    for each in workloads:
        inputs = governing.inputs(each, today=today)
        if inputs is not None:
            yield each, inputs


class ByOnePolicy:
    """Judges all workloads by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def inputs(self, given: Given, *, today: date) -> Inputs:
        """Return all that the judgement depends on."""
        return Inputs(given.workload, around=given.around, policy=self._policy, today=today)


class ByCluster:
    """Judges workloads by the policies that their namespaces name.

    Args:
        objects: the raw policies and namespaces of the cluster, among others.
        others: the policy for all other workloads; None if they are not judged.
        adapted: changes each policy, for example to judge fewer expectations.
        now: the moment at which the cluster was read.
    """

    def __init__(
        self,
        objects: Iterable[Mapping[str, Any]],
        *,
        others: Policy | None,
        adapted: Callable[[Policy], Policy] = lambda policy: policy,
        now: datetime | None = None,
    ) -> None:
        self._now = now
        self._policies: dict[str, Policy | None] = {}
        self._namespaces: dict[str, Namespace] = {}
        self._others = others
        self._adapted = adapted
        self.invalid: dict[str, str] = {}
        """Why a policy is not valid, by name. What it governs is not judged, as by the operator."""
        for raw in objects:
            self._take_in(raw)

    def inputs(self, given: Given, *, today: date) -> Inputs | None:
        """Return all that the judgement depends on: for a governed workload the same as in the operator."""
        workload = given.workload
        namespace = self._namespaces.get(workload.key.namespace, Namespace(workload.key.namespace))
        if namespace.policy is None or namespace.policy not in self._policies:
            others = self._others
            return Inputs(workload, around=given.around, policy=others, today=today) if others else None
        policy = self._policies[namespace.policy]
        if policy is None or namespace.deleting or namespace.off or workload.deleting:
            return None
        governance = Governance.of(namespace, writes=policy.writes)
        return Inputs(
            workload,
            around=given.around,
            policy=policy,
            governance=governance,
            today=today,
            now=self._now,
            calendar=namespace.calendar(policy),
        )

    def _take_in(self, raw: Mapping[str, Any]) -> None:
        kind, metadata = GroupKind.of(raw), Fields(raw).mapping("metadata")
        name = metadata.text("name") or ""
        if kind == NAMESPACE:
            self._namespaces[name] = read_namespace(name, raw)
        elif kind == POLICY and "deletionTimestamp" not in metadata:
            self._policies[name] = self._read_policy(name, raw)

    def _read_policy(self, name: str, raw: Mapping[str, Any]) -> Policy | None:
        try:
            return self._adapted(read_policy(raw))
        except InvalidPolicy as error:
            self.invalid[name] = str(error)
            return None
