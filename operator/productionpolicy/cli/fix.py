"""`productionpolicy fix`: write the repairs of the plan into the files themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.cli import component, files, sources, yardstick
from productionpolicy.cli.check import NOT_JUDGED, TOLD, NothingToJudge, named
from productionpolicy.cli.diff import unified
from productionpolicy.cli.names import ExpectationName
from productionpolicy.cli.overlays import REPAIRS, Overlay, overlays, proposed
from productionpolicy.cli.progress import watched
from productionpolicy.cli.reporting import ReportingCommand
from productionpolicy.expectations import Action
from productionpolicy.offline import (
    KUSTOMIZATIONS,
    Document,
    Proposal,
    Proposed,
    Unread,
    read_documents,
    read_kustomization,
)
from productionpolicy.offline.documents import decoded
from productionpolicy.offline.fix import (
    Aside,
    Corrupt,
    Done,
    Left,
    Refused,
    Rewritten,
    Task,
    Tasks,
    advice_on_unread,
    refused,
    rewritten,
    tasks,
    with_documents,
    with_entries,
)
from productionpolicy.offline.gathering import shown, shown_file
from productionpolicy.offline.judgement import WANTED

_LINK = "it is a link to a file outside PATH: pass that file itself"
_ALTERED = (
    "it comes from outside PATH, and these fields may change it: {fields}. Pass its file, too, or judge the result: "
    "`kubectl kustomize {folder} | productionpolicy check - --plan --write FOLDER`"
)
_INTERNAL = "the result would not have been what was intended; please report this with the file"


class FileChange(Struct, frozen=True):
    """The change of one file."""

    path: str
    before: bytes | None
    """Its content; None if there is no file yet."""
    after: bytes
    done: tuple[Done, ...] = ()


class Outcome(Struct, frozen=True):
    """What is done to all files, and what is not."""

    changes: tuple[FileChange, ...]
    refused: tuple[Left, ...]
    """The changes that cannot be written safely."""
    notes: tuple[str, ...] = ()
    corrupt: tuple[str, ...] = ()
    """The files that stay as they are because of an error of this program."""


def _no_standard_input(_context: click.Context, _argument: click.Parameter, paths: Sequence[str]) -> Sequence[str]:
    if sources.STANDARD_INPUT in paths:
        raise click.BadParameter("fix changes files in place, so it cannot read standard input: see `check - --plan`")
    return paths


@click.command("fix", cls=ReportingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(exists=True, allow_dash=True),
    callback=_no_standard_input,
)
@click.option("--diff", is_flag=True, help="Show the changes as a unified diff, and change nothing.")
@click.option(
    "--budgets",
    type=click.Choice(["append", "file"]),
    default="append",
    show_default=True,
    help="Where missing PodDisruptionBudgets are written. append: as new documents at the end of the file of the "
    "workload. file: into a file next to it, NAME-budgets.yaml.",
)
@yardstick.policy_options()
@click.option(
    "--expectation",
    "names",
    multiple=True,
    metavar="NAME",
    type=ExpectationName(),
    help="Fix only this expectation, even if the policy only audits it; may be repeated.",
)
@click.option("--allow-empty", is_flag=True, help="Succeed even if there is no workload to judge.")
def command(  # noqa: PLR0913  # one per option
    paths: Sequence[str],
    *,
    diff: bool,
    budgets: str,
    policy_file: Path | None,
    profile: str | None,
    names: Sequence[str],
    allow_empty: bool,
) -> None:
    """Write the repairs of `check --plan` into the YAML files themselves.

    PATH is a file, or a folder (all *.yaml and *.yml below it). Only the lines concerned change: comments, quotes,
    indentation, line ends and everything else stay as they are. Look first, then fix:

    \b
        productionpolicy fix deploy/ --diff
        productionpolicy fix deploy/

    All files are judged together, as by `check`. What a file declares is its owner's, so the plan never changes it. To
    also correct findings that the operator does not repair, but that have only one right answer, name them:

    \b
        productionpolicy fix deploy/ --expectation imagePullPolicy

    These expectations have such an answer:

    \b
        imagePullPolicy      Always, for images with a moving tag
        terminationMessage   terminationMessagePolicy: FallbackToLogsOnError
        readinessProbe, livenessProbe, startupProbe
                             the port, if it does not exist and the container has only one
        podDisruptionBudget  unhealthyPodEvictionPolicy: AlwaysAllow, if the policy has unhealthyPods: AlwaysAllow

    What cannot be written safely stays as it is, and is listed with the reason and what to do instead: values with
    anchors, aliases or flow style on several lines, JSON, Helm templates, and files that say that they are generated.

    The exit code is 0 if everything is fixed; 1 if something is left that could not be written, or with --diff, if
    there is something to change; and 2 if neither applies, but something could not be read or written, or if there is
    nothing to judge, or the command was used incorrectly.
    """
    policy = yardstick.chosen(policy_file, profile)
    if names:
        policy = yardstick.limited(policy, names, repair=True, others=Action.AUDIT)
    contents: dict[str, bytes] = {}
    found, unread = sources.found(paths)
    documents = watched(_documents([*found, *_budgets_beside(paths, found)], unread, contents), "Reading")
    today, roots = datetime.now(UTC).date(), files.roots(paths)
    to_do = tasks(documents, policy=policy, answered=names, today=today)
    work = _Work(roots, contents)
    work.carry_out(to_do, append=budgets == "append")
    for overlay in overlays(paths, roots):
        proposal = proposed(overlay, policy=policy, today=today)
        to_do = replace(
            to_do,
            workloads=to_do.workloads + len(proposal.workloads),
            left=(*to_do.left, *_left_by_plan(proposal)),
        )
        work.repair(overlay, proposal)
    outcome = work.outcome()
    failures = _show(outcome) if diff else _write(outcome)
    _tell(outcome, _with_advice(to_do, contents), failures, diff=diff)
    if not to_do.workloads and not allow_empty:
        raise NothingToJudge(named(paths), unreadable=len(to_do.unreadable))
    sys.exit(_exit_code(outcome, to_do, failures, diff=diff))


def _documents(
    paths: Sequence[str], unread: Sequence[Unread], contents: dict[str, bytes]
) -> Iterator[Document | Unread]:
    """Read all files, and keep the content of those that contain something to judge."""
    yield from unread
    for path in paths:
        try:
            content = sources.content(path)
        except OSError as error:
            yield sources.unreadable(error, path)
            continue
        for each in read_documents(path, content, wanted=WANTED):
            contents[path] = content
            yield each


def _budgets_beside(paths: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return the files with budgets that an earlier run has written next to the files that the arguments name."""
    beside = (_file_of_budgets(each) for each in paths if Path(each).is_file())
    return [each for each in dict.fromkeys(beside) if each not in found and Path(each).is_file()]


