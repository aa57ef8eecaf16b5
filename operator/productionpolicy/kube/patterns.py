"""Glob patterns for names, compiled once because they are matched often."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

_NOTHING = r"(?!)"


@lru_cache(maxsize=256)
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression that matches if any pattern does; without patterns it matches nothing."""
    return re.compile("|".join(map(translate, patterns)) or _NOTHING)
