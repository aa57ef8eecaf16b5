"""A cluster as the tests see it, with an operator in it; what a test makes is deleted after it."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass, field
from typing import Any

from control_plane.operator_process import OperatorProcess
from control_plane.patience import NeverHappened, eventually
from control_plane.plane import RequestFailed
from owners.manifests import Raw, container, deployment, stateful_set
from testbed.client import Client, journal, pod_spec

__all__ = [
    "PAGE",
    "NeverHappened",
    "Raw",
    "World",
    "changed",
    "container",
    "deployment",
    "eventually",
    "journal",
    "lacking_probe",
    "pod_spec",
    "stateful_set",
]

PAGE = "--page="
"""The argument of the operator with the port of its pages."""


@dataclass(slots=True)
class World(Client):
    """The control plane and the operator in it."""

    operator: OperatorProcess
    _made: list[tuple[str, str]] = field(default_factory=list)

    def policy(self, name: str | None = None, **spec: Any) -> str:
        """Create or change a policy; return its name."""
        name = Client.policy(self, name, **spec)
        self._made.append(("pp", name))
        return name

    def namespace(self, policy: str | None = None, **labels: str) -> str:
        """Create a namespace that names a policy, or none; return its name."""
        name = Client.namespace(self, policy, **labels)
        self._made.append(("namespace", name))
        return name

    def clean_up(self) -> None:
        """Delete what a test has made, and do not wait for it."""
        for kind, name in reversed(self._made):
            with contextlib.suppress(RequestFailed):  # a test may have deleted it, or the kind
                self.delete(kind, name)
        self._made.clear()


def lacking_probe(name: str = "web") -> Raw:
    """Return a Deployment without a readiness probe, which the operator does not repair."""
    return changed(deployment(name), readinessProbe=None)


def changed(raw: Raw, **fields: Any) -> Raw:
    """Return an object with some fields of its first container changed; None removes one."""
    copied = copy.deepcopy(raw)
    first = copied["spec"]["template"]["spec"]["containers"][0]
    first.update({name: value for name, value in fields.items() if value is not None})
    for name in [name for name, value in fields.items() if value is None]:
        first.pop(name, None)
    return copied
