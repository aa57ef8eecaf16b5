"""`make version` writes a version to all places or fails without a change; `make notes` prints its changes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from release.__main__ import NotPrepared, prepare, told
from release.changelog import UNRELEASED, NotInChangelog, notes, released
from release.places import PLACES, NotConsistent, version

ROOT = Path(__file__).parents[2]
DAY = "2030-01-02"
CHANGELOG = """# Changelog

## [Unreleased]

To be 0.2.0, the second release.

### Added

- A thing.

## [0.1.0] - 2029-01-01

### Fixed

- Another.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with copies of the files that contain the version, committed at 0.1.0."""
    for name in PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    present = version(tmp_path)
    for name in PLACES:
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text.replace(present, "0.1.0"))
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--no-verify", "--message=all")


def test_all_places_of_this_repository_name_one_version() -> None:
    assert version(ROOT)


def test_a_version_is_written_into_all_places_and_nothing_else(repository: Path) -> None:
    written = prepare(repository, to="0.2.0", day=DAY)

    assert version(repository) == "0.2.0"
    assert {each.relative_to(repository).as_posix() for each in written} == {*PLACES, "CHANGELOG.md"}
    for line in git(repository, "diff", "--unified=0", "--", *PLACES).splitlines():
        if line.startswith("-") and not line.startswith("---"):
            assert "0.1.0" in line


def test_what_was_not_released_becomes_the_section_of_the_version(repository: Path) -> None:
    prepare(repository, to="0.2.0", day=DAY)

    changelog = (repository / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n## [0.2.0] - 2030-01-02\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2029" in changelog
    assert told(repository, of="0.2.0") == "### Added\n\n- A thing.\n"


def test_the_present_version_can_be_released_once(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace("[0.1.0]", "[0.0.9]"))
    commit(repository)
    prepare(repository, to="0.1.0", day=DAY)
    commit(repository)

    assert version(repository) == "0.1.0"
    with pytest.raises(NotPrepared, match=r"has a section for 0\.1\.0 already"):
        prepare(repository, to="0.1.0", day=DAY)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("0.0.9", r"older than 0\.1\.0"),
        ("0.1.0", "has a section"),
        ("v0.2.0", "not a version of the form"),
        ("0.2", "not a version of the form"),
        ("0.2.0-rc.1", "not a version of the form"),
        ("", "not a version of the form"),
    ],
)
def test_a_version_that_cannot_follow_is_refused(repository: Path, wanted: str, why: str) -> None:
    with pytest.raises(NotPrepared, match=why):
        prepare(repository, to=wanted, day=DAY)
    assert git(repository, "status", "--porcelain") == ""


def test_ten_follows_nine(repository: Path) -> None:
    prepare(repository, to="0.9.0", day=DAY)
    text = (repository / "CHANGELOG.md").read_text()
    (repository / "CHANGELOG.md").write_text(text.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"))
    commit(repository)

    prepare(repository, to="0.10.0", day=DAY)
    assert version(repository) == "0.10.0"


@pytest.mark.parametrize("name", ["pyproject.toml", "unknown.txt"])
def test_changes_that_are_not_committed_are_refused(repository: Path, name: str) -> None:
    with (repository / name).open("a") as file:
        file.write("\n")
    changed = git(repository, "diff")

    with pytest.raises(NotPrepared, match=name):
        prepare(repository, to="0.2.0", day=DAY)
    assert git(repository, "diff") == changed


@pytest.mark.parametrize("name", PLACES)
def test_places_that_do_not_agree_are_refused(repository: Path, name: str) -> None:
    text = (repository / name).read_text()
    (repository / name).write_text(text.replace("0.1.0", "0.1.1"))
    commit(repository)

    with pytest.raises(NotConsistent, match=name):
        prepare(repository, to="0.2.0", day=DAY)
    assert git(repository, "status", "--porcelain") == ""


def test_a_place_that_is_missing_is_refused(repository: Path) -> None:
    (repository / "Dockerfile").write_text("FROM scratch\n")
    commit(repository)

    with pytest.raises(NotConsistent, match=r"Dockerfile matches .* 0 times"):
        prepare(repository, to="0.2.0", day=DAY)


def test_nothing_to_release_is_refused() -> None:
    empty = CHANGELOG.replace("- A thing.\n", "")

    with pytest.raises(NotInChangelog, match="lists no changes"):
        released(empty, version="0.2.0", day=DAY)
    with pytest.raises(NotInChangelog, match="no section"):
        released("# Changelog\n", version="0.2.0", day=DAY)


def test_notes_are_those_of_the_present_version(repository: Path) -> None:
    assert told(repository, of="0.1.0") == "### Fixed\n\n- Another.\n"
    with pytest.raises(NotPrepared, match=r"this is version 0\.1\.0, not 0\.2\.0"):
        told(repository, of="0.2.0")
    with pytest.raises(NotInChangelog, match=r"no section for 0\.1"):
        notes(CHANGELOG, version="0.1")


def test_the_changelog_of_this_repository_has_a_section_for_changes() -> None:
    assert (ROOT / "CHANGELOG.md").read_text().count(UNRELEASED) == 1
