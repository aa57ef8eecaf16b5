"""The panels of the dashboard: compliance, repairs, and the operator itself."""

from __future__ import annotations

from monitoring.grafana import Panel, Query, Row, dashboard, label_variable, source_variable
from productionpolicy.controller.operator import LONGEST_SILENCE_SECONDS
from productionpolicy.controller.watches import SILENT_SECONDS

POLICY = 'policy=~"$policy"'


def text() -> str:
    """Return the dashboard as JSON."""
    return dashboard(
        uid="productionpolicy",
        title="productionpolicy",
        variables=[
            source_variable(),
            label_variable("policy", text="Policy", metric="productionpolicy_workloads"),
        ],
        rows=[
            Row("Compliance", COMPLIANCE),
            Row("Repairs", REPAIRS),
            Row("Drains", DRAINS),
            Row("The operator", OPERATOR),
        ],
    )


def workloads(*labels: str, states: str = ".+") -> str:
    """Return the number of workloads in some states. Two replicas report the same workloads; max counts them once."""
    counted = f'max by (policy, state) (productionpolicy_workloads{{{POLICY},state=~"{states}"}})'
    return f"sum by ({', '.join(labels)}) ({counted})"


def outcomes(*names: str) -> str:
    """Return the number of workloads with these outcomes, by expectation."""
    selected = f'productionpolicy_expectation_workloads{{{POLICY},outcome=~"{"|".join(names)}"}}'
    return f"sum by (expectation) (max by (policy, expectation, outcome) ({selected}))"


def namespaces(metric: str) -> str:
    """Return the workloads of each namespace."""
    return f"sum by (workload_namespace) (max by (policy, workload_namespace) ({metric}{{{POLICY}}}))"


def increase(metric: str, by: str, *, of_policies: bool = False) -> str:
    """Return the increase of a counter between two points of a graph."""
    selected = f"{metric}{{{POLICY}}}" if of_policies else metric
    return f"sum by ({by}) (increase({selected}[$__rate_interval]))"


def latency(quantile: float) -> str:
    """Return a quantile of the duration of requests."""
    rates = "sum by (le, verb) (rate(productionpolicy_api_request_seconds_bucket[$__rate_interval]))"
    return f"histogram_quantile({quantile}, {rates})"


def of_operator(metric: str) -> str:
    """Return a metric of the processes of the operator."""
    return f"{metric} * on (job, instance) group_left () productionpolicy_build_info"


COMPLIANT = f"{workloads('policy', states='compliant|exempt')} / ({workloads('policy')} > 0)"
# An outcome that has not occurred has no series.
PASSED = f"({outcomes('passed')} or 0 * {outcomes('failed')})"
VIOLATING = namespaces("productionpolicy_namespace_violating_workloads")

COMPLIANCE = (
    Panel(
        "Compliance",
        "The share of governed workloads that are compliant or exempt.",
        (Query(COMPLIANT, "{{policy}}"),),
        kind="stat",
        unit="percentunit",
    ),
    Panel("Compliance over time", "The same by policy.", (Query(COMPLIANT, "{{policy}}"),), unit="percentunit"),
    Panel(
        "Workloads by state",
        "Each workload is in one state. Contested and failed workloads need manual action.",
        (Query(workloads("state"), "{{state}}"),),
        stacked=True,
    ),
    Panel(
        "Compliance by expectation",
        "The share of workloads that meet the expectation. Exempt workloads do not count.",
        (Query(f"sort({PASSED} / ({outcomes('passed', 'failed')} > 0))", "{{expectation}}"),),
        kind="bargauge",
        unit="percentunit",
        width=12,
    ),
    Panel(
        "Compliance by namespace",
        "The share of workloads without findings, for the 20 namespaces with the lowest share.",
        (
            Query(
                f"sort(bottomk(20, 1 - {VIOLATING} / {namespaces('productionpolicy_namespace_workloads')}))",
                "{{workload_namespace}}",
            ),
        ),
        kind="bargauge",
        unit="percentunit",
        width=12,
    ),
    Panel(
        "Conditions of the policies",
        "The conditions in the status of each policy.",
        (Query(f"max by (policy, type, status, reason) (productionpolicy_policy_condition{{{POLICY}}})"),),
        kind="table",
        width=24,
    ),
)

