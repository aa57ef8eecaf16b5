"""What containers are seen to run."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.pods import Container, Variable
from productionpolicy.kube.programs.shell import LONGEST
from productionpolicy.kube.programs.start import command_run, runs_shell

COMMANDS = ("make", "apk add", "pip* install", "npm run dev")


def running(*command: str, args: tuple[str, ...] = ()) -> Container:
    return Container(name="web", path="c", command=command, args=args)


def first_run(container: Container) -> tuple[str, str] | None:
    found = command_run(container, COMMANDS)
    return found[:2] if found else None


def test_a_script_in_a_variable_is_searched_too() -> None:
    build = Variable("BUILD", "c.env[0]", "cd /srv && make")
    container = Container(name="web", path="c", command=("sh", "-c", "$(BUILD); web"), variables=(build,))
    assert first_run(container) == ("make", "c.command[2]")


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("make", "make"),
        ("make all", "make"),
        ("/usr/bin/make all", "make"),
        ("cd /srv && make", "make"),
        ("cd /srv; make; web", "make"),
        ("(make)", "make"),
        ("if ! make; then exit 1; fi", "make"),
        ("A=1 B=2 sudo make", "make"),
        ("while true\ndo\n  make\ndone", "make"),
        ("apk add curl", "apk add"),
        ("apk --no-cache --root /srv add curl", "apk add"),
        ("apk \\\n  add curl", "apk add"),
        ("pip3.13 install web", "pip* install"),
        ("npm run dev", "npm run dev"),
        ("echo make", None),
        ("echo 'a; make'", None),
        ('echo "\nmake\n"', None),
        ("# make", None),
        ("web # ; make", None),
        ("make-board", None),
        ("apk info; web add", None),
        ("command -v make", None),
        ("make_all=1 web", None),
        ("for each in make; do web; done", None),
        ("cat <<EOF\nmake\nEOF", None),
        ("cat <<EOF\nmake\nEOF\nnpm run dev", "npm run dev"),
        ("case $1 in build) make;; esac", "make"),
        ("build() { make; }", "make"),
        ("web | make", "make"),
        ("time -p make", "make"),
        ("web <<< 'x' ; 'make' all > /dev/null", "make"),
        ("if make", None),
        ("", None),
    ],
)
def test_a_script_is_searched_for_commands(script: str, command: str | None) -> None:
    found = first_run(running("/bin/sh", "-ec", script))
    assert found == (None if command is None else (command, "c.command[2]"))


@pytest.mark.parametrize(
    ("container", "found"),
    [
        (running("make"), ("make", "c.command[0]")),
        (running("npm", "run", args=("dev",)), ("npm run dev", "c.command[0]")),
        (running(args=("make", "all")), ("make", "c.args[0]")),
        (running("tini", "-g", "--", "make"), ("make", "c.command[0]")),
        (running(args=("-c", "make")), ("make", "c.args[1]")),
        (running(args=("-config", "web", "make")), None),
        (running(args=("serve", "-c", "make")), None),
        (running("sh", "-c", "web", "-c", "make"), None),
        (running("bash", "-c", "-e", "make"), ("make", "c.command[3]")),
        (running("launcher", args=("sh", "-c", "make")), ("make", "c.args[2]")),
        (running("timeout", "10", "/bin/sh", "-eo", "pipefail", "-c", "make"), ("make", "c.command[6]")),
        (running("bash", "-c", args=("make",)), ("make", "c.args[0]")),
        (running("web", "make"), None),
        (running("web", "-c", "make"), None),
        (running("python3", "-c", "make"), None),
        (running(), None),
    ],
)
def test_a_command_line_is_a_command_or_holds_a_script(container: Container, found: tuple[str, str] | None) -> None:
    assert first_run(container) == found


def test_a_command_with_a_word_that_excludes_it_is_passed_over() -> None:
    found = command_run(running("sh", "-c", "make --dry; apk add curl"), COMMANDS, without=frozenset({"--dry"}))
    assert found == ("apk add", "c.command[2]", ("apk", "add", "curl"))


@pytest.mark.parametrize(
    ("command", "expected"),
    [("/bin/bash -c web", True), ("timeout 10 sh run.sh", True), ("web shell", False), ("", False)],
)
def test_a_shell_is_seen_below_other_programs(command: str, *, expected: bool) -> None:
    assert runs_shell(running(*command.split())) == expected


@given(st.text(alphabet="make apk-=/;&|\"'\\\n#<A", max_size=60))
def test_no_script_is_an_error(script: str) -> None:
    command_run(running("sh", "-c", script), COMMANDS)


@pytest.mark.parametrize("part", ["a/", "A=1 ", "; ", "apk -a b ", "\n", '"', "<<a ", "\\\n", "-c "])
def test_a_long_script_is_read_in_no_time(part: str) -> None:
    """A search that went back and forth would take minutes here."""
    script = part * (LONGEST // len(part))
    before = process_time()
    assert command_run(running("sh", "-c", script), COMMANDS) is None
    assert process_time() - before < 2
