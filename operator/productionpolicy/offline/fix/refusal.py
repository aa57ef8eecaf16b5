"""Why a file, or a part of it, stays as it is."""

from __future__ import annotations


class Refused(Exception):
    """A change cannot be written safely; the message gives the reason and the remedy."""

    def __init__(self, message: str, *, position: int = 0) -> None:
        super().__init__(message)
        self.position = position
        """The position in the text of the document."""
