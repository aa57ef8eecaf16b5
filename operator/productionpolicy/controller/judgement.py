"""One look at a workload, and what came of it."""

from __future__ import annotations

from msgspec import Struct

from productionpolicy.kube.workloads import digest
from productionpolicy.verdict import Case, Governance, Plan
from productionpolicy.verdict.case import BUDGET


class Judgement(Struct, frozen=True):
    """One look at a workload."""

    case: Case
    plan: Plan
    policy_name: str
    todo: Plan
    """The plan less what the API server has refused under the same circumstances."""

    @property
    def finds_harm(self) -> bool:
        """Whether our budget is to be withdrawn because it allows no eviction."""
        contest, change = self.plan.contests.get(BUDGET), self.todo.budget
        return contest is not None and bool(contest.harm) and change is not None and change.terms is None

    @property
    def writable(self) -> bool:
        """Whether anything may be written."""
        return self.case.governance is Governance.WRITTEN

    @property
    def asks_for_room(self) -> bool:
        """Whether it has to be seen whether a rollout stands still for want of a place for one more pod."""
        return self.writable and self.case.may_lack_room and not self.case.lacks_room

    @property
    def to_be_written(self) -> bool:
        """Whether there is something to write, and it may be written."""
        return self.writable and not self.todo.empty

    def circumstances(self, written: object) -> str:
        """Digest something to be written with all that a refusal may depend on: the owner's view and the policy."""
        said = self.case.policy.spec if self.case.policy else self.case.on_removal
        return digest(f"{self.case.owners_view.digest} {said!r} {written!r}")
