"""`python -m release`: prepare a release, print its notes, and write the plugin of kubectl."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from release.changelog import NotInChangelog, is_released, notes, released
from release.places import NotConsistent, moved, version
from release.plugin import build

ROOT = Path(__file__).parents[2]
CHANGELOG = "CHANGELOG.md"


class NotPrepared(Exception):
    """The repository is not ready for a release; the message gives the reason."""


def prepare(root: Path, *, to: str, day: str) -> list[Path]:
    """Write a version to all places and its heading to the changelog; return the files.

    Args:
        root: the folder of the repository.
        to: the version, as X.Y.Z.
        day: the date of the release, as YYYY-MM-DD.

    Raises:
        NotPrepared: there are uncommitted changes, or the version is not valid or too old.
        NotConsistent: the places contain different versions.
        NotInChangelog: there is nothing to release.
    """
    _refuse_changes(root)
    changelog = (root / CHANGELOG).read_text()
    _refuse_version(to, after=version(root), changelog=changelog)
    texts = {**moved(root, to=to), root / CHANGELOG: released(changelog, version=to, day=day)}
    for path, text in texts.items():
        path.write_text(text)
    return sorted(texts)


def told(root: Path, *, of: str) -> str:
    """Return the release notes of a version, which must be the present one.

    Raises:
        NotPrepared: the repository contains another version.
        NotConsistent: the places contain different versions.
        NotInChangelog: there are no notes.
    """
    present = version(root)
    if present != of:
        raise NotPrepared(f"this is version {present}, not {of}; prepare it: make version VERSION={of}")
    return notes((root / CHANGELOG).read_text(), version=of)


def _refuse_changes(root: Path) -> None:
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    if changed:
        raise NotPrepared(f"commit or stash these changes first:\n{changed.rstrip()}")


def _refuse_version(to: str, *, after: str, changelog: str) -> None:
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", to):
        raise NotPrepared(f"{to!r} is not a version of the form X.Y.Z: make version VERSION=0.2.0")
    if is_released(changelog, version=to):
        raise NotPrepared(f"{CHANGELOG} has a section for {to} already")
    if _parts(to) < _parts(after):
        raise NotPrepared(f"{to} is older than {after}, the present version")


def _parts(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def main() -> int:
    """Run the command and return its exit code: 1 if it refuses."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version", help="write a version to all places").add_argument("version")
    commands.add_parser("notes", help="print the notes of the present version").add_argument("version")
    plugin = commands.add_parser("plugin", help="write the plugin of kubectl, and its manifest for krew")
    plugin.add_argument("--homepage", required=True, help="the address of the repository on GitHub")
    plugin.add_argument("--destination", type=Path, required=True, help="the folder to write to")
    options = parser.parse_args()
    try:
        return _done(options)
    except (NotPrepared, NotConsistent, NotInChangelog) as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1


def _done(options: argparse.Namespace) -> int:
    if options.command == "notes":
        print(told(ROOT, of=options.version), end="")
    elif options.command == "plugin":
        for path in build(ROOT, homepage=options.homepage, into=options.destination):
            print(f"written: {path}")
    else:
        for path in prepare(ROOT, to=options.version, day=f"{datetime.now(UTC):%Y-%m-%d}"):
            print(f"written: {path.relative_to(ROOT)}")
        print(f"next: make test, git commit -am 'Release {options.version}', and git tag v{options.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
