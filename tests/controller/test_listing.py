"""The full listing, which also brings the namespaces into scope that no watch told of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from msgspec.structs import replace

from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.listing import Listing
from productionpolicy.controller.resources import NAMESPACES, Resource
from productionpolicy.controller.unowned import Unowned
from productionpolicy.kube.identity import POLICY_LABEL
from support.harness import Harness
from support.manifests import Raw


@dataclass
class Server:
    """Lists two namespaces that name a policy, and nothing else."""

    async def pages(self, resource: Resource, _namespace: str | None) -> AsyncIterator[list[Raw]]:
        metadata = {"labels": {POLICY_LABEL: "default"}, "resourceVersion": "7"}
        yield [{"metadata": {**metadata, "name": name}} for name in ("games", "shop")] if resource is NAMESPACES else []


@dataclass
class Pods:
    """In place of the listing of pods that nothing makes: looks whether a namespace counts as listed by then."""

    harness: Harness
    listed: list[bool] = field(default_factory=list)

    async def refresh(self) -> None:
        self.listed.append(self.harness.context.scope.is_listed("games"))


async def test_a_new_namespace_is_listed_only_when_its_pods_are_known_too() -> None:
    harness = Harness()
    pods = Pods(harness)
    context = replace(harness.context, cluster=cast("Cluster", Server()))
    await Listing(context, harness.intake, cast("Unowned", pods)).complete()
    assert "games" in context.scope.names()
    assert pods.listed == [False]
    assert context.scope.is_listed("games")
