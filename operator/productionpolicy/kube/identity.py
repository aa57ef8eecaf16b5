"""The names that identify the operator in a cluster. They are part of its API, because live objects have them."""

NAME = "productionpolicy"
FIELD_MANAGER = NAME
"""The field manager of all writes by the operator; its entry is removed from managed fields after each write."""

DOMAIN = "productionpolicy.dev"
"""The API group, and the domain of all labels, annotations and finalizers."""

GROUP = DOMAIN
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ProductionPolicy"
PLURAL = "productionpolicies"

POLICY_LABEL = f"{DOMAIN}/policy"
"""The label with the name of the policy: on a namespace, the policy that governs it; on an owned object, its policy."""

MODE_LABEL = f"{DOMAIN}/mode"
"""The label of a namespace that restricts what the policy does in it."""

ROLLOUT_WINDOWS = f"{DOMAIN}/rollout-windows"
"""The annotation of a namespace that narrows the rollout windows of its policy."""

MANAGED_BY = "app.kubernetes.io/managed-by"
"""The label of owned objects; its value is NAME."""

NOTE_ANNOTATION = f"{DOMAIN}/note"
"""The annotation of an owned object that says why it differs from the policy."""

EXEMPT = f"exempt.{DOMAIN}/"
"""The prefix of annotations with which a workload opts out of an expectation."""

REPAIRS = f"repairs.{DOMAIN}/"
"""The prefix of annotations that record the repairs of a workload, by expectation."""

REPAIRS_POLICY = f"{REPAIRS}policy"
"""The annotation with the name of the policy of these repairs."""

CONTESTED = f"contested.{DOMAIN}/"
"""The prefix of annotations that record repairs which other writers undo, by expectation."""

ROLLOUT_STARTED = f"rollout.{DOMAIN}/started"
"""The annotation that records the last rollout that the operator started."""

ROLLOUT_FAILED = f"rollout.{DOMAIN}/failed"
"""The annotation that records a rollout that failed and was rolled back."""

BEFORE = f"before.{DOMAIN}/"
"""The prefix of annotations that record what a rollout of the operator replaced, by expectation."""

FINALIZER = f"{DOMAIN}/revert"
"""The finalizer that keeps a policy until its changes are withdrawn."""

STOPPED = f"{DOMAIN}/stopped"
"""The annotation of a policy that was paused together with all others, and was not paused before."""

RESUME = f"{DOMAIN}/resume"
"""The annotation of a policy with which a person resumes repairs that failed rollouts have stopped."""

AUDIT_DRAINS = f"{DOMAIN}/audit-drains"
"""The annotation of a policy with which a person requests an audit of drains at once, by a new value."""
