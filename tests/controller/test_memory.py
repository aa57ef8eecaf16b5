"""What is remembered of what was refused: how long it is not tried again."""

from __future__ import annotations

import pytest

from productionpolicy.controller.cluster import Forbidden, Refused
from productionpolicy.controller.memory import FIRST_BAR_SECONDS, LAST_BAR_SECONDS, Memory


def test_what_stays_forbidden_is_tried_more_and_more_rarely() -> None:
    memory, now, pauses = Memory(), 1000.0, []
    for _ in range(12):
        pauses.append(memory.bar(now))
        now += pauses[-1]
    assert pauses[:4] == [FIRST_BAR_SECONDS * each for each in (1, 2, 4, 8)]
    assert pauses[-1] == LAST_BAR_SECONDS


def test_two_writes_of_one_look_count_once() -> None:
    memory = Memory()
    assert memory.bar(1000.0) == FIRST_BAR_SECONDS
    assert memory.bar(1001.0) == pytest.approx(FIRST_BAR_SECONDS - 1)
    assert memory.bar(1000.0 + FIRST_BAR_SECONDS) == 2 * FIRST_BAR_SECONDS


def test_what_is_wrong_with_the_object_itself_is_not_forgiven() -> None:
    memory = Memory(refused={"rights": Forbidden("no"), "value": Refused("invalid")})
    memory.forgive()
    assert list(memory.refused) == ["value"]
