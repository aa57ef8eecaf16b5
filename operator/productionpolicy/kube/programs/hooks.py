"""What the command of a preStop hook does: how long it waits, and whether it may stop the server."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from productionpolicy.kube.programs.commands import PRINTERS, Words, program, script_run, unwrapped
from productionpolicy.kube.programs.log_files import fills_file
from productionpolicy.kube.programs.processes import PASSING
from productionpolicy.kube.programs.shell import Command, Form, Script, Simple, Statement, read_script
from productionpolicy.kube.waits import ENDLESS, executed, seconds, waited

_HARMLESS = PASSING | frozenset(
    [
        *("sleep", "usleep", "wait", "read", "touch", "rm", "mv", "cp", "mkdir", "rmdir", "ln", "cat", "tee", "logger"),
        *("date", "ls", "chmod", "chown", "sync", "stat", "find", "grep", "egrep", "sed", "awk", "head", "tail", "wc"),
        *("ps", "pgrep", "pidof", "netstat", "ss"),
    ]
)
"""Programs that stop no server, whatever the names of their files and variables say."""

_STOP = re.compile(
    r"kill(?!ed|ing)|quit(?!t)|stop(?!p)|shutdown|drain(?!ed|ing)|terminate(?!d)|(?<![a-z])(?:(?:sig)?term|leave)(?![a-z])",
    re.IGNORECASE,
)
"""Matches a word that orders a stop, such as `graceful-stop` or `SIGTERM`, unlike `draining` or `termination`."""

_VARIABLE = re.compile(r"\$(?:\{|env:)?\w+")
_HERE = frozenset({"<<", "<<-", "<<<"})

_TIMEOUT_VALUED = frozenset({"-k", "--kill-after", "-s", "--signal"})
_LIMIT = re.compile(r"[0-9]+(?:\.[0-9]+)?[smhd]?")


class _Waits(Struct, frozen=True):
    """The seconds that commands wait."""

    total: float = 0.0
    """Of all of them."""
    longest: float = 0.0
    """Of those that one run executes."""


def longest_wait(command: Words) -> float:
    """Return the seconds that a command is known to wait: see `waited`.

    Of the branches of a choice, the one that waits longest counts, and `timeout` limits its command. The admission
    policy, which sees only the text, counts every wait; so its period may be longer, but is never shorter.
    """
    found, total = _waits_of(command), waited(command)
    return min(total, max(total - (found.total - found.longest), found.longest))


def _waits_of(words: Words) -> _Waits:
    inner, limit = _within_limit(words)
    script = _script(inner)
    found = _waits_within(script.statements) if script else _Waits(*[waited(inner)] * 2)
    return _Waits(found.total, min(found.longest, limit))


def _waits_within(statements: tuple[Statement, ...]) -> _Waits:
    return _sum(_waits_in(each) for one in statements for pipeline in one.pipelines for each in pipeline.commands)


def _waits_in(command: Command) -> _Waits:
    if isinstance(command, Simple):
        return _waits_of(command.words)
    branches = [_waits_within(each) for each in command.branches]
    every = _sum(branches)
    if command.form is Form.CHOICE:
        every = _Waits(every.total, max((each.longest for each in branches), default=0.0))
    return _sum([_waits_within(command.conditions), every])


def _sum(parts: Iterable[_Waits]) -> _Waits:
    each = tuple(parts)
    return _Waits(sum(one.total for one in each), sum(one.longest for one in each))


def _within_limit(words: Words) -> tuple[Words, float]:
    """Return a command without wrappers, and the seconds that `timeout` gives it, or ENDLESS."""
    inner, at = unwrapped(words), 1
    if program(inner) != "timeout":
        return inner, ENDLESS
    while at < len(inner) and inner[at].startswith("-"):
        at += 1 + (inner[at] in _TIMEOUT_VALUED)
    if at >= len(inner) or not _LIMIT.fullmatch(inner[at]):
        return inner, ENDLESS
    return unwrapped(inner[at + 1 :]), seconds(inner[at]) or ENDLESS  # 0 is no limit


def _script(words: Words) -> Script | None:
    at = script_run(words)
    return None if at is None else read_script(words[at])


def may_stop(command: Words) -> bool:
    """Return whether a command does more than wait and write files, so that it may stop the server."""
    inner, _ = _within_limit(command)
    script = _script(inner)
    if script is None or _has_documents(script):
        return program(inner) not in _HARMLESS and _orders_stop((executed(inner),))
    return any(
        _stops(each, feeds=each is not pipeline.commands[-1])
        for pipeline in script.pipelines()
        for each in pipeline.commands
        if isinstance(each, Simple)
    )


def _has_documents(script: Script) -> bool:
    """Return whether a command reads text of the script itself, which its words do not contain."""
    commands = (each for pipeline in script.pipelines() for each in pipeline.commands)
    return any(each.operator in _HERE for command in commands for each in command.redirections)


def _stops(command: Simple, *, feeds: bool) -> bool:
    """Return whether a command of a script may stop the server; with `feeds`, its output goes to another command."""
    inner, _ = _within_limit(command.words)
    if script_run(inner) is not None:
        return may_stop(inner)
    if program(inner) in PRINTERS:
        return (feeds or fills_file(command)) and _orders_stop(inner)
    return program(inner) not in _HARMLESS and _orders_stop(inner)


def _orders_stop(words: Words) -> bool:
    return _STOP.search(_VARIABLE.sub("", " ".join(words))) is not None
