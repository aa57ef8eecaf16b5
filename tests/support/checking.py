"""The commands `check` and `fix`, run within the test, on files that the test writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from productionpolicy.cli.main import main
from support.manifests import Raw


@dataclass(frozen=True, slots=True)
class Done:
    """What a run has left."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """The report, of a run with `-o json`."""
        return json.loads(self.out)


def check(*arguments: str | Path, stdin: str | bytes | None = None) -> Done:
    """Run `check`; whatever it does not catch fails the test."""
    return _run("check", *arguments, stdin=stdin)


def fix(*arguments: str | Path) -> Done:
    """Run `fix`; whatever it does not catch fails the test."""
    return _run("fix", *arguments)


def _run(command: str, *arguments: str | Path, stdin: str | bytes | None = None) -> Done:
    result = CliRunner().invoke(main, [command, *map(str, arguments)], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def report(*arguments: str | Path, stdin: str | bytes | None = None) -> Any:
    """Return the report of a run."""
    return check(*arguments, "-o", "json", stdin=stdin).report


def verdict(expectation: str, *arguments: str | Path, stdin: str | bytes | None = None) -> str:
    """Return the verdict on the only workload."""
    (workload,) = report(*arguments, stdin=stdin)["workloads"]
    return str(workload["verdicts"][expectation])


def written(*objects: Raw) -> str:
    """Return objects as the text of a YAML file."""
    return yaml.safe_dump_all(objects, sort_keys=False)
