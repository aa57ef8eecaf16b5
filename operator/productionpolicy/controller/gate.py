"""What may be done now: restarts wait for their turn, and end where too many rollouts have failed."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.controller.judgement import Judgement
from productionpolicy.controller.rollouts import Rollouts
from productionpolicy.controller.setbacks import Setbacks
from productionpolicy.controller.store import Store
from productionpolicy.policy import Rollout, Timing
from productionpolicy.verdict import Restarts, plan


class Gate(Struct, frozen=True):
    """Lets plans through, whole or in part."""

    store: Store
    rollouts: Rollouts
    setbacks: Setbacks
    governed: Callable[[str], int]
    """Tells how many workloads a policy governs."""

    def admitted(self, judgement: Judgement, *, turns: bool = False) -> Judgement:
        """Return what may be done now. The rest of a workload's patch waits with its restarts, for it is one change.

        What puts back a failed rollout waits for nothing.

        Args:
            judgement: of the workload.
            turns: whether its owner just replaces its pods. Under timing NextRollout what waited for that goes along.
        """
        if not self._replaces_pods(judgement) or judgement.todo.put_back:
            return judgement
        along = turns and _waits_for_owner(judgement)
        restarts = self._restarts(judgement, along=along)
        if restarts is not Restarts.ANY or along:
            judgement = replace(judgement, todo=plan(judgement.case, restarts=restarts, restarting=along))
        if not self._replaces_pods(judgement) or self._may_restart(judgement, along=along):
            return judgement
        return replace(judgement, todo=replace(judgement.todo, patch={}))

    def _replaces_pods(self, judgement: Judgement) -> bool:
        todo = judgement.todo
        return bool(todo.patch) and todo.restarts and not judgement.case.workload.runs_no_pod

    def _restarts(self, judgement: Judgement, *, along: bool) -> Restarts:
        policy, key = judgement.case.policy, judgement.case.workload.key
        if policy is None:
            return Restarts.ANY
        if _waits_for_owner(judgement) and not along:
            return Restarts.NONE
        if self.setbacks.stop(policy):
            self.rollouts.wait(policy.name, key)
            return Restarts.WITHDRAWALS
        return Restarts.ANY

    def _may_restart(self, judgement: Judgement, *, along: bool) -> bool:
        workload = judgement.case.workload
        if along and not (workload.paused or workload.settled):
            return True
        if workload.paused or not (workload.settled or self._harmless(judgement)):
            return False
        if workload.holds_back or not workload.settled:
            return True
        slots = self._pace(judgement).slots(self.governed(judgement.policy_name))
        return self.rollouts.enter(judgement.policy_name, workload, slots=slots)

    def _harmless(self, judgement: Judgement) -> bool:
        """Say whether the policy has gone and a withdrawal can do no harm, though the workload has not settled.

        It has nothing to lose, or it is our own rollout that does not end: then the withdrawal puts it back.
        """
        workload = judgement.case.workload
        lost = workload.progress.available == 0 or workload.progress.stalled
        return judgement.case.policy is None and (lost or self.rollouts.rolling(workload.key))

    def _pace(self, judgement: Judgement) -> Rollout:
        if judgement.case.policy is not None:
            return judgement.case.policy.spec.rollout
        former = self.store.former(judgement.policy_name)
        return former.spec.rollout if former else Rollout()


def _waits_for_owner(judgement: Judgement) -> bool:
    policy = judgement.case.policy
    return policy is not None and policy.spec.rollout.timing is Timing.NEXT_ROLLOUT
