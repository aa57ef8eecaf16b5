"""How a rollout of the operator goes: whether it is the newest one of the workload, and whether it has failed.

All of this follows from the workload: from the note that a rollout began, its status, and what its owner asks for.
"""

from __future__ import annotations

from productionpolicy.kube.workloads import Kind, Workload
from productionpolicy.verdict.journal import Journal
from productionpolicy.verdict.rollout_notes import Started

TOO_MANY = 3
"""So many workloads of one policy with a failed rollout, and repairs that restart pods stop there."""

LENIENCY_SECONDS = 5
"""How much later than its controller the operator gives up a Deployment."""


def provable(workload: Workload) -> bool:
    """Say whether a failure of a rollout that begins now would be due to the operator.

    It is if the pods of the template from before are all well, and if the controller replaces them by itself.
    """
    replaces = workload.replicas > workload.strategy.partition and workload.strategy.type != "OnDelete"
    return workload.settled and replaces and not workload.paused and bool(workload.progress.revision)


def in_flight(workload: Workload, journal: Journal) -> bool:
    """Say whether the newest rollout is the one that the operator has begun, and has not come to its end."""
    started = journal.started
    if started is None or workload.strategy.type == "OnDelete":
        return False
    # The owner has changed the template since: the newest rollout is the owner's, and so is its failure.
    if started.template != journal.owners_view(workload).template_digest:
        return False
    return _deployment_rolls(workload, started) if workload.kind is Kind.DEPLOYMENT else _set_rolls(workload, started)


def _deployment_rolls(workload: Workload, started: Started) -> bool:
    """Say whether a Deployment has not completed the very next template after the one from before.

    Pods that are lost later do not undo the completion, nor does a change of the number of replicas.
    """
    progress = workload.progress
    if progress.revision == started.revision:
        # The controller has not numbered the new template yet. If it has seen it, the template is one that it knows.
        return not workload.observed
    return progress.revision == _following(started.revision) and not progress.complete


def _set_rolls(workload: Workload, started: Started) -> bool:
    """Say whether a StatefulSet has not yet taken the new template for its current one."""
    progress = workload.progress
    under_way = progress.newest != progress.revision or not workload.observed
    return progress.revision == started.revision and under_way and not rolled_above_partition(workload)


def _following(revision: str) -> str:
    return str(int(revision) + 1) if revision.isdecimal() else ""


def rolled_above_partition(workload: Workload) -> bool:
    """Say whether a StatefulSet with a partition has replaced all the pods that it is to replace."""
    partition = workload.strategy.partition
    return partition > 0 and workload.settled and workload.progress.updated >= workload.replicas - partition


def failed(workload: Workload, journal: Journal, *, elapsed: float | None, patience: float) -> bool:
    """Say whether the rollout that the operator has begun has failed.

    Args:
        workload: whose rollout it is.
        journal: what the notes of the operator on it tell.
        elapsed: seconds since the rollout began; None where that is not known. A Deployment tells by itself that it
            exceeded its deadline, but for one that still tells of the rollout before: there not one pod has come up.
        patience: seconds in which each pod of a StatefulSet has to be replaced, beside those that the set asks for.
    """
    if not in_flight(workload, journal) or not workload.observed or workload.paused or workload.deleting:
        return False
    if workload.settled:
        return False
    # A Deployment tells by itself that it made no progress; the clock only counts for what nobody tells.
    late = elapsed is not None and elapsed > allowed_seconds(workload, patience)
    return workload.stalled or (late and told_by_clock(workload))


def told_by_clock(workload: Workload) -> bool:
    """Say whether a clock has to tell that a rollout of the operator has failed: of a StatefulSet nobody else does.

    Nor does anybody of a Deployment that still tells of the rollout before.
    """
    return workload.kind is Kind.STATEFUL_SET or (workload.observed and workload.progress.reported_complete)


def stands_still_on_surge(workload: Workload, journal: Journal) -> bool:
    """Say whether a Deployment makes no progress under a repaired rollout setting while no old pod is missing."""
    ours = any(each.harm for each in journal.repairs.values())
    whole = workload.progress.available >= workload.replicas
    return ours and workload.stalled and whole and not (workload.settled or workload.paused or workload.deleting)


def allowed_seconds(workload: Workload, patience: float) -> float:
    """Return how long a Deployment may take for its first new pod, and a StatefulSet for as many as it has begun.

    A StatefulSet replaces one after the other, so each has as much time: a large one is not given up for being large.
    """
    if workload.kind is Kind.DEPLOYMENT:
        return workload.progress_deadline + LENIENCY_SECONDS
    pods = max(1, workload.progress.updated)
    return pods * (patience + workload.template.grace_seconds + workload.min_ready_seconds)


def broken_pod(workload: Workload) -> str:
    """Return the pod of a StatefulSet at which its rollout makes no progress; empty where there is none.

    The controller goes from the last one to the first, and does not replace a pod that never was ready.
    """
    updated = workload.progress.updated
    if workload.kind is not Kind.STATEFUL_SET or not updated:
        return ""
    return f"{workload.key.name}-{workload.first_ordinal + workload.replicas - updated}"
