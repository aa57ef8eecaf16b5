"""Our notes on a workload, and what they are worth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.identity import CONTESTED, REPAIRS
from productionpolicy.kube.workloads import read_workload
from productionpolicy.policy import OnRemoval
from productionpolicy.repairs import Sleep
from productionpolicy.verdict.journal import HARMS, Contest
from support.manifests import Raw, anti_affinity, container, deployment
from support.policies import only, policy
from support.server import client_side_applied, defaulted, patched, server_side_applied
from support.strategies import workloads
from support.world import World, repaired

NOTED = {
    "spread": "Preferred: kubernetes.io/hostname,topology.kubernetes.io/zone",
    "rollingUpdate": "25% -> 1%",
    "preStop": "sleep 10s: web",
    "terminationGracePeriod": "30 -> 40",
    "policy": "default",
}
SPREAD_ANOTHER_WAY = anti_affinity(key="topology.kubernetes.io/zone")
EXEC = {"preStop": {"exec": {"command": ["drain"]}}}


def set_grace(seconds: int | None) -> Any:
    return lambda raw: raw["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=seconds)


def set_strategy(max_unavailable: Any) -> Any:
    return lambda raw: raw["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=max_unavailable)


def set_hook(lifecycle: Raw | None) -> Any:
    return lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(lifecycle=lifecycle)


def set_affinity(affinity: Raw) -> Any:
    return lambda raw: raw["spec"]["template"]["spec"].update(affinity=affinity)


def test_every_repair_of_the_workload_is_noted_and_the_policy_with_them() -> None:
    assert repaired(deployment()).journal == NOTED


def test_the_notes_stand_on_the_workload_and_never_on_its_pods() -> None:
    template = repaired(deployment()).raw["spec"]["template"]
    assert template["metadata"] == {"labels": {"app": "web"}}


@given(raw=workloads())
def test_the_owners_view_is_what_the_owner_wrote(raw: Raw) -> None:
    world = World(raw)
    before = world.inputs.workload
    world.reconcile()
    view = world.inputs.owners_view
    assert (view.template, view.strategy, view.digest) == (before.template, before.strategy, before.digest)


def test_without_notes_the_owners_view_is_what_there_is() -> None:
    raw = repaired(deployment()).raw
    bare = patched(raw, {"metadata": {"annotations": dict.fromkeys(raw["metadata"]["annotations"])}})
    assert read_workload(bare) == World(bare).inputs.owners_view


# A value that somebody changed.


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("spread", set_affinity(SPREAD_ANOTHER_WAY)),
        ("rollingUpdate", set_strategy(0)),
        ("preStop", set_hook(EXEC)),
        ("terminationGracePeriod", set_grace(90)),
    ],
)
def test_a_value_that_the_owner_changed_is_the_owners_and_leaves_the_journal(name: str, change: Any) -> None:
    world = repaired(deployment())
    world.edit(change)
    spec = world.raw["spec"]
    world.reconcile()
    assert name not in world.journal
    assert world.raw["spec"] == spec
    assert world.plan().empty


@pytest.mark.parametrize(
    ("name", "change"), [("rollingUpdate", set_strategy("25%")), ("terminationGracePeriod", set_grace(30))]
)
def test_a_default_that_somebody_put_back_is_the_owners_from_then_on(name: str, change: Any) -> None:
    world = repaired(deployment())
    world.edit(change)
    spec = world.raw["spec"]
    for _ in range(3):
        world.reconcile()
    assert (world.journal[name], world.raw["spec"]) == ("owner's", spec)
    assert world.plan().empty


def test_a_default_that_somebody_put_back_is_a_finding_with_its_reason() -> None:
    world = repaired(deployment(), policy=only("preStop", "terminationGracePeriod"))
    world.edit(set_grace(30))
    world.reconcile()
    assert [(each.expectation, each.sentence.rpartition(" (")[2]) for each in world.report().findings] == [
        ("terminationGracePeriod", "not repaired: the owner has declared a grace period of 30 s)")
    ]


def test_what_was_put_back_stays_the_owners_whatever_the_policy_asks_for_later() -> None:
    world = repaired(deployment())
    world.edit(set_grace(30))
    world.reconcile()
    world.policy = policy(terminationGracePeriod={"shutdownSeconds": 100})
    assert world.changes() == []


def test_one_container_of_two_may_become_the_owners() -> None:
    world = repaired(deployment(pod={"containers": [container(), container("api")]}))
    world.edit(set_hook(EXEC))
    world.reconcile()
    assert world.journal["preStop"] == "sleep 10s: api"
    assert world.pod["containers"][0]["lifecycle"] == EXEC


def test_a_container_that_is_renamed_is_repaired_under_its_new_name() -> None:
    world = repaired(deployment())
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"].__setitem__(0, container("site")))
    assert world.changes() == ["preStop (sleep 10s: site)"]
    world.reconcile()
    assert world.journal["preStop"] == "sleep 10s: site"


# A value that its owner adopts.


@pytest.mark.parametrize("adopted", [server_side_applied, client_side_applied])
def test_what_its_owner_adopts_leaves_the_journal(adopted: Any) -> None:
    world = repaired(deployment())
    spec = world.raw["spec"]
    world.raw = adopted(world.raw)
    world.reconcile()
    assert (world.journal, world.raw["spec"]) == ({}, spec)
    assert world.plan().empty


@pytest.mark.parametrize("name", ["spread", "rollingUpdate", "preStop", "terminationGracePeriod"])
def test_what_its_owner_has_adopted_is_never_withdrawn(name: str) -> None:
    world = repaired(deployment())
    spec = world.raw["spec"]
    world.raw = server_side_applied(world.raw)
    world.exempt(name)
    world.reconcile()
    assert world.raw["spec"] == spec


@pytest.mark.parametrize("on_removal", OnRemoval)
def test_what_its_owner_has_adopted_outlives_the_policy(on_removal: OnRemoval) -> None:
    world = repaired(deployment(), on_removal=on_removal)
    world.raw = client_side_applied(world.raw)
    spec = world.raw["spec"]
    world.policy = None
    world.reconcile()
    assert world.raw["spec"] == spec


def test_the_rest_is_withdrawn_where_its_owner_has_adopted_a_part() -> None:
    world = repaired(deployment(pod={"containers": [container(), container("api")]}), policy=only("preStop"))
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    manifest = deployment(pod={"containers": [container(**hook), container("api")]})
    world.raw = client_side_applied(world.raw, manifest=manifest)
    world.exempt("preStop")
    world.reconcile()
    assert ["lifecycle" in each for each in world.pod["containers"]] == [True, False]


# Notes that cannot be relied on.


@pytest.mark.parametrize("note", ["nonsense", "", "sleep 10m: web", "sleep 10s: web; also this"])
def test_an_illegible_note_makes_the_live_value_the_owners(note: str) -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    world = World(deployment(pod={"containers": [container(**hook)]}), policy=only("preStop"))
    world.annotate(**{f"{REPAIRS}preStop": note})
    assert (dict(world.inputs.journal.repairs), world.changes()) == ({}, [])


def test_an_illegible_note_is_replaced_by_a_repair() -> None:
    world = World(deployment(), policy=only("preStop"))
    world.annotate(**{f"{REPAIRS}preStop": "nonsense"})
    world.reconcile()
    assert world.journal["preStop"] == "sleep 10s: web"


def test_a_note_alone_proves_nothing() -> None:
    world = World(deployment(pod={"containers": [container(lifecycle=EXEC)]}), policy=only("preStop"))
    world.annotate(**{f"{REPAIRS}preStop": "sleep 10s: web"})
    world.exempt("preStop")
    world.reconcile()
    assert (world.pod["containers"][0]["lifecycle"], world.journal) == (EXEC, {})


def test_a_note_of_another_version_about_another_expectation_is_left_alone() -> None:
    strange = {f"{REPAIRS}tidiness": "swept", f"{CONTESTED}tidiness": "undone"}
    world = World(deployment())
    world.annotate(**strange)
    world.reconcile()
    world.policy = None
    world.reconcile()
    assert strange.items() <= world.annotations.items()


def test_other_annotations_are_left_alone() -> None:
    world = World(deployment(metadata={"annotations": {"example.com/team": "shop", "deploy": "1"}}))
    world.reconcile()
    assert {"example.com/team": "shop", "deploy": "1"}.items() <= world.annotations.items()


def test_a_note_about_a_budget_means_nothing() -> None:
    world = repaired(deployment())
    world.annotate(**{f"{REPAIRS}podDisruptionBudget": "created"})
    assert "podDisruptionBudget" not in world.inputs.journal.repairs


def test_the_journal_tells_what_still_stands() -> None:
    journal = repaired(deployment()).inputs.journal
    assert list(journal.repairs) == ["spread", "rollingUpdate", "preStop", "terminationGracePeriod"]
    assert (journal.repairs["preStop"], journal.policy) == (Sleep(10, ("web",)), "default")
    assert (journal.undone, journal.owners, dict(journal.contests)) == (frozenset(), frozenset(), {})


# Contests.

CONTESTS = st.one_of(
    st.builds(
        Contest,
        st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
        st.integers(1, 9999),
        st.sampled_from(["helm", "a b [c]"]),
    ),
    st.builds(
        Contest, st.from_regex(r"[0-9a-f]{12}", fullmatch=True), harm=st.sampled_from([each.note for each in HARMS])
    ),
)


@given(contest=CONTESTS)
def test_the_note_of_a_contest_reads_as_that_contest(contest: Contest) -> None:
    assert Contest.parse(contest.note()) == contest


@pytest.mark.parametrize(
    "note", ["", "undone", "undone x, last by a [b]", "undone 2x, last by a", "undone 2x, last by a [xyz]", "\n"]
)
def test_a_note_of_another_kind_is_no_contest(note: str) -> None:
    assert Contest.parse(note) is None


def test_a_contest_is_settled_when_it_was_undone_twice() -> None:
    assert [Contest("a", undone=times).settled for times in (0, 1, 2, 3)] == [False, False, True, True]


def test_a_contest_names_the_writer_as_far_as_it_is_known() -> None:
    told = [Contest("a", undone=2, writer=each).reason for each in ("argocd", "")]
    assert told == ["argocd undid the repair 2 times", "another writer undid the repair 2 times"]


def test_defaults_that_the_server_fills_in_change_nothing() -> None:
    raw = deployment()
    assert World(raw).plan().patch == World(defaulted(raw)).plan().patch
