"""A report that cannot be written is a failure of its own: exit code 2, and one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.checking import check, written
from support.manifests import deployment

FULL = "/dev/full"
"""A file of Linux to which nothing can be written, as on a disk without space."""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "web.yaml"
    file.write_text(written(deployment()))
    return file


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which $@ is the command."""
    command = [sys.executable, "-W", "error", "-m", "productionpolicy", *map(str, arguments)]
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github", "html"])
def test_a_report_on_a_full_disk(manifest: Path, form: str) -> None:
    done = run(f'"$@" > {FULL}', "check", manifest, "-o", form)
    assert (done.returncode, done.stderr) == (2, "Error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("form", ["text", "json", "yaml"])
def test_a_plan_on_a_full_disk(manifest: Path, form: str) -> None:
    done = run(f'"$@" > {FULL}', "check", manifest, "--plan", "-o", form)
    assert (done.returncode, done.stderr) == (2, "Error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("arguments", [["explain"], ["explain", "preStop"], ["check", "--help"], ["--help"]])
def test_a_text_on_a_full_disk(arguments: list[str]) -> None:
    done = run(f'"$@" > {FULL}', *arguments)
    assert (done.returncode, done.stderr) == (2, "Error: the output cannot be written: No space left on device\n")


def test_standard_error_on_the_same_full_disk(manifest: Path) -> None:
    done = run(f'"$@" > {FULL} 2>&1', "check", manifest)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "-o", "json"],
        ["check", "--plan"],
        ["fix", "--diff"],
        ["explain"],
        ["drain", "--help"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_a_reader_that_has_gone_away(manifest: Path, arguments: list[str]) -> None:
    paths = [str(manifest)] if arguments[0] in {"check", "fix"} else []
    command = [sys.executable, "-W", "error", "-m", "productionpolicy", *arguments, *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (2, "")


def test_an_output_that_is_closed(manifest: Path) -> None:
    done = run('"$@" >&-', "check", manifest)
    assert (done.returncode, done.stderr) == (2, "Error: the output cannot be written: standard output is closed\n")


def test_an_input_that_is_closed() -> None:
    done = run('"$@" <&-', "check", "-")
    assert (done.returncode, "it cannot be read: it is closed" in done.stdout) == (2, True)


def test_a_plan_below_what_is_no_folder(manifest: Path) -> None:
    done = check(manifest, "--plan", "--write", manifest / "plan")
    assert (done.code, f"{manifest / 'plan'} cannot be written: Not a directory" in done.err) == (2, True)


def test_a_plan_in_a_working_folder_that_is_gone(manifest: Path) -> None:
    gone = manifest.parent / "gone"
    done = run(f'mkdir "{gone}" && cd "{gone}" && rmdir "{gone}" && "$@"', "check", manifest, "--plan", "--write", "x")
    assert (done.returncode, done.stderr.startswith("Error: "), "Traceback" in done.stderr) == (2, True, False)
