"""What the command and the arguments of a container start, from its manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from productionpolicy.kube.pods import Container, Word
from productionpolicy.kube.programs.commands import (
    FORKING,
    INITS,
    Words,
    first_of,
    is_shell,
    layers,
    program,
    program_of,
    runner_of,
    script_of,
    script_run,
    unwrapped,
)
from productionpolicy.kube.programs.environment import Environment
from productionpolicy.kube.programs.processes import Held, Yielding, held, yielding_of
from productionpolicy.kube.programs.shell import Pipeline, Script, Simple, read_script

_FETCHERS = frozenset({"curl", "wget", "fetch", "aria2c"})
_INTERPRETERS = frozenset({"python", "python3", "perl", "ruby", "node", "php"})
_READERS = frozenset({"sh", "ash", "bash", "dash", "ksh", "zsh", "eval", "source", "."})
"""Commands that run the content of their arguments, or the files that these name."""

_DOWNLOADED = re.compile(r"(?:[$<]\(|`)\s*(?:curl|wget)\s")
"""The output of a download as an argument."""

_INTO = re.compile(r"-[A-Za-z]*[oO]|--output(?:-document)?")
"""An option of such a program, before the file that it writes."""

_INLINE = re.compile(r"-[eilux]*c")
"""An argument that only a shell interprets as the option before a script."""


class Start(Struct, frozen=True):
    """What a container starts."""

    path: str
    """The path of the command, or of the arguments."""
    words: Words = ()
    """The program and its arguments, without wrappers and inits."""
    known: bool = False
    """Whether the manifest, not the image, decides what is process 1."""
    run: bool = False
    """Whether `words` are run as they are: as process 1, or as a shell or a script runner in the arguments of the
    image's entrypoint."""
    init: str = ""
    """The init that is process 1; empty if there is none."""
    script: Script | None = None
    """The script that the shell runs, if it is in the manifest and is understood."""
    yielding: Yielding = Yielding.NEVER
    """The commands that the shell execs."""
    image: str = ""
    """The image, which decides what `sh` is; empty if it is not known."""

    @property
    def held(self) -> Held | None:
        """Why the shell stays; None if it does not, or if it is not known."""
        return None if self.script is None else held(self.script, self.yielding, image=self.image)


def read_start(container: Container) -> Start:
    """Return what a container starts."""
    whole = tuple(each.text for each in _line(container))
    words = unwrapped(whole)
    script, image = script_run(whole), container.image or ""
    named = bool(container.command) or any(map(is_shell, words[:1])) or runner_of(words) is not None
    return Start(
        path=_path(container, script),
        words=words,
        known=bool(container.command) and not _forks(whole),
        run=named and not _forks(whole),
        init=program(whole) if program(whole) in INITS else "",
        script=None if script is None else _known_script(container, whole[script]),
        yielding=Yielding.NEVER if script is None else yielding_of(whole, script, image=image),
        image=image,
    )


def _line(container: Container) -> tuple[Word, ...]:
    """Return the words of a command line as the kubelet expands them."""
    line = container.words
    if not any("$" in each.text for each in line):
        return line
    texts = Environment.of(container).expanded(each.text for each in line)
    return tuple(Word(each.path, text) for each, text in zip(line, texts, strict=True))


def _known_script(container: Container, text: str) -> Script | None:
    """Return a script, unless an unknown variable decides what one of its commands is: its value may be an `exec`."""
    script = read_script(text)
    first = [each.words[0] for each in script.commands() if each.words] if script and "$(" in text else []
    return None if first and any(map(Environment.of(container).hides, first)) else script


def _path(container: Container, script: int | None) -> str:
    from_args = not container.command or (script is not None and script >= len(container.command))
    return f"{container.path}.{'args' if from_args else 'command'}"


def _forks(words: Words) -> bool:
    return any(program(each) in FORKING for each in layers(words))


