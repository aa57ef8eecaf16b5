"""What the command and the arguments of a container start, as far as its manifest tells."""

from __future__ import annotations

from dataclasses import dataclass

from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.commands import INITS, SHELLS, Words, layers, program, unwrapped
from productionpolicy.kube.programs.shell import Script, read_script

_TO_ONE = frozenset({"tini", "tini-static", "docker-init", "catatonit"})
"""Inits that pass a signal on to their child alone, unless they are told otherwise."""

_FORKING = frozenset({"sudo", "setsid"})
"""Wrappers that may start the program as a child, and not become it."""


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
