"""The expectations, one file each. This list is their order everywhere: in the API, the docs, a plan and a status."""

from typing import Any

from productionpolicy.expectations.expectation import Action, Expectation, Finding, Parameters, Refusal, Rule
from productionpolicy.expectations.image_tag import IMAGE_TAG
from productionpolicy.expectations.pod_disruption_budget import POD_DISRUPTION_BUDGET
from productionpolicy.expectations.pre_stop import PRE_STOP
from productionpolicy.expectations.readiness_probe import READINESS_PROBE
from productionpolicy.expectations.replicas import REPLICAS
from productionpolicy.expectations.rolling_update import ROLLING_UPDATE
from productionpolicy.expectations.spread import SPREAD
from productionpolicy.expectations.termination_grace_period import TERMINATION_GRACE_PERIOD

EXPECTATIONS: tuple[Expectation[Any], ...] = (
    POD_DISRUPTION_BUDGET,
    REPLICAS,
    SPREAD,
    ROLLING_UPDATE,
    PRE_STOP,
    TERMINATION_GRACE_PERIOD,
    READINESS_PROBE,
    IMAGE_TAG,
)

BY_NAME: dict[str, Expectation[Any]] = {each.name: each for each in EXPECTATIONS}

__all__ = [
    "BY_NAME",
    "EXPECTATIONS",
    "Action",
    "Expectation",
    "Finding",
    "Parameters",
    "Refusal",
    "Rule",
]
