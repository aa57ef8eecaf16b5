"""What the operator tells Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

WORKLOADS = Gauge(
    "productionpolicy_workloads", "Governed workloads by the class they are counted in.", ["policy", "state"]
)
FINDINGS = Gauge(
    "productionpolicy_expectation_workloads",
    "Governed workloads by expectation and outcome.",
    ["policy", "expectation", "outcome"],
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
