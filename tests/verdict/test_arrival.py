"""What a workload that has come in tells of repairs at admission."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from productionpolicy.kube.identity import CONTESTED, EXEMPT, REPAIRS, ROLLOUT_FAILED
from productionpolicy.kube.workloads import Workload, read_workload
from productionpolicy.policy import Policy
from productionpolicy.verdict import Governance, Inputs
from productionpolicy.verdict.arrival import Effect, arrival
from support.manifests import Raw, container, deployment, job, stateful_set
from support.policies import only, policy
from support.server import defaulted, patched
from support.world import TODAY, World

ACTIVE = datetime(2026, 6, 15, 10, tzinfo=UTC)
EARLIER, CREATED, CHANGED = "2026-06-15T09:59:59Z", "2026-06-15T10:00:00Z", "2026-06-15T10:05:00Z"
ALL = ("spread", "preStop", "terminationGracePeriod", "rollingUpdate")


def written(raw: Raw, *, at: str = CREATED, by: str = "kubectl", **fields: Any) -> Raw:
    """Return an object as the API server holds it after somebody wrote it, for whom it records the fields."""
    entry = {"manager": by, "operation": "Update", "time": at, "fieldsV1": fields.pop("fields", {})}
    metadata = {"creationTimestamp": CREATED, "generation": 1, **raw["metadata"], **fields, "managedFields": [entry]}
    return {**defaulted(raw), "metadata": metadata}


def admitted(raw: Raw, governed_by: Policy | None = None) -> Raw:
    """Return an object as the admission policy lets it in: the repairs and the notes on them belong to nobody."""
    return patched(raw, World(raw, policy=governed_by or policy()).plan().patch)


def told(raw: Raw, before: Raw | None = None, **inputs: Any) -> tuple[Effect, tuple[str, ...]] | None:
    judged = Inputs(read_workload(raw), **{"policy": policy(), "today": TODAY, **inputs})
    found = arrival(judged, known(before), active=ACTIVE)
    return (found.effect, found.lacking) if found else None


def known(raw: Raw | None) -> Workload | None:
    return read_workload(raw) if raw else None


UNKNOWN = (Effect.UNKNOWN, ())
HIT = (Effect.HIT, ())


@pytest.mark.parametrize("raw", [deployment(), stateful_set()], ids=lambda each: each["kind"])
def test_a_new_workload_with_repairs_that_nobody_wrote_is_a_hit(raw: Raw) -> None:
    assert told(admitted(written(raw))) == HIT


def test_a_new_workload_without_the_repairs_is_a_miss_that_names_them() -> None:
    found = told(written(deployment()))
    assert found is not None
    assert (found[0], set(found[1])) == (Effect.MISS, set(ALL))


def test_the_moment_is_the_api_servers() -> None:
    found = arrival(Inputs(read_workload(written(deployment())), policy=policy()), None, active=ACTIVE)
    assert found is not None
    assert found.at == datetime(2026, 6, 15, 10, tzinfo=UTC)


@pytest.mark.parametrize("make", [written, lambda raw, **fields: admitted(written(raw, **fields))])
def test_what_came_in_before_the_admission_policy_was_active_tells_nothing(make: Any) -> None:
    assert told(make(deployment(), creationTimestamp=EARLIER, at=EARLIER)) == UNKNOWN


def test_one_that_needs_no_repair_tells_nothing() -> None:
    assert told(written(deployment()), policy=only("imageTag")) == UNKNOWN


def test_a_kind_that_is_only_judged_tells_nothing() -> None:
    raw = job()
    raw["metadata"] |= {"creationTimestamp": CREATED, "generation": 1}
    assert told(raw) == UNKNOWN


def test_one_whose_spec_has_changed_since_it_was_created_tells_nothing() -> None:
    assert told(written(deployment(), generation=2)) is None


def test_one_whose_annotations_have_changed_since_it_was_created_is_no_miss() -> None:
    assert told(written(deployment(), at=CHANGED)) == UNKNOWN


@pytest.mark.parametrize(
    "notes",
    [
        {f"{EXEMPT}preStop": "drains by itself"},
        {f"{EXEMPT}preStop": "drains by itself, until=2020-01-01"},
        {f"{EXEMPT}all": "not mine, until=2020-01-01"},
        {f"{CONTESTED}preStop": "undone 1x, last by argocd [0a]"},
        {f"{CONTESTED}preStop": "in words of another version"},
        {ROLLOUT_FAILED: "in words of another version"},
        {f"{REPAIRS}preStop": "sleep 10s: web"},
        {f"{REPAIRS}preStop": "owner's"},
    ],
    ids=lambda each: " ".join(map(": ".join, each.items())),
)
def test_one_whose_notes_say_why_it_comes_in_unrepaired_is_no_miss(notes: Raw) -> None:
    owned: Raw = {"f:metadata": {"f:annotations": {f"f:{key}": {} for key in notes}}}
    raw = written(deployment(metadata={"annotations": notes}), fields=owned)
    assert told(raw, policy=only("preStop", "terminationGracePeriod")) == UNKNOWN


def test_one_in_a_namespace_that_is_only_judged_is_no_miss() -> None:
    assert told(written(deployment()), governance=Governance.READ_ONLY) == UNKNOWN


def test_one_that_a_controller_owns_is_no_miss() -> None:
    owners = [{"kind": "App", "name": "shop", "uid": "x", "controller": True}]
    assert told(written(deployment(metadata={"ownerReferences": owners}))) == UNKNOWN


def test_a_copy_of_a_repaired_workload_is_no_hit() -> None:
    copied = admitted(written(deployment()))
    owned: Raw = {"f:metadata": {"f:annotations": {f"f:{key}": {} for key in copied["metadata"]["annotations"]}}}
    assert told(written(copied, fields=owned)) == UNKNOWN


def test_repairs_under_another_policy_are_no_hit() -> None:
    assert told(admitted(written(deployment())), policy=policy("other")) == UNKNOWN


@pytest.mark.parametrize("gone", ["lifecycle", "affinity"])
def test_a_value_that_another_writer_took_away_at_once_is_still_a_hit(gone: str) -> None:
    raw = admitted(written(deployment()))
    pod = raw["spec"]["template"]["spec"]
    (pod if gone in pod else pod["containers"][0]).pop(gone)
    assert told(raw) == HIT


def test_what_the_operator_wrote_itself_tells_nothing() -> None:
    before = written(deployment())
    after = patched(before, World(before).plan().patch | {})
    after["metadata"]["generation"] = 2
    assert told(after, before) is None


def test_an_entry_of_the_operator_tells_nothing() -> None:
    before = written(deployment())
    after = written(changed(admitted(before)), at=CHANGED, by="productionpolicy", generation=2)
    after["metadata"]["managedFields"] += written(deployment(), at=CHANGED)["metadata"]["managedFields"]
    assert told(after, before) == UNKNOWN


def changed(raw: Raw, image: str = "registry.example/web:2.0") -> Raw:
    """Return an object with another image."""
    copied = deepcopy(raw)
    copied["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return copied


def test_a_change_of_the_template_that_brings_no_repairs_is_a_miss() -> None:
    before = written(deployment(), creationTimestamp=EARLIER, at=EARLIER)
    after = written(changed(before), at=CHANGED, generation=2)
    found = told(after, before)
    assert found is not None
    assert (found[0], set(found[1])) == (Effect.MISS, set(ALL))


def test_a_change_of_the_template_that_brings_the_repairs_is_a_hit() -> None:
    before = written(deployment(), creationTimestamp=EARLIER, at=EARLIER)
    assert told(admitted(written(changed(before), at=CHANGED, generation=2)), before) == HIT


def test_a_change_of_a_repaired_template_tells_nothing() -> None:
    before = admitted(written(deployment()))
    assert told(written(changed(before), at=CHANGED, generation=2), before) == UNKNOWN


@pytest.mark.parametrize("spec", [{"replicas": 2}, {"paused": True}], ids=str)
def test_a_change_of_anything_else_tells_nothing(spec: Raw) -> None:
    before = written(deployment(), creationTimestamp=EARLIER, at=EARLIER)
    assert told(written({**before, "spec": {**before["spec"], **spec}}, at=CHANGED, generation=2), before) is None


def test_a_workload_that_was_made_once_more_counts_as_new() -> None:
    before = written(deployment())
    after = written(deployment(), uid="another", at=CHANGED, creationTimestamp=CHANGED)
    found = told(after, before)
    assert found is not None
    assert found[0] is Effect.MISS


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-06-15T10:00:00", 7])
def test_a_moment_that_cannot_be_read_tells_nothing(moment: Any) -> None:
    assert told(written(deployment(), creationTimestamp=moment)) is None


def test_repairs_that_only_the_surroundings_forbid_are_expected_at_admission() -> None:
    raw = written(deployment(pod={"containers": [container()]}))
    assert told(raw, policy=only("rollingUpdate")) == (Effect.MISS, ("rollingUpdate",))
