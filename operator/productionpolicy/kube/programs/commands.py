"""Commands: a program and its arguments, with or without other programs in front that start it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from productionpolicy.kube.programs.shell import Simple

Words = tuple[str, ...]
_Patterns = tuple[re.Pattern[str], ...]

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})
INITS = frozenset(
    {"tini", "tini-static", "docker-init", "dumb-init", "catatonit", "init", "my_init", "s6-svscan", "systemd"}
)
"""Programs that are made to be process 1: they end what other processes leave behind."""

_VALUED: Mapping[str, frozenset[str]] = {
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "exec": frozenset({"-a"}),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "sudo": frozenset({"-u", "-g", "--user", "--group"}),
    "time": frozenset({"-f", "--format", "-o", "--output"}),
    "command": frozenset(),
    "nohup": frozenset(),
    "setsid": frozenset(),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    **dict.fromkeys(("tini", "tini-static", "docker-init"), frozenset({"-p", "-e"})),
    "dumb-init": frozenset({"-r", "--rewrite"}),
    "catatonit": frozenset(),
}
"""Programs that start the one which their arguments name, with those of their options that take a value."""

_USERS = frozenset({"gosu", "su-exec"})
"""Wrappers whose first argument is the user."""

_ASKING = frozenset({"-v", "-V"})
"""Options with which `command` starts nothing, but tells what would be started."""

_OF_PACKAGES = ("start*", "run", "run-script", "restart", "exec", "serve*", "dev*", "prod*", "preview*")
_RUNNERS = (
    "npx *",
    *(f"{manager} {verb}" for manager in ("npm", "yarn", "pnpm") for verb in _OF_PACKAGES),
    *(f"yarn workspace * {verb}" for verb in _OF_PACKAGES),
)
"""Commands that run a script of a package in a shell, which stays between them and the server."""

_MOST_LAYERS = 8

_VARIABLE = re.compile(r"[A-Za-z_]\w*=")
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+-]{0,39}")


def program(words: Words) -> str:
    """Return the name of the program that the words start, without its folder."""
    found = words[0] if words else ""
    return "systemd" if found.endswith("sbin/init") else found.rpartition("/")[2]


def is_shell(word: str) -> bool:
    """Say whether a word names a shell, in whatever folder."""
    return program((word,)) in _SHELLS


def shown(name: str) -> str:
    """Return the name of a program as a finding may show it: a word that is none may hold anything."""
    return name if _PLAIN.fullmatch(name) else "its command"


def layers(words: Words) -> Iterator[Words]:
    """Return the words as they are, and then less one more of the wrappers and inits in front at a time."""
    inner: Words | None = words
    for _ in range(_MOST_LAYERS):
        if not inner:
            return
        yield inner
        inner = _inner(inner)


def unwrapped(words: Words) -> Words:
    """Return the words less the wrappers and inits in front, such as `env A=1` and `tini --`."""
    *_, last = (), *layers(words)
    return last


def _inner(words: Words) -> Words | None:
    """Return what a wrapper starts; None where the words begin with no wrapper."""
    name = program(words)
    if name == "busybox" and len(words) > 1:
        return words[1:]
    valued = _VALUED.get(name)
    if valued is None or (name == "command" and not _ASKING.isdisjoint(words[1:2])):
        return None
    at = 1
    while at < len(words) and words[at] != "--" and (words[at].startswith("-") or _VARIABLE.match(words[at])):
        at += 2 if words[at] in valued else 1
    at += (at < len(words) and words[at] == "--") + (name in _USERS)
    return words[at:] or None


def program_of(command: Simple) -> str:
    """Return the name of the program that a command of a script starts, wrappers aside."""
    return program(unwrapped(command.words))


def runner_of(words: Words) -> str | None:
    """Return the name of the package manager that the words let run a script of a package, such as `npm start`."""
    found = first_of(_RUNNERS, words)
    return found.split()[0] if found else None


def starts_init(command: Simple) -> bool:
    """Say whether a command of a script starts an init."""
    return any(program(each) in INITS for each in layers(command.words))


def first_of(commands: tuple[str, ...], words: Words) -> str | None:
    """Return the first of some commands that the words run, through wrappers too.

    Args:
        commands: each a program, and maybe words that follow it in this order, options between them; `*` in a word
            matches any letters.
        words: the program and its arguments.
    """
    sought = _read_sought(commands)
    for inner in layers(words):
        if sought.programs.fullmatch(inner[0]):
            found = (text for text, patterns in sought.commands if _matches(patterns, inner))
            if (first := next(found, None)) is not None:
                return first
    return None


class _Sought(Struct, frozen=True):
    """Commands that are looked for."""

    commands: tuple[tuple[str, _Patterns], ...]
    programs: re.Pattern[str]
    """Matches the program of any of them: most words name none, and are looked at no further."""


@lru_cache(maxsize=64)
def _read_sought(commands: tuple[str, ...]) -> _Sought:
    split = [each.split() for each in commands]
    patterns = [tuple(map(re.compile, (_program_of(name), *map(_argument_of, rest)))) for name, *rest in split]
    programs = "|".join(f"(?:{_program_of(name)})" for name, *_ in split)
    return _Sought(tuple(zip(commands, patterns, strict=True)), re.compile(programs or r"(?!)"))


def _program_of(pattern: str) -> str:
    return r"(?s:.*/)?" + re.escape(pattern).replace(r"\*", r"[^/]*")


def _argument_of(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", r"(?s:.*)")


def _matches(patterns: _Patterns, words: Words) -> bool:
    """Say whether the words are those of a command, with options between them, each of which may have a value."""
    name, *following = patterns
    ends = {1} if name.fullmatch(words[0]) else set[int]()
    for pattern in following:
        ends = {at + 1 for at in _behind_options(words, ends) if at < len(words) and pattern.fullmatch(words[at])}
    return bool(ends)


def _behind_options(words: Words, starts: set[int]) -> set[int]:
    """Return where the next word may stand: at one of the starts, or behind the options that begin there.

    Whether an option has a value is not known, so both places count. The time grows with the number of words only.
    """
    reached = set(starts)
    for at in range(min(starts, default=len(words)), len(words)):
        if at in reached and words[at].startswith("-"):
            valued = at + 1 < len(words) and not words[at + 1].startswith("-")
            reached |= {at + 1, at + 1 + valued}
    return reached
