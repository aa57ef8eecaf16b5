"""Text that users wrote is made fit to be shown."""

from __future__ import annotations

import pytest

from productionpolicy.kube.text import printable
from support.hostile import TEXTS


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)


@pytest.mark.parametrize("text", ["", "plain", "Grüße, 世界 🙂", "a" * 10])
def test_what_can_be_printed_stays(text: str) -> None:
    assert printable(text, longest=12) == text


def test_what_is_too_long_is_cut() -> None:
    assert printable("a\x1b" + "b" * 9, longest=10) == "a\ufffdbbbbbbb…"
