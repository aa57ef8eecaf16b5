"""By which names the operator is known in a cluster. They are part of its API: objects in clusters carry them."""

NAME = "productionpolicy"
FIELD_MANAGER = NAME
"""The field manager of every write of the operator; its entry never stays in an object's managed fields."""

DOMAIN = "productionpolicy.dev"
"""What the API group, and all labels, annotations and finalizers, end in."""

GROUP = DOMAIN
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ProductionPolicy"
PLURAL = "productionpolicies"

POLICY_LABEL = f"{DOMAIN}/policy"
"""The label of a namespace that names the policy which governs it, and of an owned object that names its policy."""

MODE_LABEL = f"{DOMAIN}/mode"
"""The label of a namespace in which less is done than its policy says."""

MANAGED_BY = "app.kubernetes.io/managed-by"
"""The label of owned objects that says NAME."""

NOTE_ANNOTATION = f"{DOMAIN}/note"
"""The annotation of an owned object that says why it differs from what the policy says."""

EXEMPT = f"exempt.{DOMAIN}/"
"""What the annotations begin with by which a workload opts out of an expectation."""

REPAIRS = f"repairs.{DOMAIN}/"
"""What the annotations begin with that note the repairs of a workload, by expectation."""

REPAIRS_POLICY = f"{REPAIRS}policy"
"""The annotation that names the policy under which they were made."""

CONTESTED = f"contested.{DOMAIN}/"
"""What the annotations begin with that note repairs which do not last, by expectation."""

ROLLOUT_STARTED = f"rollout.{DOMAIN}/started"
"""The annotation that notes the last rollout which the operator began."""

ROLLOUT_FAILED = f"rollout.{DOMAIN}/failed"
"""The annotation that notes a rollout which failed and was put back."""

BEFORE = f"before.{DOMAIN}/"
"""What the annotations begin with that note what a rollout of the operator replaced, by expectation."""

FINALIZER = f"{DOMAIN}/revert"
"""The finalizer that holds a policy until its changes are withdrawn."""

STOPPED = f"{DOMAIN}/stopped"
"""The annotation of a policy that was paused together with all others, and was not paused before."""

RESUME = f"{DOMAIN}/resume"
"""The annotation of a policy by which a person lets repairs go on that failed rollouts have stopped."""
