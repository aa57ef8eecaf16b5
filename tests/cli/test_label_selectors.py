"""Label selectors mean what they mean for kubectl."""

from __future__ import annotations

import pytest

from productionpolicy.cli.label_selectors import InvalidSelector, LabelSelector

LABELS = {"app": "web", "tier": "front", "example.com/zone": "a"}


@pytest.mark.parametrize(
    "selector",
    [
        "app=web",
        "app==web",
        "app",
        "app!=api",
        "other!=x",
        "!other",
        "tier in (front, back)",
        "tier notin (back)",
        "other notin (x)",
        "app=web,tier in (front,back),!other",
        "example.com/zone=a",
        " app = web , tier ",
    ],
)
def test_it_matches(selector: str) -> None:
    assert LabelSelector.parse(selector).matches(LABELS)


@pytest.mark.parametrize(
    "selector",
    [
        "app=api",
        "app!=web",
        "!app",
        "other",
        "other=x",
        "tier in (back)",
        "tier notin (front)",
        "app=web,other",
        "app=",
    ],
)
def test_it_does_not_match(selector: str) -> None:
    assert not LabelSelector.parse(selector).matches(LABELS)


@pytest.mark.parametrize("text", ["", ",", "app=web,", "a b", "app in", "app in web", "a=b=c", "app in (a", "=x", "-a"])
def test_it_is_refused(text: str) -> None:
    with pytest.raises(InvalidSelector):
        LabelSelector.parse(text)
