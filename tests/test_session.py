"""How programs with a control plane of their own end, and what they leave behind."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.patience import NeverHappened
from control_plane.session import INTERRUPTED, carry_out, in_folder


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave signals and the folders of this machine alone."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["tried"])


def fail() -> int:
    raise NeverHappened("it did not start")


def interrupt() -> int:
    raise KeyboardInterrupt


ENDS = [
    pytest.param(lambda: 0, 0, False, id="well"),
    pytest.param(lambda: 3, 3, True, id="with-a-code"),
    pytest.param(fail, 1, True, id="after-a-failure"),
    pytest.param(interrupt, INTERRUPTED, False, id="interrupted"),
]


@pytest.mark.parametrize(("act", "code", "left"), ENDS)
def test_a_folder_of_its_own_stays_if_something_went_wrong(
    act: Callable[[], int], code: int, left: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(folder: Path, _: argparse.Namespace) -> int:
        (folder / "operator.log").touch()
        return act()

    with pytest.raises(SystemExit) as ended:
        carry_out(argparse.ArgumentParser(prog="python -m tried"), work)
    assert ended.value.code == code
    folders = [each for each in tmp_path.iterdir() if each.name.startswith("productionpolicy-tried-")]
    assert bool(folders) is left
    assert all(f"The logs are in {each}." in capsys.readouterr().err for each in folders)


@pytest.mark.parametrize(("act", "code", "left"), ENDS)
def test_a_given_folder_keeps_its_logs_if_something_went_wrong(
    act: Callable[[], int], code: int, left: bool, tmp_path: Path
) -> None:
    def work() -> int:
        (tmp_path / "logs").mkdir()
        return act()

    assert in_folder(tmp_path, work) == code
    assert (tmp_path / "logs").exists() is left
    assert in_folder(tmp_path, lambda: 0) == 0
    assert not (tmp_path / "logs").exists()


def test_a_failure_is_told_with_where_the_logs_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        (tmp_path / "plane").mkdir()
        return fail()

    in_folder(tmp_path, fail)
    in_folder(tmp_path, work)
    assert capsys.readouterr().err.splitlines() == [
        "error: it did not start",
        "error: it did not start",
        f"The logs are in {tmp_path}.",
    ]