def _file_of_budgets(path: str) -> str:
    named = Path(path)
    return path if named.stem.endswith("-budgets") else str(named.with_name(f"{named.stem}-budgets.yaml"))


class _Work:
    """The changes of files as they are worked out; nothing is written."""

    def __init__(self, roots: Sequence[Path], contents: Mapping[str, bytes]) -> None:
        self._roots = roots
        self._contents = contents
        self._changes: dict[str, FileChange] = {}
        self._refused: list[Left] = []
        self._notes: list[str] = []
        self._corrupt: list[str] = []

    def carry_out(self, to_do: Tasks, *, append: bool) -> None:
        """Change the objects of all files, and create others at their end, or next to them."""
        by_file: dict[str, list[Task]] = {}
        for each in to_do.tasks:
            by_file.setdefault(each.document.piece.file, []).append(each)
        for path, wanted in by_file.items():
            self._change(path, wanted, append=append)

    def _change(self, path: str, wanted: Sequence[Task], *, append: bool) -> None:
        if not files.is_within(path, self._roots):
            self._refused += [refused(each, _LINK) for each in wanted]
            return
        content = self._contents[path]
        try:
            result = rewritten(path, content, wanted, append=append)
            self._take(path, content, result)
            if result.asides:
                self._create(path, result.asides)
        except Corrupt:
            self._corrupt.append(path)

    def repair(self, overlay: Overlay, proposal: Proposal) -> None:
        """Repair what an overlay takes from elsewhere by a component in the overlay."""
        changed = proposal.changed
        if not changed:
            return
        if overlay.altered_by:
            reason = _ALTERED.format(fields=", ".join(overlay.altered_by), folder=shown_file(str(overlay.path.parent)))
            self._refused += [_left(each, shown(reason)) for each in changed]
            return
        try:
            for each in (overlay.path, overlay.component):
                self._refuse_outside(str(each))
            component.refuse_others(overlay.component)
            entry = self._listed(overlay)
        except (component.NotToBeWritten, Refused) as error:
            self._refused += [_left(each, shown(str(error))) for each in changed]
            return
        except Corrupt:
            self._corrupt.append(str(overlay.path))
            return
        self._component(overlay, proposal)
        if entry is not None:
            self._take(str(overlay.path), overlay.path.read_bytes(), entry)

    def _listed(self, overlay: Overlay) -> Rewritten | None:
        """Return the kustomization with the component; None if it has the component already."""
        content = self._current(str(overlay.path), overlay.path.read_bytes())
        if REPAIRS in read_kustomization(content).components:
            return None
        return with_entries(str(overlay.path), content, "components", [REPAIRS])

    def _component(self, overlay: Overlay, proposal: Proposal) -> None:
        for name, text in component.component(replace(proposal, workloads=proposal.changed)).items():
            path, after = overlay.component / name, text.encode()
            before = path.read_bytes() if path.exists() else None
            if before != after:
                told = tuple(_told(overlay, proposal)) if name == component.KUSTOMIZATION else ()
                self._changes[str(path)] = FileChange(str(path), before, after, told)

    def outcome(self) -> Outcome:
        """Return all changes."""
        return Outcome(tuple(self._changes.values()), tuple(self._refused), tuple(self._notes), tuple(self._corrupt))

    def _take(self, path: str, before: bytes | None, result: Rewritten) -> None:
        self._refused += result.refused
        if not result.edits:
            return
        earlier = self._changes.get(path)
        if earlier is not None:
            self._changes[path] = FileChange(path, earlier.before, result.content, (*earlier.done, *result.done))
        else:
            self._changes[path] = FileChange(path, before, result.content, result.done)

    def _create(self, path: str, asides: Sequence[Aside]) -> None:
        """Create objects in a file of their own, and list it where the file of the workload is listed."""
        target = _file_of_budgets(path)
        if not files.is_within(target, [Path(path).parent.resolve()]):
            self._refused += [
                refused(each.task, f"{shown_file(target)} is a link to another folder") for each in asides
            ]
            return
        before = Path(target).read_bytes() if Path(target).exists() else None
        self._take(target, before, with_documents(target, self._current(target, before), asides))
        if target != path:
            self._list(target, beside=path)

    def _current(self, path: str, content: bytes | None) -> bytes:
        change = self._changes.get(path)
        return change.after if change else content or b""

    def _list(self, target: str, *, beside: str) -> None:
        """Add a file to the resources of the kustomization that lists the file next to it."""
        kustomization = next(_kustomizations_listing(Path(beside)), None)
        if kustomization is None:
            return
        path, name = str(kustomization), Path(target).name
        before = kustomization.read_bytes()
        content = self._current(path, before)
        if name in read_kustomization(content).resources:
            return
        try:
            self._refuse_outside(path)
            self._take(path, before, with_entries(path, content, "resources", [name]))
        except Refused as refusal:
            self._notes.append(f"{shown_file(path)} does not list {name}: add it to its resources ({refusal})")

    def _refuse_outside(self, path: str) -> None:
        if not files.is_within(path, self._roots):
            raise Refused(f"{shown_file(path)} is outside PATH")


