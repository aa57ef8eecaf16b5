"""Which processes a shell script leaves running, and whether the shell stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto

from msgspec import Struct

from productionpolicy.kube.programs.commands import program, program_of, unwrapped
from productionpolicy.kube.programs.shell import (
    Command,
    Compound,
    Form,
    Pipeline,
    Script,
    Simple,
    Statement,
    simple_commands,
)

_NOTHING = frozenset({":", "true", "false", "exit", "return", "break", "continue", "set", "shopt", "trap", "unset"})
_TELLING = frozenset({"echo", "printf", "[", "[[", "test", "export", "declare", "local", "readonly", "umask", "cd"})
_STEERING = frozenset({"wait", "kill", "disown", "jobs", "shift"})
_PASSING = _NOTHING | _TELLING
"""Shell builtins that end at once."""

_UNKNOWN = frozenset({".", "source", "eval"})
"""Commands with unknown effects, which may include an `exec`."""

_HARMLESS_TRAPS = frozenset({"INT", "HUP", "QUIT", "ERR", "DEBUG", "RETURN", "PIPE", "CHLD", "USR1", "USR2", "WINCH"})
_TERMINATION = frozenset({"TERM", "15"})
_NO_ACTIONS = frozenset({"", "-"})
"""What `trap` runs to ignore a signal, and to handle it as without a trap."""

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


def held(script: Script, yielding: Yielding) -> Held | None:
    """Return why the shell of a script stays; None if another program replaces it, or if it is not known."""
    trapped = [each for command in script.commands() for each in _trapped(command)]
    if trapped:
        return _delayed(script) if _TERMINATION.issuperset(trapped) else None
    if yielding is Yielding.SOLE and _sole(script):
        return None
    yields = yielding is Yielding.LAST and not any(each.words[:1] == ("trap",) for each in script.commands())
    return _Ending(script).of(script.statements, yields=yields)


def _sole(script: Script) -> bool:
    """Return whether a script is one simple command without redirection that is not a function call."""
    effective = [each for each in script.statements if not _defines(each)]
    if len(effective) != 1 or len(effective[0].pipelines) != 1 or effective[0].background:
        return False
    first, *others = effective[0].pipelines[0].commands
    simple = isinstance(first, Simple) and not set(first.words[:1]) & script.functions.keys()
    return simple and not others and not first.redirections


def _defines(statement: Statement) -> bool:
    return all(each == Simple() for pipeline in statement.pipelines for each in pipeline.commands)


def _trapped(command: Simple) -> Iterator[str]:
    """Return the signals that a command traps and that may end a process; variables and EXIT may be any of them."""
    if command.words[:1] == ("trap",) and _NO_ACTIONS.isdisjoint(command.words[1:2]):
        signals = (each.upper().removeprefix("SIG") for each in command.words[2:])
        yield from (each for each in signals if each not in _HARMLESS_TRAPS)


def _delayed(script: Script) -> Held | None:
    """Return the command in the foreground that keeps the shell from running its trap, or None."""
    apart = any(each.words[:1] == ("wait",) for each in script.commands()) or work(script).jobs
    kept = None if apart else _Ending(script).of(script.statements, yields=False)
    return Held(Hold.TRAP, kept.program) if kept is not None and kept.hold is Hold.CHILD else None


class _Ending:
    """Finds the command that a script ends with, including in functions and branches."""

    def __init__(self, script: Script) -> None:
        self._functions = script.functions
        self._entered: set[str] = set()

    def of(self, statements: tuple[Statement, ...], *, yields: bool) -> Held | None:
        """Return why the shell stays. With `yields`, it execs the last of the statements if nothing follows."""
        if any(_gives_way(each) for each in statements):
            return None
        last = next((each for each in reversed(statements) if not _passes(each)), None)
        if last is None or last.background:
            return None
        if any(each.background for each in statements):
            return Held(Hold.WAIT)
        pipeline = next(each for each in reversed(last.pipelines) if not _idle(each))
        final = last is statements[-1] and pipeline is last.pipelines[-1]
        return self._of_pipeline(pipeline, yields=yields and final)

    def _of_pipeline(self, pipeline: Pipeline, *, yields: bool) -> Held | None:
        if len(pipeline.commands) > 1:
            return Held(Hold.PIPELINE)
        return self._of_command(pipeline.commands[0], yields=yields)

    def _of_command(self, command: Command, *, yields: bool) -> Held | None:
        if isinstance(command, Simple):
            return self._of_simple(command, yields=yields)
        if any(_executes(each) for each in simple_commands(command)):
            return None
        if command.form is Form.LOOP:
            return Held(Hold.LOOP)
        return next(filter(None, (self.of(each, yields=yields) for each in command.branches)), None)

    def _of_simple(self, command: Simple, *, yields: bool) -> Held | None:
        name = command.words[0]
        if name in self._functions:
            return self._of_function(name)
        if name in _UNKNOWN:
            return None
        if name == "wait":
            return Held(Hold.WAIT)
        return None if yields else Held(Hold.CHILD, program_of(command))

    def _of_function(self, name: str) -> Held | None:
        if name in self._entered or len(self._entered) == _DEEPEST:
            return None
        self._entered.add(name)
        return self._of_command(self._functions[name], yields=False)


def _commands_of(statements: Iterable[Statement]) -> Iterator[Command]:
    return (each for statement in statements for pipeline in statement.pipelines for each in pipeline.commands)


def _executes(command: Simple) -> bool:
    """Return whether the command replaces the shell."""
    return command.words[:1] == ("exec",) and len(command.words) > 1


def _gives_way(statement: Statement) -> bool:
    """Return whether it ends the shell. In a pipeline, `exec` replaces only a subshell."""
    alone = (each.commands[0] for each in statement.pipelines if len(each.commands) == 1)
    return not statement.background and any(isinstance(each, Simple) and _executes(each) for each in alone)


def _passes(statement: Statement) -> bool:
    return not statement.background and all(_idle(each) for each in statement.pipelines)


def _idle(pipeline: Pipeline) -> bool:
    """Return whether it ends at once."""
    return all(isinstance(each, Simple) and _takes_no_time(each) for each in pipeline.commands)


def _takes_no_time(command: Simple) -> bool:
    return not command.words or command.words == ("exec",) or command.words[0] in _PASSING


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
