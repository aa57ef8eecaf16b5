"""What the operator tells Prometheus, beside what its client library tells of the process and of Python."""

from importlib.metadata import version
from platform import python_version

from prometheus_client import Counter, Gauge, Histogram

from productionpolicy.expectations import EXPECTATIONS

BUILD_INFO = Gauge(
    "productionpolicy_build_info",
    "1, with the versions of the operator and of Python as labels.",
    ["version", "python"],
)
WORKLOADS = Gauge(
    "productionpolicy_workloads", "Governed workloads by the class they are counted in.", ["policy", "state"]
)
FINDINGS = Gauge(
    "productionpolicy_expectation_workloads",
    "Governed workloads by expectation and outcome.",
    ["policy", "expectation", "outcome"],
)
NAMESPACE_WORKLOADS = Gauge(
    "productionpolicy_namespace_workloads",
    "Governed workloads by namespace.",
    # The label namespace of the scrape target is that of the operator.
    ["policy", "workload_namespace"],
)
NAMESPACE_VIOLATING = Gauge(
    "productionpolicy_namespace_violating_workloads",
    "Governed workloads with findings by namespace.",
    ["policy", "workload_namespace"],
)
CONDITIONS = Gauge(
    "productionpolicy_policy_condition",
    "1 for each condition of a policy, with its status and reason as labels.",
    ["policy", "type", "status", "reason"],
)
REPAIRS = Counter("productionpolicy_repairs_total", "Repairs written, by expectation.", ["expectation"])
WITHDRAWALS = Counter("productionpolicy_withdrawals_total", "Repairs withdrawn, by expectation.", ["expectation"])
FAILURES = Counter("productionpolicy_write_failures_total", "Writes that failed, by reason.", ["reason"])
REQUESTS = Counter(
    "productionpolicy_api_requests_total", "Requests to the API server, except watches.", ["verb", "code"]
)
REQUEST_SECONDS = Histogram(
    "productionpolicy_api_request_seconds", "Duration of requests to the API server, except watches.", ["verb"]
)
FAILED_ROLLOUTS = Counter(
    "productionpolicy_failed_rollouts_total",
    "Rollouts because of the operator that failed and were rolled back.",
    ["policy"],
)
ADMISSION_MISSED = Counter(
    "productionpolicy_admission_missed_total",
    "Workloads that were admitted without the repairs that the admission policy should have made.",
    ["policy"],
)
QUEUED = Gauge("productionpolicy_queue_length", "Workloads that wait to be evaluated.")
ROLLING = Gauge(
    "productionpolicy_rollouts_in_flight", "Workloads that are rolling out because of the operator.", ["policy"]
)
WATCH_SILENCE = Gauge(
    "productionpolicy_watch_silence_seconds", "Seconds since the last message on a watch.", ["resource"]
)
LISTING_SECONDS = Gauge("productionpolicy_listing_seconds", "Duration of the last full listing.")
EVENTS_DROPPED = Counter(
    "productionpolicy_events_dropped_total", "Events that were not posted because there were too many."
)

DRAIN_BLOCKED_NODES = Gauge(
    "productionpolicy_drain_blocked_nodes",
    "Nodes that could not be drained because of governed workloads, by the last audit of drains.",
    ["policy"],
)
DRAIN_DARK_WORKLOADS = Gauge(
    "productionpolicy_drain_dark_workloads",
    "Governed workloads without a ready pod if one certain node or zone fails, by the last audit of drains.",
    ["policy", "by"],
)
DRAIN_AUDIT_SUCCESS = Gauge(
    "productionpolicy_drain_audit_last_success_timestamp_seconds",
    "When drains were last played, in seconds since 1970.",
    ["policy"],
)
DRAIN_AUDIT_SECONDS = Gauge("productionpolicy_drain_audit_duration_seconds", "Duration of the last audit of drains.")

OF_DRAIN_AUDITS = (DRAIN_BLOCKED_NODES, DRAIN_DARK_WORKLOADS, DRAIN_AUDIT_SUCCESS)
"""Those that exist only while a policy audits drains."""

OF_A_POLICY = (
    *(WORKLOADS, FINDINGS, NAMESPACE_WORKLOADS, NAMESPACE_VIOLATING, CONDITIONS, ROLLING),
    *(FAILED_ROLLOUTS, ADMISSION_MISSED, *OF_DRAIN_AUDITS),
)
"""The metrics with the label policy."""


def begin() -> None:
    """Export the build information, and start counters at 0.

    Without a first sample of 0, increase() of Prometheus does not see the first increment of a new series.
    """
    BUILD_INFO.labels(version=version("productionpolicy"), python=python_version()).set(1)
    for each in EXPECTATIONS:
        if each.repair is not None:
            REPAIRS.labels(expectation=each.name)
            WITHDRAWALS.labels(expectation=each.name)
