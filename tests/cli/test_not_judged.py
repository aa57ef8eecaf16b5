"""What is read and not judged is named, in each form of the report: none is empty without a reason."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from support.checking import check, report, written
from support.manifests import Raw, autoscaler, budget, container, deployment, job, pod

POD = {"spec": {"containers": [container()]}}


def object_of(api_version: str, kind: str, name: str = "web", **spec: Any) -> Raw:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def owned(raw: Raw, kind: str, name: str) -> Raw:
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u2", "controller": True}
    return {**raw, "metadata": {**raw["metadata"], "ownerReferences": [owner]}}


def replica_set(name: str = "web-1") -> Raw:
    return {**deployment(name), "kind": "ReplicaSet"}


def not_judged(*objects: Raw, options: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the reasons, by the kind and the name of what is not judged."""
    told = report("-", *options, stdin=written(*objects))["notJudged"]
    return {f"{each['kind']} {each['name']}": each["reason"] for each in told}


MAKERS = [
    object_of("argoproj.io/v1alpha1", "Rollout", template=POD),
    object_of("argoproj.io/v1alpha1", "Rollout", workloadRef={"kind": "Deployment", "name": "web"}),
    object_of("argoproj.io/v1alpha1", "CronWorkflow", workflowSpec={"templates": [{"container": container()}]}),
    object_of("apps.openshift.io/v1", "DeploymentConfig", template=POD),
    object_of("apps.openshift.io/v1", "DeploymentConfig", template={"spec": {"containers": [{"name": "web"}]}}),
    object_of("argoproj.io/v1alpha1", "ClusterWorkflowTemplate", templates=[{"container": container()}]),
    object_of("sparkoperator.k8s.io/v1beta2", "SparkApplication", image="web:1"),
    object_of("tekton.dev/v1", "Task", steps=[{"name": "web", "image": "web:1"}]),
    object_of("serving.knative.dev/v1", "Service", template=POD),
    object_of("apps.kruise.io/v1alpha1", "CloneSet", template=POD),
    object_of("apps.kruise.io/v1beta1", "StatefulSet", template=POD),
    object_of("batch.volcano.sh/v1alpha1", "Job", tasks=[{"name": "train", "template": POD}]),
    object_of("kubeflow.org/v1", "PyTorchJob", pytorchReplicaSpecs={"Master": {"template": POD}}),
    object_of("template.openshift.io/v1", "Template") | {"objects": [deployment()]},
]


@pytest.mark.parametrize("raw", MAKERS, ids=lambda each: f"{each['kind']} of {each['apiVersion']}")
def test_what_makes_pods_by_another_api_is_named(raw: Raw) -> None:
    group, title = raw["apiVersion"].partition("/")[0], f"{raw['kind']} web"
    reason = f"it creates pods, but objects of kind {raw['kind']} of {group} are not judged"
    assert not_judged(raw) == not_judged(raw, options=("--plan",)) == {title: reason}


@pytest.mark.parametrize(
    "raw",
    [
        object_of("v1", "Service", ports=[{"port": 80}]),
        object_of("kyverno.io/v1", "ClusterPolicy", rules=[{"validate": {"pattern": {"template": POD}}}]),
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"pod.yaml": "spec:\n  containers:\n  - image: web"}},
        object_of("apiextensions.k8s.io/v1", "CustomResourceDefinition", versions=[{"schema": {"template": POD}}]),
    ],
    ids=lambda each: each["kind"],
)
def test_what_makes_no_pods_is_passed_over(raw: Raw) -> None:
    assert not_judged(raw, deployment()) == {}


def test_a_budget_that_selects_nothing_is_named() -> None:
    selector = {"matchLabels": {"app": "wbe"}}
    assert list(not_judged(deployment(), budget(selector=selector, minAvailable=1))) == ["PodDisruptionBudget web"]
    assert not_judged(deployment(), budget(minAvailable=1)) == {}


def test_a_budget_of_another_namespace_is_named() -> None:
    elsewhere = budget(metadata={"namespace": "elsewhere"}, minAvailable=1)
    assert list(not_judged(deployment(), elsewhere)) == ["PodDisruptionBudget web"]