def runs_shell(container: Container) -> bool:
    """Return whether a shell runs in a container: as its first program, or started by an unknown one."""
    return any(is_shell(each.text) for each in _line(container))


def command_run(
    container: Container, commands: tuple[str, ...], *, without: frozenset[str] = frozenset()
) -> tuple[str, str, Words] | None:
    """Return the first of the commands that a container runs, the path of the command line, and its words, or None.

    Args:
        container: the container.
        commands: the commands, as for `first_of`.
        without: words with which no command counts.
    """
    found = ((first_of(commands, words), path, words) for path, words in _in_sight(container))
    return next(
        ((each, path, words) for each, path, words in found if each is not None and without.isdisjoint(words)), None
    )


def download_run(container: Container) -> str | None:
    """Return the path of the command line with which a container runs a downloaded script, or None."""
    found = _script_in_sight(container)
    if found is None:
        return None
    path, script = found
    piped = any(_feeds_shell(each) for each in script.pipelines())
    files = set(_downloaded_files(script))
    read = any(
        program_of(each) in _READERS and any(word in files or _DOWNLOADED.search(word) for word in each.words)
        for each in script.commands()
    )
    return path if piped or read else None


def _downloaded_files(script: Script) -> Iterator[str]:
    """Return the files into which the commands of a script download."""
    for command in script.commands():
        if program_of(command) in _FETCHERS:
            yield from (file for option, file in pairwise(command.words) if _INTO.fullmatch(option))
            yield from (each.file for each in command.redirections if each.file is not None)


def _feeds_shell(pipeline: Pipeline) -> bool:
    """Return whether a command of a pipeline downloads what a later shell runs."""
    programs = [unwrapped(each.words) if isinstance(each, Simple) else () for each in pipeline.commands]
    fetching = next((at for at, each in enumerate(programs) if program(each) in _FETCHERS), len(programs))
    return any(_reads_script(each) for each in programs[fetching + 1 :])


def _reads_script(words: Words) -> bool:
    """Return whether a shell or another interpreter runs its standard input."""
    runs = bool(words) and (is_shell(words[0]) or program(words) in _INTERPRETERS)
    others = [each for each in words[1:] if not each.startswith("-")]
    return runs and (not others or "-s" in words or "-" in words) and not {"-c", "-e", "-m"} & set(words)


def commands_in_sight(container: Container) -> tuple[Words, ...]:
    """Return the commands of the script that a shell runs; without a script that is understood, the command line."""
    found = _script_in_sight(container)
    if found is None:
        return (tuple(each.text for each in _line(container)),)
    return tuple(each.words for each in found[1].commands())


def _in_sight(container: Container) -> Iterator[tuple[str, Words]]:
    """Return the commands of the script that a shell runs, and then the command line, each with its path."""
    found = _script_in_sight(container)
    if found is not None:
        path, script = found
        yield from ((path, each.words) for each in script.commands())
    line = _line(container)
    if line:
        yield line[0].path, tuple(each.text for each in line)


def _script_in_sight(container: Container) -> tuple[str, Script] | None:
    return script_in_sight(_line(container), known=bool(container.command))


def script_in_sight(line: tuple[Word, ...], *, known: bool) -> tuple[str, Script] | None:
    """Return the script that a shell runs, with its path, even if an unknown program starts the shell.

    Args:
        line: a command line.
        known: whether it begins with the program, not with arguments of the image's entrypoint.
    """
    words = tuple(each.text for each in line)
    at = _place_in_sight(words, known=known)
    script = None if at is None else read_script(words[at])
    return None if at is None or script is None else (line[at].path, script)


def _place_in_sight(words: Words, *, known: bool) -> int | None:
    shell = next((at for at, each in enumerate(words) if is_shell(each)), None)
    if shell is not None:
        return script_of(words, shell=shell)
    meant = not known and _INLINE.fullmatch("".join(words[:1]))
    return script_of(words, shell=-1) if meant else None
