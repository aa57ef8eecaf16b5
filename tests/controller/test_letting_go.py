"""At its stop the operator takes its finalizer off the policies: with it gone, nothing must be undeletable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from msgspec import structs

from productionpolicy.controller.cluster import Cluster, Conflict
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.resources import POLICIES
from productionpolicy.kube.identity import FINALIZER
from support.harness import Harness


@dataclass
class Server:
    """Takes a finalizer off the newest version of a policy, and tells of that version after the first attempt."""

    harness: Harness
    attempts: list[str] = field(default_factory=list)

    async def set_finalizers(self, policy: str, finalizers: list[str], *, resource_version: str) -> dict[str, Any]:
        self.attempts.append(resource_version)
        if resource_version == "2":
            self.harness.store.observe(POLICIES, reverting(version="3"))
            raise Conflict("the policy has changed")
        assert (policy, finalizers) == ("default", [])
        return {}


def reverting(*, version: str) -> dict[str, Any]:
    metadata = {"name": "default", "generation": 1, "resourceVersion": version, "finalizers": [FINALIZER]}
    return {"metadata": metadata, "spec": {"mode": "Enforce", "onRemoval": "Revert"}}


async def test_a_policy_that_has_just_changed_is_let_go_of_nevertheless() -> None:
    harness = Harness()
    server = Server(harness)
    cluster = cast("Cluster", server)
    harness.store.observe(POLICIES, reverting(version="2"))
    policies = Policies(structs.replace(harness.context, cluster=cluster))
    await policies.release_finalizers()
    assert server.attempts == ["2", "3"]
