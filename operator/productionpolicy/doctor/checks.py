"""The checks, in the order in which they are shown: what others depend on comes first."""

from __future__ import annotations

from productionpolicy.doctor import admission, governance, installation, others
from productionpolicy.doctor.diagnosis import Check

CHECKS = (
    Check("server", installation.server),
    Check("definition", installation.definition),
    Check("operator", installation.operator),
    Check("permissions", installation.permissions),
    Check("restraint", admission.restraint),
    Check("repairPolicy", admission.repair_policy),
    Check("validationPolicies", admission.validation_policies),
    Check("bindings", admission.bindings),
    Check("repairAtAdmission", admission.repair_at_admission),
    Check("otherWriters", others.writers),
    Check("policies", governance.policies),
    Check("reports", governance.reports),
    Check("namespaces", governance.namespaces),
    Check("unusedPolicies", governance.unused),
    Check("removal", governance.removal),
    Check("terminating", governance.terminating),
    Check("drainAudit", governance.drain_audit),
    Check("metrics", others.metrics),
)
