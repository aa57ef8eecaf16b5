"""Failed rollouts are counted by policy, and three of them stop it."""

from __future__ import annotations

from productionpolicy.controller.setbacks import Setbacks
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.verdict.marks import Setback
from support.policies import policy

KEYS = [WorkloadKey("shop", "Deployment", name) for name in "abcd"]


def setback(workload: str = "aa") -> Setback:
    governed_by = policy()
    terms = {"policy": governed_by.edition, "resumed": governed_by.resumption}
    return Setback(("preStop",), at="2026-06-15T11:00:00Z", workload=workload, **terms)


def counted(*, failed: int) -> tuple[Setbacks, list[str]]:
    dropped: list[str] = []
    setbacks = Setbacks(dropped=dropped.append)
    for key in KEYS[:failed]:
        setbacks.put("default", key, setback())
    return setbacks, dropped


def test_three_failures_stop_a_policy_and_two_do_not() -> None:
    assert [counted(failed=count)[0].stop(policy()) for count in (2, 3, 4)] == [False, True, True]


def test_a_policy_that_has_changed_since_goes_on() -> None:
    after = policy(spec={})
    changed = type(after)(after.name, after.spec, uid=after.uid, generation=2)
    assert not counted(failed=3)[0].stop(changed)


def test_another_policy_is_not_concerned() -> None:
    assert not counted(failed=3)[0].stop(policy("other"))


def test_a_workload_counts_once() -> None:
    setbacks, _ = counted(failed=2)
    told = [setbacks.put("default", KEYS[0], each) for each in (setback(), setback("bb"))]
    assert (told, setbacks.counted(policy())) == ([False, True], KEYS[:2])


def test_one_that_is_gone_is_told_of() -> None:
    setbacks, dropped = counted(failed=3)
    assert [setbacks.put("default", KEYS[2], None) for _ in range(2)] == [True, False]
    assert (dropped, setbacks.stop(policy())) == (["default"], False)
