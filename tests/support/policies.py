"""Policies in one line."""

from __future__ import annotations

from typing import Any

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.policy import Policy, read_policy

Parameters = dict[str, Any]


def policy(name: str = "default", /, *, spec: Parameters | None = None, **expectations: Parameters) -> Policy:
    """Return a policy of profile Production that enforces, with the expectations changed as given."""
    given = {"mode": "Enforce", **(spec or {}), "expectations": expectations}
    return read_policy({"metadata": {"name": name, "uid": f"uid-of-{name}", "generation": 1}, "spec": given})


def only(*names: str, spec: Parameters | None = None, **expectations: Parameters) -> Policy:
    """Return a policy that ignores all expectations but those named, or given with their parameters."""
    chosen = {**{name: {} for name in names}, **expectations}
    ignored = {each.name: {"action": "Ignore"} for each in EXPECTATIONS}
    return policy(spec=spec, **{**ignored, **chosen})
