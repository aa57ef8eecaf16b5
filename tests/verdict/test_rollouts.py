"""A rollout that our repair made fail is told from all others, put back, and not tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.identity import BEFORE, ROLLOUT_FAILED, ROLLOUT_STARTED
from productionpolicy.kube.workloads import read_workload
from productionpolicy.policy import OnRemoval
from productionpolicy.verdict import Restarts, State, audit
from productionpolicy.verdict.rollout_notes import FailedRollout, Started
from productionpolicy.verdict.rollouts import allowed_seconds, broken_pod, provable
from support.manifests import Raw, deployment, stateful_set
from support.policies import only, policy
from support.world import World

STARTED = ROLLOUT_STARTED
FAILED = ROLLOUT_FAILED
REVISION = "deployment.kubernetes.io/revision"
BEGUN = "2026-06-15T11:00:00Z"
NOW = datetime(2026, 6, 15, 11, tzinfo=UTC)
COMPLETE, EXCEEDED = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"


def status_of(raw: Raw, *, updated: int, available: int, **status: Any) -> Raw:
    replicas = raw["spec"]["replicas"]
    counts = {"replicas": replicas, "updatedReplicas": updated, "availableReplicas": available}
    return {"observedGeneration": raw["metadata"]["generation"], **counts, **status}


def conditions(reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Progressing", "reason": reason}]}


def running(raw: Raw, **around: Any) -> World:
    """Return a world in which all pods of a workload are well."""
    world = World(raw, **around)
    pods, progress = raw["spec"]["replicas"], {"currentRevision": "web-1", "updateRevision": "web-1"}
    if raw["kind"] == "Deployment":
        world.annotate(**{REVISION: "3"})
        progress = conditions(COMPLETE)
    world.raw["status"] = status_of(world.raw, updated=pods, available=pods, **progress)
    return world


def rolling(world: World) -> World:
    """Let the operator write what it wants, and the controller begin to replace pods."""
    before = world.raw["spec"]["template"]
    world.reconcile()
    if world.raw["spec"]["template"] != before:
        replaced(world)
    return world


def replaced(world: World) -> None:
    """Let the controller take note of another pod template."""
    world.raw["metadata"] = {**world.raw["metadata"], "generation": world.raw["metadata"]["generation"] + 1}
    pods = world.raw["spec"]["replicas"]
    if world.raw["kind"] == "Deployment":
        world.annotate(**{REVISION: str(int(world.annotations[REVISION]) + 1)})
        world.raw["status"] = status_of(world.raw, updated=1, available=pods - 1, **conditions("ReplicaSetUpdated"))
    else:
        revisions = {"currentRevision": "web-1", "updateRevision": "web-2"}
        world.raw["status"] = status_of(world.raw, updated=1, available=pods - 1, **revisions)


def stalled(world: World) -> World:
    """Let the rollout of a Deployment exceed its deadline."""
    world.raw["status"] = {**world.raw["status"], **conditions(EXCEEDED)}
    return world


def complete(world: World) -> World:
    pods = world.raw["spec"]["replicas"]
    world.raw["status"] = status_of(world.raw, updated=pods, available=pods, **conditions(COMPLETE))
    return world


def failing(**around: Any) -> World:
    return stalled(rolling(running(deployment(), policy=only("preStop", "spread"), **around)))


def put_back() -> World:
    world = failing()
    world.reconcile()
    replaced(world)
    return complete(world)


def new_image(raw: Raw) -> None:
    raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:2.0"


# Notes.


def test_a_rollout_that_begins_is_noted_with_what_stood_before() -> None:
    world = rolling(running(deployment(), policy=only("preStop")))
    started = Started.parse(world.annotations[STARTED])
    assert started
    assert (started.expectations, started.at, started.revision) == (("preStop",), BEGUN, "3")
    complete(world)
    world.policy = only(preStop={"sleepSeconds": 12})
    world.reconcile()
    assert world.annotations[f"{BEFORE}preStop"] == "sleep 10s: web"


def test_what_replaces_no_pod_begins_no_rollout() -> None:
    world = rolling(running(deployment(), policy=only("rollingUpdate")))
    assert (set(world.journal), STARTED in world.annotations) == ({"policy", "rollingUpdate"}, False)


@pytest.mark.parametrize("name", ["", "preStop at never, after revision 3 [ab]", "preStop of now put back [a b]"])
def test_a_note_of_another_kind_tells_of_no_rollout(name: str) -> None:
    assert (Started.parse(name), FailedRollout.parse(name)) == (None, None)


NAMES = st.lists(st.sampled_from([each.name for each in EXPECTATIONS]), min_size=1, unique=True).map(tuple)
DIGESTS = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)


@given(told=st.builds(Started, NAMES, at=st.just(BEGUN), revision=st.sampled_from(["3", "db-7f9"]), template=DIGESTS))
def test_the_note_of_a_rollout_reads_as_that_rollout(told: Started) -> None:
    assert Started.parse(told.note()) == told


@given(
    told=st.builds(
        FailedRollout,
        NAMES,
        at=st.just(BEGUN),
        workload=DIGESTS,
        policy=DIGESTS,
        resumed=DIGESTS,
        pod=st.sampled_from(["", "db-2"]),
    )
)
def test_the_note_of_a_failure_reads_as_that_failure(told: FailedRollout) -> None:
    assert FailedRollout.parse(told.note()) == told


# Whose rollout it is.


@pytest.mark.parametrize("kind", [deployment, stateful_set])
def test_where_all_pods_are_well_a_failure_would_be_our_doing(kind: Any) -> None:
    assert provable(running(kind()).inputs.workload)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (deployment(), {"availableReplicas": 3}),
        (deployment(replicas=0), {}),
        (deployment(paused=True), {}),
        (stateful_set(updateStrategy={"type": "OnDelete"}), {}),
        (stateful_set(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}), {}),
    ],
    ids=["pods are missing", "no pods", "paused", "pods replaced by hand", "no pod above the partition"],
)
def test_where_nothing_is_proved_a_failure_would_be_nobodys(raw: Raw, status: Raw) -> None:
    world = running(raw)
    world.raw["status"].update(status)
    assert not provable(world.inputs.workload)


def test_a_rollout_that_goes_on_is_ours_and_has_not_failed() -> None:
    inputs = rolling(running(deployment(), policy=only("preStop"))).inputs
    assert (inputs.rolls_by_us, inputs.failing) == (True, False)


def test_past_its_deadline_it_has_failed() -> None:
    assert failing().inputs.failing


def test_a_rollout_that_nobody_has_observed_yet_has_not_failed() -> None:
    world = failing()
    world.raw["metadata"]["generation"] += 1
    assert not world.inputs.failing


def test_a_rollout_that_has_ended_is_over_whatever_becomes_of_its_pods() -> None:
    world = complete(rolling(running(deployment(), policy=only("preStop"))))
    world.raw["status"]["availableReplicas"] = 1
    world.now = NOW + timedelta(days=1)
    assert (world.inputs.rolls_by_us, world.inputs.failing) == (False, False)


def test_a_rollout_of_the_owner_after_ours_is_the_owners() -> None:
    world = complete(rolling(running(deployment(), policy=only("preStop"))))
    world.edit(new_image)
    replaced(world)
    stalled(world)
    assert (world.inputs.rolls_by_us, world.inputs.failing, world.plan().empty) == (False, False, True)


def test_an_owner_who_changes_the_pods_in_the_middle_of_ours_takes_it_over() -> None:
    world = rolling(running(deployment(), policy=only("preStop")))
    world.edit(new_image)
    replaced(world)
    assert not stalled(world).inputs.failing


def test_the_same_template_a_second_time_is_not_our_rollout() -> None:
    world = failing()
    world.annotate(**{REVISION: "6"})
    assert not world.inputs.failing


def test_a_change_of_the_replicas_or_the_strategy_takes_nothing_over() -> None:
    world = failing()
    world.raw["spec"]["replicas"] = 9
    world.raw["spec"]["strategy"] = {"type": "Recreate"}
    assert world.inputs.failing


def test_a_paused_deployment_has_not_failed() -> None:
    world = failing()
    world.raw["spec"]["paused"] = True
    assert not world.inputs.failing


def test_without_a_note_of_ours_nothing_is_our_doing() -> None:
    world = failing()
    world.annotate(**{STARTED: None})
    assert not world.inputs.failing


@pytest.mark.parametrize(("seconds", "failed"), [(604, False), (606, True)])
def test_a_deployment_that_still_tells_of_the_rollout_before_is_judged_by_the_clock(seconds: int, failed: bool) -> None:
    world = rolling(running(deployment(), policy=only("preStop")))
    world.raw["status"].update(conditions(COMPLETE))
    world.now = NOW + timedelta(seconds=seconds)
    assert (world.inputs.rolls_by_us, world.inputs.failing) == (True, failed)


def test_a_deployment_that_makes_progress_is_judged_by_its_controller_alone() -> None:
    world = rolling(running(deployment(), policy=only("preStop")))
    world.now = NOW + timedelta(days=1)
    assert not world.inputs.failing


# StatefulSets, which know no deadline.


def late(seconds: float, *, updated: int = 1, watched: float | None = None) -> World:
    spec = {"rollout": {"progressDeadlineSeconds": 100}}
    world = rolling(running(stateful_set(), policy=only("preStop", spec=spec)))
    world.raw["status"]["updatedReplicas"] = updated
    world.now, world.watched = NOW + timedelta(seconds=seconds), watched
    return world


@pytest.mark.parametrize(
    ("seconds", "updated", "failed"), [(129, 1, False), (131, 1, True), (131, 2, False), (261, 2, True)]
)
def test_each_pod_of_a_stateful_set_has_its_time_and_its_grace_period(
    seconds: float, updated: int, failed: bool
) -> None:
    assert late(seconds, updated=updated).inputs.failing is failed


def test_it_is_looked_at_again_when_its_time_is_over() -> None:
    assert (late(100).inputs.deadline, late(131).inputs.deadline) == (30.0, None)
    assert rolling(running(deployment())).inputs.deadline is None


def test_a_clock_of_the_server_that_was_set_makes_nobody_fail() -> None:
    assert [late(9000, watched=seconds).inputs.failing for seconds in (20.0, 140.0)] == [False, True]


def test_a_stateful_set_that_has_taken_the_new_template_is_done() -> None:
    world = late(9000)
    world.raw["status"].update(currentRevision="web-2", updatedReplicas=3, availableReplicas=3)
    assert not world.inputs.rolls_by_us


def test_a_slow_start_that_the_set_itself_asks_for_is_waited_for() -> None:
    raw = stateful_set(minReadySeconds=60, pod={"terminationGracePeriodSeconds": 40})
    assert allowed_seconds(read_workload(raw), 100) == 200


def test_above_a_partition_the_note_goes_when_the_pods_are_replaced() -> None:
    raw = stateful_set(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    world = rolling(running(raw, policy=only("preStop")))
    assert (world.inputs.rolls_by_us, world.plan().empty) == (True, True)
    world.raw["status"]["availableReplicas"] = 3
    assert not world.inputs.rolls_by_us
    world.reconcile()
    assert (STARTED in world.annotations, "preStop" in world.journal) == (False, True)


@pytest.mark.parametrize(
    ("spec", "updated", "pod"),
    [({}, 1, "web-2"), ({}, 3, "web-0"), ({"ordinals": {"start": 5}}, 1, "web-7"), ({}, 0, "")],
)
def test_the_pod_at_which_a_stateful_set_stands_still_is_named(spec: Raw, updated: int, pod: str) -> None:
    raw = stateful_set(**spec)
    raw["status"] = {"updatedReplicas": updated}
    assert broken_pod(read_workload(raw)) == pod


def test_a_deployment_replaces_its_pods_itself() -> None:
    assert broken_pod(failing().inputs.workload) == ""


# What is put back.


def test_what_failed_is_put_back_to_the_owners_template() -> None:
    before = running(deployment(), policy=only("preStop", "spread")).raw["spec"]
    world = failing()
    planned = world.reconcile()
    assert (planned.put_back, world.raw["spec"], world.journal) == (True, before, {"policy": "default"})
    assert (STARTED in world.annotations, FAILED in world.annotations) == (False, True)


def test_what_stood_before_comes_back_where_there_was_something() -> None:
    world = complete(rolling(running(deployment(), policy=only("preStop", "terminationGracePeriod"))))
    before = world.raw["spec"]
    world.policy = only("terminationGracePeriod", preStop={"sleepSeconds": 20})
    stalled(rolling(world))
    assert world.journal["preStop"] == "sleep 20s: web"
    world.reconcile()
    assert (world.raw["spec"], world.journal["preStop"]) == (before, "sleep 10s: web")
    assert world.journal["terminationGracePeriod"] == "30 -> 40"
    assert not [each for each in world.annotations if each.startswith("before.")]


def test_repairs_of_earlier_rollouts_stay() -> None:
    world = complete(rolling(running(deployment(), policy=only("preStop"))))
    world.policy = only("preStop", "spread")
    stalled(rolling(world)).reconcile()
    assert set(world.journal) == {"policy", "preStop"}


def test_a_setting_that_came_with_it_goes_with_it() -> None:
    world = stalled(rolling(running(deployment(), policy=only("preStop", "rollingUpdate"))))
    world.reconcile()
    assert world.journal == {"policy": "default"}
    complete(world)
    assert world.plan().empty


def test_what_an_exemption_withdraws_meanwhile_does_not_come_back() -> None:
    world = complete(rolling(running(deployment(), policy=only("preStop"))))
    world.policy = only(preStop={"sleepSeconds": 20})
    stalled(rolling(world))
    world.exempt("preStop")
    world.reconcile()
    assert world.journal == {"policy": "default"}


def test_a_disruption_budget_is_created_all_the_same() -> None:
    world = failing()
    world.policy = only("preStop", "spread", "podDisruptionBudget")
    assert {each.expectation for each in world.plan().changes} == {"preStop", "spread", "podDisruptionBudget"}


def test_it_is_put_back_though_the_policy_only_audits_that_by_now() -> None:
    world = failing()
    world.policy = only(preStop={"action": "Audit"}, spread={"action": "Audit"})
    world.reconcile()
    assert world.journal == {"policy": "default"}


def test_it_is_put_back_though_the_policy_has_gone() -> None:
    world = failing()
    world.policy, world.on_removal = None, OnRemoval.KEEP
    world.reconcile()
    assert (world.journal, world.annotations) == ({}, {REVISION: "4"})


def test_nothing_is_left_of_a_failure_when_the_policy_has_gone() -> None:
    world = put_back()
    world.policy = None
    world.reconcile()
    assert set(world.annotations) == {REVISION}


def test_it_is_put_back_where_no_restart_is_allowed() -> None:
    assert failing().plan(restarts=Restarts.NONE).put_back


def test_somebody_who_undoes_a_part_meanwhile_is_no_obstacle() -> None:
    world = failing()
    world.edit(lambda raw: raw["spec"]["template"]["spec"].pop("affinity"))
    world.reconcile()
    assert (world.journal, world.contests) == ({"policy": "default"}, {})


# What follows.


def test_it_counts_as_failed_before_and_after_with_the_reason() -> None:
    before, after = failing().report(), put_back().report()
    assert [each.state for each in (before, after)] == [State.FAILED, State.FAILED]
    (finding,) = [each for each in after.findings if each.expectation == "rollout"]
    assert finding.path == "spec.template"
    assert finding.sentence.startswith(
        f"the rollout of spread, preStop, started at {BEGUN}, did not end in time and was rolled"
    )
    (finding,) = [each for each in after.findings if each.expectation == "preStop"]
    assert finding.sentence.endswith("(not repaired: its rollout failed and was rolled back)")


def test_what_was_put_back_causes_no_further_writes_and_no_contest() -> None:
    world = put_back()
    assert (world.plan().empty, world.plan().contests) == (True, {})


def test_the_pod_that_a_person_must_delete_is_named_until_it_is_gone() -> None:
    world = late(9000)
    world.reconcile()
    told = audit(world.inputs)[-1].findings[0].remedy
    assert told.startswith("delete pod web-2, which the StatefulSet does not replace by itself; find out why ")
    world.raw["status"].update(updateRevision="web-1", updatedReplicas=3, availableReplicas=3)
    assert audit(world.inputs)[-1].findings[0].remedy.startswith("find out why ")


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.edit(new_image),
        lambda world: world.exempt("spread"),
        lambda world: setattr(world, "policy", edition(2)),
    ],
    ids=["the owner's template", "an exemption", "the policy"],
)
def test_it_is_tried_again_when_something_changes(change: Any) -> None:
    world = put_back()
    change(world)
    assert "preStop (sleep 10s: web)" in world.changes()
    world.reconcile()
    assert (FAILED in world.annotations, STARTED in world.annotations) == (False, True)


def edition(generation: int, *, resumed: str = "") -> Any:
    found = only("preStop", "spread")
    return type(found)(found.name, found.spec, uid=found.uid, generation=generation, resumed=resumed)


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.raw["spec"].update(replicas=9),
        lambda world: world.annotate(**{"example/owner": "me"}),
        lambda world: setattr(world, "policy", edition(1, resumed="seen")),
    ],
    ids=["replicas", "another annotation", "a person who lets others go on"],
)
def test_it_is_not_tried_again_because(change: Any) -> None:
    world = put_back()
    change(world)
    assert (world.plan().empty, world.report().state) == (True, State.FAILED)


def test_what_replaces_no_pod_is_repaired_beside_it() -> None:
    world = put_back()
    world.policy = edition(1)
    world.policy = type(world.policy)("default", only("preStop", "spread", "rollingUpdate").spec, world.policy.uid, 1)
    assert [each.expectation for each in world.plan().changes] == ["rollingUpdate"]


def test_a_failure_waits_with_its_note_where_no_restart_is_allowed() -> None:
    world = put_back()
    world.edit(new_image)
    assert world.plan(restarts=Restarts.WITHDRAWALS).empty


def test_a_failure_is_forgotten_where_nothing_is_to_be_tried_again() -> None:
    world = put_back()
    world.policy = edition(2)
    world.policy = type(world.policy)("default", only("replicas").spec, world.policy.uid, 2)
    world.reconcile()
    assert (FAILED in world.annotations, world.raw["spec"]["template"]) == (False, put_back().raw["spec"]["template"])


@pytest.mark.parametrize(
    ("now", "counts"),
    [(edition(1), True), (edition(2), False), (edition(1, resumed="seen"), False)],
    ids=["nothing", "its spec", "a person's annotation"],
)
def test_a_failure_counts_until_the_policy_has_changed_by(now: Any, counts: bool) -> None:
    failed_rollout = put_back().inputs.noted_failure
    assert failed_rollout
    assert failed_rollout.counts(now) is counts


def test_a_failure_counts_before_it_is_put_back() -> None:
    failed_rollout = failing().inputs.noted_failure
    assert failed_rollout
    assert failed_rollout.counts(edition(1))


def test_withdrawals_go_on_where_repairs_have_stopped() -> None:
    world = complete(rolling(running(deployment(), policy=only("preStop"))))
    world.policy = only("spread")
    planned = world.plan(restarts=Restarts.WITHDRAWALS)
    assert [str(each) for each in planned.changes] == ["preStop withdrawn (sleep 10s: web)"]


# Repairs that came with the owner's own rollout.


def test_an_owners_rollout_with_which_repairs_came_is_only_told_of() -> None:
    world = stalled(running(deployment(), policy=only("preStop")))
    world.reconcile()
    world.annotate(**{STARTED: None})
    assert world.plan().empty
    (finding,) = audit(world.inputs)[-1].findings
    assert finding.message == "the owner's rollout has stopped, and repairs came with it: preStop"
    assert world.report().state is State.VIOLATING


# A surge pod that finds no place.


def no_room(**status: Any) -> World:
    """Return a world in which the owner's rollout stands still with a setting of ours, and no pod is missing."""
    world = complete(rolling(running(deployment(), policy=policy())))
    world.edit(new_image)
    replaced(world)
    stalled(world)
    world.raw["status"].update({"availableReplicas": 4, "updatedReplicas": 0, **status})
    return world