def _left(workload: Proposed, reason: str) -> Left:
    names = ", ".join(each.expectation for each in workload.changes)
    return Left(workload.file, workload.line, workload.title, names, reason)


def _left_by_plan(proposal: Proposal) -> Iterator[Left]:
    for workload in proposal.workloads:
        for name, reason in workload.left.items():
            yield Left(workload.file, workload.line, workload.title, name, reason)


def _told(overlay: Overlay, proposal: Proposal) -> Iterator[Done]:
    for workload in proposal.changed:
        for each in workload.changes:
            what = f"{each}, in {shown_file(str(overlay.component))}"
            yield Done(workload.file, workload.line, workload.title, shown(what))


def _with_advice(to_do: Tasks, contents: Mapping[str, bytes]) -> Tasks:
    """Say of each Helm template that could not be read which values to set."""
    unread = {each.file for each in to_do.unreadable}
    texts = {shown_file(path): _text(content) for path, content in contents.items() if shown_file(path) in unread}
    advice = {path: advice_on_unread(text) for path, text in texts.items()}
    unreadable = (
        replace(each, message=f"{each.message}; {shown(told)}") if (told := advice.get(each.file)) else each
        for each in to_do.unreadable
    )
    return replace(to_do, unreadable=tuple(unreadable))


def _text(content: bytes) -> str:
    try:
        return decoded(content)
    except UnicodeDecodeError:
        return ""


