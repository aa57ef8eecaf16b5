"""Globs of names."""

from __future__ import annotations

import pytest

from productionpolicy.kube.patterns import any_of


@pytest.mark.parametrize(
    ("patterns", "name", "matches"),
    [
        (("web",), "web", True),
        (("web",), "webs", False),
        (("api", "w*"), "web", True),
        (("w?b",), "web", True),
        (("w.b",), "web", False),
        (("*",), "a/b", True),
        ((), "", False),
    ],
)
def test_any_pattern_matches_a_whole_name(patterns: tuple[str, ...], name: str, matches: bool) -> None:
    assert (any_of(patterns).match(name) is not None) is matches
