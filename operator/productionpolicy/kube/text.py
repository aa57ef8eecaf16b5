"""User text, made safe for output: without control characters, and on one line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_CUT = "…"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably intended, regardless of case; None if none is similar."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def printable(text: str, *, longest: int | None = None) -> str:
    """Return the text with unprintable characters replaced, such as escapes and bidirectional control characters.

    Args:
        text: the text to show.
        longest: the maximum number of characters; the rest is cut.
    """
    whole = longest is None or len(text) <= longest
    kept = text if whole else f"{text[: longest - 1]}{_CUT}"  # type: ignore[operator]  # it is given
    return kept if kept.isprintable() else "".join(each if each.isprintable() else _REPLACEMENT for each in kept)
