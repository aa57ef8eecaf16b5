"""A preStop sleep in containers that have no preStop hook."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from productionpolicy.kube.pods import Container, Handler, HandlerKind
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import Amendment, Illegible, Patch, Standing, in_containers

_NOTE = re.compile(r"sleep ([0-9]{1,6})s: ([a-z0-9-]+(?:,[a-z0-9-]+)*)")


@dataclass(frozen=True, slots=True)
class Sleep:
    """`preStop: {sleep: {seconds: N}}` in the named containers."""

    restarts: ClassVar[bool] = True

    seconds: int
    containers: tuple[str, ...]

    @classmethod
    def parse(cls, note: str) -> Sleep:
        """Read `sleep 10s: web,side`."""
        found = _NOTE.fullmatch(note)
        if found is None:
            raise Illegible(note)
        return cls(seconds=int(found.group(1)), containers=tuple(found.group(2).split(",")))

    def note(self) -> str:
        """Return `sleep 10s: web,side`."""
        return f"sleep {self.seconds}s: {','.join(self.containers)}"

    def standing(self, workload: Workload) -> Standing:
        """Containers that lost the hook undo it; those with a hook of the owner's, or gone, are his."""
        present = self._present(workload)
        kept = tuple(each.name for each in present if each.pre_stop == self._handler and not each.pre_stop_declared)
        undone = any(each.pre_stop is None for each in present)
        return Standing(kept=replace(self, containers=kept) if kept else None, undone=undone)

    def serves(self, wanted: Amendment) -> bool:
        """Say whether it is the very same."""
        return self == wanted

    def surpasses(self, wanted: Amendment) -> bool:
        """It is never more than what is wanted."""
        return False

    def applied(self, workload: Workload) -> Workload:
        """Give the containers the sleep."""
        return _with_hook(workload, self.containers, self._handler)

    def removed(self, workload: Workload) -> Workload:
        """Take the hook from the containers."""
        return _with_hook(workload, self.containers, None)

    def patch(self, workload: Workload) -> Patch:
        """Return the hooks to add."""
        hook = {"lifecycle": {"preStop": {"sleep": {"seconds": self.seconds}}}}
        return in_containers(self._present(workload), lambda _: hook)

    def withdrawal(self, workload: Workload) -> Patch:
        """Remove the hooks, and a `lifecycle` that exists only for them."""
        return in_containers(self._present(workload), _without_hook)

    @property
    def _handler(self) -> Handler:
        return Handler(kind=HandlerKind.SLEEP, seconds=self.seconds)

    def _present(self, workload: Workload) -> tuple[Container, ...]:
        return tuple(each for each in workload.template.containers if each.name in self.containers)


def _with_hook(workload: Workload, containers: Iterable[str], hook: Handler | None) -> Workload:
    template = workload.template.with_containers(containers, lambda each: replace(each, pre_stop=hook))
    return replace(workload, template=template)


def _without_hook(container: Container) -> Patch:
    return {"lifecycle": {"preStop": None} if container.lifecycle_shared else None}
