"""The versions of Kubernetes with which the operator is tested."""

from __future__ import annotations

Version = tuple[int, int]
"""Major and minor."""

OLDEST_TESTED: Version = (1, 32)
NEWEST_TESTED: Version = (1, 37)


def untested(version: Version) -> str | None:
    """Return what to tell of an API server of a version that is not tested; None where it is."""
    if OLDEST_TESTED <= version <= NEWEST_TESTED:
        return None
    return f"Kubernetes {_text(version)} is not among the tested versions, {tested()}"


def tested() -> str:
    """Return the range of the tested versions."""
    return f"{_text(OLDEST_TESTED)} to {_text(NEWEST_TESTED)}"


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
