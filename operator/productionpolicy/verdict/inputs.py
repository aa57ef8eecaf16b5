"""All that a judgement of one workload depends on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from msgspec import Struct

from productionpolicy.expectations import OWNING, Action, Expectation
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.surroundings import ALONE, Surroundings
from productionpolicy.kube.workloads import Workload, digest
from productionpolicy.policy import (
    ALWAYS,
    Calendar,
    Exemption,
    Exemptions,
    OnRemoval,
    Policy,
    Rollout,
    Timing,
    exemptions_of,
)
from productionpolicy.policy.namespaces import Namespace
from productionpolicy.verdict.journal import Journal, read_journal
from productionpolicy.verdict.rollout_notes import FailedRollout
from productionpolicy.verdict.rollouts import (
    allowed_seconds,
    broken_pod,
    failed,
    in_flight,
    stands_still_on_surge,
    told_by_clock,
)


class Governance(StrEnum):
    """What may be done to a workload."""

    WRITTEN = "written"
    """Repairs and withdrawals are written."""
    READ_ONLY = "read only"
    """They are only reported: mode Audit, paused, the namespace's mode label, or an invalid policy."""

    @classmethod
    def of(cls, namespace: Namespace, *, writes: bool) -> Governance:
        """Return what may be done in a namespace, by a policy that writes or does not."""
        return cls.WRITTEN if writes and not namespace.read_only else cls.READ_ONLY


class Applied(Struct, frozen=True):
    """What is remembered of a repair, for writers that wipe its trace."""

    terms: str
    """The circumstances under which it was made; see `Inputs.terms`."""
    made: str = ""
    """When it was made, by the API server's clock."""
    undone: int = 0
    """How often another writer has undone it under these terms."""


