"""What a machine lacks is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.installation import REPOSITORY
from proof import requirements
from proof.__main__ import main


@pytest.fixture
def capable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Pretend that this machine has everything."""
    (tmp_path / "filesystems").write_text("nodev\toverlay\n")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(requirements, "FILESYSTEMS", tmp_path / "filesystems")
    monkeypatch.setattr(requirements, "COVERED", ("/nowhere",))
    monkeypatch.setattr("proof.isolation.missing", lambda: "")
    return monkeypatch


def test_a_machine_that_has_everything_lacks_nothing(capable: pytest.MonkeyPatch) -> None:
    del capable
    assert requirements.missing() == ""


def test_another_system_than_linux_will_not_do(capable: pytest.MonkeyPatch) -> None:
    capable.setattr("sys.platform", "darwin")
    assert requirements.missing() == "real nodes need Linux"


def test_a_missing_program_is_named_with_its_package(capable: pytest.MonkeyPatch) -> None:
    capable.setattr("shutil.which", lambda name: None if name == "ip" else name)
    assert requirements.missing() == "real nodes need the program ip (package iproute2)"


def test_a_kernel_without_overlay_will_not_do(capable: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "filesystems").write_text("nodev\ttmpfs\n")
    capable.setattr(requirements, "FILESYSTEMS", tmp_path / "filesystems")
    assert "overlay" in requirements.missing()


def test_a_repository_that_the_nodes_would_hide_must_be_elsewhere(capable: pytest.MonkeyPatch) -> None:
    capable.setattr(requirements, "COVERED", (str(REPOSITORY.parent),))
    assert str(REPOSITORY) in requirements.missing()


def test_without_root_it_ends_with_a_sentence_that_names_the_other_way(
    capable: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    capable.setattr("os.geteuid", lambda: 1000)
    capable.setattr("signal.signal", lambda *_: None)
    assert main([f"--folder={tmp_path}"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == (
        "error: real nodes need root, to make namespaces, control groups and mounts. "
        "`make proof PORTABLE=1` simulates them."
    )
