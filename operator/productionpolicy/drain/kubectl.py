"""Which pods `kubectl drain` evicts, and when it does not begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from productionpolicy.drain.cluster import Cluster, Key, Pod

DAEMON_SETS = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
LOCAL_DATA = "Pods with local storage (use --delete-emptydir-data to override)"
UNMANAGED = "Pods that declare no controller (use --force to override)"
NOT_FOUND = "Pods of a DaemonSet that does not exist (use --force to override)"

_REMEDIES = {
    DAEMON_SETS: "use --ignore-daemonsets",
    LOCAL_DATA: "use --delete-emptydir-data; the data of the pod is deleted",
    UNMANAGED: "use --force; nothing creates the pod again",
    NOT_FOUND: "use --force",
}


class Handling(StrEnum):
    """What kubectl does with a pod."""

    EVICT = "evict"
    SKIP = "skip"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


class DrainFlags(Struct, frozen=True):
    """The flags of `kubectl drain`."""

    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    force: bool = False


def handling(pod: Pod, cluster: Cluster, flags: DrainFlags) -> tuple[Handling, str]:
    """Return what kubectl does with a pod, and why it refuses or why that is not known.

    The order is that of the filters of kubectl: DaemonSets, mirror pods, local data, pods without a controller. A
    finished pod passes all of them except that for mirror pods.
    """
    of_daemon_set = pod.owner is not None and (pod.owner.group, pod.owner.kind) == ("apps", "DaemonSet")
    if of_daemon_set and not pod.finished and (known := _of_daemon_set(pod, cluster, flags)) is not None:
        return known
    if pod.mirror:
        return Handling.SKIP, ""
    if pod.finished:
        return Handling.EVICT, ""
    if pod.local_data and not flags.delete_emptydir_data:
        return Handling.REFUSE, LOCAL_DATA
    if pod.owner is None and not flags.force:
        return Handling.REFUSE, UNMANAGED
    return Handling.EVICT, ""


def remedy_of(reason: str) -> str:
    """Return what lets kubectl begin."""
    return _REMEDIES[reason]


def evicted(pods: Iterable[Pod], cluster: Cluster, flags: DrainFlags) -> tuple[list[Pod], list[tuple[Pod, str]]]:
    """Return the pods of a node that kubectl evicts, and those because of which it does not begin, with the reason."""
    handled = [
        (each, *handling(each, cluster, flags)) for each in sorted(pods, key=lambda pod: (pod.namespace, pod.name))
    ]
    refused = [(pod, reason) for pod, what, reason in handled if what is Handling.REFUSE]
    return [pod for pod, what, _ in handled if what is Handling.EVICT], refused


def undecided(pods: Iterable[Pod], cluster: Cluster, flags: DrainFlags) -> Iterator[str]:
    """Yield why it is not known what kubectl does with some pods of a node."""
    handled = (handling(each, cluster, flags) for each in pods)
    return (reason for what, reason in handled if what is Handling.UNKNOWN)


def _of_daemon_set(pod: Pod, cluster: Cluster, flags: DrainFlags) -> tuple[Handling, str] | None:
    """Return what happens to a pod of a DaemonSet; None if the DaemonSet is gone and the other filters decide."""
    unread = cluster.unread.get("daemonsets.apps")
    if _exists(pod, cluster) or (unread and not flags.ignore_daemonsets and not flags.force):
        return (Handling.SKIP, "") if flags.ignore_daemonsets else (Handling.REFUSE, DAEMON_SETS)
    if unread:
        return Handling.UNKNOWN, f"whether the DaemonSet of {pod.title} exists, which could not be read: {unread}"
    return None if flags.force else (Handling.REFUSE, NOT_FOUND)


def _exists(pod: Pod, cluster: Cluster) -> bool:
    """Return whether the DaemonSet of a pod exists. kubectl asks for its name, whatever the UID."""
    if pod.owner is None:
        return False
    key = Key(pod.namespace, pod.owner.kind, pod.owner.name)
    return pod.owner.uid in cluster.controllers or any(each.key == key for each in cluster.controllers.values())
