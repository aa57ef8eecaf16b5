"""YAML: first the patches, then the budgets, each with a comment that says what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import yaml

from productionpolicy.offline import Proposal, Proposed
from productionpolicy.offline.gathering import shown
from productionpolicy.verdict.case import BUDGET

_WORD = re.compile(r"[A-Za-z/][A-Za-z0-9./_-]+")
"""Text that every YAML parser reads as a string; some read `1e3` as a number and `y` as a boolean."""


class _Dumper(yaml.SafeDumper):
    """Writes YAML that every parser reads in the same way: no aliases, and quotes if they may matter."""

    def ignore_aliases(self, _value: Any) -> bool:
        """Return True: write repeated values in full."""
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if _WORD.fullmatch(value) else '"')


_Dumper.add_representer(str, _text)


def write(proposal: Proposal, out: TextIO) -> None:
    """Write the documents: first all patches, then all budgets."""
    made = [patch_of(each) for each in proposal.changed if each.patch]
    made += [budget_of(each) for each in proposal.changed if each.budget]
    out.write("---\n".join(made))


def patch_of(workload: Proposed) -> str:
    """Return the patch of a workload, with its changes in a comment."""
    changes = (shown(str(each)) for each in workload.changes if each.expectation != BUDGET)
    return _under([f"{workload.file}:{workload.line}", *changes], workload.patch)


def budget_of(workload: Proposed) -> str:
    """Return the budget of a workload, with the workload in a comment."""
    return _under(
        [f"for {workload.title}, {workload.file}:{workload.line}", *filter(None, [workload.note])], workload.budget
    )


def dumped(made: Mapping[str, Any]) -> str:
    """Return an object as YAML."""
    return yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=120)


def _under(comment: Iterable[str], made: Mapping[str, Any]) -> str:
    return "".join(f"# {line}\n" for line in comment) + dumped(made)
