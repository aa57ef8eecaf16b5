"""How long a command waits, and what of it is executed, judging by its words.

The admission policy uses the same patterns for waits, so they contain only what RE2 supports. `programs.hooks`
also reads scripts, and so may find a shorter wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ENDLESS = 10**9
"""Seconds from which a wait counts as endless, such as `sleep infinity`."""

_BEFORE = r"""^|[\s;&|/\\("'`{]"""
_SAID = (
    rf"""(?:{_BEFORE})(?:echo|printf|logger|write-(?:host|output))\s(?:"[^"]*"|'[^']*'|[^"';&|\n])*|(?:^|\s)#[^\n]*"""
)
"""Output commands and comments, whose words are not executed."""

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
_TOLD = re.compile(_SAID, re.IGNORECASE | re.ASCII)
_INTO_FILE = re.compile(r">\s*(?!/dev/|/proc/)[\w./$]")
_PIPE = re.compile(r"\s*\|(?!\|)")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def waited(command: Iterable[str]) -> float:
    """Return the seconds that a command is known to wait, with each of its waits counted once.

    Waits are `sleep`, `Start-Sleep`, `timeout /t`, `ping -n` and `time.sleep()` with a number; `sleep infinity` counts
    as ENDLESS.
    """
    # Each match may consume the blank before and after it.
    text = " ".join(command).replace(" ", "  ").replace("\n", "\n\n")
    return sum(_length(found[0]) for found in _STEP.finditer(text) if not _ONLY_SAID.match(found[0]))


def executed(command: Iterable[str]) -> str:
    """Return the words of a command without comments and what it only prints; text for a file or a pipe stays."""
    return _TOLD.sub(lambda found: found[0] if _is_input(found) else " ", " ".join(command))


def _is_input(said: re.Match[str]) -> bool:
    return _INTO_FILE.search(said[0]) is not None or _PIPE.match(said.string, said.end()) is not None


def seconds(text: str) -> float:
    """Return the length that a text ends with, such as `90`, `1.5m` or `2h`; without one, and at most, ENDLESS."""
    number = _LENGTH.search(text)
    return ENDLESS if number is None else min(float(number[1]) * _SECONDS[number[2].lower()], ENDLESS)


def _length(wait: str) -> float:
    length = seconds(wait)
    if length == ENDLESS:
        return length
    if _REQUESTS.search(wait):
        return max(length - 1, 0)  # ping waits one second between requests
    return length / 1000 if _MILLISECONDS.search(wait) else length
