"""What a repair of ours looks like on a workload: how it is written, noted, recognised and taken back.

One file per kind of amendment. Each knows nothing of why it is made; the expectations decide that.
"""

from productionpolicy.repairs.amendment import (
    Amendment,
    Illegible,
    Need,
    Notation,
    Patch,
    Standing,
    in_the_order_of,
    merged,
)
from productionpolicy.repairs.anti_affinity import AntiAffinity
from productionpolicy.repairs.budget import BudgetTerms
from productionpolicy.repairs.grace import Grace
from productionpolicy.repairs.message_policy import MessagePolicy
from productionpolicy.repairs.separation import Separation
from productionpolicy.repairs.sleep import Sleep
from productionpolicy.repairs.topology_spread import TopologySpread
from productionpolicy.repairs.unavailability import MaxUnavailable

__all__ = [
    "Amendment",
    "AntiAffinity",
    "BudgetTerms",
    "Grace",
    "Illegible",
    "MaxUnavailable",
    "MessagePolicy",
    "Need",
    "Notation",
    "Patch",
    "Separation",
    "Sleep",
    "Standing",
    "TopologySpread",
    "in_the_order_of",
    "merged",
]
