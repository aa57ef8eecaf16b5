"""What a ProductionPolicy says: the spec as typed values, exemptions, and the schema that the API server checks."""

from productionpolicy.policy.exemptions import Exemption, exemptions_of
from productionpolicy.policy.manual import manual
from productionpolicy.policy.spec import (
    Exemptions,
    InvalidPolicy,
    Mode,
    OnRemoval,
    Policy,
    Profile,
    Reports,
    ReportsMode,
    Rollout,
    Spec,
    Timing,
    read_policy,
    read_windows,
)
from productionpolicy.policy.windows import ALWAYS, Calendar, Window

__all__ = [
    "ALWAYS",
    "Calendar",
    "Exemption",
    "Exemptions",
    "InvalidPolicy",
    "Mode",
    "OnRemoval",
    "Policy",
    "Profile",
    "Reports",
    "ReportsMode",
    "Rollout",
    "Spec",
    "Timing",
    "Window",
    "exemptions_of",
    "manual",
    "read_policy",
    "read_windows",
]
