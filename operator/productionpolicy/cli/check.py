"""`productionpolicy check`: the operator's judgement of manifests, without a cluster."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

import click

from productionpolicy.cli import sources, yardstick
from productionpolicy.expectations import BY_NAME
from productionpolicy.offline import Document, Judgement, Unread, judge
from productionpolicy.offline.judgement import KINDS
from productionpolicy.policy import Policy, Profile

FORMATS = ("text", "json", "sarif", "junit", "github")
"""The outputs; each is a module of this name in `formats`."""
FINDINGS, NOT_JUDGED = 1, 2
_MANY_FILES = 200
"""From so many files on a progress bar is of use."""


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(exists=True, allow_dash=True),
)
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The ProductionPolicy to judge by. Default: what profile Production says.",
)
@click.option(
    "--profile",
    type=click.Choice([str(each) for each in Profile]),
    help="The profile to judge by, in place of the policy's.",
)
@click.option(
    "--expectation",
    "names",
    multiple=True,
    metavar="NAME",
    type=click.Choice(list(BY_NAME)),
    help="Judge only this expectation; may be repeated. `productionpolicy explain` lists them.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["failed", "never"]),
    default="failed",
    show_default=True,
    help="When the exit code tells of what was found.",
)
@click.option(
    "-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="The form of the report."
)
def command(
    paths: Sequence[str],
    policy_file: Path | None,
    profile: str | None,
    names: Sequence[str],
    fail_on: str,
    output: str,
) -> None:
    """Judge manifests as the operator would judge the workloads in a cluster.

    PATH is a file, a folder (all *.yaml, *.yml and *.json below it) or - for standard input. Everything given is judged
    together, so a PodDisruptionBudget in one file counts for a Deployment in another:

        helm template shop | productionpolicy check -

    The exit code is 0 if nothing failed, 1 if there are findings, and 2 if something could not be read or the command
    was used wrongly.
    """
    policy = _policy(policy_file, profile, names)
    with _uncollected():
        judgement = judge(_documents(paths), policy=policy, today=datetime.now(UTC).date())
    _write(judgement, output)
    sys.exit(0 if fail_on == "never" else _exit_code(judgement))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Do without the search for unused cycles: what is read stays, and a quarter of the time went there."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _policy(file: Path | None, profile: str | None, names: Sequence[str]) -> Policy:
    try:
        policy = yardstick.read_policy_file(file) if file else yardstick.PRODUCTION
    except yardstick.NoPolicy as error:
        raise click.BadParameter(str(error), param_hint="--policy") from error
    if profile:
        policy = yardstick.with_profile(policy, Profile(profile))
    return yardstick.limited(policy, names) if names else policy


def _documents(paths: Sequence[str]) -> Iterator[Document | Unread]:
    files, unread = sources.found(paths)
    yield from unread
    hidden = len(files) < _MANY_FILES or not sys.stderr.isatty()
    with click.progressbar(files, label="Reading", file=sys.stderr, hidden=hidden) as progress:
        for file in progress:
            yield from sources.read(file, kinds=KINDS)


def _write(judgement: Judgement, output: str) -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal may not know every letter; programs expect UTF-8.
        sys.stdout.reconfigure(encoding=None if output == "text" else "utf-8", errors="replace")
    vars(import_module(f"productionpolicy.cli.formats.{output}"))["write"](judgement, sys.stdout)
    sys.stdout.flush()


def _exit_code(judgement: Judgement) -> int:
    if judgement.failed:
        return FINDINGS
    return NOT_JUDGED if judgement.unreadable else 0