class Inputs(Struct, frozen=True, dict=True):
    """A workload, who governs it, and what surrounds it."""

    workload: Workload
    around: Surroundings = ALONE
    policy: Policy | None = None
    """The policy that governs it; None where none does."""
    on_removal: OnRemoval = OnRemoval.KEEP
    """What becomes of the operator's changes where no policy governs it."""
    governance: Governance = Governance.WRITTEN
    today: date = date.min
    """The day in UTC, for exemptions that expire."""
    applied: Mapping[str, Applied] = {}
    """Repairs that the operator made, by expectation."""
    refused: Mapping[str, str] = {}
    """What the API server refused and why, by a digest of the write and its circumstances."""
    rolling: bool = False
    """Whether its pods are being replaced because of the operator."""
    now: datetime | None = None
    """The moment, by the API server's clock; None where there is none."""
    calendar: Calendar = ALWAYS
    """When the operator may restart pods."""
    watched: float | None = None
    """Seconds since the operator began a rollout, by a monotonic clock; None where another process has begun it."""
    no_room: bool = False
    """Whether a pod beyond the number of replicas was seen that finds no place."""

    @cached_property
    def journal(self) -> Journal:
        """What the notes of the operator on the workload tell, checked against its live values."""
        return read_journal(self.workload)

    @cached_property
    def owners_view(self) -> Workload:
        """The workload less the operator's repairs that are still unchanged."""
        return self.journal.owners_view(self.workload)

    @cached_property
    def owned(self) -> Mapping[str, Ownable]:
        """The objects that the operator created for the workload, by expectation."""
        made = self.around.owned
        return {each.name: made[each.owned.kind] for each in OWNING if each.owned and each.owned.kind in made}

    @cached_property
    def owners_surroundings(self) -> Surroundings:
        """The surroundings of the workload, without the objects that the operator created for it."""
        return self.around.without_owned()

    @cached_property
    def repaired(self) -> frozenset[str]:
        """The expectations whose repair is in place now."""
        return frozenset({*self.journal.repairs, *self.owned})

    @cached_property
    def rolls_by_us(self) -> bool:
        """Whether a rollout that the operator has begun has not come to its end."""
        return in_flight(self.workload, self.journal)

    @cached_property
    def failing(self) -> bool:
        """Whether a rollout that the operator has begun has failed, and has to be put back."""
        return failed(self.workload, self.journal, elapsed=self._elapsed, patience=self._patience)

    @cached_property
    def closed(self) -> bool:
        """Whether no rollout window is open."""
        return self.calendar != ALWAYS and self.now is not None and not self.calendar.open_at(self.now)

    @property
    def opens_at(self) -> datetime | None:
        """When the next rollout window opens; None where one is open, or none is in sight."""
        return self.calendar.opens_after(self.now) if self.closed and self.now is not None else None

    @property
    def restarts_with_owner(self) -> bool:
        """Whether repairs may replace pods only when the owner replaces them anyway."""
        next_rollout = self.policy is not None and self.policy.spec.rollout.timing is Timing.NEXT_ROLLOUT
        return next_rollout or self.closed

    @property
    def deadline(self) -> float | None:
        """In how many seconds a rollout of the operator may have failed by the clock; None where none will."""
        if self._elapsed is None or not (self.rolls_by_us and told_by_clock(self.workload)):
            return None
        left = allowed_seconds(self.workload, self._patience) - self._elapsed
        return left if left >= 0 else None

    @cached_property
    def failed_rollout(self) -> FailedRollout | None:
        """The failed rollout of the operator, while it must not be tried again."""
        told = self.journal.failed_rollout
        if told is None or self.policy is None:
            return None
        return told if (told.workload, told.policy) == (self.asked_of_pods, self.policy.edition) else None

    @cached_property
    def noted_failure(self) -> FailedRollout | None:
        """The failed rollout of the operator, whether it may be tried again or has yet to be put back."""
        started = self.journal.started
        if not self.failing or started is None or self.policy is None:
            return self.journal.failed_rollout
        return FailedRollout(
            started.expectations,
            at=started.at,
            workload=self.asked_of_pods,
            policy=self.policy.edition,
            resumed=self.policy.resumption,
            pod=broken_pod(self.workload),
        )

    @property
    def may_lack_room(self) -> bool:
        """Whether a rollout makes no progress under a repaired setting though no pod is lost: one may lack room."""
        return stands_still_on_surge(self.workload, self.journal)

    @property
    def lacks_room(self) -> bool:
        """Whether a rollout makes no progress because a repaired setting asks for a pod that finds no place."""
        return self.may_lack_room and (self.no_room or self.workload.progress.quota_exceeded)

    @cached_property
    def asked_of_pods(self) -> str:
        """A digest of what a failed rollout depends on: the owner's pod template, and what the owner exempts."""
        exempt = sorted(each.expectation for each in self.exemptions if each.holds)
        return digest(f"{self.owners_view.template_digest} {exempt}")

    @property
    def _patience(self) -> float:
        rollout = self.policy.spec.rollout if self.policy else Rollout()
        return rollout.progress_deadline_seconds

    @property
    def _elapsed(self) -> float | None:
        """Return the seconds since the operator's last rollout began.

        The API server's clock may be set; so it is no more than the time that the operator has seen.
        """
        started = self.journal.started
        if started is None or self.now is None:
            return None
        # Of two clocks the slower one counts: a rollout that is given up too early is a disruption for nothing.
        told = (self.now - datetime.fromisoformat(started.at)).total_seconds()
        return told if self.watched is None else min(told, self.watched)

    @cached_property
    def exemptions(self) -> tuple[Exemption, ...]:
        """The exemptions that the workload claims, where the policy honours them."""
        if self.policy is None or self.policy.spec.exemptions is Exemptions.IGNORED:
            return ()
        return exemptions_of(self.workload.notes, today=self.today)

    def exempt(self, expectation: Expectation[Any]) -> bool:
        """Say whether an exemption from the expectation holds."""
        return any(each.covers(expectation.name) for each in self.exemptions)

    def action(self, expectation: Expectation[Any]) -> Action:
        """Return what is done about an expectation, exemptions aside; nothing where no policy governs."""
        return self.policy.action(expectation) if self.policy else Action.IGNORE

    def judged(self, workload: Workload) -> Workload:
        """Return a view of the workload without the containers that the policy exempts.

        One that is alone in its pod is the application, whatever its name: nothing was injected.
        """
        exempt = self._exempt_containers
        return workload.without_containers(exempt.__contains__) if exempt else workload

    @cached_property
    def _exempt_containers(self) -> frozenset[str]:
        if self.policy is None:
            return frozenset()
        template = self.workload.template
        names = (each.name for each in template.containers if each is not template.application)
        return frozenset(filter(self.policy.exempts_container, names))

    def terms(self, expectation: Expectation[Any]) -> str:
        """Return a digest of the circumstances of a repair: the owner's view and the policy's word."""
        return digest(f"{self._asked} {self._said(expectation)}")

    def terms_of_room(self, expectation: Expectation[Any]) -> str:
        """Return a digest of what asks for a surge pod: a new image is no reason to try that again."""
        return digest(f"{self.owners_view.strategy!r} {self._said(expectation)}")

    def terms_of_harm(self, expectation: Expectation[Any]) -> str:
        """Return a digest of the circumstances under which a repair has done harm.

        For an object beside the workload, the pods of other owners that its selector also matches may be the reason.
        """
        if expectation.owned is None:
            return self.terms_of_room(expectation)
        around = self.around
        return digest(f"{self._asked} {self._said(expectation)} {around.overlaps} {around.passing}")

    def _said(self, expectation: Expectation[Any]) -> str:
        return self.policy.terms(expectation) if self.policy else ""

    @cached_property
    def _asked(self) -> str:
        return self.owners_view.digest
