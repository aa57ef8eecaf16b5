"""How long a command waits, as far as its words tell.

The admission policy asks the same with the same patterns, so they hold nothing that RE2 does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ENDLESS = 10**9
"""Seconds from which on a wait never ends: `sleep infinity`."""

_BEFORE = r"""^|[\s;&|/\\("'`{]"""
_SAID = (
    rf"""(?:{_BEFORE})(?:echo|printf|logger|write-(?:host|output))\s(?:"[^"]*"|'[^']*'|[^"';&|\n])*|(?:^|\s)#[^\n]*"""
)
"""Words that are written somewhere, and comments: what they tell of is not done."""

_SLEEP = (
    rf"""(?:{_BEFORE}|time\.)(?:start-)?sleep(?:\s+-[a-z]+[\s:]|\s|\()\s*["']?"""
    r"(?:[0-9]+(?:\.[0-9]+)?[smhd]?|inf(?:inity)?)\b"
)
_TIMEOUT = rf"(?:{_BEFORE})timeout(?:\.exe)?(?:\s+/nobreak)?\s+/t[\s:]+[0-9]+\b"
_PING = rf"""(?:{_BEFORE})ping(?:\.exe)?\s+(?:[^\s;&|]+\s+)*?[-/]n\s+[0-9]+(?:[\s;&|>)"']|$)"""
_STEP = re.compile(f"{_SAID}|{_SLEEP}|{_TIMEOUT}|{_PING}", re.IGNORECASE | re.ASCII)
_ONLY_SAID = re.compile(r"\W?(?:echo|printf|logger|write-)|\s?#", re.IGNORECASE | re.ASCII)
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)\W?\Z", re.IGNORECASE | re.ASCII)
_MILLISECONDS = re.compile(r"sleep\s+-m", re.IGNORECASE | re.ASCII)
_REQUESTS = re.compile(r"ping", re.IGNORECASE)
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def waited(command: Iterable[str]) -> float:
    """Return the seconds for which a command is known to wait, each of its waits once.

    Waits are `sleep`, `Start-Sleep`, `timeout /t`, `ping -n` and `time.sleep()` with a number; `sleep infinity` counts
    as ENDLESS.
    """
    # Each match may take the blank before it and the one behind it.
    text = " ".join(command).replace(" ", "  ").replace("\n", "\n\n")
    return sum(_length(found[0]) for found in _STEP.finditer(text) if not _ONLY_SAID.match(found[0]))


def _length(wait: str) -> float:
    number = _LENGTH.search(wait)
    if number is None:
        return ENDLESS
    length = float(number[1]) * _SECONDS[number[2].lower()]
    if _REQUESTS.search(wait):
        return max(length - 1, 0)  # ping waits a second between two requests
    return length / 1000 if _MILLISECONDS.search(wait) else length