def _kustomizations_listing(path: Path) -> Iterator[Path]:
    """Return the kustomizations in the folder of a file that have it among their resources."""
    for name in KUSTOMIZATIONS:
        kustomization = path.with_name(name)
        with suppress(OSError):
            if {path.name, f"./{path.name}"} & read_kustomization(kustomization.read_bytes()).resources:
                yield kustomization


def _show(outcome: Outcome) -> list[str]:
    """Print the changes as a unified diff."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    for each in outcome.changes:
        before = decoded(each.before) if each.before is not None else None
        for line in unified(each.path, before, decoded(each.after)):
            click.echo(line, nl=False)
    return []


def _write(outcome: Outcome) -> list[str]:
    """Write the changes, and return why files could not be written."""
    failures = []
    for each in outcome.changes:
        try:
            files.replace(Path(each.path), before=each.before, after=each.after)
        except OSError as error:
            failures.append(f"{shown_file(each.path)} cannot be written, and stays as it was: {error.strerror}")
            continue
        for done in each.done:
            click.echo(f"{done.file}:{done.line}: {done.title}: {done.what}")
    return failures


def _tell(outcome: Outcome, to_do: Tasks, failures: Sequence[str], *, diff: bool) -> None:
    """Print what was not changed and why, and a total. Next to a diff, which may go to a file, it is for the person."""
    for each in outcome.refused:
        click.echo(f"{each.file}:{each.line}: not changed: {each.title}: {each.subject}: {each.reason}", err=diff)
    for each in to_do.left:
        click.echo(f"{each.file}:{each.line}: left to you: {each.title}: {each.subject}: {each.reason}", err=diff)
    for unread in to_do.unreadable:
        click.echo(f"{unread.file}:{unread.line}: not read: {unread.message}", err=diff)
    for note in (*outcome.notes, *failures):
        click.echo(note, err=True)
    for path in outcome.corrupt:
        click.echo(f"{shown_file(path)} stays as it was: internal error: {_INTERNAL}", err=True)
    click.echo(_total(outcome, to_do, diff=diff), err=diff)


def _total(outcome: Outcome, to_do: Tasks, *, diff: bool) -> str:
    counts = {
        "workloads": to_do.workloads,
        "files to change" if diff else "files changed": len(outcome.changes),
        "changes": sum(len(each.done) for each in outcome.changes),
        "not changed": len(outcome.refused),
        "left to you": len(to_do.left),
        "unreadable documents": len(to_do.unreadable),
    }
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def _exit_code(outcome: Outcome, to_do: Tasks, failures: Sequence[str], *, diff: bool) -> int:
    if failures or outcome.corrupt:
        return NOT_JUDGED
    if outcome.refused or (diff and outcome.changes):
        return TOLD
    return NOT_JUDGED if to_do.unreadable else 0
