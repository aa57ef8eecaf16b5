"""Warnings about namespaces whose labels or annotations do not say what they seem to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import structlog

from productionpolicy.controller.context import Context
from productionpolicy.kube.identity import MODE_LABEL, POLICY_LABEL, ROLLOUT_WINDOWS
from productionpolicy.policy.namespaces import AUDIT, OFF

log = structlog.get_logger(__name__)


class NamespaceWarnings:
    """Warns of namespaces that name a missing policy, an unknown mode, or rollout windows that are not valid."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._events = context.events
        self._warned: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        """By the reason of the Event, what was found the last time: pairs of a namespace and a value."""

    def warn(self) -> None:
        """Post an Event on each namespace that was not warned of the same the last time."""
        governed = [each for each in self._store.namespaces.values() if each.policy and not each.deleting]
        policies = {(each.name, each.policy) for each in governed if each.policy}
        missing = {pair for pair in policies if pair[1] not in self._store.policies}
        modes = {(each.name, each.mode) for each in governed if each.mode is not None}
        unknown = {pair for pair in modes if pair[1] not in (AUDIT, OFF)}
        invalid = {(each.name, each.fault) for each in governed if each.fault}
        self._warn("PolicyNotFound", "namespace names a missing policy", missing, named="policy", message=_no_policy)
        self._warn("ModeNotKnown", "namespace has an unknown mode", unknown, named="mode", message=_unknown_mode)
        self._warn(
            "WindowsNotValid",
            "namespace has rollout windows that are not valid",
            invalid,
            named="fault",
            message=_invalid_windows,
        )

    def _warn(
        self, reason: str, event: str, found: set[tuple[str, str]], *, named: str, message: Callable[[str], str]
    ) -> None:
        """Warn of what was found in namespaces, unless it was found the last time, too.

        Args:
            reason: of the Event.
            event: what the log says.
            found: pairs of a namespace and a value.
            named: what the log calls the value.
            message: what the Event says of a value.
        """
        for namespace, value in sorted(found - self._warned[reason]):
            self._events.about_namespace(namespace, reason=reason, message=message(value))
            log.warning(event, namespace=namespace, **{named: value})
        self._warned[reason] = found


def _no_policy(name: str) -> str:
    return f"label {POLICY_LABEL} names ProductionPolicy {name}, which does not exist, so no policy applies here"


def _unknown_mode(mode: str) -> str:
    meant = next((each for each in (AUDIT, OFF) if mode.casefold() == each.casefold()), None)
    advice = f"did you mean {meant}?" if meant else "to allow repairs, remove the label"
    return (
        f"label {MODE_LABEL} is {mode}, which is neither {AUDIT} nor {OFF}, so it counts as {AUDIT}: "
        f"workloads are judged, and nothing is written here; {advice}"
    )


def _invalid_windows(fault: str) -> str:
    return (
        f"annotation {ROLLOUT_WINDOWS} is not valid: {fault}; until it is, repairs restart no pods here. It "
        """takes a JSON list, such as [{"days": ["Sat"], "from": "02:00", "to": "05:00"}]"""
    )