def test_a_setting_under_which_a_surge_pod_finds_no_place_is_withdrawn() -> None:
    world = no_room()
    assert (world.inputs.may_lack_room, world.inputs.lacks_room) == (True, False)
    assert "rollingUpdate" not in " ".join(world.changes())
    world.no_room = True
    assert world.changes() == ["rollingUpdate withdrawn (maxUnavailable 25% -> 1%)"]
    world.reconcile()
    assert world.contests["rollingUpdate"].startswith("withdrawn, a surge pod found no place [")
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(image="registry.example/web:3.0"))
    complete(world)
    assert world.plan().empty


def test_a_quota_says_so_itself() -> None:
    failure = {"type": "ReplicaFailure", "reason": "FailedCreate", "message": "forbidden: exceeded quota: full"}
    world = no_room()
    world.raw["status"]["conditions"].append(failure)
    assert world.inputs.lacks_room


@pytest.mark.parametrize(
    "status", [{"availableReplicas": 3}, conditions("ReplicaSetUpdated")], ids=["pods are missing", "it goes on"]
)
def test_nothing_is_withdrawn_where(status: Raw) -> None:
    world = no_room(**status)
    world.no_room = True
    assert world.plan().empty


def test_it_is_tried_again_when_the_owner_changes_the_strategy() -> None:
    world = no_room()
    world.no_room = True
    world.reconcile()
    complete(world)
    world.edit(lambda raw: raw["spec"]["strategy"]["rollingUpdate"].update(maxSurge=2))
    assert world.changes() == ["rollingUpdate (maxUnavailable 25% -> 1%)"]
