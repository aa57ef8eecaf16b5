"""User text, made safe for output: without control characters, on one line, and not too long."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import accumulate

_CUT = "…"
_LONGEST_WORD = 40
"""A longer word at the end of a text, such as a path, is cut itself."""
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


def shortened(text: str, *, size: int) -> str:
    """Return the text without unprintable characters, cut after a word if it is too long.

    Args:
        text: the text to show.
        size: the maximum number of bytes in JSON.
    """
    safe = printable(text[: size + 1])  # each character takes a byte or more
    if json_size(safe) <= size:
        return safe
    sizes = accumulate(map(json_size, safe), initial=json_size(_CUT))
    kept = safe[: sum(each <= size for each in sizes) - 1]
    words = kept.rpartition(" ")[0]
    whole_words = words if len(kept) - len(words) <= _LONGEST_WORD else kept
    return f"{whole_words.rstrip(' ,;:')}{_CUT}"


def json_size(text: str) -> int:
    """Return how many bytes a text takes in JSON, without its quotes, where only ASCII characters are not escaped."""
    return len(json.dumps(text)) - 2
