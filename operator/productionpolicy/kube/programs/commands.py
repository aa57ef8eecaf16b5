"""Commands: a program and its arguments, with or without wrappers that start it."""

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
"""Programs that are designed to be process 1: they reap zombies."""

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
"""Programs that start the program in their arguments, with their options that take a value."""

_USERS = frozenset({"gosu", "su-exec"})
"""Wrappers whose first argument is the user."""

PRINTERS = frozenset({"echo", "printf"})
"""Programs that only print their arguments."""

FORKING = frozenset({"sudo", "setsid", "time"})
"""Wrappers that may start the program as a child, instead of replacing themselves with it."""

_ASKING = frozenset({"-v", "-V"})
"""Options with which `command` starts nothing, but prints what it would start."""

_OF_PACKAGES = ("start*", "run", "run-script", "restart", "exec", "serve*", "dev*", "prod*", "preview*")
_MANAGERS = ("npm", "yarn", "pnpm", "corepack npm", "corepack yarn", "corepack pnpm")
_RUNNERS = (
    "npx *",
    *(f"{manager} {verb}" for manager in _MANAGERS for verb in _OF_PACKAGES),
    *(f"yarn workspace * {verb}" for verb in _OF_PACKAGES),
)
"""Commands that run a package script in a shell, which stays between them and the server."""

_GENEROUS = frozenset({"yarn", "pnpm"})
"""Package managers that run a script or a program of a package also without the word `run`."""

_MANAGING = frozenset(
    [
        *("add", "audit", "bin", "cache", "check", "config", "create", "dedupe", "deploy", "env", "fetch", "global"),
        *("help", "i", "import", "info", "init", "install", "licenses", "link", "list", "ls", "outdated", "pack"),
        *("patch", "plugin", "policies", "prune", "publish", "rebuild", "remove", "root", "set", "setup", "store"),
        *("unlink", "up", "update", "upgrade", "version", "versions", "why", "workspace", "workspaces"),
    ]
)
"""The words after these package managers that run neither."""

_MOST_LAYERS = 8

_VARIABLE = re.compile(r"[A-Za-z_]\w*=")
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+-]{0,39}")
_SHOWN = re.compile(r"[\w@./:+-]{1,60}")


def program(words: Words) -> str:
    """Return the name of the program that the words start, without its folder."""
    found = words[0] if words else ""
    return "systemd" if found.endswith("sbin/init") else found.rpartition("/")[2]


def is_shell(word: str) -> bool:
    """Return whether a word is a shell, in any folder."""
    return program((word,)) in _SHELLS


def shown(name: str) -> str:
    """Return the name of a program for a finding, or a generic text, because an odd word may contain anything."""
    return name if _PLAIN.fullmatch(name) else "its command"


def layers(words: Words) -> Iterator[Words]:
    """Return the words, and then the words with one more leading wrapper or init removed at a time."""
    inner: Words | None = words
    for _ in range(_MOST_LAYERS):
        if not inner:
            return
        yield inner
        inner = _inner(inner)


def unwrapped(words: Words) -> Words:
    """Return the words without leading wrappers and inits, such as `env A=1` and `tini --`."""
    *_, last = (), *layers(words)
    return last


def script_of(words: Words, *, shell: int) -> int | None:
    """Return the position of the argument of `-c`; None if the shell reads a file or its input.

    Args:
        words: the words of a command line.
        shell: the position of the shell; its options follow.
    """
    at, commanded = shell + 1, False
    while at < len(words) and words[at][:1] in {"-", "+"} and words[at] not in {"-", "--"}:
        option = words[at]
        short = "" if option.startswith("--") else option[1:]
        commanded |= "c" in short and option.startswith("-")
        at += 1 + short.count("o") + short.count("O") + (option in {"--rcfile", "--init-file"})
    at += at < len(words) and words[at] in {"-", "--"}
    return at if commanded and at < len(words) else None


def script_run(words: Words) -> int | None:
    """Return the position of the script that the words run with a shell, directly or with wrappers, or None."""
    inner = unwrapped(words)
    return script_of(words, shell=len(words) - len(inner)) if inner and is_shell(inner[0]) else None


def _inner(words: Words) -> Words | None:
    """Return the command that a wrapper starts; None if the words do not begin with a wrapper."""
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
    """Return the name of the program that a command of a script starts, without wrappers."""
    return program(unwrapped(command.words))


def runner_of(words: Words) -> str | None:
    """Return the package manager with which the words run a package script, such as `npm start`, or None."""
    found = first_of(_RUNNERS, words)
    if found is not None:
        return found.split()[0]
    inner = unwrapped(words)
    runs = any(_PLAIN.fullmatch(each) and each not in _MANAGING for each in inner[1:2])
    return program(inner) if runs and program(inner) in _GENEROUS else None


def starts_init(command: Simple) -> bool:
    """Return whether a command of a script starts an init."""
    return any(program(each) in INITS for each in layers(command.words))


def first_of(commands: tuple[str, ...], words: Words) -> str | None:
    """Return the first of the commands that the words run, directly or with wrappers, or None.

    Args:
        commands: a program, optionally followed by words in this order, with options in between; `*` in a word matches
            any characters.
        words: the program and its arguments.
    """
    sought = _read_sought(commands)
    for inner in layers(words):
        if sought.programs.fullmatch(inner[0]):
            found = (text for text, patterns in sought.commands if _matches(patterns, inner))
            if (first := next(found, None)) is not None:
                return first
    return None


def written(command: str, words: Words) -> str:
    """Return a command that the words run, with the words that its `*` match, except odd ones. They may be secret."""
    (_, (name, *following)), *_ = _read_sought((command,)).commands
    inner = next(each for each in layers(words) if name.fullmatch(each[0]))
    texts, rest = command.split(), iter(inner[1:])
    found = [program(inner), *(next(filter(each.fullmatch, rest), "") for each in following)]
    return " ".join(word if _SHOWN.fullmatch(word) else text for word, text in zip(found, texts, strict=True))


class _Sought(Struct, frozen=True):
    """Commands to search for."""

    commands: tuple[tuple[str, _Patterns], ...]
    programs: re.Pattern[str]
    """Matches the program of any of them. Most words match none, which ends the search early."""


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
    """Return whether the words are those of a command, with options in between, each of which may have a value."""
    name, *following = patterns
    ends = {1} if name.fullmatch(words[0]) else set[int]()
    for pattern in following:
        ends = {at + 1 for at in _behind_options(words, ends) if at < len(words) and pattern.fullmatch(words[at])}
    return bool(ends)


def _behind_options(words: Words, starts: set[int]) -> set[int]:
    """Return the possible positions of the next word: at one of the starts, or after the options that begin there.

    It is not known whether an option has a value, so both positions count. The time is linear in the number of words.
    """
    reached = set(starts)
    for at in range(min(starts, default=len(words)), len(words)):
        if at in reached and words[at].startswith("-"):
            valued = at + 1 < len(words) and not words[at + 1].startswith("-")
            reached |= {at + 1, at + 1 + valued}
    return reached
