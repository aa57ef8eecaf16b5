"""The proof itself: every scenario as the service was written, its repair, and every scenario again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proof.load import Target
from proof.outcome import AS_WRITTEN, REPAIRED, Outcome
from proof.record import Record
from proof.scenarios import Scenario, observed
from proof.teller import Teller
from proof.testbed import Testbed


@dataclass(frozen=True, slots=True)
class Story:
    """What is run, on which testbed, told by whom.

    Attributes:
        tries: how often a scenario is run as the service was written, at most, until a request fails in it.
    """

    testbed: Testbed
    teller: Teller
    scenarios: Sequence[Scenario]
    tries: int = 1

    async def told(self) -> list[Outcome]:
        """Run everything."""
        with self.teller.waiting("starting the service"):
            targets = await asyncio.to_thread(self.testbed.open)
        before = [await self._before(each, targets) for each in self.scenarios]
        with self.teller.waiting("the namespace is labelled; the operator repairs the service"):
            await asyncio.to_thread(self.testbed.repair)
        self.teller.say("the namespace is labelled, the operator has repaired the service")
        after = [await self._carried_out(each, targets, state=REPAIRED) for each in self.scenarios]
        names = [each.name for each in self.scenarios]
        return list(map(Outcome, names, before, after))

    async def _before(self, scenario: Scenario, targets: Mapping[str, Target]) -> Record:
        for _ in range(self.tries - 1):
            record = await self._carried_out(scenario, targets, state=AS_WRITTEN)
            if record.failed:
                return record
        return await self._carried_out(scenario, targets, state=AS_WRITTEN)

    async def _carried_out(self, scenario: Scenario, targets: Mapping[str, Target], *, state: str) -> Record:
        title = f"{scenario.name}, {state}"
        with self.teller.following(title) as watch:
            record = await observed(scenario, self.testbed, targets=targets, watch=watch)
        self.teller.finished(title, record)
        return record
