"""Whether a command succeeds whatever it finds, from its words."""

from __future__ import annotations

import re

from productionpolicy.kube.programs.commands import Words, program, script_run, unwrapped
from productionpolicy.kube.programs.shell import (
    Command,
    Compound,
    Form,
    Pipeline,
    Script,
    Simple,
    Statement,
    read_script,
)

_IDLE = frozenset({"true", ":", "echo"})
_UNCLEAR = frozenset({"exec", "set", "shopt", "return", "trap", "kill", "source", ".", "eval"})
"""Commands that may end a script early, or change what ends it."""

_STRICT = re.compile(r"-[a-z]*e[a-z]*|errexit")
"""Options of a shell that ends when a command fails, except one before `||` or `&&`."""

_MUST_BE_SET = re.compile(r"\$\{\w+:?\?")
"""An expansion that ends the script if the variable is not set."""

_HARMLESS = frozenset({"/dev/null", "1", "2"})
"""Targets of redirections that cannot fail, unlike those of files and of /dev/tcp, which bash connects to."""


def always_succeeds(words: Words) -> bool:
    """Return whether a command succeeds whatever it finds: a program that does nothing, or a script that ends with it.

    A script that may end before, or that waits in a loop until a check succeeds, does not.
    """
    at = script_run(words)
    if at is None:
        return program(unwrapped(words)) in _IDLE
    script = read_script(words[at])
    if script is None or not script.statements or _MUST_BE_SET.search(words[at]):
        return False
    strict = any(_STRICT.fullmatch(each) for each in words[:at])
    return not _may_end_early(script, strict=strict) and _succeeds(script.statements)


def _may_end_early(script: Script, *, strict: bool) -> bool:
    """Return whether a script may fail before its last statement, or may not reach it."""
    compounds = [each for line in script.pipelines() for each in line.commands if isinstance(each, Compound)]
    if script.functions or any(each.form is Form.LOOP for each in compounds):
        return True
    if strict and (compounds or len(script.statements) > 1):
        return True
    return any(
        program(each.words) in _UNCLEAR or (each.words[:1] == ("exit",) and each.words[1:] != ("0",))
        for each in script.commands()
    )


def _succeeds(statements: tuple[Statement, ...]) -> bool:
    """Return whether the last of the statements always succeeds."""
    last = statements[-1]
    found = _pipeline_succeeds(last.pipelines[0])
    for operator, pipeline in zip(last.operators, last.pipelines[1:], strict=True):
        succeeds = _pipeline_succeeds(pipeline)
        found = found or succeeds if operator == "||" else found and succeeds
    return found and not last.background


def _pipeline_succeeds(pipeline: Pipeline) -> bool:
    return not pipeline.negated and len(pipeline.commands) == 1 and _command_succeeds(pipeline.commands[0])


def _command_succeeds(command: Command) -> bool:
    if any(each.target not in _HARMLESS for each in command.redirections):
        return False
    if isinstance(command, Simple):
        return command.words == ("exit", "0") or program(unwrapped(command.words)) in _IDLE
    return command.form in {Form.GROUP, Form.SUBSHELL} and _succeeds(command.branches[0])
