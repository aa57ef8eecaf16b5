"""The changelog, with a section for each version and one for unreleased changes."""

from __future__ import annotations

import re

UNRELEASED = "## [Unreleased]\n"
ANNOUNCEMENT = re.compile(r"\ATo be .*\n\n")
"""The sentence that announces the next version."""


class NotInChangelog(Exception):
    """The changelog lacks a section or has no changes; the message says which."""


def notes(text: str, *, version: str) -> str:
    """Return the changes of a version.

    Raises:
        NotInChangelog: it has no section for it.
    """
    section = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if section is None:
        raise NotInChangelog(f"CHANGELOG.md has no section for {version}; make version VERSION={version} makes it")
    return section[1].strip() + "\n"


def is_released(text: str, *, version: str) -> bool:
    """Say whether there is a section for a version."""
    return f"\n## [{version}]" in text


def released(text: str, *, version: str, day: str) -> str:
    """Return the changelog with the unreleased changes under the heading of a version.

    Raises:
        NotInChangelog: there is no section for unreleased changes, or it is empty.
    """
    before, heading, rest = text.partition(UNRELEASED)
    if not heading:
        raise NotInChangelog(f"CHANGELOG.md has no section {UNRELEASED.strip()}")
    changes, older, earlier = rest.partition("\n## [")
    changes = ANNOUNCEMENT.sub("", changes.strip() + "\n")
    if not re.search(r"^- ", changes, re.MULTILINE):
        raise NotInChangelog(f"{UNRELEASED.strip()} of CHANGELOG.md lists no changes; there is nothing to release")
    return f"{before}{UNRELEASED}\n## [{version}] - {day}\n\n{changes}{older}{earlier}"
