"""A terminationMessagePolicy that keeps the reason of a crash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from msgspec.structs import replace

from productionpolicy.kube.pods import DEFAULT_MESSAGE_POLICY, Container
from productionpolicy.kube.repairable import MESSAGE_POLICY, RepairableField
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import Amendment, Drift, Illegible, Patch, in_containers

FROM_LOGS = "FallbackToLogsOnError"
_NOTE = re.compile(rf"{FROM_LOGS}: ([a-z0-9-]+(?:,[a-z0-9-]+)*)")


class MessagePolicy(Amendment, frozen=True):
    """`terminationMessagePolicy: FallbackToLogsOnError` in the named containers."""

    fields: ClassVar[tuple[RepairableField, ...]] = (MESSAGE_POLICY,)

    containers: tuple[str, ...]

    @classmethod
    def parse(cls, note: str) -> MessagePolicy:
        """Read `FallbackToLogsOnError: web,side`."""
        found = _NOTE.fullmatch(note)
        if found is None:
            raise Illegible(note)
        return cls(containers=tuple(found.group(1).split(",")))

    def note(self) -> str:
        """Return `FallbackToLogsOnError: web,side`."""
        return f"{FROM_LOGS}: {','.join(self.containers)}"

    def drift(self, workload: Workload) -> Drift:
        """Containers with the API's default again undo it; those whose owner declared the policy are his."""
        present = self._present(workload)
        undeclared = (each for each in present if MESSAGE_POLICY.name not in each.written)
        kept = tuple(each.name for each in undeclared if each.message_policy == FROM_LOGS)
        undone = any(each.message_policy != FROM_LOGS for each in present)
        return Drift(kept=replace(self, containers=kept) if kept else None, undone=undone)

    def applied(self, workload: Workload) -> Workload:
        """Give the containers the policy."""
        return _with_policy(workload, self.containers, FROM_LOGS)

    def removed(self, workload: Workload) -> Workload:
        """Give the containers the API's default."""
        return _with_policy(workload, self.containers, DEFAULT_MESSAGE_POLICY)

    def patch(self, workload: Workload) -> Patch:
        """Return the policy to set."""
        return in_containers(self._present(workload), lambda _: MESSAGE_POLICY.written(FROM_LOGS))

    def withdrawal(self, workload: Workload) -> Patch:
        """Write what the API server had filled in."""
        return in_containers(self._present(workload), lambda _: MESSAGE_POLICY.written(DEFAULT_MESSAGE_POLICY))

    def _present(self, workload: Workload) -> tuple[Container, ...]:
        return tuple(each for each in workload.template.containers if each.name in self.containers)


def _with_policy(workload: Workload, containers: Iterable[str], policy: str) -> Workload:
    template = workload.template.with_containers(containers, lambda each: replace(each, message_policy=policy))
    return replace(workload, template=template)
