"""`productionpolicy doctor`: judge whether an installation is in order."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import wrap

import click

from productionpolicy.cli.access import access_options
from productionpolicy.cli.formats.json import write_struct
from productionpolicy.cli.reaching import reaching
from productionpolicy.cli.reporting import ReportingCommand
from productionpolicy.controller.cluster import Cluster
from productionpolicy.doctor.checks import CHECKS
from productionpolicy.doctor.diagnosis import Report, State, diagnose
from productionpolicy.doctor.facts import Facts
from productionpolicy.doctor.reading import read
from productionpolicy.kube.text import printable
from productionpolicy.live.access import Access
from productionpolicy.live.connection import target

_COLORS = {State.OK: "green", State.HINT: "cyan", State.WRONG: "red", State.UNKNOWN: "yellow"}
_STATES = max(map(len, State)) + 2
_NAMES = max(len(each.name) for each in CHECKS) + 2


@click.command("doctor", cls=ReportingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@access_options
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NAMESPACE",
    help="Look only at this governed namespace and its policy; may be repeated. Default: all governed namespaces.",
)
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The output format."
)
def command(access: Access, *, namespaces: Sequence[str], output: str) -> None:
    """Check whether an installation is in order, from the API server to the metrics.

    Each check prints one line: its state, its name, what was found, and the remedy.

    \b
        ok       everything is as it should be
        hint     nothing is wrong, but something optional is missing, or takes its time
        wrong    something does not work as intended
        unknown  it could not be seen; the line names the missing right

    An administrator asks about everything, a developer about one namespace:

    \b
        productionpolicy doctor
        productionpolicy doctor -n shop

    The checks use your rights, and change nothing. To see whether repairs are made and kept, they create a Deployment
    and a pod in one governed namespace of each policy as a dry run, which the API server admits but does not store.

    The exit code is 0 if everything is ok, regardless of hints; 1 if something is wrong; 3 if nothing is wrong as far
    as could be seen, but something is unknown; and 2 if the cluster cannot be reached, or the command was used
    incorrectly.
    """
    with reaching(otherwise="nothing could be checked"):
        facts = asyncio.run(_facts(access, namespaces))
    report = diagnose(facts, CHECKS)
    if output == "json":
        write_struct(report, sys.stdout)
    else:
        _print(report)
    sys.exit(report.exit_code)


async def _facts(access: Access, namespaces: Sequence[str]) -> Facts:
    found = await target(access)
    async with found.connection.client() as api:
        return await read(Cluster(api, headers=access.headers), now=datetime.now(UTC), chosen=namespaces)


def _print(report: Report) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for each in report.checks:
        text = printable(f"{each.message}. Remedy: {each.remedy}" if each.remedy else each.message)
        head = click.style(f"{each.state:<{_STATES}}", fg=_COLORS[each.state])
        click.echo(f"{head}{each.check:<{_NAMES}}{_aligned(text, width)}")


def _aligned(text: str, width: int) -> str:
    """Break a text on a terminal, so that its lines begin in one column; elsewhere, one line is one check."""
    indent = _STATES + _NAMES
    if width <= 2 * indent:
        return text
    return f"\n{' ' * indent}".join(wrap(text, width - indent, break_long_words=False, break_on_hyphens=False))
