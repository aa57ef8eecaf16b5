"""Settings that all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "quick",
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

os.environ.setdefault("GOGC", "400")
"""The API servers and kubectl collect garbage less often, which saves a seventh of their CPU time."""

LONGEST = (
    "test_matrix.py",
    "test_failed_rollouts.py",
    "test_removal.py",
    "test_demo.py",
    "test_proof.py",
    "test_chaos.py",
    "test_drains.py",
    "test_admission_plan.py",
    "test_one_judgement.py",
)
"""The files of the tests that take longest. They begin first, so that at the end no process works alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda each: order.get(each.path.name, len(LONGEST)))
