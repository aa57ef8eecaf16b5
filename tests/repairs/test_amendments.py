"""Laws that hold for every amendment, and what each of them says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.expectations import REPAIRABLE
from productionpolicy.kube.counts import Count
from productionpolicy.kube.repairable import OF_CONTAINERS, OF_PODS, OF_WORKLOADS, without
from productionpolicy.kube.workloads import Workload, read_workload
from productionpolicy.repairs import (
    Amendment,
    AntiAffinity,
    Drift,
    Grace,
    Illegible,
    MaxUnavailable,
    MessagePolicy,
    Notation,
    Separation,
    Sleep,
    TopologySpread,
    merged,
)
from support.manifests import Raw, anti_affinity, constraint, container, deployment, sidecar
from support.server import defaulted, patched, server_side_applied, updated

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
ORDER = ("proxy", "web", "api")
NAMES = st.sets(st.sampled_from(ORDER), min_size=1).map(lambda chosen: tuple(sorted(chosen, key=ORDER.index)))
KEYS = st.lists(st.sampled_from([HOST, ZONE, "example.com/rack"]), unique=True, max_size=3)
COUNTS = st.integers(0, 999_999_999).map(Count) | st.integers(0, 100).map("{}%".format).map(Count.parse)

SLEEPS = st.builds(Sleep, st.integers(1, 3600), NAMES)
MESSAGE_POLICIES = st.builds(MessagePolicy, NAMES)
GRACES = st.builds(Grace, st.just(30), st.integers(31, 999_999_999))
DEFAULT = Count(25, percent=True)
MAX_UNAVAILABLES = st.builds(MaxUnavailable, st.just(DEFAULT), COUNTS.filter(lambda each: each != DEFAULT))


@st.composite
def anti_affinities(draw: st.DrawFn) -> AntiAffinity:
    required, preferred = draw(KEYS), draw(KEYS)
    preferred = [each for each in preferred if each not in required] or ([] if required else [HOST])
    return AntiAffinity(
        preferred=tuple(preferred),
        required=tuple(required),
        per_rollout=bool(required) and draw(st.booleans()),
        wanting=not required and draw(st.booleans()),
        left_out=("example.com/region",) * draw(st.integers(0, 1)),
    )


TOPOLOGY_SPREADS = st.builds(
    TopologySpread,
    KEYS.filter(bool).map(tuple),
    per_rollout=st.booleans(),
    left_out=st.sampled_from([(), ("example.com/region",)]),
)
AMENDMENTS: st.SearchStrategy[Amendment] = st.one_of(
    SLEEPS, MESSAGE_POLICIES, GRACES, MAX_UNAVAILABLES, anti_affinities(), TOPOLOGY_SPREADS
)


FILE: Raw = {"terminationMessagePolicy": "File"}
PARENTS: list[Raw] = [
    {},
    {"lifecycle": {}},
    {"lifecycle": {"postStart": {"exec": {"command": ["x"]}}}},
    {"lifecycle": {"stopSignal": "SIGUSR1"}},
]
AFFINITIES: list[Raw] = [
    {},
    {"affinity": {}},
    {"affinity": {"podAntiAffinity": {}}},
    {"affinity": {"nodeAffinity": {}}},
    {"topologySpreadConstraints": [constraint(topologyKey="example.com/row", nodeTaintsPolicy="Honor")]},
]


@st.composite
def owners_objects(draw: st.DrawFn) -> Raw:
    """Return an object that has none of what an amendment adds, but perhaps its parents."""
    pod: Raw = {
        "containers": [undecided(container(name, **draw(st.sampled_from(PARENTS)))) for name in ("web", "api")],
        "initContainers": [undecided(sidecar("proxy", **draw(st.sampled_from(PARENTS))))],
        **draw(st.sampled_from(AFFINITIES)),
    }
    recorded = updated if draw(st.booleans()) else server_side_applied
    return defaulted(recorded(deployment(pod=pod)))


def undecided(container: Raw) -> Raw:
    """Return a container whose owner has not said where termination messages come from."""
    return {name: value for name, value in container.items() if name != "terminationMessagePolicy"}


def drift(amendment: Amendment, raw: Raw) -> Drift:
    return amendment.drift(read_workload(raw))


def made(amendment: Amendment, raw: Raw) -> Raw:
    return patched(raw, amendment.patch(read_workload(raw)))


@given(amendment=AMENDMENTS)
def test_a_note_reads_as_the_amendment_that_wrote_it(amendment: Amendment) -> None:
    assert type(amendment).parse(amendment.note()) == amendment


@given(amendment=AMENDMENTS)
def test_a_note_is_one_short_line(amendment: Amendment) -> None:
    assert amendment.note().isprintable()
    assert len(amendment.note()) < 200


@pytest.mark.parametrize(
    ("amendment", "note"),
    [
        (Sleep(10, ("web", "side")), "sleep 10s: web,side"),
        (Sleep(10, ("web",), by_command=True), "exec sleep 10s: web"),
        (MessagePolicy(("web", "side")), "FallbackToLogsOnError: web,side"),
        (Grace(30, 40), "30 -> 40"),
        (MaxUnavailable(Count(25, percent=True), Count(1, percent=True)), "25% -> 1%"),
        (MaxUnavailable(Count(25, percent=True), Count(0)), "25% -> 0"),
        (AntiAffinity(preferred=(HOST, ZONE)), f"Preferred: {HOST},{ZONE}"),
        (AntiAffinity(required=(HOST,)), f"Required: {HOST}"),
        (
            AntiAffinity(required=(HOST,), preferred=(ZONE,), per_rollout=True),
            f"Required per rollout: {HOST}; Preferred: {ZONE}",
        ),
        (AntiAffinity(preferred=(HOST,), wanting=True), f"Preferred for want of nodes: {HOST}"),
        (AntiAffinity(preferred=(HOST,), left_out=(ZONE,)), f"Preferred: {HOST}; one place: {ZONE}"),
        (TopologySpread((HOST, ZONE)), f"TopologySpread: {HOST},{ZONE}"),
        (
            TopologySpread((HOST,), per_rollout=True, left_out=(ZONE,)),
            f"TopologySpread per rollout: {HOST}; one place: {ZONE}",
        ),
    ],
)
def test_a_note_is_readable(amendment: Amendment, note: str) -> None:
    assert amendment.note() == note


@given(amendment=st.one_of(anti_affinities(), TOPOLOGY_SPREADS))
def test_a_note_on_spreading_tells_by_which_kind_of_rule(amendment: Amendment) -> None:
    assert Separation.parse(amendment.note()) == amendment


KINDS: list[type[Notation]] = [Sleep, MessagePolicy, Grace, MaxUnavailable, AntiAffinity, TopologySpread, Separation]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "note", ["", " ", "owner's", "nonsense", "sleep", " -> ", "30 ->", "; ", "Required: ", "\n", "x" * 300]
)
def test_a_note_that_tells_of_nothing_is_illegible(kind: type[Notation], note: str) -> None:
    with pytest.raises(Illegible):
        kind.parse(note)


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        (MessagePolicy, "FallbackToLogsOnError: "),
        (MessagePolicy, "File: web"),
        (Sleep, "sleep 10s: "),
        (Sleep, "sleep 10s: ,"),
        (Sleep, "sleep 10s: web\n"),
        (Sleep, "sleep -1s: web"),
        (Sleep, "sleep 10s: Web"),
        (Grace, "30 -> 40 -> 50"),
        (Grace, "30 -> -1"),
        (Grace, "30 -> 40\n"),
        (Grace, "30 -> " + "9" * 10),
        (MaxUnavailable, "25% -> 1% -> 2%"),
        (MaxUnavailable, "25%"),
        (MaxUnavailable, "25% -> " + "9" * 5000),
        (AntiAffinity, "Required: ,"),
        (AntiAffinity, "Required: a\n"),
        (AntiAffinity, "Required: aPreferred: b"),
        (AntiAffinity, "Preferred: a; Required: b"),
        (AntiAffinity, "Required: <script>"),
        (TopologySpread, "TopologySpread: "),
        (TopologySpread, "TopologySpread: a\n"),
        (TopologySpread, "TopologySpread: ,"),
        (TopologySpread, "TopologySpread per rollout; one place: a"),
        (Separation, "TopologySpread: a; Preferred: b"),
        (Separation, "TopologySpreads: a"),
    ],
)
def test_a_note_that_is_nearly_one_of_ours_is_illegible(kind: type[Amendment], note: str) -> None:
    with pytest.raises(Illegible):
        kind.parse(note)


@given(text=st.text(max_size=40), kind=st.sampled_from(KINDS))
def test_any_text_is_legible_or_illegible_and_nothing_else(text: str, kind: type[Notation]) -> None:
    try:
        kind.parse(text)
    except Illegible:
        return


@given(amendment=AMENDMENTS, raw=owners_objects())
def test_what_is_removed_is_what_was_applied(amendment: Amendment, raw: Raw) -> None:
    workload = read_workload(raw)
    assert amendment.removed(amendment.applied(workload)) == workload


@given(amendment=AMENDMENTS, raw=owners_objects())
def test_the_patch_makes_of_the_object_what_the_view_says(amendment: Amendment, raw: Raw) -> None:
    live, view = read_workload(made(amendment, raw)), amendment.applied(read_workload(raw))
    assert (live.template, live.strategy) == (view.template, view.strategy)


@given(amendment=AMENDMENTS, raw=owners_objects())
def test_the_withdrawal_leaves_no_trace_of_the_patch(amendment: Amendment, raw: Raw) -> None:
    after = made(amendment, raw)
    assert patched(after, amendment.withdrawal(read_workload(after))) == raw


@given(amendment=AMENDMENTS, raw=owners_objects())
def test_what_is_made_stands(amendment: Amendment, raw: Raw) -> None:
    assert drift(amendment, made(amendment, raw)) == Drift(kept=amendment)


@given(amendment=AMENDMENTS, raw=owners_objects())
def test_a_patch_touches_the_pod_template_if_and_only_if_it_restarts(amendment: Amendment, raw: Raw) -> None:
    assert ("template" in amendment.patch(read_workload(raw))["spec"]) is amendment.restarts


@given(amendment=AMENDMENTS, raw=owners_objects())
def test_a_patch_writes_only_the_fields_that_the_amendment_declares(amendment: Amendment, raw: Raw) -> None:
    after = made(amendment, raw)
    for patch in (amendment.patch(read_workload(raw)), amendment.withdrawal(read_workload(after))):
        spec = dict(without(set(amendment.fields) & set(OF_WORKLOADS), patch["spec"]))
        pod = dict(without(set(amendment.fields) & set(OF_PODS), spec.pop("template", {}).get("spec", {})))
        containers = [*pod.pop("containers", ()), *pod.pop("initContainers", ())]
        others = [without(set(amendment.fields) & set(OF_CONTAINERS), each) for each in containers]
        assert not [name for each in (spec, pod, *others) for name in each if name != "name" and each[name] is not None]


def test_each_field_that_is_said_to_be_repairable_is_written_by_a_repair() -> None:
    declared = {field for each in REPAIRABLE if each.amendment for field in each.amendment.fields}
    assert declared == {*OF_WORKLOADS, *OF_PODS, *OF_CONTAINERS}


@given(amendment=AMENDMENTS)
def test_an_amendment_satisfies_where_it_is_wanted_itself(amendment: Amendment) -> None:
    assert amendment.satisfies(amendment)


@given(amendment=AMENDMENTS, raw=owners_objects(), declared=st.booleans())
def test_what_its_owner_declares_meanwhile_is_the_owners(amendment: Amendment, raw: Raw, declared: bool) -> None:
    after = made(amendment, raw)
    recorded = server_side_applied(after) if declared else updated(after)
    assert drift(amendment, recorded).kept == (None if declared else amendment)


# What has become of each.


def hooked(*hooks: Raw | None) -> Workload:
    """Return a workload whose containers web and api have these hooks."""
    lifecycles = [{} if each is None else {"lifecycle": {"preStop": each}} for each in hooks]
    containers = [container(name, **each) for name, each in zip(("web", "api"), lifecycles, strict=False)]
    return read_workload(deployment(pod={"containers": containers}))


TEN = {"sleep": {"seconds": 10}}
BOTH = Sleep(10, ("web", "api"))


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        (hooked(TEN, TEN), Drift(BOTH)),
        (hooked(TEN, None), Drift(Sleep(10, ("web",)), undone=True)),
        (hooked(None, None), Drift(None, undone=True)),
        (hooked(TEN, {"sleep": {"seconds": 5}}), Drift(Sleep(10, ("web",)))),
        (hooked(TEN, {"exec": {"command": ["x"]}}), Drift(Sleep(10, ("web",)))),
        (hooked({"exec": {"command": ["x"]}}, {"httpGet": {"port": 1}}), Drift(None)),
        (hooked(TEN), Drift(Sleep(10, ("web",)))),
        (hooked(), Drift(None)),
    ],
    ids=[
        "unchanged",
        "taken from one",
        "taken from both",
        "one made shorter",
        "one of another kind",
        "both of another kind",
        "one container is gone",
        "both containers are gone",
    ],
)
def test_a_sleep_stands_in_the_containers_that_still_have_it(workload: Workload, expected: Drift) -> None:
    assert BOTH.drift(workload) == expected


def test_only_a_longer_grace_period_is_more_than_what_is_wanted() -> None:
    wanted: list[Amendment] = [Grace(30, 39), Grace(30, 40), Grace(30, 41), BOTH]
    assert [Grace(30, 40).exceeds(each) for each in wanted] == [True, False, False, False]


@given(amendment=AMENDMENTS)
def test_no_amendment_is_more_than_itself(amendment: Amendment) -> None:
    assert not amendment.exceeds(amendment)


def test_a_sleep_that_its_owner_adopts_in_one_container_stands_in_the_other() -> None:
    manifest = deployment(pod={"containers": [container(lifecycle={"preStop": TEN}), container("api")]})
    entry = server_side_applied(manifest)["metadata"]
    live = deployment(pod={"containers": [container(n, lifecycle={"preStop": TEN}) for n in ("web", "api")]})
    assert drift(BOTH, {**live, "metadata": entry}) == Drift(Sleep(10, ("api",)))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (40, Drift(Grace(30, 40))),
        (30, Drift(None, restored=True)),
        (35, Drift(None)),
        (90, Drift(None)),
        (None, Drift(None, restored=True)),
    ],
    ids=["unchanged", "put back", "made shorter", "made longer", "removed, so that the default is back"],
)
def test_a_grace_period_stands_until_somebody_changes_it(seconds: int | None, expected: Drift) -> None:
    raw = deployment(pod={} if seconds is None else {"terminationGracePeriodSeconds": seconds})
    assert drift(Grace(30, 40), raw) == expected


@pytest.mark.parametrize(
    ("value", "restored", "kept"), [("1%", False, True), ("25%", True, False), (1, False, False), (0, False, False)]
)
def test_max_unavailable_stands_until_somebody_changes_it(value: Any, restored: bool, kept: bool) -> None:
    amendment = MaxUnavailable(Count(25, percent=True), Count(1, percent=True))
    raw = deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": value}})
    assert drift(amendment, raw) == Drift(amendment if kept else None, restored=restored)


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ({"affinity": anti_affinity()}, Drift(AntiAffinity(preferred=(HOST,)))),
        ({"affinity": {**anti_affinity(), "nodeAffinity": {}}}, Drift(AntiAffinity(preferred=(HOST,)))),
        ({}, Drift(None, undone=True)),
        ({"affinity": {"podAntiAffinity": {}}}, Drift(None, undone=True)),
        ({"affinity": anti_affinity(key=ZONE)}, Drift(None)),
        ({"affinity": anti_affinity(required=True)}, Drift(None)),
    ],
    ids=["unchanged", "beside another affinity", "taken away", "emptied", "on another key", "of another strength"],
)
def test_anti_affinity_stands_as_a_whole_or_not_at_all(pod: Raw, expected: Drift) -> None:
    assert drift(AntiAffinity(preferred=(HOST,)), deployment(pod=pod)) == expected


def test_anti_affinity_serves_whatever_the_nodes_made_of_what_was_asked() -> None:
    asked = AntiAffinity(required=(HOST, ZONE), per_rollout=True)
    for found in (
        AntiAffinity(required=(HOST,), preferred=(ZONE,)),
        AntiAffinity(preferred=(ZONE, HOST), wanting=True),
    ):
        assert found.satisfies(asked)


def test_anti_affinity_does_not_serve_another_wish() -> None:
    found = AntiAffinity(preferred=(HOST,))
    told = [
        found.satisfies(each)
        for each in (
            AntiAffinity(preferred=(ZONE,)),
            AntiAffinity(required=(HOST,)),
            AntiAffinity(preferred=(HOST,), wanting=True),
            Grace(30, 40),
        )
    ]
    assert told == [False, False, False, False]


def test_new_terms_take_the_place_of_the_old_ones() -> None:
    before = made(AntiAffinity(preferred=(HOST,)), deployment())
    after = made(AntiAffinity(required=(HOST,)), before)
    assert after["spec"]["template"]["spec"]["affinity"] == anti_affinity(required=True)


# Constraints.

PER_ROLLOUT = TopologySpread((HOST, ZONE), per_rollout=True)


def soft(key: str = HOST, **fields: Any) -> Raw:
    """Return a constraint as we write it for a Deployment."""
    own = {"whenUnsatisfiable": "ScheduleAnyway", "matchLabelKeys": ["pod-template-hash"]}
    return constraint(topologyKey=key, **{**own, **fields})


def spread_by(*constraints: Raw) -> Raw:
    return deployment(pod={"topologySpreadConstraints": list(constraints)} if constraints else {})


def test_constraints_never_keep_a_pod_from_its_place_and_select_what_the_workload_selects() -> None:
    expression = {"key": "tier", "operator": "In", "values": ["web"]}
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": [expression]}
    after = made(PER_ROLLOUT, deployment(selector=selector))
    assert after["spec"]["template"]["spec"]["topologySpreadConstraints"] == [
        soft(HOST, labelSelector=selector),
        soft(ZONE, labelSelector=selector),
    ]


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        ((soft(HOST), soft(ZONE)), Drift(PER_ROLLOUT)),
        ((), Drift(None, undone=True)),
        ((soft(HOST),), Drift(TopologySpread((HOST,), per_rollout=True), undone=True)),
        ((soft(HOST, maxSkew=2), soft(ZONE)), Drift(TopologySpread((ZONE,), per_rollout=True))),
        ((soft(HOST, matchLabelKeys=["x"]),), Drift(None)),
        ((soft(HOST, nodeTaintsPolicy="Honor"), soft(ZONE)), Drift(TopologySpread((ZONE,), per_rollout=True))),
        ((soft(HOST, minDomains=2),), Drift(None)),
        ((soft(HOST, labelSelector={}), soft(ZONE)), Drift(TopologySpread((ZONE,), per_rollout=True))),
        ((soft(HOST), soft(ZONE), constraint()), Drift(TopologySpread((ZONE,), per_rollout=True))),
        ((soft(HOST), soft(ZONE), constraint(topologyKey="rack")), Drift(PER_ROLLOUT)),
    ],
    ids=[
        "unchanged",
        "taken away",
        "one taken away",
        "another skew",
        "another label key",
        "another taint policy",
        "a number of domains",
        "another selector",
        "a hard one beside it on the same key",
        "another one on another key",
    ],
)
def test_constraints_stand_key_by_key(constraints: tuple[Raw, ...], expected: Drift) -> None:
    assert drift(PER_ROLLOUT, spread_by(*constraints)) == expected


def test_a_constraint_that_its_owner_adopts_is_the_owners_and_the_other_stands() -> None:
    entry = server_side_applied(spread_by(soft(HOST)))["metadata"]
    live = {**spread_by(soft(HOST), soft(ZONE)), "metadata": entry}
    assert drift(PER_ROLLOUT, live) == Drift(TopologySpread((ZONE,), per_rollout=True))


def test_a_withdrawal_leaves_the_owners_constraint_on_another_key_as_it_is() -> None:
    own = constraint(topologyKey="rack", nodeTaintsPolicy="Honor")
    after = made(PER_ROLLOUT, spread_by(own))
    assert patched(after, PER_ROLLOUT.withdrawal(read_workload(after))) == spread_by(own)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (PER_ROLLOUT, TopologySpread((ZONE,), per_rollout=True)),
        (TopologySpread((HOST,), per_rollout=True), TopologySpread((ZONE,), per_rollout=True)),
        (PER_ROLLOUT, AntiAffinity(preferred=(HOST, ZONE))),
        (AntiAffinity(preferred=(HOST, ZONE)), PER_ROLLOUT),
    ],
)
def test_one_rule_takes_the_place_of_another_in_one_patch(before: Amendment, wanted: Amendment) -> None:
    live = made(before, deployment())
    view = read_workload(live)
    assert not before.satisfies(wanted)
    assert patched(live, merged(before.withdrawal(view), wanted.patch(view))) == made(wanted, deployment())


def test_constraints_serve_whatever_the_nodes_made_of_what_was_asked() -> None:
    assert TopologySpread((HOST,), per_rollout=True, left_out=(ZONE,)).satisfies(PER_ROLLOUT)
    assert not PER_ROLLOUT.satisfies(TopologySpread((HOST,), per_rollout=True))


def test_a_patch_names_native_sidecars_where_they_stand() -> None:
    workload = read_workload(deployment(pod={"initContainers": [sidecar("proxy")]}))
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    assert Sleep(5, ("proxy", "web")).patch(workload)["spec"]["template"]["spec"] == {
        "initContainers": [{"name": "proxy", **hook}],
        "containers": [{"name": "web", **hook}],
    }


def test_a_patch_leaves_out_containers_that_are_gone() -> None:
    assert Sleep(5, ("gone",)).patch(read_workload(deployment())) == {}


# Policies of termination messages.

FROM_LOGS: Raw = {"terminationMessagePolicy": "FallbackToLogsOnError"}


def with_policies(web: Raw, api: Raw) -> Raw:
    return defaulted(deployment(pod={"containers": [container("web", **web), container("api", **api)]}))


@pytest.mark.parametrize(
    ("web", "api", "expected"),
    [
        (FROM_LOGS, FROM_LOGS, Drift(MessagePolicy(("web", "api")))),
        (FROM_LOGS, FILE, Drift(MessagePolicy(("web",)), undone=True)),
        (FILE, FILE, Drift(None, undone=True)),
    ],
)
def test_a_policy_of_messages_stands_where_it_is_still_ours(web: Raw, api: Raw, expected: Drift) -> None:
    assert drift(MessagePolicy(("web", "api")), with_policies(web, api)) == expected


def test_a_policy_of_messages_that_the_owner_declares_is_the_owners() -> None:
    raw = server_side_applied(with_policies(FROM_LOGS, FROM_LOGS))
    assert drift(MessagePolicy(("web", "api")), raw) == Drift(None)


def test_a_policy_of_messages_of_a_container_that_is_gone_is_no_concern() -> None:
    assert drift(MessagePolicy(("gone",)), with_policies(FROM_LOGS, FILE)) == Drift(None)


def test_the_withdrawn_policy_of_messages_is_the_default() -> None:
    raw = with_policies(FILE, FILE)
    amendment = MessagePolicy(("api",))
    after = made(amendment, raw)
    assert after != raw
    assert patched(after, amendment.withdrawal(read_workload(after))) == raw
