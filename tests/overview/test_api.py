"""The JSON of the operator: what it has, and that it is as docs/page.schema.json says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from productionpolicy.overview.cluster import Known, Snapshot, answer
from productionpolicy.overview.cluster.api import MOST_WORKLOADS
from productionpolicy.overview.cluster.bounds import MOST_FINDINGS, MOST_FINDINGS_OF_MANY
from support.hostile import TEXTS, hostile
from support.known import day, known, many, snapshot
from support.manifests import deployment
from support.policies import only, policy

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "page.schema.json").read_text())


def reply(of: Snapshot, target: str, *, status: int = 200) -> Any:
    made = answer(of, f"/api/v1/{target}")
    assert (made.status, made.type) == (status, "application/json")
    found = json.loads(made.body)
    Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)
    return found


def web(**metadata: Any) -> Known:
    return known(deployment(metadata=metadata), by=only("replicas", "preStop"))


def test_a_workload_has_verdicts_findings_and_changes_to_come() -> None:
    found = reply(snapshot(web()), "workloads/shop/Deployment/web")["workload"]
    assert {name: found[name] for name in ("namespace", "kind", "name", "policy", "state")} == {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "web",
        "policy": "default",
        "state": "repairing",
    }
    assert found["verdicts"] == {"replicas": "passed", "preStop": "failed"}
    assert [each["path"] for each in found["findings"]] == ["spec.template.spec.containers[0].lifecycle.preStop"]
    assert found["pending"] == {"changes": ["preStop (sleep 10s: web)"], "restarts": True, "waitsFor": "unsettled"}


def test_exemptions_rollouts_and_repairs_are_part_of_it() -> None:
    notes = {
        "exempt.productionpolicy.dev/replicas": "it runs once until=2026-07-01",
        "rollout.productionpolicy.dev/started": "preStop at 2026-06-15T10:59:00Z, after revision 3 [ab]",
    }
    each = known(deployment(replicas=1, metadata={"annotations": notes}), rolling=True)
    found = reply(snapshot(each), "workloads/shop/Deployment/web")["workload"]
    assert found["exemptions"] == [{"expectation": "replicas", "reason": "it runs once", "until": "2026-07-01"}]
    assert found["rollout"] == {
        "state": "InProgress",
        "expectations": ["preStop"],
        "since": "2026-06-15T10:59:00Z",
        "pod": "",
    }


def test_policies_have_their_status_with_the_last_days() -> None:
    by = policy(spec={"rollout": {"windows": [{"from": "02:00", "to": "05:00"}]}})
    of = snapshot(known(deployment(), by=by), by=by, days=[day(1, workloads=2, compliant=1, findings=3)])
    (found,) = reply(of, "policies")["policies"]
    assert (found["name"], found["mode"], found["nextWindow"]) == ("default", "Enforce", "2026-06-16T02:00:00Z")
    assert [each["date"] for each in found["status"]["history"]] == ["2026-06-14", "2026-06-15"]
    assert found["status"]["workloads"]["total"] == 1


def test_a_policy_that_writes_nothing_has_no_next_window() -> None:
    by = policy(spec={"mode": "Audit"})
    (found,) = reply(snapshot(known(deployment(), by=by), by=by), "policies")["policies"]
    assert (found["mode"], found["nextWindow"]) == ("Audit", None)


def test_lists_come_in_pages() -> None:
    of = snapshot(*many(250, namespaces=3))
    found = [reply(of, f"workloads?limit=100&page={number}") for number in (1, 2, 3)]
    assert [(each["total"], each["page"], each["pages"], len(each["workloads"])) for each in found] == [
        (250, 1, 3, 100),
        (250, 2, 3, 100),
        (250, 3, 3, 50),
    ]
    assert len({each["name"] for page in found for each in page["workloads"]}) == 250


@pytest.mark.parametrize("query", ["namespace=ns-1", "expectation=preStop&namespace=ns-1", "state=repairing&limit=84"])
def test_lists_can_be_filtered(query: str) -> None:
    found = reply(snapshot(*many(250, namespaces=3)), f"workloads?{query}&policy=default")
    assert len(found["workloads"]) == (84 if "limit" in query else 83)


@pytest.mark.parametrize(
    ("target", "status", "error"),
    [
        ("", 404, "there is nothing at “/api/v1/”"),
        ("nothing", 404, "there is nothing at “/api/v1/nothing”"),
        ("workloads/shop/Deployment/wbe", 404, "did you mean web?"),
        ("workloads?namespace=shpo", 404, "did you mean shop?"),
        (f"workloads?limit={MOST_WORKLOADS + 1}", 400, "limit is a number from 1 to 200, not “201”"),
        ("policies?name=x", 400, "this address takes no query, not “name”"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(target: str, status: int, error: str) -> None:
    found = reply(snapshot(web()), target, status=status)
    assert found["status"] == status
    assert error in found["error"]
    assert found["see"] == [
        "/api/v1/policies",
        "/api/v1/workloads",
        "/api/v1/workloads/NAMESPACE/KIND/NAME",
    ]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_is_a_string(text: str) -> None:
    found = reply(snapshot(*(known(each) for each in hostile(text)[:3])), "workloads")
    assert {each["name"] for each in found["workloads"]} == {text, "web", "valid"}


def test_a_list_has_few_findings_of_each_workload_and_a_workload_has_many() -> None:
    env = [{"name": f"MAIL_API_KEY_{number}", "value": "k3y-of-mail"} for number in range(MOST_FINDINGS + 1)]
    containers = [{"name": "web", "image": "example/web:1", "env": env}]
    of = snapshot(known(deployment(pod={"containers": containers}), by=only("secretLiterals")))
    [listed] = reply(of, "workloads")["workloads"]
    alone = reply(of, "workloads/shop/Deployment/web")["workload"]
    for found, most in ((listed, MOST_FINDINGS_OF_MANY), (alone, MOST_FINDINGS)):
        assert (len(found["findings"]), found["findingsOmitted"]) == (most, MOST_FINDINGS + 1 - most)
