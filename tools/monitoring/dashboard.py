"""What the dashboard shows: compliance, repairs, and the operator itself."""

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
            Row("The operator", OPERATOR),
        ],
    )


def workloads(*labels: str, states: str = ".+") -> str:
    """Return how many workloads there are in some states. Where two operators count the same, max takes it once."""
    counted = f'max by (policy, state) (productionpolicy_workloads{{{POLICY},state=~"{states}"}})'
    return f"sum by ({', '.join(labels)}) ({counted})"


def outcomes(*names: str) -> str:
    """Return on how many workloads each expectation came out so."""
    selected = f'productionpolicy_expectation_workloads{{{POLICY},outcome=~"{"|".join(names)}"}}'
    return f"sum by (expectation) (max by (policy, expectation, outcome) ({selected}))"


def namespaces(metric: str) -> str:
    """Return the workloads of each namespace."""
    return f"sum by (workload_namespace) (max by (policy, workload_namespace) ({metric}{{{POLICY}}}))"


def increase(metric: str, by: str, *, of_policies: bool = False) -> str:
    """Return by how much a counter rises in the time between two points."""
    selected = f"{metric}{{{POLICY}}}" if of_policies else metric
    return f"sum by ({by}) (increase({selected}[$__rate_interval]))"


def latency(quantile: float) -> str:
    """Return in what time so many of the requests are answered."""
    rates = "sum by (le, verb) (rate(productionpolicy_api_request_seconds_bucket[$__rate_interval]))"
    return f"histogram_quantile({quantile}, {rates})"


def of_operator(metric: str) -> str:
    """Return a metric of the process, of the operator's alone."""
    return f"{metric} * on (job, instance) group_left () productionpolicy_build_info"


COMPLIANT = f"{workloads('policy', states='compliant|exempt')} / ({workloads('policy')} > 0)"
# An outcome that never was is not told of.
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
        "Each workload is counted once. contested and failed need a person.",
        (Query(workloads("state"), "{{state}}"),),
        stacked=True,
    ),
    Panel(
        "Compliance by expectation",
        "Of the workloads to which an expectation applies, the share that meets it. Exempt ones do not count.",
        (Query(f"sort({PASSED} / ({outcomes('passed', 'failed')} > 0))", "{{expectation}}"),),
        kind="bargauge",
        unit="percentunit",
        width=12,
    ),
    Panel(
        "Compliance by namespace",
        "The share of workloads without findings, in the 20 namespaces where it is least.",
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
        "What the status of each policy says. docs/operations.md explains the reasons.",
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
        "Repairs taken back, by expectation.",
        (Query(increase("productionpolicy_withdrawals_total", "expectation"), "{{expectation}}"),),
        stacked=True,
    ),
    Panel(
        "Contested and failed",
        "Workloads whose repair another writer undoes, was refused, or made a rollout fail.",
        (Query(workloads("policy", "state", states="contested|failed"), "{{policy}} {{state}}"),),
        limit=1,
    ),
    Panel(
        "Rollouts in flight",
        "Workloads that roll out because of a repair. spec.rollout bounds them.",
        (Query(f"max by (policy) (productionpolicy_rollouts_in_flight{{{POLICY}}})", "{{policy}}"),),
    ),
    Panel(
        "Rollouts put back",
        "Rollouts that failed because of a repair. After three, a policy restarts no more pods.",
        (Query(increase("productionpolicy_failed_rollouts_total", "policy", of_policies=True), "{{policy}}"),),
    ),
    Panel(
        "Admission misses",
        "Workloads that came in without the repairs that the admission policy should have made.",
        (Query(increase("productionpolicy_admission_missed_total", "policy", of_policies=True), "{{policy}}"),),
    ),
)

OPERATOR = (
    Panel(
        "Queue",
        "Workloads that wait to be looked at. It is full after a start, and should then be next to empty.",
        (Query("max(productionpolicy_queue_length)", "workloads"),),
    ),
    Panel(
        "Latency of the API server",
        "In what time requests are answered, watches aside, by method of HTTP.",
        (Query(latency(0.5), "{{verb}} median"), Query(latency(0.99), "{{verb}} 99 of 100")),
        unit="s",
    ),
    Panel(
        "Requests to the API server",
        "Requests a second, watches aside, by status code; 0 where there was no answer.",
        (Query("sum by (code) (rate(productionpolicy_api_requests_total[$__rate_interval]))", "{{code}}"),),
        unit="reqps",
        stacked=True,
    ),
    Panel(
        "Writes without success",
        "By what became of them. A Conflict is tried again at once.",
        (Query(increase("productionpolicy_write_failures_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        "Silence of watches",
        f"Time since a watch was last heard of. After {SILENT_SECONDS:.0f} s the operator is not ready, after "
        f"{LONGEST_SILENCE_SECONDS:.0f} s it restarts.",
        (Query("max by (resource) (productionpolicy_watch_silence_seconds)", "{{resource}}"),),
        unit="s",
        limit=SILENT_SECONDS,
    ),
    Panel(
        "Duration of the last full listing",
        "All watched kinds, every 15 minutes by default.",
        (Query("max(productionpolicy_listing_seconds)", "listing"),),
        unit="s",
    ),
    Panel(
        "Events dropped",
        "Events not posted because there were too many.",
        (Query("sum(increase(productionpolicy_events_dropped_total[$__rate_interval]))", "events"),),
    ),
    Panel(
        "CPU",
        "CPU time a second of each operator.",
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
        "Which operators run.",
        (Query("productionpolicy_build_info"),),
        kind="table",
        width=24,
    ),
)
