"""The kinds of the Kubernetes API that the operator reads and writes."""

from __future__ import annotations

from msgspec import Struct

from productionpolicy.kube.identity import GROUP, KIND, PLURAL, VERSION
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.workloads import Kind
from productionpolicy.reports import Form


class Resource(Struct, frozen=True):
    """A kind, and where it is served."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    optional: bool = False
    """Whether the operator works without it. If the API server does not serve it, it counts as empty."""

    @property
    def group_kind(self) -> GroupKind:
        """The kind, independent of the version."""
        return GroupKind(self.group, self.kind)

    @property
    def called(self) -> str:
        """Its name as in commands and rights, such as `pods` or `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, name: str | None = None, *, namespace: str | None = None, subresource: str | None = None) -> str:
        """Return the path of all objects, or of one, or of its subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        where = f"/namespaces/{namespace}" if namespace else ""
        parts = (root + where, self.plural, name, subresource)
        return "/".join(part for part in parts if part)


PODS = Resource("", "v1", "pods", "Pod")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
LIMIT_RANGES = Resource("", "v1", "limitranges", "LimitRange")
ADMISSION_GROUP = "admissionregistration.k8s.io"
POLICIES = Resource(GROUP, VERSION, PLURAL, KIND, namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
EVENTS = Resource("", "v1", "events", "Event")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
REPLICATION_CONTROLLERS = Resource("", "v1", "replicationcontrollers", "ReplicationController")
JOBS = Resource("batch", "v1", "jobs", "Job", optional=True)
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob", optional=True)
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", optional=True)
DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False)
OWN_ACCESS_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False
)
MUTATING_WEBHOOKS = Resource(
    ADMISSION_GROUP, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", namespaced=False
)
SERVICES = Resource("", "v1", "services", "Service")
PERSISTENT_VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
CSI_NODES = Resource("storage.k8s.io", "v1", "csinodes", "CSINode", namespaced=False)
MONITORS = (
    Resource("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor", optional=True),
    Resource("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor", optional=True),
)
"""The kinds with which the Prometheus operator is told what to scrape."""

REPORTS = {
    Form.OPEN_REPORTS: Resource("openreports.io", "v1alpha1", "reports", "Report", optional=True),
    Form.POLICY_REPORT: Resource("wgpolicyk8s.io", "v1alpha2", "policyreports", "PolicyReport", optional=True),
}
"""The kinds of reports. They belong to other projects, and are only written."""

WATCHED = (
    POLICIES,
    NAMESPACES,
    NODES,
    AUTOSCALERS,
    BUDGETS,
    CLAIMS,
    SERVICE_ACCOUNTS,
    LIMIT_RANGES,
    DAEMON_SETS,
    JOBS,
    CRON_JOBS,
    STATEFUL_SETS,
    DEPLOYMENTS,
)
"""The watched kinds, in the order of the first listing: objects that affect workloads come before workloads.

Optional kinds are only read, and belong to an API group that a cluster may lack.
"""

DRAINED = (
    PODS,
    NODES,
    BUDGETS,
    REPLICA_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    JOBS,
    REPLICATION_CONTROLLERS,
    NAMESPACES,
    CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    CSI_NODES,
)
"""The kinds that decide what happens if nodes are drained or fail."""

BY_KIND = {each.group_kind: each for each in WATCHED}
"""The resource of each watched kind."""

LISTED = (PODS, REPLICA_SETS, REPLICATION_CONTROLLERS)
"""The kinds of which most objects belong to others: they are listed from time to time, in place of being watched."""

WORKLOADS = {
    str(kind): resource
    for kind, resource in (
        (Kind.DEPLOYMENT, DEPLOYMENTS),
        (Kind.STATEFUL_SET, STATEFUL_SETS),
        (Kind.DAEMON_SET, DAEMON_SETS),
        (Kind.REPLICA_SET, REPLICA_SETS),
        (Kind.REPLICATION_CONTROLLER, REPLICATION_CONTROLLERS),
        (Kind.JOB, JOBS),
        (Kind.CRON_JOB, CRON_JOBS),
        (Kind.POD, PODS),
    )
}
"""Where each kind of workload is served."""
