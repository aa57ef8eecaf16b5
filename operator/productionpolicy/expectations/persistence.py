"""State outlives the pod that keeps it.

## What it expects
A StatefulSet has a volumeClaimTemplate, or a volume that outlives its pods, unless everything it runs is known to keep
no state, as memcached does. A container with the image of a data store mounts such a volume, in a Deployment too: at
the path of its data, if an option or a variable names it (`--datadir`, `PGDATA`), or a volume is mounted where the
image usually has it. Volumes that hold no data of pods do not count: files, sockets and settings of the node
(`/etc/localtime`, `docker.sock`), drivers that mount secrets or certificates, and for a data store those that it cannot
write to.

Some images count as stores only if the command line or a variable says so: Redis and similar stores with an append-only
file or snapshots, NATS with JetStream, Consul and Vault as servers, Milvus standalone. A store in a role without state
does not count: a coordinating-only node of Elasticsearch, Kafka Connect, an agent, a client. Only Deployments of one
pod mount a claim that a single node can mount (ReadWriteOnce), unless all their pods run on one node anyway.

## Why it matters
Data in an emptyDir, or in the container itself, is lost with the pod, at the next rollout or drain. Pods that share a
claim of a single node must run on that node, and pods on another node never start.

## Repair and its risk
None. A claim costs money, and data must be migrated into it; a StatefulSet without state might better be a Deployment.
If a StatefulSet only needs the stable names of its pods, exempt it with that reason.

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
from productionpolicy.kube.pods import EMPTY_DIR, Container, Volume
from productionpolicy.kube.programs.commands import program, unwrapped
from productionpolicy.kube.programs.start import commands_in_sight
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import INTERCHANGEABLE, REPLICATED, Kind, Workload

_PASSING = frozenset({EMPTY_DIR, "ephemeral", "configMap", "secret", "projected", "downwardAPI", "image", "gitRepo"})
"""Volumes that are lost with the pod, or that are read-only."""

_OF_SECRETS = re.compile(r"secret|cert-manager|spiffe")
"""Matches CSI drivers that mount secrets and certificates: secrets-store.csi.k8s.io, csi.cert-manager.io and others."""

_NO_FOLDERS = frozenset({"Socket", "File", "CharDevice", "BlockDevice"})
_OF_THE_SYSTEM = re.compile(r"/(?:etc|dev|run|var/run|proc|sys|lib/modules|usr/share/zoneinfo)(?:/|$)")
"""Matches folders of a node that contain its settings, devices and sockets, not the data of pods."""

_KEEP_IF_TOLD: Mapping[tuple[str, ...], re.Pattern[str]] = {
    ("redis", "redis-stack", "redis-stack-server", "valkey", "keydb", "dragonfly"): re.compile(
        r"\bappendonly\W{1,8}yes\b|\bsave\W{1,8}\d|(?:AOF_ENABLED|APPENDONLY)=(?:yes|true|1)\b|RDB_POLICY=\S",
        re.IGNORECASE,
    ),
    ("nats", "nats-server", "nats-streaming"): re.compile(r"(?:^|\s)(?:-js|--?jetstream)\b(?!=false)|jetstream\s*[:{]"),
    ("consul",): re.compile(r"(?:^|\s)-server\b(?!=false)|bootstrap-expect|\bserver\W{1,4}true"),
    ("vault", "openbao"): re.compile(r"\bserver\b(?!.*\s-dev\b)"),
    ("milvus",): re.compile(r"\bstandalone\b"),
}
"""Images that are stores only if configured to be, and the pattern of that configuration."""

_KEEP_NOTHING = ("memcached", "memcache")

_IDLE = re.compile(
    r"(?:\b|_)connect[-_](?:distributed|standalone|run)\b|mirror[-_]?maker"
    r"|cruise[-_]control|kafka[-_]exporter|\bmongos\b|\bsentinel\b|(?:^|\bdgraph )(?:ratel|live|bulk)\b"
    r"|\bgrpc-proxy\b|--agent\b|enable-feature=\S*agent|\brpk\b(?!.*\bstart\b)"
)
"""Words of a command line with which a store runs in a role without state."""

_NODE_ROLES = re.compile(r"(?:^|\s)-?E?(?:\w*_)?node[._](?:roles|type)=(?P<roles>[^\n]*?)(?=$|\n|\s-)", re.IGNORECASE)
_STATELESS_ROLES = frozenset(
    {"", "ingest", "ml", "transform", "remote_cluster_client", "coordinating", "coordinating_only"}
)
"""Roles of Elasticsearch or OpenSearch nodes that hold neither data nor the state of the cluster."""

_NO_DATA = re.compile(r"node[._]data=false", re.IGNORECASE)
_NO_MASTER = re.compile(r"node[._]master=false", re.IGNORECASE)

_SERVES = re.compile(
    r"entrypoint|run\.sh|(?<!--)(?<!bootstrap-)\bserver\b|\bstart(?:-foreground|-single-node)?\b|\b(?:postgres|mysqld|mysqld_safe|mariadbd|mongod|cassandra|elasticsearch|etcd"
    r"|rabbitmq-server|redis-server|influxd|clickhouse-server|couchdb|neo4j|prometheus|redpanda|weaviate|tikv-server"
    r"|pd-server|alpha|zero)\b"
)
"""Words of a command line with which a store serves; without them, it is a client."""

_DATA_PATH = re.compile(
    r"(?:(?:^|\s)(?:--?(?:datadir|data-dir|dbpath|dir|storage\.tsdb\.path)[= ]|(?:-E)?path[._]data=)"
    r"|^(?:PGDATA|(?:ETCD|MYSQL|MARIADB|POSTGRESQL)_DATA_DIR)=|\bpostgres -D ?|\bdata_directory=)"
    r"[\"']?(?P<path>[^\s\"';,]+)",
    re.MULTILINE,
)
"""Options and variables that tell a store the path of its data."""

_USUAL_PATHS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("postgres", "postgresql", "postgis", "timescaledb", "pgvector"): (
        "/var/lib/postgresql/data",
        "/bitnami/postgresql",
    ),
    ("mysql", "mysql-server", "mariadb", "percona", "percona-server"): (
        *("/var/lib/mysql", "/bitnami/mysql", "/bitnami/mariadb"),
    ),
    ("mongo", "mongodb", "mongodb-community-server", "percona-server-mongodb"): (
        *("/data/db", "/data/configdb", "/bitnami/mongodb"),
    ),
    ("redis", "valkey"): ("/data", "/bitnami/redis/data", "/bitnami/valkey/data"),
    ("elasticsearch",): ("/usr/share/elasticsearch/data", "/bitnami/elasticsearch/data"),
    ("opensearch",): ("/usr/share/opensearch/data", "/bitnami/opensearch/data"),
    ("rabbitmq",): ("/var/lib/rabbitmq", "/bitnami/rabbitmq/mnesia"),
    ("cassandra",): ("/var/lib/cassandra", "/bitnami/cassandra"),
    ("clickhouse", "clickhouse-server"): ("/var/lib/clickhouse", "/bitnami/clickhouse"),
    ("influxdb",): ("/var/lib/influxdb", "/var/lib/influxdb2", "/bitnami/influxdb"),
    ("prometheus",): ("/prometheus", "/bitnami/prometheus/data"),
    ("mssql/server",): ("/var/opt/mssql",),
}
"""The paths of the data in images of stores, of their own projects and of Bitnami.

