"""What a long run shows on a terminal, and that nothing of it goes anywhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.checking import written
from support.manifests import deployment

SLOW = """
import sys, time
from productionpolicy.cli import progress
progress.PATIENCE_SECONDS = 0.05
def slowly(items):
    for each in items:
        time.sleep(0.1)
        yield each
done = list(progress.watched(slowly(range({items})), "Judging", total={items}))
assert done == list(range({items}))
print("the report")
"""
RED = "\x1b["
ENVIRONMENT = {**{name: value for name, value in os.environ.items() if name != "NO_COLOR"}, "TERM": "xterm-256color"}


def terminal(command: list[str | Path], *, on: Iterable[str], stdin: str = "") -> dict[str, str]:
    """Run a command with some of its outputs on a terminal, and return what each output got."""
    ours, its = pty.openpty()
    stdout, stderr = (its if name in on else subprocess.PIPE for name in ("stdout", "stderr"))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, env=ENVIRONMENT, text=True)
    os.close(its)
    with process, ThreadPoolExecutor() as readers:
        reading = readers.submit(everything, ours)
        plain = process.communicate(stdin, timeout=60)
        shown = reading.result(timeout=60)
    os.close(ours)
    found = dict(zip(("stdout", "stderr"), plain, strict=True))
    return {name: shown if name in on else text for name, text in found.items()}


def everything(descriptor: int) -> str:
    """Read a terminal until nobody has it open any more."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # what Linux answers then
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


def slow(items: int) -> list[str | Path]:
    return [sys.executable, "-W", "error", "-c", SLOW.format(items=items)]


def test_a_long_run_shows_how_far_it_is() -> None:
    got = terminal(slow(8), on={"stderr"})
    assert "Judging" in got["stderr"]
    assert re.findall(r"\d/8", got["stderr"])[-1] == "8/8"
    assert got["stdout"] == "the report\n"


def test_it_is_gone_when_the_report_is_written() -> None:
    shown = terminal(slow(8), on={"stdout", "stderr"})["stdout"]
    progress, report = shown.rsplit("\x1b[2K", 1)
    assert "Judging" in progress
    assert "Judging" not in report
    assert "the report" in report
    assert progress.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1


IMPATIENT = """
from productionpolicy.cli import main, progress
progress.PATIENCE_SECONDS = 0
main.main({arguments})
"""


@pytest.mark.parametrize(("arguments", "second"), [(["check", "-"], "Judging"), (["check", "-", "--plan"], "Planning")])
def test_both_reading_and_judging_are_shown(arguments: list[str], second: str) -> None:
    text = written(*(deployment(f"web-{number}") for number in range(200)))
    command: list[str | Path] = [sys.executable, "-c", IMPATIENT.format(arguments=arguments)]
    shown = terminal(command, on={"stderr"}, stdin=text)["stderr"]
    assert "Reading" in shown
    assert second in shown
    assert "200/200" in shown


def test_a_short_run_shows_nothing() -> None:
    assert terminal(slow(0), on={"stderr"})["stderr"] == ""


def test_where_standard_error_is_no_terminal_nothing_is_shown() -> None:
    assert terminal(slow(8), on={"stdout"}) == {"stdout": "the report\r\n", "stderr": ""}


CHECK: list[str | Path] = [sys.executable, "-m", "productionpolicy", "check", "-"]


@pytest.mark.parametrize("arguments", [[], ["--plan"]])
def test_colours_are_for_terminals(arguments: list[str | Path]) -> None:
    text = written(deployment())
    assert RED in terminal([*CHECK, *arguments], on={"stdout"}, stdin=text)["stdout"]
    assert RED not in terminal([*CHECK, *arguments], on={"stderr"}, stdin=text)["stdout"]


@pytest.mark.parametrize("arguments", [["-o", "json"], ["--plan", "-o", "yaml"]])
def test_what_programs_read_has_no_colours_even_on_a_terminal(arguments: list[str | Path]) -> None:
    assert RED not in terminal([*CHECK, *arguments], on={"stdout"}, stdin=written(deployment()))["stdout"]
