"""Commands: a program and its arguments, with or without other programs in front that start it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from productionpolicy.kube.programs.shell import Simple

Words = tuple[str, ...]

SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})
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

_MOST_LAYERS = 8

_VARIABLE = re.compile(r"[A-Za-z_]\w*=")
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+-]{0,39}")


def program(words: Words) -> str:
    """Return the name of the program that the words start, without its folder."""
    found = words[0] if words else ""
    return "systemd" if found.endswith("sbin/init") else found.rpartition("/")[2]


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
    if valued is None:
        return None
    at = 1
    while at < len(words) and words[at] != "--" and (words[at].startswith("-") or _VARIABLE.match(words[at])):
        at += 2 if words[at] in valued else 1
    at += (at < len(words) and words[at] == "--") + (name in _USERS)
    return words[at:] or None


def program_of(command: Simple) -> str:
    """Return the name of the program that a command of a script starts, wrappers aside."""
    return program(unwrapped(command.words))


def starts_init(command: Simple) -> bool:
    """Say whether a command of a script starts an init."""
    return any(program(each) in INITS for each in layers(command.words))
