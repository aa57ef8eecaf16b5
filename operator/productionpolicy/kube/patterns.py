"""Glob patterns of names, many of which are asked many times."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

_NOTHING = r"(?!)"


@lru_cache(maxsize=256)
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression that matches what any of the patterns matches, and nothing where there are none."""
    return re.compile("|".join(map(translate, patterns)) or _NOTHING)
