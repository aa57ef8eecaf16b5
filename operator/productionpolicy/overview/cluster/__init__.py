"""The pages and the JSON that the operator serves: what it knows of the workloads of a cluster."""

from productionpolicy.overview.cluster.answers import Answer, answer
from productionpolicy.overview.cluster.snapshot import Known, KnownPolicy, Snapshot

__all__ = ["Answer", "Known", "KnownPolicy", "Snapshot", "answer"]
