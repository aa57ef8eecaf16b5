"""The versions of Kubernetes that the project claims to support are those that were tested."""

from __future__ import annotations

from compat.page import PLACE
from control_plane.kubernetes import releases
from productionpolicy.controller.versions import NEWEST_TESTED, OLDEST_TESTED


def test_the_operator_claims_what_is_pinned_for_the_tests() -> None:
    minors = [tuple(map(int, each.minor.split("."))) for each in releases()]
    assert (min(minors), max(minors)) == (OLDEST_TESTED, NEWEST_TESTED)
    assert len(minors) == NEWEST_TESTED[1] - OLDEST_TESTED[1] + 1


def test_the_page_has_a_result_for_each_version() -> None:
    assert [each.version for each in releases() if each.version not in PLACE.rows] == []


def test_no_published_result_is_a_failure() -> None:
    assert [version for version, cells in PLACE.rows.items() if any("failed" in each for each in cells)] == []