def test_an_autoscaler_of_what_is_not_judged_is_named() -> None:
    rollout = object_of("argoproj.io/v1alpha1", "Rollout", template=POD)
    told = not_judged(deployment(), rollout, autoscaler(2, 5, kind="Rollout"))
    assert list(told) == ["Rollout web", "HorizontalPodAutoscaler web"]
    assert not_judged(deployment(), autoscaler(2, 5)) == {}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (owned(replica_set(), "Deployment", "web"), "Deployment web creates it, and is not in the input"),
        (owned(pod(), "ReplicaSet", "web-1"), "ReplicaSet web-1 creates it, and is not in the input"),
        (owned(job(), "CronJob", "nightly"), "CronJob nightly creates it, and is not in the input"),
        ({**pod(), "status": {"phase": "Succeeded"}}, "it has terminated"),
        (pod(annotations={"kubernetes.io/config.mirror": "0a1b"}), "it belongs to its node, or to another object"),
    ],
    ids=["ReplicaSet", "Pod", "Job", "ended", "static"],
)
def test_what_nothing_that_was_given_stands_for_is_named(raw: Raw, reason: str) -> None:
    assert not_judged(raw) == {f"{raw['kind']} {raw['metadata']['name']}": reason}


def test_what_a_given_object_makes_is_not_named() -> None:
    made = owned(replica_set(), "Deployment", "web")
    assert not_judged(deployment(), made, owned(pod(), "ReplicaSet", "web-1")) == {}


def test_what_a_rollout_makes_is_named_with_it_alone() -> None:
    rollout = object_of("argoproj.io/v1alpha1", "Rollout", template=POD)
    assert list(not_judged(rollout, owned(replica_set(), "Rollout", "web"))) == ["Rollout web"]


NOTHING = "Error: nothing to judge in standard input: no Deployment, StatefulSet,"


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github"])
@pytest.mark.parametrize("raw", [MAKERS[0], budget(minAvailable=1)], ids=["Rollout", "budget"])
def test_a_report_on_no_workload_says_why(form: str, raw: Raw) -> None:
    done = check("-", "-o", form, stdin=written(raw))
    assert (done.code, raw["kind"] in done.out) == (2, True)
    assert done.err.startswith(NOTHING)


@pytest.mark.parametrize("form", ["text", "json", "yaml"])
def test_a_plan_for_no_workload_says_why(form: str) -> None:
    done = check("-", "--plan", "-o", form, stdin=written(budget(minAvailable=1)))
    assert (done.code, done.err.startswith(NOTHING)) == (2, True)


@pytest.mark.parametrize("text", ["", "kind: ConfigMap\ndata: {a: b}"])
def test_a_report_on_nothing_says_so(text: str) -> None:
    assert check("-", stdin=text).err.startswith(NOTHING)


def test_a_workload_is_no_nothing() -> None:
    assert check("-", stdin=written(deployment(), budget(minAvailable=1))).err == ""


def test_the_place_of_what_is_not_judged() -> None:
    text = f"{written(deployment())}---\n{written(MAKERS[0])}"
    line = text.splitlines().index("apiVersion: argoproj.io/v1alpha1") + 1
    (told,) = report("-", stdin=text)["notJudged"]
    assert (told["file"], told["line"], told["namespace"]) == ("stdin", line, "shop")
    assert (
        f"::notice file=stdin,line={line},title=not judged::Rollout shop/web"
        in check("-", "-o", "github", stdin=text).out
    )


def test_it_is_a_skipped_test_of_junit() -> None:
    root = ET.fromstring(check("-", "-o", "junit", stdin=written(MAKERS[0])).out)
    (skipped,) = root.findall("testsuite[@name='not judged']/testcase[@name='Rollout shop/web']/skipped")
    assert (root.get("skipped"), "are not judged" in skipped.get("message", "")) == ("1", True)


def test_it_is_a_notification_of_sarif() -> None:
    (run,) = json.loads(check("-", "-o", "sarif", stdin=written(MAKERS[0])).out)["runs"]
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (told["level"], told["message"]["text"].startswith("Rollout shop/web is not judged")) == ("note", True)


def test_a_generated_name_is_a_name() -> None:
    made = job()
    made["metadata"] = {"generateName": "migrate-", "namespace": "shop"}
    bare = pod()
    bare["metadata"] = {"generateName": "shell-", "namespace": "shop"}
    told = report("-", stdin=written(made, bare, made))
    assert [each["name"] for each in told["workloads"]] == ["migrate-", "shell-", "migrate-"]
    assert told["unreadable"] == []
    assert "Job shop/migrate-" in check("-", stdin=written(made)).out
