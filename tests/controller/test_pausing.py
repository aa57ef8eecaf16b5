"""Which policies are paused together, and which go on again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import pytest

from productionpolicy.controller.cluster import Cluster, Forbidden
from productionpolicy.controller.pausing import PausingResult, resume, stop
from productionpolicy.kube.identity import STOPPED


class Policies:
    """An API server with some policies."""

    def __init__(self, **paused: bool) -> None:
        self.paused = paused
        self.noted: set[str] = set()
        self.forbidden: set[str] = set()

    async def pages(self, _: object) -> AsyncIterator[list[dict[str, Any]]]:
        yield [self._raw(name) for name in self.paused]

    def _raw(self, name: str) -> dict[str, Any]:
        noted = {STOPPED: "true"} if name in self.noted else {}
        return {"metadata": {"name": name, "annotations": noted}, "spec": {"paused": self.paused[name]}}

    async def pause(self, name: str, *, paused: bool, note: Mapping[str, str | None]) -> None:
        if name in self.forbidden:
            raise Forbidden("not allowed")
        self.paused[name] = paused
        self.noted = self.noted | {name} if any(note.values()) else self.noted - {name}


async def test_only_those_go_on_that_were_stopped() -> None:
    policies = Policies(b=False, a=False, manual=True)
    cluster = cast("Cluster", policies)
    assert await stop(cluster) == PausingResult(changed=("a", "b"), left=("manual",))
    assert await stop(cluster) == PausingResult(left=("a", "b", "manual"))
    assert await resume(cluster) == PausingResult(changed=("a", "b"), left=("manual",))
    assert policies.paused == {"a": False, "b": False, "manual": True}


@pytest.mark.parametrize("action", [stop, resume])
async def test_where_there_is_no_policy_nothing_is_done(action: Any) -> None:
    assert await action(cast("Cluster", Policies())) == PausingResult()


async def test_where_nothing_is_paused_resume_names_the_policies() -> None:
    assert await resume(cast("Cluster", Policies(a=False, b=False))) == PausingResult(idle=("a", "b"))


async def test_one_that_cannot_be_written_does_not_keep_the_others_from_being_paused() -> None:
    policies = Policies(a=False, b=False)
    policies.forbidden = {"a"}
    assert await stop(cast("Cluster", policies)) == PausingResult(changed=("b",), failed=("a: not allowed",))
