"""What the command and the arguments of a container start, as far as its manifest tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.commands import INITS, Words, first_of, is_shell, layers, program, unwrapped
from productionpolicy.kube.programs.shell import Pipeline, Script, Simple, read_script

_TO_ONE = frozenset({"tini", "tini-static", "docker-init", "catatonit"})
"""Inits that pass a signal on to their child alone, unless they are told otherwise."""

_FORKING = frozenset({"sudo", "setsid", "time"})
"""Wrappers that may start the program as a child, and not become it."""

_FETCHERS = frozenset({"curl", "wget", "fetch", "aria2c"})
_INTERPRETERS = frozenset({"python", "python3", "perl", "ruby", "node", "php"})
_READERS = frozenset({"sh", "ash", "bash", "dash", "ksh", "zsh", "eval", "source", "."})
"""Commands that run what their arguments hold or name."""

_DOWNLOADED = re.compile(r"(?:[$<]\(|`)\s*(?:curl|wget)\s")
"""The output of a download in the place of an argument."""

_INLINE = re.compile(r"-[eilux]*c")
"""An argument that only a shell takes for the option before a script."""


class Start(Struct, frozen=True):
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
    script: Script | None = None
    """What the shell runs, if that stands in the manifest and is understood."""


def read_start(container: Container) -> Start:
    """Return what a container begins with."""
    whole = (*container.command, *container.args)
    words = unwrapped(whole)
    shell = bool(words) and is_shell(words[0])
    script = _script_of(whole, shell=len(whole) - len(words)) if shell else None
    init = program(whole) if program(whole) in INITS else ""
    return Start(
        path=_path(container, script),
        words=words,
        known=bool(container.command) and not _forks(whole),
        init=init,
        reaches_all=bool(init) and _reaches_all(init, whole, container),
        script=None if script is None else read_script(whole[script]),
    )


def _path(container: Container, script: int | None) -> str:
    from_args = not container.command or (script is not None and script >= len(container.command))
    return f"{container.path}.{'args' if from_args else 'command'}"


def _script_of(words: Words, *, shell: int) -> int | None:
    """Return where the argument of `-c` stands; None where the shell reads a file or its input.

    Args:
        words: those of a command line.
        shell: where the shell stands among them; its options follow.
    """
    at, commanded = shell + 1, False
    while at < len(words) and words[at][:1] in {"-", "+"} and words[at] not in {"-", "--"}:
        option = words[at]
        short = "" if option.startswith("--") else option[1:]
        commanded |= "c" in short and option.startswith("-")
        at += 1 + short.count("o") + short.count("O") + (option in {"--rcfile", "--init-file"})
    at += at < len(words) and words[at] in {"-", "--"}
    return at if commanded and at < len(words) else None


def _forks(words: Words) -> bool:
    return any(program(each) in _FORKING for each in layers(words))


def _reaches_all(init: str, words: Words, container: Container) -> bool:
    options = [each for each in words[1 : len(words) - len(unwrapped(words))] if each.startswith("-")]
    given = {each.name: each.value for each in container.variables}
    if init == "dumb-init":
        return not {"-c", "--single-child"} & set(options) and given.get("DUMB_INIT_SETSID") != "0"
    told = any("g" in each for each in options if not each.startswith("--")) or "TINI_KILL_PROCESS_GROUP" in given
    return init not in _TO_ONE or told


def runs_shell(container: Container) -> bool:
    """Say whether a shell runs in a container: as its first program, or below one that is not known."""
    return any(is_shell(each.text) for each in container.words)


def command_run(container: Container, commands: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the first of some commands that a container is seen to run, and the path at which it does.

    Args:
        container: whose command line is looked at.
        commands: what is looked for, as `first_of` takes it.
    """
    found = ((first_of(commands, words), path) for path, words in _in_sight(container))
    return next(((command, path) for command, path in found if command is not None), None)


def download_run(container: Container) -> str | None:
    """Return the path at which a container is seen to run a script that it downloads; None where it does not."""
    found = script_in_sight(container)
    if found is None:
        return None
    path, script = found
    piped = any(_feeds_shell(each) for each in script.pipelines())
    read = any(
        program(each.words) in _READERS and any(map(_DOWNLOADED.search, each.words)) for each in script.commands()
    )
    return path if piped or read else None


def _feeds_shell(pipeline: Pipeline) -> bool:
    """Say whether a command of a pipeline downloads what a shell behind it runs."""
    programs = [unwrapped(each.words) if isinstance(each, Simple) else () for each in pipeline.commands]
    fetching = next((at for at, each in enumerate(programs) if program(each) in _FETCHERS), len(programs))
    return any(_reads_script(each) for each in programs[fetching + 1 :])


def _reads_script(words: Words) -> bool:
    """Say whether a shell or another interpreter runs what comes in by its input."""
    runs = bool(words) and (is_shell(words[0]) or program(words) in _INTERPRETERS)
    others = [each for each in words[1:] if not each.startswith("-")]
    return runs and (not others or "-s" in words or "-" in words) and not {"-c", "-e", "-m"} & set(words)


def script_in_sight(container: Container) -> tuple[str, Script] | None:
    """Return the script that a shell runs, with its path, be the shell below a program that is not known."""
    line = container.words
    words = tuple(each.text for each in line)
    at = _script_in_sight(words, known=bool(container.command))
    script = None if at is None else read_script(words[at])
    return None if at is None or script is None else (line[at].path, script)


def _in_sight(container: Container) -> Iterator[tuple[str, Words]]:
    """Return the commands of the script that a shell runs, then the command line, each with its path."""
    found = script_in_sight(container)
    if found is not None:
        path, script = found
        yield from ((path, each.words) for each in script.commands())
    line = container.words
    if line:
        yield line[0].path, tuple(each.text for each in line)


def _script_in_sight(words: Words, *, known: bool) -> int | None:
    """Return where a script stands, be the shell below a program that is not known, or the image's entrypoint."""
    shell = next((at for at, each in enumerate(words) if is_shell(each)), None)
    if shell is not None:
        return _script_of(words, shell=shell)
    meant = not known and _INLINE.fullmatch("".join(words[:1]))
    return _script_of(words, shell=-1) if meant else None
