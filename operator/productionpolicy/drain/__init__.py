"""What happens to the workloads of a cluster if nodes are drained or fail. Nothing here knows a cluster or a clock."""

from productionpolicy.drain.chance import DECIDING
from productionpolicy.drain.cluster import Cluster, Key
from productionpolicy.drain.kubectl import DrainFlags
from productionpolicy.drain.outcome import Blocker, Dark, NodeOutcome, Outcome, PendingPod, Result, Step
from productionpolicy.drain.play import Options, drain, lose, lose_each
from productionpolicy.drain.reading import complete_coverage, read
from productionpolicy.drain.repaired import moves, repaired

__all__ = [
    "DECIDING",
    "Blocker",
    "Cluster",
    "Dark",
    "DrainFlags",
    "Key",
    "NodeOutcome",
    "Options",
    "Outcome",
    "PendingPod",
    "Result",
    "Step",
    "complete_coverage",
    "drain",
    "lose",
    "lose_each",
    "moves",
    "read",
    "repaired",
]
