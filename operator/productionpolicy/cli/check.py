"""`productionpolicy check`: evaluate manifests, or a live cluster, as the operator would."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.cli import component, live_options, sources, yardstick
from productionpolicy.cli.access import access_options
from productionpolicy.cli.earlier import NoReport, read_earlier
from productionpolicy.cli.formats.origin import Origin
from productionpolicy.cli.names import ExpectationName
from productionpolicy.cli.progress import watched
from productionpolicy.cli.reporting import ReportingCommand
from productionpolicy.expectations import OWNED, Action
from productionpolicy.expectations.pod_disruption_budget import POD_DISRUPTION_BUDGET
from productionpolicy.kube.budgets import BUDGET
from productionpolicy.kube.workloads import Kind
from productionpolicy.live.access import Access
from productionpolicy.offline import (
    FILES,
    Cluster,
    Comparison,
    Document,
    EarlierWorkload,
    Gathered,
    Given,
    Governing,
    Judgement,
    Proposal,
    Source,
    Unread,
    compare,
    judge_gathered,
    propose_gathered,
)
from productionpolicy.offline.gathering import shown_file
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import Policy

FORMATS = {
    "text": ("formats", "plans"),
    "json": ("formats", "plans"),
    "yaml": ("plans",),
    "sarif": ("formats",),
    "junit": ("formats",),
    "github": ("formats",),
    "html": ("formats",),
    "diff": ("plans",),
}
"""The output formats. Each is a module in these packages: `formats` for findings, `plans` for `--plan`."""
COMPARING = ("text", "html")
"""The output formats that show a comparison."""
TOLD, NOT_JUDGED, INCOMPLETE = 1, 2, 3
_WORKLOADS = f"{', '.join(list(Kind)[:-1])} or {list(Kind)[-1]}"

_HINT_OF_BUDGETS = (
    "hint: these objects from a cluster contain no PodDisruptionBudget. `kubectl get all` does not list them; use "
    "`kubectl get all,poddisruptionbudgets -o yaml`."
)


class NothingToJudge(click.ClickException):
    """The input contains no workload, so that success would be meaningless."""

    exit_code = NOT_JUDGED

    def __init__(self, place: str, *, unreadable: int) -> None:
        documents = "1 document" if unreadable == 1 else f"{unreadable} documents"
        super().__init__(
            f"nothing to judge in {place}: {documents} could not be read. Correct the places that are named above."
            if unreadable
            else f"nothing to judge in {place}: no {_WORKLOADS} was found. Use --allow-empty if this is expected."
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
    metavar="[PATH...]",
    type=click.Path(exists=True, allow_dash=True),
)
@yardstick.policy_options()
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
    help="The output format; with --plan: text, json, yaml or diff.",
)
@live_options.options
@access_options
def command(  # noqa: PLR0913  # one per option
    access: Access,
    *,
    paths: Sequence[str],
    policy_file: Path | None,
    profile: str | None,
    names: Sequence[str],
    fail_on: str,
    allow_empty: bool,
    folder: Path | None,
    old: Path | None,
    output: str,
    plan: bool,
    **cluster: Any,
) -> None:
    """Check manifests, or a live cluster, as the operator would judge the workloads in it.

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

    \b
        productionpolicy check deploy/ -o json > old.json
        productionpolicy check deploy/ -o html --compare old.json > report.html

    With --live it judges the cluster of the kubeconfig instead, which it only reads. Workloads are judged by the policy
    that their namespace names, or else by the defaults, or all by --policy:

        productionpolicy check --live -A

    The exit code is 0 if nothing failed, or with --plan, if there are no repairs to make; 1 if there are findings, or
    with --plan, repairs; 2 if there are none, but something could not be read, or if there is nothing to judge, the
    output could not be written, or the command was used incorrectly; and 3 if nothing failed, but not everything in the
    cluster could be read.
    """
    _refuse_mismatch(output, folder, old, plan=plan)
    given = live_options.Options(access, **cluster)
    live_options.refuse_mismatch(given, paths=paths, policy_file=policy_file)
    _refuse_mismatch_with_source(given, output, folder)
    before = _earlier(old)
    policy = _limited(yardstick.chosen(policy_file, profile), names, plan=plan)
    if given.of_cluster:
        adapted = partial(_adapted, profile=profile, names=names, plan=plan)
        task = _of_cluster(given, None if policy_file is None else policy, adapted, output)
    else:
        task = _Task(_documents(paths, folder), policy, FILES, named(paths))
    now = datetime.now(UTC)
    told, repairs = _told(task, now, plan=plan, page=output == "html")
    empty = not told.workloads and not allow_empty
    if folder and isinstance(told, Proposal) and not empty:
        _write_component(told, folder)  # before the report, because its reader may stop early
    comparison = compare(told, before, name=str(old)) if before is not None and isinstance(told, Judgement) else None
    _write(told, output, **_beside(output, repairs, comparison, _origin(task, policy_file, now)))
    if told.lacks_budgets and _asks_for_budgets(told):
        click.echo(_HINT_OF_BUDGETS, err=True)
    if empty and not _incomplete(told):
        raise NothingToJudge(task.place, unreadable=len(told.unreadable))
    sys.exit(0 if fail_on == "never" else _exit_code(told))


_Told = TypeVar("_Told", Judgement, Proposal)


class _Task(Struct, frozen=True):
    """What to judge, and by what."""

    documents: Iterable[Document | Unread]
    policy: Policy | Governing
    source: Source
    place: str
    """Where the documents come from, in words."""
    cluster: Cluster | None = None
    chosen: Callable[[Gathered], Iterable[Given]] = iter
    """Returns the workloads to judge."""


def _of_cluster(
    given: live_options.Options, policy: Policy | None, adapted: Callable[[Policy], Policy], output: str
) -> _Task:
    """Read a cluster.

    Args:
        given: the options.
        policy: the policy by which everything is judged; None for the policies of the cluster.
        adapted: changes a policy as the options say.
        output: the output format.
    """
    from productionpolicy.cli import live  # noqa: PLC0415  # the client of clusters takes a second to import

    reading = live.Reading(given, with_policies=policy is None)
    cluster = reading.cluster
    live.tell(cluster)
    return _Task(
        reading.documents(comparing=output == "diff"),
        policy or reading.governing(adapted),
        reading.source(),
        reading.place,
        cluster,
        reading.chosen,
    )


def _told(task: _Task, now: datetime, *, plan: bool, page: bool) -> tuple[Judgement | Proposal, Proposal | None]:
    """Judge, or plan; for a page, which shows the repairs of what it judges, both."""
    with _uncollected():
        gathered = Gathered(watched(task.documents, "Reading"), source=task.source)
        planned = _planned(gathered, task, now) if plan or page else None
        if plan and planned is not None:
            return planned, None
        judged = judge_gathered(
            gathered, policy=task.policy, today=now.date(), through=_through("Judging", task.chosen)
        )
    return _of_task(judged, task), planned


def _planned(gathered: Gathered, task: _Task, now: datetime) -> Proposal:
    through = _through("Planning", task.chosen)
    proposal = propose_gathered(gathered, policy=task.policy, today=now.date(), through=through, source=task.source)
    return _of_task(proposal, task)


def _of_task(told: _Told, task: _Task) -> _Told:
    return replace(told, cluster=task.cluster, lacks_budgets=told.lacks_budgets and task.cluster is None)


def named(paths: Sequence[str]) -> str:
    """Return the paths for people."""
    return ", ".join("standard input" if each == sources.STANDARD_INPUT else shown_file(each) for each in paths)


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
        raise click.UsageError(f"-o {output} is a format for findings: with --plan use text, json, yaml or diff.")
    if not plan and "formats" not in FORMATS[output]:
        raise click.UsageError(f"-o {output} is a format for repairs: it needs --plan.")
    if folder and not plan:
        raise click.UsageError("--write is for repairs: it needs --plan.")
    if old and (plan or output not in COMPARING):
        raise click.UsageError(f"--compare is for findings, with -o {' or -o '.join(COMPARING)}.")


def _refuse_mismatch_with_source(given: live_options.Options, output: str, folder: Path | None) -> None:
    if given.of_cluster and folder:
        raise click.UsageError("--write makes files for the owner of manifests: it needs PATH.")
    if output == "diff" and not given.of_cluster:
        raise click.UsageError("-o diff compares with objects in a cluster: it needs --live or --from FILE.")


def _adapted(policy: Policy, *, profile: str | None, names: Sequence[str], plan: bool) -> Policy:
    return _limited(yardstick.with_profile(policy, profile), names, plan=plan)


def _limited(policy: Policy, names: Sequence[str], *, plan: bool) -> Policy:
    # Ignore withdraws existing repairs; a plan for a few expectations leaves the others as they are.
    return yardstick.limited(policy, names, others=Action.AUDIT if plan else Action.IGNORE) if names else policy


def _documents(paths: Sequence[str], folder: Path | None) -> Iterator[Document | Unread]:
    """Read everything except the folder to write: its budgets would count for the workloads that they are for."""
    files, unread = sources.found(paths, without=folder)
    yield from unread
    for file in files:
        yield from sources.read(file, wanted=WANTED)


def _through(label: str, chosen: Callable[[Gathered], Iterable[Given]]) -> Callable[[Gathered], Iterable[Given]]:
    return lambda gathered: watched(chosen(gathered), label, total=len(gathered))


def _earlier(old: Path | None) -> tuple[EarlierWorkload, ...] | None:
    try:
        return read_earlier(old) if old else None
    except NoReport as error:
        raise click.BadParameter(str(error), param_hint="--compare") from error


def _origin(task: _Task, policy_file: Path | None, now: datetime) -> Origin:
    """Return what the head of a page says."""
    facts = {"Input": task.place} if task.cluster is None else _facts(task.cluster)
    facts |= {
        "Judged by": _judged_by(task.policy, policy_file),
        "Time": f"{now:%Y-%m-%d %H:%M} UTC",
        "Version": f"productionpolicy {version('productionpolicy')}",
    }
    if task.cluster is not None:
        return Origin(task.cluster.context or task.place, tuple(facts.items()), tuple(task.cluster.gaps.items()))
    first, *others = task.place.split(", ")
    return Origin(f"{first} and {len(others)} more" if others else first, tuple(facts.items()))


def _facts(cluster: Cluster) -> dict[str, str]:
    return {"Cluster": cluster.context, "Kubernetes": cluster.server_version, "Read at": cluster.taken_at}


def _judged_by(policy: Policy | Governing, file: Path | None) -> str:
    if not isinstance(policy, Policy):
        return "the policies of the cluster; workloads without one by the defaults"
    if file is None:
        return f"the defaults of the profile {policy.spec.profile}"
    return f"{file}, policy {policy.name}, profile {policy.spec.profile}"


def _beside(output: str, repairs: Proposal | None, comparison: Comparison | None, origin: Origin) -> dict[str, Any]:
    """Return what a format shows in addition to the findings."""
    if output == "html":
        return {"origin": origin, "proposal": repairs, "comparison": comparison}
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
    if told.unreadable:
        return NOT_JUDGED
    return INCOMPLETE if _incomplete(told) else 0


def _incomplete(told: Judgement | Proposal) -> bool:
    """Say whether something that was asked for could not be read, or could not be judged for that."""
    return (told.cluster is not None and told.cluster.incomplete) or (isinstance(told, Judgement) and told.unknown > 0)