REPAIRS = (
    Panel(
        "Repairs",
        "Repairs written, by expectation.",
        (Query(increase("productionpolicy_repairs_total", "expectation"), "{{expectation}}"),),
        stacked=True,
    ),
    Panel(
        "Withdrawals",
        "Repairs withdrawn, by expectation.",
        (Query(increase("productionpolicy_withdrawals_total", "expectation"), "{{expectation}}"),),
        stacked=True,
    ),
    Panel(
        "Contested and failed",
        "Contested: another writer undoes a repair. Failed: a repair was refused, or its rollout was rolled back.",
        (Query(workloads("policy", "state", states="contested|failed"), "{{policy}} {{state}}"),),
        limit=1,
    ),
    Panel(
        "Rollouts in flight",
        "Workloads that are rolling out because of the operator. spec.rollout limits them.",
        (Query(f"max by (policy) (productionpolicy_rollouts_in_flight{{{POLICY}}})", "{{policy}}"),),
    ),
    Panel(
        "Failed rollouts",
        "Rollouts because of the operator that failed and were rolled back. After three, the policy stops.",
        (Query(increase("productionpolicy_failed_rollouts_total", "policy", of_policies=True), "{{policy}}"),),
    ),
    Panel(
        "Admission misses",
        "Workloads that were admitted without the repairs that the admission policy should have made.",
        (Query(increase("productionpolicy_admission_missed_total", "policy", of_policies=True), "{{policy}}"),),
    ),
)

DRAINS = (
    Panel(
        "Nodes that cannot be drained",
        "By the last audit of drains of each policy with spec.drainAudit. status.drainAudit lists them.",
        (Query(f"max by (policy) (productionpolicy_drain_blocked_nodes{{{POLICY}}})", "{{policy}}"),),
        limit=1,
    ),
    Panel(
        "Workloads that one failure takes down",
        "Governed workloads without a ready pod if one certain node or zone fails.",
        (Query(f"max by (policy, by) (productionpolicy_drain_dark_workloads{{{POLICY}}})", "{{policy}} by {{by}}"),),
    ),
    Panel(
        "Time since the last play",
        "How long ago drains were last played with a result. See spec.drainAudit.intervalSeconds.",
        (
            Query(
                f"time() - max by (policy) (productionpolicy_drain_audit_last_success_timestamp_seconds{{{POLICY}}})",
                "{{policy}}",
            ),
        ),
        unit="s",
    ),
    Panel(
        "Duration of the audit",
        "How long the last audit of drains took. It runs in a process of its own, with a low priority.",
        (Query("max(productionpolicy_drain_audit_duration_seconds)", "seconds"),),
        unit="s",
    ),
)

OPERATOR = (
    Panel(
        "Queue length",
        "Workloads that wait to be evaluated. The queue is long after a start, then almost empty.",
        (Query("max(productionpolicy_queue_length)", "workloads"),),
    ),
    Panel(
        "API latency",
        "Duration of requests to the API server, except watches, by HTTP method.",
        (Query(latency(0.5), "{{verb}} p50"), Query(latency(0.99), "{{verb}} p99")),
        unit="s",
    ),
    Panel(
        "API requests",
        "Requests per second to the API server, except watches, by status code; 0 means no answer.",
        (Query("sum by (code) (rate(productionpolicy_api_requests_total[$__rate_interval]))", "{{code}}"),),
        unit="reqps",
        stacked=True,
    ),
    Panel(
        "Failed writes",
        "Writes that failed, by reason. The operator retries after a Conflict.",
        (Query(increase("productionpolicy_write_failures_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        "Watch silence",
        f"Time since the last message on each watch. After {SILENT_SECONDS:.0f} s the operator is not ready, after "
        f"{LONGEST_SILENCE_SECONDS:.0f} s it restarts.",
        (Query("max by (resource) (productionpolicy_watch_silence_seconds)", "{{resource}}"),),
        unit="s",
        limit=SILENT_SECONDS,
    ),
    Panel(
        "Listing duration",
        "Duration of the last listing of the whole cluster, every 15 minutes by default.",
        (Query("max(productionpolicy_listing_seconds)", "listing"),),
        unit="s",
    ),
    Panel(
        "Events dropped",
        "Events that were not posted because there were too many.",
        (Query("sum(increase(productionpolicy_events_dropped_total[$__rate_interval]))", "events"),),
    ),
    Panel(
        "CPU",
        "CPU time per second of each operator.",
        (Query(of_operator("rate(process_cpu_seconds_total[$__rate_interval])"), "{{instance}}"),),
    ),
    Panel(
        "Memory",
        "Resident memory of each operator.",
        (Query(of_operator("process_resident_memory_bytes"), "{{instance}}"),),
        unit="bytes",
    ),
    Panel(
        "Versions",
        "The versions of the operator and of Python.",
        (Query("productionpolicy_build_info"),),
        kind="table",
        width=24,
    ),
)
