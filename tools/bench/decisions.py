"""What the operator would write, decided beforehand, for clients that only write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench import workloads
from bench.field import Field
from productionpolicy.kube.budgets import BUDGET, Budget, read_budget
from productionpolicy.kube.surroundings import ALONE, Surroundings
from productionpolicy.kube.workloads import Workload, read_workload
from productionpolicy.policy import Policy, read_policy
from productionpolicy.verdict import Inputs, plan


@dataclass(frozen=True, slots=True)
class Decision:
    """What is written for one workload, apart from the release of its fields, which depends on the answer."""

    workload: Workload
    patch: dict[str, Any]
    budget: dict[str, Any] | None


def decided(field: Field, spec: dict[str, Any]) -> list[Decision]:
    """Judge all workloads as the operator does under a policy with this spec, so that the bodies are the same."""
    metadata = {"name": workloads.POLICY, "generation": 1}
    policy = read_policy({**workloads.policy(), "metadata": metadata, "spec": spec})
    budgets = {each.owner_uids: each for each in map(read_budget, field.budgets())}
    return [_decided(each, policy, budgets) for each in field.workloads()]


def _decided(raw: dict[str, Any], policy: Policy, budgets: Mapping[tuple[str, ...], Budget]) -> Decision:
    workload = read_workload(raw)
    budget = budgets.get((workload.uid,))
    around = Surroundings(budgets=(budget,), owned={BUDGET: budget}) if budget else ALONE
    planned = plan(Inputs(workload, around=around, policy=policy))
    manifests = (each.wanted.manifest(workload, policy=policy.name) for each in planned.objects if each.wanted)
    return Decision(workload, planned.patch, next(manifests, None))
