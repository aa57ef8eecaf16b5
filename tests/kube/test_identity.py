"""The names that objects in clusters carry: whoever changes one breaks what is there."""

from __future__ import annotations

from productionpolicy.kube import identity


def test_the_names_in_clusters_stay_as_they_are() -> None:
    names = {name: value for name, value in vars(identity).items() if name.isupper()}
    assert names == {
        "NAME": "productionpolicy",
        "FIELD_MANAGER": "productionpolicy",
        "DOMAIN": "productionpolicy.dev",
        "GROUP": "productionpolicy.dev",
        "VERSION": "v1alpha1",
        "API_VERSION": "productionpolicy.dev/v1alpha1",
        "KIND": "ProductionPolicy",
        "PLURAL": "productionpolicies",
        "POLICY_LABEL": "productionpolicy.dev/policy",
        "ROLLOUT_WINDOWS": "productionpolicy.dev/rollout-windows",
        "MODE_LABEL": "productionpolicy.dev/mode",
        "MANAGED_BY": "app.kubernetes.io/managed-by",
        "NOTE_ANNOTATION": "productionpolicy.dev/note",
        "EXEMPT": "exempt.productionpolicy.dev/",
        "REPAIRS": "repairs.productionpolicy.dev/",
        "REPAIRS_POLICY": "repairs.productionpolicy.dev/policy",
        "CONTESTED": "contested.productionpolicy.dev/",
        "ROLLOUT_STARTED": "rollout.productionpolicy.dev/started",
        "ROLLOUT_FAILED": "rollout.productionpolicy.dev/failed",
        "BEFORE": "before.productionpolicy.dev/",
        "FINALIZER": "productionpolicy.dev/revert",
        "STOPPED": "productionpolicy.dev/stopped",
        "RESUME": "productionpolicy.dev/resume",
        "AUDIT_DRAINS": "productionpolicy.dev/audit-drains",
    }
