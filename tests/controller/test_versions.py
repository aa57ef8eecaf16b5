"""The versions of Kubernetes with which the operator is tested."""

from __future__ import annotations

import pytest

from productionpolicy.controller.versions import NEWEST_TESTED, OLDEST_TESTED, Version, untested


@pytest.mark.parametrize("version", [OLDEST_TESTED, (1, 35), NEWEST_TESTED])
def test_of_a_tested_version_nothing_is_told(version: Version) -> None:
    assert untested(version) is None


@pytest.mark.parametrize("version", [(1, 9), (1, 31), (1, 38), (2, 0)])
def test_any_other_version_is_named(version: Version) -> None:
    named = f"Kubernetes {version[0]}.{version[1]} is outside of 1.32 to 1.37"
    assert untested(version) == f"{named}, the versions with which the operator is tested"
