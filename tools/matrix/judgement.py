"""What is wrong with a cell: how it differs from its baseline, and from what its owner wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.changes import GRACE_OF_30, ONE_HANDLER, TOO_SHORT, Change
from matrix.manifests import deployment
from matrix.run import OURS, Observation, Sight
from matrix.writers import Replace, Writer
from productionpolicy.kube.identity import FIELD_MANAGER
from testbed.comparison import flat

_LASTING = ("spec", "rollouts", "budgets", "counts", "violated", "checked")
"""What does not change any more once it has come to rest; notes may be tidied up."""

FORGETFUL = "kubectl replace leaves no record of what was declared, so a grace period of 30 counts as the API's default"
TWICE = "kubectl replace removes the repairs, and the pods restart once more when they are restored"
NOT_COUNTED = "fails without us, too"
_REPAIRED = re.compile(
    r"\.strategy\.rollingUpdate\.maxUnavailable"
    r"|\.template\.spec\.(containers\[[^]]+\]\.lifecycle|terminationGracePeriodSeconds|affinity)(\..*)?"
)
"""The fields of a Deployment's spec that we may have changed."""

_REFUSALS = (
    ("may not specify more than 1 handler type", ONE_HANDLER),
    ("terminationGracePeriodSeconds", TOO_SHORT),
    ("conflict", "refused: a conflict"),
)


def complaints(change: Change, *, cell: Observation, baseline: Observation, later: Sight | None) -> Iterator[str]:
    """Yield what is wrong; nothing if the owner has won.

    Args:
        change: what the owner did.
        cell: what came of it on a repaired workload.
        baseline: the same without the operator; it has succeeded.
        later: how the cell stood after the operator had done other things.
    """
    if cell.refused:
        yield _refusal(cell.refused)
        return
    if cell.unsettled:
        yield f"not settled: {cell.unsettled}"
        return
    assert cell.sight is not None
    assert baseline.sight is not None
    yield from (f"says: {line}" for line in cell.said if line not in baseline.said)
    yield from _unlike(cell, cell.sight, baseline.sight)
    if cell.rollouts > baseline.rollouts + change.rollouts:
        yield f"{cell.rollouts} rollouts, not {baseline.rollouts}"
    if cell.difference and not baseline.difference:
        yield f"out of sync: {cell.difference}"
    yield from _misjudged(change, cell.sight)
    changed = _changed(cell.sight, later)
    if changed:
        yield f"it changed again: {changed}"


def _refusal(message: str) -> str:
    return next((short for part, short in _REFUSALS if part in message), f"refused: {message}")


def _unlike(cell: Observation, sight: Sight, baseline: Sight) -> Iterator[str]:
    """What the owner wrote must be live, and all else as it is on the baseline, less what we repair."""
    written = flat(deployment(cell.wanted)["spec"])
    live, unrepaired = flat(sight.spec), flat(baseline.spec)
    for path in sorted(written.keys() | live.keys() | unrepaired.keys()):
        if path in written and live.get(path) != written[path] and unrepaired.get(path) == written[path]:
            yield f"the owner wrote {path}: {written[path]}, but it is {live.get(path)}"
        elif path not in written and live.get(path) != unrepaired.get(path) and not _REPAIRED.fullmatch(path):
            yield f"{path} is {live.get(path)}, not {unrepaired.get(path)}"
    if FIELD_MANAGER in sight.managers:
        yield "we own fields"


def _misjudged(change: Change, sight: Sight) -> Iterator[str]:
    if sight.violated != sight.checked:
        yield f"the status tells {sorted(sight.violated)}, check {sorted(sight.checked)}"
    if any(each.endswith(OURS) for each in sight.budgets) is not change.budget or len(sight.budgets) != 1:
        yield f"budgets: {', '.join(sight.budgets) or 'none'}"
    if sight.tracked:
        yield "our budget carries the writer's marks"


def _changed(before: Sight, after: Sight | None) -> str:
    if after is None:
        return "gone"
    unlike = (name for name in _LASTING if getattr(after, name) != getattr(before, name))
    return ", ".join(f"{name}: {getattr(after, name)}" for name in unlike)


def limit(writer: type[Writer], change: Change, *, admits: bool) -> str:
    """Return why an owner cannot win; empty where an owner has to.

    Args:
        writer: the column.
        change: the row.
        admits: whether the admission policy is installed.
    """
    if writer is Replace:
        return FORGETFUL if change.name == GRACE_OF_30 else TWICE if not admits else ""
    return "" if admits else change.unguarded
