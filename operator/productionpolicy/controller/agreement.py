"""What several replicas of the operator say of one policy, where each has looked at another moment.

All replicas see the same objects, so what follows from these is the same soon. Other conditions tell what a replica has
looked up, tried or failed at, such as whether reports may be written. If each replica corrected the other's words, both
would write the status in turn until their next look. So the latest news counts: a replica writes such a condition when
its own view has changed, and otherwise leaves what another one has written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from productionpolicy.controller.admission import REPAIR_CONDITION, VALIDATION_CONDITION
from productionpolicy.controller.destinations import CONDITION as REPORTS
from productionpolicy.controller.drain_audits import CONDITION as NODES_DRAINABLE
from productionpolicy.controller.store import StoredPolicy, is_older
from productionpolicy.policy.status import Condition

READY = "Ready"
LOOKED_UP = (READY, REPAIR_CONDITION, VALIDATION_CONDITION, REPORTS, NODES_DRAINABLE)
"""The conditions that tell what a replica has looked up."""

_ORDER = (READY, "Compliant", "Progressing", REPAIR_CONDITION, VALIDATION_CONDITION, REPORTS, NODES_DRAINABLE)

LEFT_SECONDS = 600.0
"""How long another replica's words are left before a replica that still sees it otherwise writes its own again."""

_Words = tuple[str, str, str]
"""Status, reason and message of a condition."""


class Agreed(Struct, frozen=True):
    """The conditions of one policy."""

    conditions: tuple[Condition, ...]
    """Those for the status."""
    own: dict[str, _Words]
    """What the replica itself has looked up, by condition."""
    left: frozenset[str]
    """The conditions that are left as another replica has written them."""


class _Said(Struct, frozen=True):
    """What the replica has said last of a policy."""

    uid: str
    generation: int
    version: str
    """The version of the policy with the status that the replica wrote or found right."""
    own: dict[str, _Words]
    at: dict[str, float]
    """By condition, when the status last had these words, by the monotonic clock."""


class Agreement:
    """Decides for each condition whether the replica writes its own words, or leaves those of another one."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._said: dict[str, _Said] = {}

    def forget(self, policy: str) -> None:
        """Forget a deleted policy."""
        self._said.pop(policy, None)

    def agreed(self, stored: StoredPolicy, own: Iterable[Condition]) -> Agreed:
        """Return the conditions for the status of a policy.

        Args:
            stored: the policy.
            own: the conditions as the replica sees them.
        """
        mine, theirs = {each.type: each for each in own}, _conditions(stored)
        words = {kind: _words(mine[kind]) for kind in LOOKED_UP if kind in mine}
        found = {kind: _words(theirs[kind]) for kind in LOOKED_UP if kind in theirs}
        said = self._last_words(stored, theirs.get(READY))
        left = frozenset(each for each in LOOKED_UP if said and self._leaves(said, each, words, found))
        kept = {kind: each for kind, each in mine.items() if kind not in left}
        kept |= {kind: each for kind, each in theirs.items() if kind in left}
        return Agreed(tuple(sorted(kept.values(), key=_place)), words, left)

    def say(self, stored: StoredPolicy, agreed: Agreed, *, version: str) -> None:
        """Remember what the replica has said, once the status has these conditions.

        Args:
            stored: the policy as it was before.
            agreed: its conditions.
            version: the version of the policy with this status.
        """
        known, now = self._said.get(stored.name), self._monotonic()
        at = {kind: known.at[kind] if known is not None and kind in agreed.left else now for kind in LOOKED_UP}
        self._said[stored.name] = _Said(stored.uid, stored.generation, version, agreed.own, at)

    def _leaves(self, said: _Said, kind: str, mine: dict[str, _Words], theirs: dict[str, _Words]) -> bool:
        """Say whether a condition is left that another replica has written after this one had its last news."""
        unchanged = mine.get(kind) == said.own.get(kind) != theirs.get(kind)
        return unchanged and self._monotonic() - said.at[kind] < LEFT_SECONDS

    def _last_words(self, stored: StoredPolicy, ready: Condition | None) -> _Said | None:
        """Return the last status this replica wrote for this generation, if another replica may have written since.

        Args:
            stored: the policy.
            ready: the condition Ready in its status.
        """
        said = self._said.get(stored.name)
        if said is None or (said.uid, said.generation) != (stored.uid, stored.generation):
            return None
        if ready is None or ready.observed_generation != stored.generation:
            return None  # no replica has written this status
        return None if is_older(stored.resource_version, said.version) else said


def _conditions(stored: StoredPolicy) -> dict[str, Condition]:
    """Return the conditions in the status of a policy, if replicas of this version can have written them."""
    try:
        found = msgspec.convert(stored.status.get("conditions") or (), tuple[Condition, ...])
    except msgspec.ValidationError:
        return {}
    return {each.type: each for each in found}


def _words(condition: Condition) -> _Words:
    return condition.status, condition.reason, condition.message


def _place(condition: Condition) -> int:
    return _ORDER.index(condition.type) if condition.type in _ORDER else len(_ORDER)
