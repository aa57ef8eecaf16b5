"""`productionpolicy check`: evaluate manifests as the operator would, without a cluster."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from productionpolicy.cli import component, sources, yardstick
from productionpolicy.cli.earlier import NoReport, read_earlier
from productionpolicy.cli.formats.source import Source
from productionpolicy.cli.names import ExpectationName
from productionpolicy.cli.progress import watched
from productionpolicy.cli.reporting import ReportingCommand
from productionpolicy.expectations import OWNED, Action
from productionpolicy.expectations.pod_disruption_budget import POD_DISRUPTION_BUDGET
from productionpolicy.kube.budgets import BUDGET
from productionpolicy.kube.workloads import Kind
from productionpolicy.offline import (
    Comparison,
    Document,
    EarlierWorkload,
    Gathered,
    Given,
    Judgement,
    Proposal,
    Unread,
    compare,
    judge_gathered,
    propose_gathered,
)
from productionpolicy.offline.gathering import shown_file
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import Policy, Profile

FORMATS = {
    "text": ("formats", "plans"),
    "json": ("formats", "plans"),
    "yaml": ("plans",),
    "sarif": ("formats",),
    "junit": ("formats",),
    "github": ("formats",),
    "html": ("formats",),
}
"""The output formats. Each is a module in these packages: `formats` for findings, `plans` for `--plan`."""
COMPARING = ("text", "html")
"""The output formats that show a comparison."""
TOLD, NOT_JUDGED = 1, 2
_WORKLOADS = f"{', '.join(list(Kind)[:-1])} or {list(Kind)[-1]}"

_HINT_OF_BUDGETS = (
    "hint: these objects from a cluster contain no PodDisruptionBudget. `kubectl get all` does not list them; use "
    "`kubectl get all,poddisruptionbudgets -o yaml`."
)


class NothingToJudge(click.ClickException):
    """The input contains no workload, so that success would be meaningless."""

    exit_code = NOT_JUDGED

    def __init__(self, paths: Sequence[str]) -> None:
        named = ("standard input" if each == sources.STANDARD_INPUT else shown_file(each) for each in paths)
        super().__init__(
            f"nothing to judge in {', '.join(named)}: no {_WORKLOADS} was found. Use --allow-empty if this is expected."
        )


def _folder(_context: click.Context, _option: click.Parameter, folder: Path | None) -> Path | None:
    """Refuse a folder with other files before doing any work."""
    try:
        if folder:
            component.refuse_others(folder)
    except component.NotToBeWritten as error:
        raise click.BadParameter(str(error)) from error
    return folder


@click.command("check", cls=ReportingCommand, context_settings={"help_option_names": ["-h", "--help"]})
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
    help="The file with the ProductionPolicy to judge by. Default: the defaults of the profile Production.",
)
@click.option(
    "--profile",
    type=click.Choice([str(each) for each in Profile]),
    help="The profile to judge by, instead of that of the policy.",
)
@click.option(
    "--expectation",
    "names",
    multiple=True,
    metavar="NAME",
    type=ExpectationName(),
    help="Judge only this expectation; may be repeated. `productionpolicy explain` lists them.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["failed", "never"]),
    default="failed",
    show_default=True,
    help="failed: the exit code is 1 if there are findings (with --plan: repairs). never: it is 0 regardless of them.",
)
@click.option("--allow-empty", is_flag=True, help="Succeed even if there is no workload to judge.")
@click.option("--plan", is_flag=True, help="Show the repairs that the operator would make, instead of the findings.")
@click.option(
    "--write",
    "folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    callback=_folder,
    help="With --plan: also write the repairs into a folder, as a kustomize component. The folder must be new, empty, "
    "or from an earlier run.",
)
@click.option(
    "--compare",
    "old",
    metavar="OLD.json",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Show which findings are new and which are gone since an earlier report of `check -o json`; with -o text or "
    "html.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="The output format; with --plan: text, json or yaml.",
)
def command(  # noqa: PLR0913  # one per option
    paths: Sequence[str],
    *,
    policy_file: Path | None,
    profile: str | None,
    names: Sequence[str],
    fail_on: str,
    allow_empty: bool,
    folder: Path | None,
    old: Path | None,
    output: str,
    plan: bool,
) -> None:
    """Check manifests as the operator would judge the workloads in a cluster.

    PATH is a file, a folder (all *.yaml, *.yml and *.json below it) or - for standard input. All files are judged
    together, so a PodDisruptionBudget in one file counts for a Deployment in another:

        helm template shop | productionpolicy check -

    With --plan it shows what the operator would change: a patch for each workload, and the PodDisruptionBudgets that it
    would create. With --write it also writes these as files for kustomize:

        productionpolicy check deploy/ --plan --write production/

    \b
        # deploy/kustomization.yaml
        components: [../production]

    With -o html it writes a page for people: one file that needs no other, with the repairs and what is exempt.
    --compare marks in it what has changed since an earlier report:

        productionpolicy check deploy/ -o json > old.json
        productionpolicy check deploy/ -o html --compare old.json > report.html

    The exit code is 0 if nothing failed, or with --plan, if there are no repairs to make; 1 if there are findings, or
    with --plan, repairs; and 2 if there is nothing to judge, something could not be read or written, or the command was
    used incorrectly.
    """
    _refuse_mismatch(output, folder, old, plan=plan)
    before = _earlier(old)
    policy = _policy(policy_file, profile, names, plan=plan)
    documents = watched(_documents(paths, folder), "Reading")
    now = datetime.now(UTC)
    told: Judgement | Proposal
    repairs: Proposal | None = None
    with _uncollected():
        gathered = Gathered(documents)
        if plan:
            told = propose_gathered(gathered, policy=policy, today=now.date(), through=_through("Planning"))
        else:
            told = judge_gathered(gathered, policy=policy, today=now.date(), through=_through("Judging"))
        if output == "html":
            repairs = propose_gathered(gathered, policy=policy, today=now.date(), through=_through("Planning"))
    empty = not told.workloads and not allow_empty
    if folder and isinstance(told, Proposal) and not empty:
        _write_component(told, folder)  # before the report, because its reader may stop early
    comparison = compare(told, before, name=str(old)) if before is not None and isinstance(told, Judgement) else None
    _write(told, output, **_beside(output, repairs, comparison, _source(paths, policy, policy_file, now)))
    if told.lacks_budgets and _asks_for_budgets(told):
        click.echo(_HINT_OF_BUDGETS, err=True)
    if empty:
        raise NothingToJudge(paths)
    sys.exit(0 if fail_on == "never" else _exit_code(told))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Turn off the garbage collector: the data stays in use, and the collection took a quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _refuse_mismatch(output: str, folder: Path | None, old: Path | None, *, plan: bool) -> None:
    """Refuse options that conflict."""
    if plan and "plans" not in FORMATS[output]:
        raise click.UsageError(f"-o {output} is a format for findings: with --plan use text, json or yaml.")
    if not plan and "formats" not in FORMATS[output]:
        raise click.UsageError(f"-o {output} is a format for repairs: it needs --plan.")
    if folder and not plan:
        raise click.UsageError("--write is for repairs: it needs --plan.")
    if old and (plan or output not in COMPARING):
        raise click.UsageError(f"--compare is for findings, with -o {' or -o '.join(COMPARING)}.")


def _policy(file: Path | None, profile: str | None, names: Sequence[str], *, plan: bool) -> Policy:
    try:
        policy = yardstick.chosen(file, Profile(profile) if profile else None)
    except yardstick.NoPolicy as error:
        raise click.BadParameter(str(error), param_hint="--policy") from error
    # Ignore withdraws existing repairs; a plan for a few expectations leaves the others as they are.
    return yardstick.limited(policy, names, others=Action.AUDIT if plan else Action.IGNORE) if names else policy


def _documents(paths: Sequence[str], folder: Path | None) -> Iterator[Document | Unread]:
    """Read everything except the folder to write: its budgets would count for the workloads that they are for."""
    files, unread = sources.found(paths, without=folder)
    yield from unread
    for file in files:
        yield from sources.read(file, wanted=WANTED)


def _through(label: str) -> Callable[[Gathered], Iterable[Given]]:
    return lambda gathered: watched(gathered, label, total=len(gathered))


def _earlier(old: Path | None) -> tuple[EarlierWorkload, ...] | None:
    try:
        return read_earlier(old) if old else None
    except NoReport as error:
        raise click.BadParameter(str(error), param_hint="--compare") from error


def _source(paths: Sequence[str], policy: Policy, policy_file: Path | None, now: datetime) -> Source:
    names = [sources.NAME_OF_STANDARD_INPUT if each == sources.STANDARD_INPUT else each for each in paths]
    others = f" and {len(names) - 1} more" if names[1:] else ""
    judged_by = f"{policy_file}, policy {policy.name}, profile {policy.spec.profile}"
    facts = {
        "Input": ", ".join(names),
        "Judged by": judged_by if policy_file else f"the defaults of the profile {policy.spec.profile}",
        "Time": f"{now:%Y-%m-%d %H:%M} UTC",
        "Version": f"productionpolicy {version('productionpolicy')}",
    }
    return Source(f"{names[0]}{others}", tuple(facts.items()))


def _beside(output: str, repairs: Proposal | None, comparison: Comparison | None, source: Source) -> dict[str, Any]:
    """Return what a format shows in addition to the findings."""
    if output == "html":
        return {"source": source, "proposal": repairs, "comparison": comparison}
    return {"comparison": comparison} if comparison else {}


def _write(told: Judgement | Proposal, output: str, **beside: Any) -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal may not support every character; programs expect UTF-8.
        sys.stdout.reconfigure(encoding=None if output == "text" else "utf-8", errors="replace")
    package = "plans" if isinstance(told, Proposal) else "formats"
    vars(import_module(f"productionpolicy.cli.{package}.{output}"))["write"](told, sys.stdout, **beside)
    sys.stdout.flush()


def _write_component(proposal: Proposal, folder: Path) -> None:
    files = component.component(proposal)
    try:
        component.write(files, folder)
    except component.NotToBeWritten as error:
        raise click.BadParameter(str(error), param_hint="--write") from error
    patches = sum(bool(each.patch) for each in proposal.changed)
    objects = "".join(f", {each.called}: {proposal.number_of(each.kind)}" for each in OWNED)
    click.echo(f"written to {folder}: patches: {patches}{objects}. {component.USE}.", err=True)


def _asks_for_budgets(told: Judgement | Proposal) -> bool:
    if isinstance(told, Proposal):
        return told.number_of(BUDGET) > 0
    return any(
        finding.expectation == POD_DISRUPTION_BUDGET.name for each in told.workloads for finding in each.findings
    )


def _exit_code(told: Judgement | Proposal) -> int:
    if told.changed if isinstance(told, Proposal) else told.failed:
        return TOLD
    return NOT_JUDGED if told.unreadable else 0
