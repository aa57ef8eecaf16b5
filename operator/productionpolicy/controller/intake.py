"""What the watches and listings bring: it is put into the store, and what it concerns is evaluated again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from productionpolicy.controller.context import Context
from productionpolicy.controller.effectiveness import Effectiveness
from productionpolicy.controller.namespace_warnings import NamespaceWarnings
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.reconciler import Reconciler
from productionpolicy.controller.resources import NAMESPACES, POLICIES, Resource
from productionpolicy.kube.workloads import WorkloadKey

GOVERNING = frozenset({POLICIES, NAMESPACES})
"""Kinds that say which namespaces are governed."""


class Intake:
    """Takes in objects, and the news that they are gone.

    A change to a workload, or to an object in its namespace, queues the workloads that it affects. A change to a
    policy, a namespace or a node can affect all workloads; `run` evaluates those in batches.
    """

    def __init__(
        self,
        context: Context,
        reconciler: Reconciler,
        policies: Policies,
        effectiveness: Effectiveness,
        warnings: NamespaceWarnings,
    ) -> None:
        self._store = context.store
        self._scope = context.scope
        self._reconciler = reconciler
        self._policies = policies
        self._effectiveness = effectiveness
        self._warnings = warnings
        self._open = False
        self._many: dict[WorkloadKey, None] = {}
        """What is evaluated in the next batch."""
        self._governing = False
        """Whether that batch is due to a change of who is governed."""
        self._added = asyncio.Event()

    def open(self) -> None:
        """Have what changes from now on evaluated; until then everything is only put into the store."""
        self._open = True

    def put(self, resource: Resource, raw: Mapping[str, Any], *, deleted: bool = False) -> None:
        """Take in an object, or its deletion, if it is in scope."""
        if not self._scope.takes(resource, raw):
            self._lag()
            return
        name = str(raw.get("metadata", {}).get("name"))
        before = self._policies_named_by(resource, name)
        self._concern(resource, name, before, self._store.observe(resource, raw, deleted=deleted))

    def drop(self, resource: Resource, namespace: str, name: str) -> None:
        """Take note that an object is gone."""
        before = self._policies_named_by(resource, name)
        self._concern(resource, name, before, self._store.forget(resource, namespace, name))

    async def run(self, add_namespaces: Callable[[], Awaitable[list[str]]]) -> None:
        """Evaluate the workloads that policies, namespaces and nodes concern, until cancelled.

        Args:
            add_namespaces: lists the namespaces that have come into scope, and returns them.
        """
        while True:
            await self._added.wait()
            self._added.clear()
            keys, self._many = list(self._many), {}
            governing, self._governing = self._governing, False
            with self._policies.queue.hold():
                if governing:
                    added = [key for each in await add_namespaces() for key in self._store.workloads(each)]
                    self._reconciler.resume(added)
                    keys = list(dict.fromkeys([*keys, *added]))
                await self._reconciler.evaluate_all(keys)
            if governing:
                self._scope.narrow_down()
                self._warnings.warn()

    def _lag(self) -> None:
        """Have the namespaces listed that have come into scope by what carries repairs in them."""
        if self._open and self._scope.lags():
            self._governing = True
            self._added.set()

    def _policies_named_by(self, resource: Resource, name: str) -> set[str]:
        if resource is POLICIES:
            return {name}
        known = self._store.namespaces.get(name) if resource is NAMESPACES else None
        return {known.policy} if known is not None and known.policy else set()

    def _concern(self, resource: Resource, name: str, before: set[str], keys: list[WorkloadKey]) -> None:
        if resource in GOVERNING:
            self._effectiveness.observe(resource, name)
        if not self._open:
            return
        self._policies.changed(*(before | self._policies_named_by(resource, name)))
        if resource.namespaced:
            for key in keys:
                if self._scope.is_listed(key.namespace):
                    self._reconciler.changed(key)
        elif keys or resource in GOVERNING:
            self._many.update(dict.fromkeys(keys))
            self._governing = self._governing or resource in GOVERNING
            self._added.set()
