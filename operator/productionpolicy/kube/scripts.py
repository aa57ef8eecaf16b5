"""What containers run, by simple matching of words: no shell is understood here, so what is unclear is not found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from productionpolicy.kube.pods import SHELL, Container, Word

_INLINE = re.compile(r"-\w*c")
"""The option of a shell after which the script follows."""

_BEFORE = r"(?:^|[;&|({`])[ \t]*(?:(?:sudo|exec|time|env|nohup|if|then|do|else|while|until|!|\w+=[^\s;&|]*)[ \t]+)*"
"""Where a command of a script begins."""

_INIT = r"(?:\S*(?:tini|dumb-init)\s+(?:-\S+\s+)*)?"
_FOLDER = r"(?:[\w.~$-]*/)*"
_OPTIONS = r"(?:[ \t]+-[^\s;&|]+(?:[ \t]+[^-\s;&|][^\s;&|]*)?)*?[ \t]+"
"""Options between two words of a command; each may have a value."""

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n\s*")
_HERE_DOCUMENT = "<<"


def runs_shell(container: Container) -> bool:
    """Say whether a shell runs in a container, as far as its manifest tells."""
    return any(SHELL.fullmatch(each.text) for each in container.words)


def scripts(container: Container) -> Iterator[Word]:
    """Return the scripts that shells run, as they stand in a command line."""
    if not container.command or runs_shell(container):
        for option, following in pairwise(container.words):
            if _INLINE.fullmatch(option.text):
                yield following


def command_run(container: Container, commands: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the first of some commands that a container is seen to run, and the path at which it does.

    Args:
        container: whose command line is looked at.
        commands: each a program, and maybe words that follow it in this order; `*` in a word matches any letters.
    """
    for script in scripts(container):
        found = _in_script(commands).search(_bare(script.text))
        if found and found.lastindex:
            return commands[found.lastindex - 1], script.path
    words = container.words
    direct = _alone(commands).match(" ".join(each.text for each in words))
    return (commands[direct.lastindex - 1], words[0].path) if direct and direct.lastindex else None


def _bare(script: str) -> str:
    """Return a script less what is no command: quoted text, comments, and all after the first here-document."""
    text = _CONTINUED.sub(" ", script).partition(_HERE_DOCUMENT)[0]
    return _COMMENT.sub("", _QUOTED.sub('""', text))


@lru_cache(maxsize=256)
def _in_script(commands: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"{_BEFORE}{_FOLDER}{_any_command(commands)}", re.MULTILINE)


@lru_cache(maxsize=256)
def _alone(commands: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"{_INIT}{_FOLDER}{_any_command(commands)}")


def _any_command(commands: tuple[str, ...]) -> str:
    """Return an expression with one group for each command."""
    each = "|".join(f"({_OPTIONS.join(map(_word, command.split()))})" for command in commands)
    return rf"(?:{each or '(?!)'})(?=[\s;&|)}}`]|\Z)"


def _word(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", r"[^\s;&|]*")
