"""What cannot be had, and why: such cells stand in the tables with their reason, and nobody has won them."""

from __future__ import annotations

from matrix.changes import GRACE_OF_30, Change
from matrix.writers import Replace, Writer

FORGETFUL = "kubectl replace leaves no record of what was declared, so a grace period of 30 counts as the API's default"
TWICE = "kubectl replace removes the repairs, and the pods restart once more when they are restored"


def limit(writer: type[Writer], change: Change, *, admits: bool) -> str:
    """Return why an owner cannot win; empty where an owner has to.

    Args:
        writer: the column.
        change: the row.
        admits: whether the admission policy is installed.
    """
    if writer is Replace:
        return FORGETFUL if change.name == GRACE_OF_30 else TWICE if not admits else ""
    return "" if admits else change.unguarded
