"""A run continues where one ended, unless the code has changed."""

from __future__ import annotations

from pathlib import Path

from drains.comparison import Compared, Difference, Kind
from drains.kept import Kept, fingerprint


def compared(number: int, *kinds: Kind) -> Compared:
    wrong = tuple(Difference(each, "a", "one thing", "another") for each in kinds)
    return Compared(1, number, wrong, nodes=2, drained=1, said_drains=1, unknown=0, pods=5, workloads=3, dark=0)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "new" / "1.jsonl", code="x")
    assert kept.of(range(3)) == []
    for each in (compared(0), compared(2, Kind.PENDING)):
        kept.add(each)
    assert kept.of(range(3)) == [compared(0), compared(2, Kind.PENDING)]
    assert kept.of([2]) == [compared(2, Kind.PENDING)]


def test_the_newest_result_of_a_cluster_counts(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "1.jsonl", code="x")
    for each in (compared(0, Kind.PENDING), compared(0)):
        kept.add(each)
    assert kept.of([0]) == [compared(0)]


def test_results_of_other_code_do_not_count(tmp_path: Path) -> None:
    Kept(tmp_path / "1.jsonl", code="x").add(compared(0))
    assert Kept(tmp_path / "1.jsonl", code="y").of([0]) == []


def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "1.jsonl", code="x")
    kept.add(compared(0))
    with kept.file.open("ab") as file:
        file.write(b'\n{"code":"x","compa')
    kept.add(compared(1))
    assert kept.of(range(2)) == [compared(0), compared(1)]


def test_the_fingerprint_changes_with_the_code(tmp_path: Path) -> None:
    source = tmp_path / "tools" / "a.py"
    source.parent.mkdir()
    source.write_text("a = 1\n")
    before = fingerprint(["tools"], root=tmp_path)
    assert fingerprint(["tools"], root=tmp_path) == before
    source.write_text("a = 2\n")
    assert fingerprint(["tools"], root=tmp_path) != before
