"""All that a judgement of one workload depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from productionpolicy.expectations import Action, Expectation
from productionpolicy.expectations.pod_disruption_budget import POD_DISRUPTION_BUDGET
from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.surroundings import ALONE, Surroundings
from productionpolicy.kube.workloads import Workload, digest
from productionpolicy.policy import Exemption, Exemptions, OnRemoval, Policy, exemptions_of
from productionpolicy.repairs.budget import is_ours_beside
from productionpolicy.verdict.journal import Journal, read_journal

BUDGET = POD_DISRUPTION_BUDGET.name


class Governance(StrEnum):
    """What may be done to a workload."""

    WRITTEN = "written"
    """Repairs and withdrawals are written."""
    READ_ONLY = "read only"
    """They are only reported: mode Audit, paused, the namespace's mode label, or an invalid policy."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What we remember of a repair that we made, for writers that wipe its trace."""

    terms: str
    """The circumstances under which it was made; see `Case.terms`."""
    made: str = ""
    """When it was made, by the API server's clock."""
    undone: int = 0
    """How often another writer has undone it under these terms."""


@dataclass(frozen=True)
class Case:
    """A workload, who governs it, and what stands around it."""

    workload: Workload
    around: Surroundings = ALONE
    policy: Policy | None = None
    """The policy that governs it; None where none does."""
    on_removal: OnRemoval = OnRemoval.KEEP
    """What becomes of our changes where no policy governs it."""
    governance: Governance = Governance.WRITTEN
    today: date = date.min
    """The day in UTC, for exemptions that expire."""
    memory: Mapping[str, Applied] = field(default_factory=dict)
    """Repairs that we made, by expectation."""
    failure: str | None = None
    """Why the API server refused our last write, while nothing has changed since."""

    @cached_property
    def journal(self) -> Journal:
        """What our notes on the workload tell, checked against its live values."""
        return read_journal(self.workload)

    @cached_property
    def owners_view(self) -> Workload:
        """The workload less our repairs that still stand unchanged."""
        return self.journal.owners_view(self.workload)

    @cached_property
    def our_budget(self) -> Budget | None:
        """The budget that we made beside the workload."""
        return next((each for each in self.around.budgets if is_ours_beside(self.workload, each)), None)

    @cached_property
    def repaired(self) -> frozenset[str]:
        """The expectations whose repair of ours stands now."""
        return frozenset(self.journal.repairs) | (frozenset({BUDGET}) if self.our_budget else frozenset())

    @cached_property
    def exemptions(self) -> tuple[Exemption, ...]:
        """The exemptions that the workload claims, where the policy honours them."""
        if self.policy is None or self.policy.spec.exemptions is Exemptions.IGNORED:
            return ()
        return exemptions_of(self.workload.notes, today=self.today)

    def exempt(self, expectation: Expectation[Any]) -> bool:
        """Say whether an exemption from the expectation holds."""
        return any(each.holds and each.expectation == expectation.name for each in self.exemptions)

    def action(self, expectation: Expectation[Any]) -> Action:
        """Return what is done about an expectation, exemptions aside; nothing where no policy governs."""
        return self.policy.action(expectation) if self.policy else Action.IGNORE

    def judged(self, workload: Workload) -> Workload:
        """Return a view of the workload without the containers that the policy exempts."""
        exempt = self._exempt_containers
        return workload.without_containers(exempt.__contains__) if exempt else workload

    @cached_property
    def _exempt_containers(self) -> frozenset[str]:
        if self.policy is None:
            return frozenset()
        names = (each.name for each in self.workload.template.containers)
        return frozenset(filter(self.policy.exempts_container, names))

    def terms(self, expectation: Expectation[Any]) -> str:
        """Return a digest of the circumstances of a repair: the owner's view and the policy's word."""
        said = self.policy.terms(expectation) if self.policy else ""
        return digest(f"{self._asked} {said}")

    @cached_property
    def _asked(self) -> str:
        return self.owners_view.digest
