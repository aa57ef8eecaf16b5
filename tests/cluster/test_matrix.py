"""Whatever an owner does next to a repaired workload, by whatever tool, the owner wins. `make matrix` plays it all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from helm.programs import HELM_3, HELM_4
from matrix.changes import CHANGES, ONE_HANDLER, TOO_SHORT
from matrix.run import Way
from matrix.runner import REPAIRED, Cell, Unit, changes_once, pairs, results, writers_once
from matrix.testbed import running_testbed
from matrix.writers import WRITERS, Apply


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """Build them, if need be, before anything waits for an answer."""
    for each in (HELM_3, HELM_4):
        each.ensure()


def played(folder: Path, units: Iterable[Unit], *, admits: bool = True) -> list[Cell]:
    with running_testbed(folder, admits=admits) as testbed:
        return results(testbed, units)


def lost(cells: list[Cell]) -> list[str]:
    return sorted(f"{each.change}, {each.writer}, {each.way}: {each}" for each in cells if each.lost)


def test_the_slice_holds_every_pair() -> None:
    units = list(pairs())
    assert len({(each.writer, each.change.name) for each in units}) == len(units) == len(WRITERS) * len(CHANGES)
    assert len({(each.writer, each.ways) for each in units}) == len(WRITERS) * len(REPAIRED)
    assert len({(each.change.name, each.ways) for each in units}) == len(CHANGES) * len(REPAIRED)


def test_the_smaller_slice_holds_every_change_writer_and_way() -> None:
    units = list(changes_once())
    assert [each.change for each in units] == list(CHANGES)
    assert {each.writer for each in units} == set(WRITERS)
    assert {way for each in units for way in each.ways} == set(REPAIRED)


def test_the_smallest_slice_holds_every_writer_and_way() -> None:
    units = list(writers_once())
    assert [each.writer for each in units] == list(WRITERS)
    assert len({each.change.name for each in units}) == len(WRITERS)
    assert {way for each in units for way in each.ways} == set(REPAIRED)


def test_the_owner_wins_with_every_tool(tmp_path: Path) -> None:
    cells = played(tmp_path, writers_once())
    assert lost(cells) == []
    assert sum(each.won for each in cells) >= 0.9 * len(WRITERS)


@pytest.mark.slow
def test_the_owner_wins_every_change(tmp_path: Path) -> None:
    cells = played(tmp_path, changes_once())
    assert lost(cells) == []
    assert sum(each.won for each in cells) >= 0.9 * len(CHANGES)


@pytest.mark.exhaustive
def test_the_owner_wins_whoever_writes_whatever(tmp_path: Path) -> None:
    cells = played(tmp_path, pairs())
    assert lost(cells) == []
    assert sum(each.won for each in cells) >= 0.95 * len(WRITERS) * len(CHANGES)


@pytest.mark.slow
def test_without_the_admission_policy_some_changes_need_a_hand(tmp_path: Path) -> None:
    changes = [each for each in CHANGES if each.unguarded]
    cells = played(tmp_path, [Unit(Apply, each, (Way.BACKGROUND,)) for each in changes], admits=False)
    assert {each.change for each in cells if each.complaints and not each.lost} == {each.name for each in changes}
    refused = {each.name: (each.unguarded,) for each in changes if each.unguarded in (ONE_HANDLER, TOO_SHORT)}
    assert {each.change: each.complaints for each in cells if each.change in refused} == refused
