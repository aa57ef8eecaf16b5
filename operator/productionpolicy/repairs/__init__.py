"""Repairs: how they are written, recorded, recognized and withdrawn.

One file for each kind of change of a workload (an amendment), and one for each kind of object that the operator puts
beside workloads (an owned object). None of them knows why it is made; the expectations decide that.
"""

from productionpolicy.repairs.amendment import (
    Amendment,
    Drift,
    Illegible,
    Need,
    Notation,
    Patch,
    in_the_order_of,
    merged,
)
from productionpolicy.repairs.anti_affinity import AntiAffinity
from productionpolicy.repairs.budget import BudgetTerms
from productionpolicy.repairs.grace import Grace
from productionpolicy.repairs.harm import Harm
from productionpolicy.repairs.message_policy import MessagePolicy
from productionpolicy.repairs.owned import OwnedObject
from productionpolicy.repairs.separation import Separation
from productionpolicy.repairs.sleep import Sleep
from productionpolicy.repairs.topology_spread import TopologySpread
from productionpolicy.repairs.unavailability import MaxUnavailable

__all__ = [
    "Amendment",
    "AntiAffinity",
    "BudgetTerms",
    "Drift",
    "Grace",
    "Harm",
    "Illegible",
    "MaxUnavailable",
    "MessagePolicy",
    "Need",
    "Notation",
    "OwnedObject",
    "Patch",
    "Separation",
    "Sleep",
    "TopologySpread",
    "in_the_order_of",
    "merged",
]
