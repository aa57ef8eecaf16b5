"""What the command and the arguments of a container start, as far as its manifest tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from productionpolicy.kube.pods import Container
from productionpolicy.kube.shell import Script, Simple, read_script

Words = tuple[str, ...]

SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})
INITS = frozenset(
    {"tini", "tini-static", "docker-init", "dumb-init", "catatonit", "init", "my_init", "s6-svscan", "systemd"}
)
"""Programs that are made to be process 1: they end what other processes leave behind."""

_TO_ONE = frozenset({"tini", "tini-static", "docker-init", "catatonit"})
"""Inits that pass a signal on to their child alone, unless they are told otherwise."""

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

_FORKING = frozenset({"sudo", "setsid"})
"""Wrappers that may start the program as a child, and not become it."""

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


@dataclass(frozen=True, slots=True)
class Start:
    """What a container begins with."""

    path: str
    """Where it stands: the command, or the arguments."""
    words: Words = ()
    """The program and its arguments, less wrappers and inits."""
    known: bool = False
    """Whether the manifest names process 1, and not the image."""
    init: str = ""
    """The init that is process 1."""
    reaches_all: bool = False
    """Whether that init passes signals on to all processes below it."""
    shell: bool = False
    """Whether the program is a shell."""
    script: Script | None = None
    """What the shell runs, if that stands in the manifest and is understood."""


def read_start(container: Container) -> Start:
    """Return what a container begins with."""
    whole = (*container.command, *container.args)
    words, text = unwrapped(whole), None
    shell = program(words) in SHELLS
    if shell:
        text = _script_text(words)
    init = program(whole) if program(whole) in INITS else ""
    return Start(
        path=_path(container, text),
        words=words,
        known=bool(container.command) and not _forks(whole),
        init=init,
        reaches_all=bool(init) and _reaches_all(init, whole, container),
        shell=shell,
        script=read_script(text) if text is not None else None,
    )


def _path(container: Container, text: str | None) -> str:
    from_args = not container.command or (text is not None and text not in container.command)
    return f"{container.path}.{'args' if from_args else 'command'}"


def _script_text(shell: Words) -> str | None:
    """Return the argument of `-c`; None where the shell reads a file or its input."""
    at, commanded = 1, False
    while at < len(shell) and shell[at][:1] in {"-", "+"} and shell[at] not in {"-", "--"}:
        option = shell[at]
        short = "" if option.startswith("--") else option[1:]
        commanded |= "c" in short and option.startswith("-")
        at += 1 + short.count("o") + short.count("O") + (option in {"--rcfile", "--init-file"})
    at += at < len(shell) and shell[at] in {"-", "--"}
    return shell[at] if commanded and at < len(shell) else None


def _forks(words: Words) -> bool:
    return any(program(each) in _FORKING for each in layers(words))


def _reaches_all(init: str, words: Words, container: Container) -> bool:
    options = [each for each in words[1 : len(words) - len(unwrapped(words))] if each.startswith("-")]
    given = {each.name: each.value for each in container.variables}
    if init == "dumb-init":
        return not {"-c", "--single-child"} & set(options) and given.get("DUMB_INIT_SETSID") != "0"
    told = any("g" in each for each in options if not each.startswith("--")) or "TINI_KILL_PROCESS_GROUP" in given
    return init not in _TO_ONE or told


def program_of(command: Simple) -> str:
    """Return the name of the program that a command of a script starts, wrappers aside."""
    return program(unwrapped(command.words))


def starts_init(command: Simple) -> bool:
    """Say whether a command of a script starts an init."""
    return any(program(each) in INITS for each in layers(command.words))
