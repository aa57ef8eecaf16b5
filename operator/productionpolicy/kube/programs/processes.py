"""Which processes a shell script leaves running, and whether the shell stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import chain, takewhile

from msgspec import Struct

from productionpolicy.kube.images import says_bash, says_busybox
from productionpolicy.kube.programs.commands import (
    FORKING,
    INITS,
    Words,
    is_shell,
    layers,
    program,
    program_of,
    script_run,
    unwrapped,
)
from productionpolicy.kube.programs.shell import (
    Command,
    Compound,
    Form,
    Pipeline,
    Script,
    Simple,
    Statement,
    read_script,
    simple_commands,
)

_NOTHING = frozenset({":", "true", "false", "exit", "return", "break", "continue", "set", "shopt", "trap", "unset"})
_TELLING = frozenset({"echo", "printf", "[", "[[", "test", "export", "declare", "local", "readonly", "umask", "cd"})
_STEERING = frozenset({"wait", "kill", "disown", "jobs", "shift"})
PASSING = _NOTHING | _TELLING
"""Shell builtins that end at once."""

_BEFORE_BUILTINS = frozenset({"command", "builtin"})
"""Builtins that may precede another one, as in `command exec server`."""

_UNKNOWN = frozenset({".", "source", "eval"})
"""Commands with unknown effects, which may include an `exec`."""

_HARMLESS_TRAPS = frozenset({"INT", "HUP", "QUIT", "ERR", "DEBUG", "RETURN", "PIPE", "CHLD", "USR1", "USR2", "WINCH"})
_TERMINATION = frozenset({"TERM", "15"})
_NO_ACTIONS = frozenset({"", "-"})
"""What `trap` runs to ignore a signal, and to handle it as without a trap."""

_LAST = frozenset({"ash", "zsh"})
_SOLE = frozenset({"bash", "ksh", "mksh"})
"""Shells by the commands that they exec; see `Yielding`."""

_MORE_LINES = re.compile(r"\n(?:[ \t]*\n|[ \t]*#[^\n]*\n?|[ \t]+)\Z")
"""Blank lines or a comment below the last command: with them, bash 5.2 execs no command (measured)."""

_DEEPEST = 5
"""The maximum depth of function calls that is followed."""

_FOREGROUND = {"sshd": "Ddi", "cron": "fnx", "crond": "fndxs"}
"""Daemons that go to the background, except with one of these options."""

_VERSION = re.compile(r"[\d.]+$")
"""Matches the version in the name of a program, such as php-fpm8.3."""

_LEAVING = {
    "apache2ctl": {"start"},
    "apachectl": {"start"},
    "celery": {"--detach", "-D"},
    "gunicorn": {"--daemon", "-D"},
    "haproxy": {"-D"},
    "httpd": {"start"},
    "memcached": {"-d"},
    "mongod": {"--fork"},
    "pg_ctl": {"start"},
    "php-fpm": {"--daemonize", "-D"},
    "pm2": {"start", "restart", "reload"},
    "redis-server": {"--daemonize"},
    "uwsgi": {"--daemonize", "-d"},
}
"""Servers, with the words that make them go to the background."""

_STAYING = frozenset({"--no-daemon", "FOREGROUND", "-DFOREGROUND", "no"})
"""Words with which such a server stays in the foreground, as in `redis-server --daemonize no`."""


class Yielding(Enum):
    """The commands that a shell execs without an explicit `exec`; each is measured."""

    NEVER = auto()
    """None: dash 0.5.12, the `sh` of Debian and Ubuntu."""
    SOLE = auto()
    """A simple command without redirection that is the whole script: bash 5.2, mksh 59. This bash also execs the last
    command of a list, which not every bash does."""
    LAST = auto()
    """The last command, also in a group or a branch: busybox 1.35, zsh 5.9."""


class Hold(Enum):
    """Why a shell stays until the end."""

    CHILD = auto()
    """Its last command is not an `exec`."""
    IGNORING = auto()
    """Its last command is not an `exec`, and it ignores SIGTERM."""
    PIPELINE = auto()
    LOOP = auto()
    WAIT = auto()
    """It waits for processes that it started in the background."""
    TRAP = auto()
    """It runs its trap only when the command in the foreground has ended."""


class Held(Struct, frozen=True):
    """A shell that stays, and the program that it waits for."""

    hold: Hold
    program: str = ""


def yielding_of(words: Words, script: int, *, image: str) -> Yielding:
    """Return which commands the shell of a script execs. The image decides what `sh` is.

    Args:
        words: a command line.
        script: the position of the script in it.
        image: the image; empty if it is not known.
    """
    path = next(each for each in reversed(words[:script]) if is_shell(each))
    shell, text = program((path,)), words[script]
    busybox = "busybox" in path or "busybox" in map(program, layers(words[:script])) or says_busybox(image)
    if shell in _LAST or (shell == "sh" and busybox):
        # A line break after the last command prevents this in busybox.
        return Yielding.NEVER if text.rstrip(" \t").endswith("\n") and shell != "zsh" else Yielding.LAST
    if shell in _SOLE or (shell == "sh" and says_bash(image)):
        return Yielding.NEVER if _goes_on(text) else Yielding.SOLE
    return Yielding.NEVER


def _goes_on(text: str) -> bool:
    """Return whether lines without a command follow the last one; the end of a quoted text is none."""
    found = _MORE_LINES.search(text)
    return found is not None and read_script(text[: found.start()]) is not None


def held(script: Script, yielding: Yielding, *, image: str = "") -> Held | None:
    """Return why the shell of a script stays; None if another program replaces it, or if it is not known.

    If it execs another shell with a script, that shell counts.
    """
    trapped = [each for command in script.commands() for each in _trapped(command)]
    if trapped:
        return _delayed(script, image=image) if _TERMINATION.issuperset(trapped) else None
    ending = _Ending(script, image=image)
    if yielding is Yielding.SOLE and (sole := _sole(script)) is not None:
        return ending.of_replacement(sole.words)
    yields = yielding is Yielding.LAST and not any(each.words[:1] == ("trap",) for each in script.commands())
    kept = ending.of(script.statements, yields=yields)
    ignoring = kept is not None and kept.hold is Hold.CHILD and _ignores_termination(script)
    return Held(Hold.IGNORING, kept.program) if kept is not None and ignoring else kept


def _sole(script: Script) -> Simple | None:
    """Return the only command of a script, if it is a simple one without redirection and not a function call."""
    effective = [each for each in script.statements if not _defines(each)]
    if len(effective) != 1 or len(effective[0].pipelines) != 1 or effective[0].background:
        return None
    first, *others = effective[0].pipelines[0].commands
    if not isinstance(first, Simple) or others or first.redirections:
        return None
    return None if set(first.words[:1]) & script.functions.keys() else first


def _defines(statement: Statement) -> bool:
    return all(each == Simple() for pipeline in statement.pipelines for each in pipeline.commands)


def _trapped(command: Simple) -> Iterator[str]:
    """Return the signals that a command traps and that may end a process; variables and EXIT may be any of them."""
    if command.words[:1] == ("trap",) and _NO_ACTIONS.isdisjoint(command.words[1:2]):
        yield from (each for each in _signals(command) if each not in _HARMLESS_TRAPS)


def _signals(trap: Simple) -> frozenset[str]:
    return frozenset(each.upper().removeprefix("SIG") for each in trap.words[2:])


def _ignores_termination(script: Script) -> bool:
    """Return whether the last trap for SIGTERM ignores it."""
    traps = (each for each in script.commands() if each.words[:1] == ("trap",) and _TERMINATION & _signals(each))
    return [each.words[1] for each in traps][-1:] == [""]


def _delayed(script: Script, *, image: str) -> Held | None:
    """Return the command in the foreground that keeps the shell from running its trap, or None."""
    apart = any(each.words[:1] == ("wait",) for each in script.commands()) or work(script).jobs
    kept = None if apart else _Ending(script, image=image).of(script.statements, yields=False)
    return Held(Hold.TRAP, kept.program) if kept is not None and kept.hold is Hold.CHILD else None


class _Ending:
    """Finds the command that a script ends with, including in functions and branches."""

    def __init__(self, script: Script, *, image: str = "") -> None:
        self._functions = script.functions
        self._image = image
        self._entered: set[str] = set()

    def of(self, statements: tuple[Statement, ...], *, yields: bool) -> Held | None:
        """Return why the shell stays. With `yields`, it execs the last of the statements if nothing follows."""
        if replacing := next(filter(None, map(_replacement, statements)), None):
            return self.of_replacement(replacing.words)
        last = next((each for each in reversed(statements) if not _passes(each)), None)
        if last is None or last.background:
            return None
        pipeline = next(each for each in reversed(last.pipelines) if not _idle(each))
        if any(each.background for each in statements) and _exec_in(pipeline) is None:
            return Held(Hold.WAIT)
        final = last is statements[-1] and pipeline is last.pipelines[-1]
        return self._of_pipeline(pipeline, yields=yields and final)

    def of_replacement(self, words: Words) -> Held | None:
        """Return why the shell stays that replaces the present one with these words, if any does."""
        at = script_run(words)
        if at is None or any(program(each) in INITS | FORKING for each in layers(words)):
            return None
        script = read_script(words[at])
        if script is None or any(each.words[:1] and each.words[0].startswith(("$", "`")) for each in script.commands()):
            return None  # The value of a variable may begin with exec.
        return held(script, yielding_of(words, at, image=self._image), image=self._image)

    def _of_pipeline(self, pipeline: Pipeline, *, yields: bool) -> Held | None:
        if len(pipeline.commands) > 1:
            return Held(Hold.PIPELINE)
        return self._of_command(pipeline.commands[0], yields=yields)

    def _of_command(self, command: Command, *, yields: bool) -> Held | None:
        if isinstance(command, Simple):
            return self._of_simple(command, yields=yields)
        if command.form is Form.LOOP:
            execs = any(map(_may_exec, (*command.conditions, *chain.from_iterable(command.branches))))
            return None if execs else Held(Hold.LOOP)
        branches = (each for each in command.branches if command.form is not Form.CHOICE or not _leaves(each))
        kept = next(filter(None, (self.of(each, yields=yields) for each in branches)), None)
        if command.form is Form.SUBSHELL and kept is None and not yields:
            return next((_child(each) for each in simple_commands(command) if executes(each)), None)
        return kept

    def _of_simple(self, command: Simple, *, yields: bool) -> Held | None:
        if executes(command):
            return self.of_replacement(command.words)
        words = _without_prefix(command)
        if words[0] in self._functions:
            return self._of_function(words[0])
        if words[0] in _UNKNOWN:
            return None
        if words[0] == "wait":
            return Held(Hold.WAIT)
        return self.of_replacement(words) if yields else _child(command)

    def _of_function(self, name: str) -> Held | None:
        if name in self._entered or len(self._entered) == _DEEPEST:
            return None
        self._entered.add(name)
        return self._of_command(self._functions[name], yields=False)


def _child(command: Simple) -> Held:
    return Held(Hold.CHILD, program_of(command))


def _commands_of(statements: Iterable[Statement]) -> Iterator[Command]:
    return (each for statement in statements for pipeline in statement.pipelines for each in pipeline.commands)


def _without_prefix(command: Simple) -> Words:
    prefix = takewhile(_BEFORE_BUILTINS.__contains__, command.words[:-1])
    return command.words[sum(1 for _ in prefix) :]


def executes(command: Simple) -> bool:
    """Return whether the command replaces the shell."""
    words = _without_prefix(command)
    return words[:1] == ("exec",) and len(words) > 1


def _exec_in(pipeline: Pipeline) -> Simple | None:
    """Return the `exec` that a pipeline consists of; with other commands, `exec` replaces only a subshell."""
    first, *others = pipeline.commands
    return first if isinstance(first, Simple) and not others and executes(first) else None


def _replacement(statement: Statement) -> Simple | None:
    """Return the `exec` that ends the shell in any case; after `&&` or `||`, it depends on what precedes it."""
    return None if statement.background else _exec_in(statement.pipelines[0])


def _may_exec(statement: Statement) -> bool:
    """Return whether a statement may replace the shell, under whatever condition."""
    return not statement.background and any(map(_may_exec_in, statement.pipelines))


def _may_exec_in(pipeline: Pipeline) -> bool:
    first, *others = pipeline.commands
    if isinstance(first, Simple) or others or first.form is Form.SUBSHELL:
        return _exec_in(pipeline) is not None
    return any(map(_may_exec, (*first.conditions, *chain.from_iterable(first.branches))))


def _leaves(branch: tuple[Statement, ...]) -> bool:
    """Return whether a branch ends with `exit` and a number, as what only prepares, or reports an error, does."""
    words = [each.words for each in _commands_of(branch[-1:]) if isinstance(each, Simple)]
    return any(each[:1] == ("exit",) and each[1:] and each[1].isdecimal() for each in words[-1:])


def _passes(statement: Statement) -> bool:
    return not statement.background and all(_idle(each) for each in statement.pipelines)


def _idle(pipeline: Pipeline) -> bool:
    """Return whether it ends at once."""
    return all(isinstance(each, Simple) and _takes_no_time(each) for each in pipeline.commands)


def _takes_no_time(command: Simple) -> bool:
    return not command.words or command.words == ("exec",) or command.words[0] in PASSING


class Work(Struct, frozen=True):
    """What a script starts in the background, and whether anything else runs in addition."""

    jobs: tuple[str, ...] = ()
    """The programs in the background, in order."""
    several: bool = False
    """Whether several processes stay. A shell that waits for its only job ends with it, and so does not count."""


def work(script: Script) -> Work:
    """Return what a script starts in the background."""
    worker = _Worker(script)
    worker.follow(script.statements)
    beside = bool(worker.jobs) and worker.busy and not worker.waits
    return Work(tuple(worker.jobs), several=len(worker.jobs) > 1 or beside or worker.detached)


class _Worker:
    """Follows a script in order, and each function at its first call."""

    def __init__(self, script: Script) -> None:
        self._functions = script.functions
        self._entered: set[str] = set()
        self._depth = 0
        self.jobs: list[str] = []
        self.detached = False
        """Whether a job is meant to outlive the shell."""
        self.busy = False
        """Whether anything runs in the foreground while a job runs."""
        self.waits = False
        """Whether the shell waits for its jobs."""

    def follow(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            if statement.background:
                self._start(statement)
            else:
                for command in _commands_of((statement,)):
                    self._run(command)

    def _start(self, statement: Statement) -> None:
        inner = [each for command in _commands_of((statement,)) for each in simple_commands(command)]
        working = [each for each in inner if _works(each) and each.words[0] != "sleep"]
        self.jobs += [program_of(each) for each in working[:1]]
        self.detached |= any("nohup" in each.words[:1] for each in working)

    def _run(self, command: Command) -> None:
        if isinstance(command, Compound):
            known = len(self.jobs)
            for statements in (command.conditions, *command.branches):
                self.follow(statements)
            self.jobs += self.jobs[known:] if command.form is Form.LOOP and not self.waits else []
        else:
            self._call(command)

    def _call(self, command: Simple) -> None:
        name = command.words[0] if command.words else ""
        if name in self._functions:
            self._enter(name)
        elif name == "wait" or (name == "kill" and "-0" in command.words):
            self.waits = True
        elif daemon := _daemon(command):
            self.jobs.append(daemon)
        elif self.jobs and _works(command) and not (self.waits and name == "sleep"):
            self._go_on()

    def _go_on(self) -> None:
        """Record work in the foreground; jobs that the shell has waited for before have ended."""
        if self.waits:
            self.jobs.clear()
        self.busy = not self.waits
        self.detached = self.detached and not self.waits
        self.waits = False

    def _enter(self, name: str) -> None:
        if name not in self._entered and self._depth < _DEEPEST:
            self._entered.add(name)
            self._depth += 1
            self._run(self._functions[name])
            self._depth -= 1


def _works(command: Simple) -> bool:
    """Return whether a command is more than a builtin step of the shell."""
    return not _takes_no_time(command) and command.words[0] not in _STEERING


def _daemon(command: Simple) -> str | None:
    """Return the name of the daemon that a command leaves in the background, or None."""
    words = unwrapped(command.words)
    name, rest = program(words), words[1:]
    if name == "service" and rest[1:2] == ("start",):
        return rest[0]
    if words and words[0].startswith("/etc/init.d/") and rest[:1] == ("start",):
        return name
    kept = any(set(each) & set(_FOREGROUND.get(name, "")) for each in rest if each.startswith("-"))
    leaving = _LEAVING.get(name) or _LEAVING.get(_VERSION.sub("", name)) or set[str]()
    leaves = not leaving.isdisjoint(rest) and _STAYING.isdisjoint(rest)
    return name if leaves or (name in _FOREGROUND and not kept) else None
