"""State outlives the pod that keeps it.

## What it expects
A StatefulSet has a volumeClaimTemplate, or a volume that outlives its pods. A container whose image is a
data store mounts such a volume, in a Deployment too; Redis and its kin only if the command line says
`appendonly yes`. A store whose image only serves as a client is not meant: a command that starts no server tells. A
claim that a single node can mount (ReadWriteOnce) is mounted by Deployments of one pod only.

## Why it matters
What stands in an emptyDir, or in the container itself, is gone with the pod, at the next rollout or drain. Pods that
share a claim of a single node have to run on that node, and those on another never start.

## Repair and its risk
None. A claim costs money, and data has to be moved into it; a StatefulSet without state may better be a Deployment. One
that only needs the stable names of its pods can be exempt, and say so.

## Example
```yaml
persistence: {action: Audit, additionalDataStores: ["*-db"], disabledDataStores: [etcd]}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.images import ImagePattern
from productionpolicy.kube.pods import EMPTY_DIR, Container, Volume
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import INTERCHANGEABLE, REPLICATED, Kind, Workload

_PASSING = frozenset({EMPTY_DIR, "ephemeral", "configMap", "secret", "projected", "downwardAPI", "image", "gitRepo"})
"""Volumes that are gone with the pod, or that nobody can write."""

_KEEP_IF_TOLD = ("redis", "redis-stack", "redis-stack-server", "valkey", "keydb", "dragonfly")
"""Caches that are stores only if told to be."""

_TOLD = re.compile(r"\bappendonly\W{1,8}yes\b")
_SERVES = re.compile(
    r"entrypoint|run\.sh|\bserver\b|\bstart(?:-foreground|-single-node)?\b|\b(?:postgres|mysqld|mysqld_safe|mariadbd|mongod|cassandra|elasticsearch|etcd"
    r"|rabbitmq-server|redis-server|influxd|clickhouse-server|couchdb|neo4j)\b"
)
"""Words of a command line by which a store serves; others are those of a client."""

_ENOUGH = 1
"""Pods that can mount a claim of a single node without a thought."""


_DATA_STORES = (
    *("postgres", "postgresql", "postgis", "timescaledb", "pgvector", "mysql", "mysql-server", "mariadb", "mongo"),
    *("mongodb", "mongodb-community-server", "mongodb-enterprise-server", "percona-server", "mssql/server"),
    *("percona-server-mongodb", "cassandra", "scylla", "couchdb", "couchbase", "couchbase/server", "neo4j"),
    *("arangodb", "rethinkdb", "influxdb", "clickhouse", "clickhouse-server", "cockroach", "etcd", "zookeeper"),
    *("cp-zookeeper", "kafka", "cp-kafka", "rabbitmq", "elasticsearch", "opensearch", "solr", "minio", "qdrant"),
)


class PersistenceParameters(AuditedParameters, frozen=True, kw_only=True):
    """State is kept in volumes that outlive the pods."""

    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {"data_stores": _DATA_STORES}

    additional_data_stores: Annotated[
        tuple[ImagePattern, ...],
        Meta(
            max_length=128,
            description="Images of data stores in addition to the built-in ones: globs of the end of a name.",
        ),
    ] = ()
    disabled_data_stores: Annotated[
        tuple[str, ...], Meta(max_length=128, description="Built-in images of data stores that do not count.")
    ] = ()


def audit(workload: Workload, parameters: PersistenceParameters, around: Surroundings) -> Iterator[Finding]:
    """Find state that a pod takes with it, and claims that its pods cannot share."""
    volumes = workload.template.volumes
    kept = {*workload.claim_templates, *(each.name for each in volumes if each.source not in _PASSING)}
    if _legible(workload):
        yield from _stateless(workload, kept)
        yield from _losing_stores(workload, kept, parameters)
    if workload.kind in INTERCHANGEABLE and around.ceiling(workload) > _ENOUGH:
        yield from _shared_claims(volumes, around, pods=around.ceiling(workload))


def _legible(workload: Workload) -> bool:
    """Say whether it is known which volumes there are, and who mounts them."""
    path = workload.template.path
    mounts = (f"{each.path}.volumeMounts" for each in workload.template.containers)
    return all(map(workload.legible, ("spec.volumeClaimTemplates", f"{path}.volumes", *mounts)))


def _stateless(workload: Workload, kept: set[str]) -> Iterator[Finding]:
    if workload.kind is Kind.STATEFUL_SET and not kept:
        yield Finding(
            path="spec.volumeClaimTemplates",
            message="the StatefulSet has no volume that outlives its pods, so each of them begins with nothing",
            remedy="add a volumeClaimTemplate for its state, or make it a Deployment if it has none",
        )


def _losing_stores(workload: Workload, kept: set[str], parameters: PersistenceParameters) -> Iterator[Finding]:
    if workload.kind is Kind.STATEFUL_SET and not kept:
        return
    for container in workload.template.containers:
        mounted = {each.volume for each in container.mounts}
        if container.long_running and not mounted & kept and _is_store(container, parameters):
            yield Finding(
                path=f"{container.path}.volumeMounts",
                message=f"container {container.name} is a data store, and what it keeps is gone with its pod",
                remedy="mount a volume of a PersistentVolumeClaim where it keeps its data",
            )


def _is_store(container: Container, parameters: PersistenceParameters) -> bool:
    line = " ".join(each.text for each in container.words)
    if container.has_image_of(_KEEP_IF_TOLD):
        return _TOLD.search(line) is not None
    serves = not line or line.startswith("-") or _SERVES.search(line) is not None
    return serves and container.has_image_of(parameters.listed("data_stores"))


def _shared_claims(volumes: tuple[Volume, ...], around: Surroundings, *, pods: int) -> Iterator[Finding]:
    single = {each.name for each in around.claims if each.single}
    for volume in volumes:
        if volume.claim in single:
            yield Finding(
                path=f"{volume.path}.persistentVolumeClaim.claimName",
                message=f"up to {pods} pods share claim {volume.claim}, which only one node can mount",
                remedy="use a claim that is ReadWriteMany, or a StatefulSet with a volumeClaimTemplate",
            )


PERSISTENCE = Expectation(
    name="persistence",
    title="State that outlives its pod",
    parameters=PersistenceParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    kinds=REPLICATED,
)
