"""The operator in a cluster and the check of files come to the same judgement and the same plan."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from productionpolicy.controller.resources import LISTED, WATCHED
from productionpolicy.controller.store import Store
from productionpolicy.kube.surroundings import ServerFeatures
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline import judge, propose, read_documents
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import Policy
from productionpolicy.verdict import Change, Inputs, Verdict, audit, plan
from support.checking import check, written
from support.clusters import OTHER, clusters
from support.harness import Harness
from support.manifests import Raw, budget, deployment
from support.policies import only, policy
from support.world import TODAY

RESOURCES = {each.kind: each for each in (*WATCHED, *LISTED)}
OWNER = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": deployment()["metadata"]["uid"]}
OWNED = budget("stray", selector={"matchLabels": {"app": "none"}}, metadata={"ownerReferences": [OWNER]})
"""Somebody else's budget that belongs to the Deployment, and is about other pods."""


def with_owners(objects: list[Raw]) -> list[Raw]:
    """Add the CronJobs of the Jobs: in a cluster, the garbage collector deletes what has lost its owner."""
    made = [each for each in objects if each["kind"] == "Job" and "ownerReferences" in each["metadata"]]
    return [*objects, *(cron_job(each) for each in made)]


def cron_job(made: Raw) -> Raw:
    metadata = {"name": "nightly", "namespace": made["metadata"]["namespace"]}
    spec = {"jobTemplate": {"spec": made["spec"]}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


Judged = dict[WorkloadKey, tuple[tuple[Verdict, ...], tuple[Change, ...]]]


def live(objects: list[Raw], *, governed_by: Policy) -> Judged:
    store = Store()
    store.inventory.server = ServerFeatures()
    for raw in objects:
        store.observe(RESOURCES[raw["kind"]], raw)
    workloads = filter(None, map(store.workload, store.all_workloads()))
    around = {each.key: (each, store.surroundings(each)) for each in workloads}
    cases = {key: Inputs(*pair, policy=governed_by, today=TODAY) for key, pair in around.items()}
    return {key: (audit(inputs), plan(inputs).changes) for key, inputs in cases.items()}


def in_files(objects: list[Raw], *, governed_by: Policy) -> Judged:
    found = list(read_documents("-", written(*objects).encode(), wanted=WANTED))
    judged = {each.key: each.verdicts for each in judge(found, policy=governed_by, today=TODAY).workloads}
    proposed = {each.key: each.changes for each in propose(found, policy=governed_by, today=TODAY).workloads}
    return {key: (verdicts, proposed[key]) for key, verdicts in judged.items()}


@given(objects=clusters(OTHER).map(with_owners))
def test_the_same_objects_are_judged_alike_in_a_cluster_and_in_files(objects: list[Raw]) -> None:
    everything = policy()
    assert live(objects, governed_by=everything) == in_files(objects, governed_by=everything)


def test_a_budget_that_belongs_to_a_workload_and_is_about_other_pods_is_not_its_budget() -> None:
    objects, budgets = [deployment(), OWNED], only("podDisruptionBudget")
    judged = live(objects, governed_by=budgets)
    assert judged == in_files(objects, governed_by=budgets)
    ((_, changes),) = judged.values()
    assert [str(each) for each in changes] == ["podDisruptionBudget (maxUnavailable 25%)"]


def test_a_plan_for_files_makes_the_budget_beside_one_that_belongs_to_the_workload() -> None:
    planned: Any = check("-", "--plan", "-o", "json", stdin=written(deployment(), OWNED)).report
    assert planned["workloads"][0]["budget"]["metadata"]["name"] == "web-deployment"


async def test_the_operator_makes_the_budget_beside_one_that_belongs_to_the_workload() -> None:
    harness = Harness()
    owned = {**OWNED["metadata"], "ownerReferences": [{**OWNER, "uid": harness.workload.uid}]}
    harness.store.observe(RESOURCES["PodDisruptionBudget"], {**OWNED, "metadata": owned})
    await harness.reconcile()
    assert [each["metadata"]["name"] for each in harness.written.budgets] == ["web-deployment-productionpolicy"]
