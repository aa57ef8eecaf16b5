"""A kind that the API server does not serve counts as empty, unless the operator cannot work without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest
from msgspec.structs import replace

from productionpolicy.controller.cluster import Cluster, Gone
from productionpolicy.controller.listing import Listing
from productionpolicy.controller.resources import AUTOSCALERS, DEPLOYMENTS, Resource
from productionpolicy.controller.unowned import Unowned
from support.harness import Harness
from support.manifests import Raw, autoscaler, deployment


@dataclass
class Server:
    """Lists one autoscaler and one Deployment, as far as it serves their kinds."""

    absent: set[Resource] = field(default_factory=set)

    async def pages(self, resource: Resource, _: str | None) -> AsyncIterator[list[Raw]]:
        if resource in self.absent:
            raise Gone("404 page not found")
        yield [{AUTOSCALERS: autoscaler(3, 9), DEPLOYMENTS: deployment(replicas=4)}[resource]]


@dataclass
class Scene:
    """A listing into the store of a controller."""

    server: Server = field(default_factory=Server)
    harness: Harness = field(default_factory=Harness)

    def __post_init__(self) -> None:
        context = replace(self.harness.context, cluster=cast("Cluster", self.server))
        context.scope.widen()
        unowned = Unowned(context.cluster, context.store, self.harness.intake, interval_seconds=60)
        self.listing = Listing(context, self.harness.intake, unowned)

    @property
    def floor(self) -> int:
        """The least number of pods that the Deployment is meant to have."""
        workload = self.harness.workload
        return self.harness.store.surroundings(workload).floor(workload)


async def test_what_was_known_of_an_optional_kind_is_forgotten_while_it_is_not_served() -> None:
    scene = Scene()
    floors = []
    for scene.server.absent in (set(), {AUTOSCALERS}, set()):
        await asyncio.wait_for(scene.listing.renew(AUTOSCALERS), 5)
        floors.append(scene.floor)
    assert floors == [3, 4, 3]


async def test_a_kind_that_the_operator_needs_is_waited_for() -> None:
    scene = Scene(Server(absent={DEPLOYMENTS}))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(scene.listing.renew(DEPLOYMENTS), 0.05)
