"""Where reports go: which of their kinds the API server serves, and what keeps them from being written."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from productionpolicy.controller.resources import REPORTS
from productionpolicy.policy import Policy, ReportsMode
from productionpolicy.reports import Form

CONDITION = "Reports"

_NAMED = {ReportsMode.OPEN_REPORTS: Form.OPEN_REPORTS, ReportsMode.POLICY_REPORT: Form.POLICY_REPORT}

_GRANT = "kubectl apply -k manifests/reports/, or reports.enabled=true in the chart"


class Refusal(Struct, frozen=True):
    """Why the API server refused the report on a workload."""

    policy: str
    where: str
    """The namespace."""
    why: str


@dataclass(slots=True)
class Destinations:
    """What is known of the kinds of reports."""

    served: frozenset[Form] = frozenset()
    forbidden: dict[Form, str] = field(default_factory=dict)
    """The kinds for which the operator lacks a right, each with what the API server said."""
    refused: dict[str, Refusal] = field(default_factory=dict)
    """The reports that could not be written, by the uid of their workload."""

    def of(self, policy: Policy) -> Form | None:
        """Return the kind of report that a policy gets; None if it wants none, or the kind is not served."""
        mode = policy.spec.reports.mode
        wanted = [_NAMED[mode]] if mode in _NAMED else list(Form) if mode is ReportsMode.AUTO else []
        return next((each for each in wanted if each in self.served), None)

    def told(self, policy: Policy) -> tuple[str, str, str] | None:
        """Return status, reason and message of the condition Reports; None where no reports are asked for."""
        mode, form = policy.spec.reports.mode, self.of(policy)
        if form is None:
            return _not_served(_NAMED[mode]) if mode in _NAMED else None
        if policy.spec.paused:
            return "False", "Paused", "the policy is paused: reports stay as they are"
        if form in self.forbidden:
            return (
                "False",
                "Forbidden",
                f"reports cannot be written; grant the rights: {_GRANT}: {self.forbidden[form]}",
            )
        refused = sorted((each.where, each.why) for each in self.refused.values() if each.policy == policy.name)
        if refused:
            where, why = refused[0]
            message = f"{len(refused)} reports could not be written, the first in namespace {where}: {why}"
            return "False", "Refused", message
        return "True", "Written", f"each workload has a {form.kind} ({form.api_version}) in its namespace"


def _not_served(form: Form) -> tuple[str, str, str]:
    message = (
        f"the API server does not serve {REPORTS[form].called}; install its CustomResourceDefinition, as "
        "docs/reports.md describes, or set spec.reports.mode to Auto"
    )
    return "False", "NotServed", message
