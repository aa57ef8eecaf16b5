"""The page that says what was proved on which release: docs/compatibility.md, a row for each release."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

from compat.areas import Area, Count
from control_plane.installation import REPOSITORY
from control_plane.kubernetes import Release, releases
from pages.marks import Place
from testbed.tables import Table

PLACE = Place(REPOSITORY / "docs" / "compatibility.md", "make compat")


def write(release: Release, counts: dict[Area, Count]) -> None:
    """Put the row of a release into the table, in place of an earlier one of the same minor version."""
    rows = PLACE.rows
    rows[release.version] = [release.version, *map(str, counts.values()), f"{datetime.now(tz=UTC):%Y-%m-%d}", _commit()]
    known = [rows[each.version] for each in releases() if each.version in rows]
    table = Table(("Kubernetes", *Area, "date", "commit"), known, numbers=False)
    PLACE.write(table.markdown())


def _commit() -> str:
    """Return the commit that ran, marked if anything but this page differs from it."""
    changed = _git("status", "--porcelain", "--", ".", f":!{PLACE.page.relative_to(REPOSITORY)}")
    return _git("rev-parse", "--short=9", "HEAD") + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