They count only where a volume is mounted there, because a configuration file may name another path.
"""

_CLIENT = re.compile(
    r"psql|pg_(?!ctl)\w+|(?:create|drop|vacuum|reindex)db|mysql(?:dump|admin|check|import|show|sh)?|mariadb(?:-[a-z]+)*"
    r"|mongo(?:sh|dump|restore|export|import|stat|top)?|etcd(?:ctl|utl)|rabbitmq(?:ctl|admin|-diagnostics)|cqlsh|nodetool"
    r"|clickhouse-client|influx|kafka-(?!server|run)[a-z-]+(?:\.sh)?|zkCli\.sh|cypher-shell|curl|wget|nc|ncat"
)
"""Programs of which the arguments only name a store, such as its host or its database."""

_ENOUGH = 1
"""The number of pods that can always mount a claim of a single node."""


_DATA_STORES = (
    *("postgres", "postgresql", "postgis", "timescaledb", "pgvector", "mysql", "mysql-server", "mariadb", "mongo"),
    *("mongodb", "mongodb-community-server", "mongodb-enterprise-server", "percona-server", "mssql/server"),
    *("percona-server-mongodb", "cassandra", "scylla", "couchdb", "couchbase", "couchbase/server", "neo4j"),
    *("arangodb", "rethinkdb", "influxdb", "clickhouse", "clickhouse-server", "cockroach", "etcd", "zookeeper"),
    *("cp-zookeeper", "kafka", "cp-kafka", "rabbitmq", "elasticsearch", "opensearch", "solr", "minio", "qdrant"),
    *("prometheus", "redpanda", "weaviate", "tikv", "pd", "dgraph", "consul", "vault", "openbao", "nats", "milvus"),
    *("percona-xtradb-cluster", "mariadb-galera", "postgresql-repmgr", "timescaledb-ha", "percona", "meilisearch"),
    *("typesense", "questdb", "victoria-metrics", "chroma", "surrealdb", "yugabyte", "orientdb", "ravendb", "db2"),
    *("oracle-free", "oracle-xe", "database/express", "database/free", "firebird", "crate", "clickhouse-keeper"),
)


class PersistenceParameters(AuditedParameters, frozen=True, kw_only=True):
    """State is kept in volumes that outlive the pods."""

    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {"data_stores": _DATA_STORES}

    additional_data_stores: Annotated[
        tuple[ImagePattern, ...],
        Meta(
            max_length=128,
            description="Images of data stores in addition to the built-in ones: globs that match the end of a name.",
        ),
    ] = ()
    disabled_data_stores: Annotated[
        tuple[str, ...], Meta(max_length=128, description="Built-in images of data stores that do not count.")
    ] = ()


def audit(workload: Workload, parameters: PersistenceParameters, around: Surroundings) -> Iterator[Finding]:
    """Find state that is lost with its pod, and claims that pods cannot share."""
    volumes = [each for each in workload.template.volumes if _outlives(each)]
    kept = {*workload.claim_templates, *(each.name for each in volumes)}
    if _legible(workload):
        yield from _stateless(workload, kept, parameters)
        yield from _losing_stores(workload, kept, parameters)
    if workload.kind in INTERCHANGEABLE and workload.template.claims and around.ceiling(workload) > _ENOUGH:
        yield from _shared_claims(workload, around)


def _outlives(volume: Volume) -> bool:
    """Return whether a volume is there after the pod, with the data in it."""
    path = volume.host_path or ""
    if volume.source == "csi" and (volume.read_only or _OF_SECRETS.search(volume.driver)):
        return False
    return volume.source not in _PASSING and not (
        volume.host_path_type in _NO_FOLDERS or _OF_THE_SYSTEM.match(path) is not None
    )


def _legible(workload: Workload) -> bool:
    """Return whether the volumes and their mounts can be read."""
    path = workload.template.path
    mounts = (f"{each.path}.volumeMounts" for each in workload.template.containers)
    return all(map(workload.legible, ("spec.volumeClaimTemplates", f"{path}.volumes", *mounts)))


def _stateless(workload: Workload, kept: set[str], parameters: PersistenceParameters) -> Iterator[Finding]:
    if workload.kind is Kind.STATEFUL_SET and not kept and not _keeps_nothing(workload, parameters):
        yield Finding(
            path="spec.volumeClaimTemplates",
            message="the StatefulSet has no volume that outlives its pods, so each of them starts without state",
            remedy="add a volumeClaimTemplate for its state, or make it a Deployment if it has none",
        )


def _losing_stores(workload: Workload, kept: set[str], parameters: PersistenceParameters) -> Iterator[Finding]:
    if workload.kind is Kind.STATEFUL_SET and not kept:
        return
    writable = kept.difference(each.name for each in workload.template.volumes if each.read_only)
    for container in workload.template.containers:
        if container.long_running and _is_store(container, parameters) and not _keeps(container, writable):
            yield Finding(
                path=f"{container.path}.volumeMounts",
                message=f"container {container.name} is a data store, and its data is lost with its pod",
                remedy="mount a volume of a PersistentVolumeClaim at the path of its data",
            )


def _keeps(container: Container, kept: set[str]) -> bool:
    """Return whether the data of a store is on one of the volumes, or may be, because its path is not known."""
    mounts = {each.path.rstrip("/"): each.volume in kept and not each.read_only for each in container.mounts}
    told = [each["path"].rstrip("/") for each in _DATA_PATH.finditer(_told(container))]
    if any(not each.startswith("/") for each in told):
        return any(mounts.values())
    usual = [path for images, paths in _USUAL_PATHS.items() if container.has_image_of(images) for path in paths]
    mounted = [found for each in told or usual if (found := _mounted_at(each, mounts)) is not None]
    return any(mounted) if told or mounted else any(mounts.values())


def _mounted_at(path: str, mounts: Mapping[str, bool]) -> bool | None:
    """Return whether a volume that is mounted at a path, above or below it keeps data; None if there is no volume."""
    above = [each for each in mounts if f"{path}/".startswith(f"{each}/")]
    below = [each for each in mounts if each.startswith(f"{path}/")]
    found = [mounts[each] for each in (*below, *sorted(above, key=len)[-1:])]
    return any(found) if found else None


def _keeps_nothing(workload: Workload, parameters: PersistenceParameters) -> bool:
    """Return whether a container is known to keep no state, and none is a store."""
    containers = workload.template.long_running
    idle = any(each.has_image_of(_KEEP_NOTHING) or _is_idle_store(each, parameters) for each in containers)
    return idle and not any(_is_store(each, parameters) for each in containers)


def _is_idle_store(container: Container, parameters: PersistenceParameters) -> bool:
    return container.has_image_of(parameters.listed("data_stores")) and _is_idle(_told(container))


def _is_store(container: Container, parameters: PersistenceParameters) -> bool:
    told = _told(container)
    for images, keeps in _KEEP_IF_TOLD.items():
        if container.has_image_of(images):
            return keeps.search(told) is not None
    return container.has_image_of(parameters.listed("data_stores")) and _serves(container) and not _is_idle(told)


def _serves(container: Container) -> bool:
    """Return whether the command line, or the image without one, starts a server, not only clients of one."""
    line = _line(container)
    if not line or line.startswith("-"):
        return True
    return any(
        _SERVES.search(" ".join(each)) is not None and not _CLIENT.fullmatch(program(unwrapped(each)))
        for each in commands_in_sight(container)
    )


def _is_idle(told: str) -> bool:
    """Return whether a store is configured for a role without state."""
    roles = _NODE_ROLES.search(told)
    if roles:
        return set(re.split(r"\W+", roles["roles"].lower())) <= _STATELESS_ROLES
    return _IDLE.search(told) is not None or bool(_NO_DATA.search(told) and _NO_MASTER.search(told))


def _line(container: Container) -> str:
    return " ".join(each.text for each in container.words)


def _told(container: Container) -> str:
    """Return the command line followed by the variables, one per line."""
    variables = (f"{each.name}={each.value}" for each in container.variables if each.value is not None)
    return "\n".join((_line(container), *variables))


def _shared_claims(workload: Workload, around: Surroundings) -> Iterator[Finding]:
    single = {each.name: each for each in around.claims_of_one(workload)}
    for volume in workload.template.volumes:
        if volume.claim in single:
            mounts = f"which only one {'pod' if single[volume.claim].of_one_pod else 'node'} can mount"
            yield Finding(
                path=f"{volume.path}.persistentVolumeClaim.claimName",
                message=f"up to {around.ceiling(workload)} pods share claim {volume.claim}, {mounts}",
                remedy="use a claim that is ReadWriteMany, or a StatefulSet with a volumeClaimTemplate",
            ).lasting_as(f"several pods may share claim {volume.claim}, {mounts}")


PERSISTENCE = Expectation(
    name="persistence",
    title="State that outlives its pod",
    severity=Severity.HIGH,
    category=Category.DATA,
    parameters=PersistenceParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    heuristic=True,
    kinds=REPLICATED,
    reads_values=True,
)
