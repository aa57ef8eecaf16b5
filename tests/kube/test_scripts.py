"""What containers are seen to run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.pods import Container
from productionpolicy.kube.scripts import command_run, runs_shell, scripts

COMMANDS = ("make", "apk add", "pip* install", "npm run dev")


def running(*command: str, args: tuple[str, ...] = ()) -> Container:
    return Container(name="web", path="c", command=command, args=args)


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
        ("makeboard", None),
        ("make-board", None),
        ("apk info; web add", None),
        ("apk info add", None),
        ("npm run develop", None),
        ("cat <<EOF\nmake\nEOF", None),
        ("", None),
    ],
)
def test_a_script_is_searched_for_commands(script: str, command: str | None) -> None:
    found = command_run(running("/bin/sh", "-ec", script), COMMANDS)
    assert found == (None if command is None else (command, "c.command[2]"))


@pytest.mark.parametrize(
    ("container", "found"),
    [
        (running("make"), ("make", "c.command[0]")),
        (running("npm", "run", args=("dev",)), ("npm run dev", "c.command[0]")),
        (running(args=("make", "all")), ("make", "c.args[0]")),
        (running("tini", "-g", "--", "make"), ("make", "c.command[0]")),
        (running(args=("-c", "make")), ("make", "c.args[1]")),
        (running("bash", "-c", args=("make",)), ("make", "c.args[0]")),
        (running("web", "make"), None),
        (running("web", "-c", "make"), None),
        (running("python3", "-c", "make"), None),
        (running(), None),
    ],
)
def test_a_command_line_is_a_command_or_holds_a_script(container: Container, found: tuple[str, str] | None) -> None:
    assert command_run(container, COMMANDS) == found


def test_nothing_is_found_where_nothing_is_sought() -> None:
    assert command_run(running("sh", "-c", "make"), ()) is None


def test_only_shells_run_scripts() -> None:
    assert [each.text for each in scripts(running("sh", "-c", "make", "-x"))] == ["make"]
    assert (runs_shell(running("/bin/bash", "-c", "web")), runs_shell(running("web", "shell"))) == (True, False)


@given(st.text(alphabet="make apk-=/;&|\"'\\\n#<A", max_size=60))
def test_no_script_is_an_error(script: str) -> None:
    command_run(running("sh", "-c", script), COMMANDS)


@pytest.mark.parametrize("part", ["a/", "A=1 ", "; ", "apk -a b ", "\n", '"', "<<a ", "\\\n", "-c "])
def test_a_long_script_is_read_in_no_time(part: str) -> None:
    """A search that went back and forth would take minutes here."""
    assert command_run(running("sh", "-c", part * 50_000), COMMANDS) is None
