"""The page that says what was proved on which release: docs/compatibility.md, a row for each release."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

from compat.areas import Area, Count
from control_plane.installation import REPOSITORY
from control_plane.kubernetes import Release, releases

PAGE = REPOSITORY / "docs" / "compatibility.md"
BEGIN, END = "<!-- written by `make compat` -->", "<!-- end of what is written -->"


def write(release: Release, counts: dict[Area, Count]) -> None:
    """Put the row of a release into the table, in place of an earlier one of the same minor version."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| 1.")}
    rows = {version: row for version, row in rows.items() if not version.startswith(f"{release.minor}.")}
    rows[release.version] = _line(release.version, *map(str, counts.values()), _today(), _commit())
    known = [each.version for each in releases() if each.version in rows]
    titles = ("Kubernetes", *Area, "date", "commit")
    lines = [_line(*titles), _line(*["---"] * len(titles)), *(rows[version] for version in known)]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "".join(f"{line}\n" for line in lines) + f"\n{END}{after}")


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _today() -> str:
    return datetime.now(tz=UTC).date().isoformat()


def _commit() -> str:
    """Return the commit that ran, marked if anything but this page differs from it."""
    changed = _git("status", "--porcelain", "--", ".", f":!{PAGE.relative_to(REPOSITORY)}")
    return _git("rev-parse", "--short=9", "HEAD") + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
