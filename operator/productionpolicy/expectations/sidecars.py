"""Helpers of an application run as native sidecars.

## What it expects
In a Job or a CronJob, no helper image (proxies, log shippers, exporters) runs as an ordinary container next to another
one. In the other kinds, no image of a helper that is needed at startup is listed after a container of the application.
In both cases, use a native sidecar, an init container with `restartPolicy: Always`, which starts before the application
and ends after it. A helper that is alone in its pod does not count, and neither does a container that the policy
exempts (`exemptContainers`), in a Job either. In a Job, a helper is not judged if a shell starts it, or if another
container may end it (by a request, or a signal in a shared process namespace).

## Why it matters
A Job is complete when all of its ordinary containers have ended, and a proxy never ends. Ordinary containers start in
the order of the manifest; an application that starts before its proxy fails on its first connection.

## Repair and its risk
None. Native sidecars need Kubernetes 1.29, and if an operator injects the helper, this is a setting of that operator.

## Example
```yaml
sidecars: {action: Audit, additionalHelpers: [keyring], additionalNeededAtStart: [keyring], disabledHelpers: [vault]}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    always,
)
from productionpolicy.kube.images import ImagePattern
from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.start import runs_shell
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload

_NEEDED_AT_START = (
    *("cloud-sql-proxy", "cloudsql-proxy", "gce-proxy", "alloydb-auth-proxy", "proxyv2", "linkerd/proxy"),
    *("daprd", "consul-dataplane", "kuma-dp", "vault"),
)
_SHIPPERS = (
    *("fluent-bit", "aws-for-fluent-bit", "fluentd", "filebeat", "metricbeat", "vector", "promtail", "grafana-agent"),
    *("grafana/agent", "alloy", "datadog/agent", "datadoghq/agent", "telegraf", "infrastructure-bundle", "vmagent"),
    *("opentelemetry-collector*", "aws-otel-collector", "splunk-otel-collector", "jaeger-agent", "aws-xray-daemon"),
    *("cloudwatch-agent",),
)
_EXPORTERS = (
    *("node-exporter", "mysqld-exporter", "postgres-exporter", "postgres_exporter", "redis-exporter", "redis_exporter"),
    *("mongodb-exporter", "mongodb_exporter", "kafka-exporter", "rabbitmq-exporter", "elasticsearch-exporter"),
    *("memcached-exporter", "statsd-exporter", "blackbox-exporter", "jmx-exporter", "*prometheus-exporter"),
    *("haproxy-exporter", "haproxy_exporter", "apache-exporter", "apache_exporter", "php-fpm-exporter"),
    *("php-fpm_exporter", "prometheus-nats-exporter", "mysqld_exporter", "node_exporter"),
)
_OTHERS = (
    *("envoy", "oauth2-proxy", "kube-rbac-proxy", "pgbouncer", "configmap-reload", "prometheus-config-reloader"),
    *("k8s-sidecar", "spiffe-helper", "tailscale", "docker:*dind*"),
)
_ENDS_ANOTHER = re.compile(r"quitquitquit|/quit\b|/shutdown\b|\b(?:p?kill|killall)\b")
_JOBS = frozenset({Kind.JOB, Kind.CRON_JOB})


_HELPERS = (*_NEEDED_AT_START, *_SHIPPERS, *_EXPORTERS, *_OTHERS)


class SidecarsParameters(AuditedParameters, frozen=True, kw_only=True):
    """Helpers start before the application that needs them, and end after it."""

    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {"helpers": _HELPERS, "needed_at_start": _NEEDED_AT_START}

    additional_helpers: Annotated[
        tuple[ImagePattern, ...],
        Meta(
            max_length=128,
            description="Images of helpers that never end, in addition to the built-in ones: globs that match the end "
            "of a name.",
        ),
    ] = ()
    disabled_helpers: Annotated[
        tuple[str, ...], Meta(max_length=128, description="Built-in images of helpers that do not count.")
    ] = ()
    additional_needed_at_start: Annotated[
        tuple[ImagePattern, ...],
        Meta(
            max_length=128,
            description="Images of helpers without which the application does not start, in addition to the built-in "
            "ones.",
        ),
    ] = ()
    disabled_needed_at_start: Annotated[
        tuple[str, ...],
        Meta(max_length=128, description="Built-in images of helpers that are not needed at startup."),
    ] = ()


def audit(workload: Workload, parameters: SidecarsParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find helpers that keep a Job from ending, or that start too late."""
    ordinary = tuple(each for each in workload.template.containers if not each.init)
    if workload.kind not in _JOBS:
        yield from _late(ordinary, parameters)
    elif not workload.template.shares_processes:
        yield from _endless(ordinary, parameters)


def _endless(ordinary: tuple[Container, ...], parameters: SidecarsParameters) -> Iterator[Finding]:
    helping = [each for each in ordinary if each.has_image_of(parameters.listed("helpers"))]
    alone = len(helping) == len(ordinary)
    if alone or any(_ENDS_ANOTHER.search(word.text) for each in ordinary for word in each.words):
        return
    for container in helping:
        if not runs_shell(container):
            yield _found(container, "never ends, so neither does the Job")


def _late(ordinary: tuple[Container, ...], parameters: SidecarsParameters) -> Iterator[Finding]:
    needed = parameters.listed("needed_at_start")
    helpers = (*parameters.listed("helpers"), *needed)
    for container in dropwhile(lambda each: each.image is None or each.has_image_of(helpers), ordinary):
        if container.has_image_of(needed):
            yield _found(container, "starts after the application that needs it")


def _found(container: Container, message: str) -> Finding:
    return Finding(
        path=container.path,
        message=f"container {container.name} {message}",
        remedy="make it a native sidecar: an init container with restartPolicy: Always",
    )


SIDECARS = Expectation(
    name="sidecars",
    title="Helpers that start first and end last",
    severity=Severity.LOW,
    category=Category.PROCESSES,
    parameters=SidecarsParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    heuristic=True,
)
