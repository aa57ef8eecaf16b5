"""The expectations, one file each. Their order here is the order in the API, the docs, plans and the status."""

from typing import Any

from productionpolicy.expectations.bare_pods import BARE_PODS
from productionpolicy.expectations.configuration import CONFIGURATION
from productionpolicy.expectations.container_filesystem import CONTAINER_FILESYSTEM
from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Rule,
    Severity,
)
from productionpolicy.expectations.image_pull_policy import IMAGE_PULL_POLICY
from productionpolicy.expectations.image_pull_secrets import IMAGE_PULL_SECRETS
from productionpolicy.expectations.image_tag import IMAGE_TAG
from productionpolicy.expectations.init_process import INIT_PROCESS
from productionpolicy.expectations.job_deadline import JOB_DEADLINE
from productionpolicy.expectations.liveness_probe import LIVENESS_PROBE
from productionpolicy.expectations.logging import LOGGING
from productionpolicy.expectations.persistence import PERSISTENCE
from productionpolicy.expectations.pod_disruption_budget import POD_DISRUPTION_BUDGET
from productionpolicy.expectations.pre_stop import PRE_STOP
from productionpolicy.expectations.readiness_probe import READINESS_PROBE
from productionpolicy.expectations.replicas import REPLICAS
from productionpolicy.expectations.resources import RESOURCES
from productionpolicy.expectations.rolling_update import ROLLING_UPDATE
from productionpolicy.expectations.secret_literals import SECRET_LITERALS
from productionpolicy.expectations.sidecars import SIDECARS
from productionpolicy.expectations.signal_handling import SIGNAL_HANDLING
from productionpolicy.expectations.single_process import SINGLE_PROCESS
from productionpolicy.expectations.spread import SPREAD
from productionpolicy.expectations.startup_probe import STARTUP_PROBE
from productionpolicy.expectations.termination_grace_period import TERMINATION_GRACE_PERIOD
from productionpolicy.expectations.termination_message import TERMINATION_MESSAGE
from productionpolicy.expectations.toolchain_image import TOOLCHAIN_IMAGE

EXPECTATIONS: tuple[Expectation[Any], ...] = (
    POD_DISRUPTION_BUDGET,
    REPLICAS,
    SPREAD,
    ROLLING_UPDATE,
    PRE_STOP,
    TERMINATION_GRACE_PERIOD,
    SIGNAL_HANDLING,
    INIT_PROCESS,
    SINGLE_PROCESS,
    READINESS_PROBE,
    LIVENESS_PROBE,
    STARTUP_PROBE,
    RESOURCES,
    IMAGE_TAG,
    IMAGE_PULL_POLICY,
    TOOLCHAIN_IMAGE,
    IMAGE_PULL_SECRETS,
    SECRET_LITERALS,
    CONFIGURATION,
    TERMINATION_MESSAGE,
    LOGGING,
    CONTAINER_FILESYSTEM,
    PERSISTENCE,
    BARE_PODS,
    JOB_DEADLINE,
    SIDECARS,
)

REPAIRABLE = tuple(each for each in EXPECTATIONS if each.repair)
"""Those that the operator can repair."""

OWNING = tuple(each for each in EXPECTATIONS if each.owned)
"""Those whose repair is a separate object."""

OWNED = tuple(each.owned for each in EXPECTATIONS if each.owned)
"""The kinds of objects that the operator creates for workloads."""

BY_NAME: dict[str, Expectation[Any]] = {each.name: each for each in EXPECTATIONS}

__all__ = [
    "BY_NAME",
    "EXPECTATIONS",
    "OWNED",
    "OWNING",
    "REPAIRABLE",
    "Action",
    "Category",
    "Expectation",
    "Finding",
    "Parameters",
    "Refusal",
    "Rule",
    "Severity",
]
