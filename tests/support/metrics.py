"""The metrics of the operator, with the names that Prometheus sees."""

from __future__ import annotations

from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from productionpolicy.controller import metrics

METRICS = {each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)}


def exposed_name(metric: MetricWrapperBase) -> str:
    """Return the name of a metric."""
    return f"{metric._name}_total" if isinstance(metric, Counter) else metric._name


def series_of(metric: MetricWrapperBase) -> set[str]:
    """Return the names of the series of a metric, of which a histogram has several."""
    name = exposed_name(metric)
    return {f"{name}_{part}" for part in ("bucket", "count", "sum")} if isinstance(metric, Histogram) else {name}
