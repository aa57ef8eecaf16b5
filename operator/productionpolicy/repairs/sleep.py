"""A preStop sleep in containers that have no preStop hook, made by the kubelet or by a command of the image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from msgspec.structs import replace

from productionpolicy.kube.pods import Container, Handler, HandlerKind
from productionpolicy.kube.repairable import PRE_STOP, RepairableField
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import Amendment, Drift, Illegible, Need, Patch, in_containers
from productionpolicy.repairs.grace import Grace

_NOTE = re.compile(r"(exec )?sleep ([0-9]{1,6})s: ([a-z0-9-]+(?:,[a-z0-9-]+)*)")


def _outlasts_grace(workload: Workload, sleep: Amendment | None) -> bool:
    """Say whether a native sleep, or the operator's own, is not shorter than the grace period of the pods."""
    template = workload.template
    return template.sleep_exceeds_grace or (isinstance(sleep, Sleep) and sleep.seconds >= template.grace_seconds)


class Sleep(Amendment, frozen=True):
    """`preStop: {sleep: {seconds: N}}`, or `exec: {command: [sleep, N]}`, in the named containers."""

    fields: ClassVar[tuple[RepairableField, ...]] = (PRE_STOP,)
    needs: ClassVar[tuple[Need, ...]] = (
        Need(
            of=Grace,
            broken=_outlasts_grace,
            reason="the sleep is not shorter than the grace period, which this policy does not raise "
            "(terminationGracePeriod)",
        ),
    )

    seconds: int
    containers: tuple[str, ...]
    by_command: bool = False
    """Whether the image's own `sleep` is run."""

    @classmethod
    def parse(cls, note: str) -> Sleep:
        """Read `sleep 10s: web,side`, or `exec sleep 10s: web,side`."""
        found = _NOTE.fullmatch(note)
        if found is None:
            raise Illegible(note)
        by_command, seconds, names = found.groups()
        return cls(seconds=int(seconds), containers=tuple(names.split(",")), by_command=bool(by_command))

    def note(self) -> str:
        """Return `sleep 10s: web,side`."""
        return f"{'exec ' * self.by_command}sleep {self.seconds}s: {','.join(self.containers)}"

    def drift(self, workload: Workload) -> Drift:
        """Containers that lost the hook undo it; those with a hook of the owner's, or gone, are his."""
        present = self._present(workload)
        undeclared = (each for each in present if PRE_STOP.name not in each.written)
        kept = tuple(each.name for each in undeclared if each.pre_stop == self._handler)
        undone = any(each.pre_stop is None for each in present)
        return Drift(kept=replace(self, containers=kept) if kept else None, undone=undone)

    def applied(self, workload: Workload) -> Workload:
        """Give the containers the sleep."""
        return _with_hook(workload, self.containers, self._handler)

    def removed(self, workload: Workload) -> Workload:
        """Take the hook from the containers."""
        return _with_hook(workload, self.containers, None)

    def patch(self, workload: Workload) -> Patch:
        """Return the hooks to add."""
        return in_containers(self._present(workload), self._hook)

    def withdrawal(self, workload: Workload) -> Patch:
        """Remove the hooks, and a `lifecycle` that exists only for them."""
        return in_containers(self._present(workload), _without_hook)

    @property
    def _handler(self) -> Handler:
        if self.by_command:
            return Handler(kind=HandlerKind.EXEC, command=("sleep", str(self.seconds)))
        return Handler(kind=HandlerKind.SLEEP, seconds=self.seconds)

    def _hook(self, container: Container) -> Patch:
        """Return the hook to add; one of another kind that the operator had added before goes with the same patch."""
        written: Patch = {"sleep": {"seconds": self.seconds}}
        if self.by_command:
            written = {"exec": {"command": ["sleep", str(self.seconds)]}}
        former = container.pre_stop.kind if container.pre_stop else None
        gone = {str(former): None} if former and former is not self._handler.kind else {}
        return PRE_STOP.written({**written, **gone})

    def _present(self, workload: Workload) -> tuple[Container, ...]:
        return tuple(each for each in workload.template.containers if each.name in self.containers)


def _with_hook(workload: Workload, containers: Iterable[str], hook: Handler | None) -> Workload:
    template = workload.template.with_containers(containers, lambda each: replace(each, pre_stop=hook))
    return replace(workload, template=template)


def _without_hook(container: Container) -> Patch:
    return PRE_STOP.removed(container.shared)
