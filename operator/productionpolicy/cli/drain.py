"""`productionpolicy drain`: what happens if nodes are drained or fail, played over the objects of a cluster."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from productionpolicy.cli import yardstick
from productionpolicy.cli.access import access_options
from productionpolicy.cli.chosen_nodes import Chosen, bare
from productionpolicy.cli.conflicts import refuse
from productionpolicy.cli.drains.told import Part, Told, some
from productionpolicy.cli.formats.origin import Origin
from productionpolicy.cli.label_selectors import LabelSelector, SelectorParameter
from productionpolicy.cli.progress import watched
from productionpolicy.cli.reaching import reaching
from productionpolicy.cli.reporting import ReportingCommand
from productionpolicy.controller import resources
from productionpolicy.drain import Cluster, DrainFlags, Key, Options, drain, lose_each, moves, read, repaired
from productionpolicy.kube.pods import ZONE
from productionpolicy.live.access import Access
from productionpolicy.live.snapshot import Snapshot, load
from productionpolicy.live.taking import Request, take
from productionpolicy.offline import Document, Proposed, propose
from productionpolicy.offline.pieces import Piece
from productionpolicy.policy import Policy

FORMATS = ("text", "json", "html")
KINDS = (*resources.DRAINED, resources.AUTOSCALERS)
"""The kinds that are read from a live cluster."""


@click.command("drain", cls=ReportingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@click.option("--node", "names", multiple=True, metavar="NAME", help="Drain this node; may be repeated.")
@click.option("--all-nodes", "every", is_flag=True, help="Drain all nodes, in the order of their names.")
@click.option(
    "-l",
    "--selector",
    "labels",
    type=SelectorParameter(),
    metavar="SELECTOR",
    help="Drain the nodes with these labels, such as pool=blue,disk!=ssd.",
)
@click.option("--zone", metavar="ZONE", help="Drain the nodes of this zone (topology.kubernetes.io/zone).")
@click.option(
    "--fail",
    type=click.Choice(["node", "zone"]),
    help="Let each of the nodes, or of their zones, fail, one at a time. Default: of all nodes.",
)
@click.option(
    "--surge",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Add N new nodes before the first drain: like the first ones, but empty except for DaemonSets.",
)
@click.option("--parallel", type=click.IntRange(min=1), default=1, metavar="N", help="Drain N nodes at a time.")
@click.option(
    "--keep-cordoned",
    is_flag=True,
    help="Drained nodes stay cordoned. By default, an empty node like it takes the place of each, as in an upgrade.",
)
@click.option("--ignore-daemonsets", is_flag=True, help="As in kubectl drain.")
@click.option("--delete-emptydir-data", is_flag=True, help="As in kubectl drain.")
@click.option("--force", is_flag=True, help="As in kubectl drain.")
@click.option(
    "--from",
    "file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read a snapshot that `check --live -A --save FILE` wrote, instead of the cluster.",
)
@yardstick.policy_options("whose repairs are tried")
@click.option("--no-repairs", is_flag=True, help="Do not play it again after the repairs of the policy.")
@click.option("-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="The format.")
@access_options
def command(  # noqa: PLR0913  # one per option
    access: Access,
    *,
    nodes: Sequence[str],
    names: Sequence[str],
    every: bool,
    labels: LabelSelector | None,
    zone: str | None,
    fail: str | None,
    surge: int,
    parallel: int,
    keep_cordoned: bool,
    ignore_daemonsets: bool,
    delete_emptydir_data: bool,
    force: bool,
    file: Path | None,
    policy_file: Path | None,
    profile: str | None,
    no_repairs: bool,
    output: str,
) -> None:
    """Predict what happens if nodes are drained, before anybody drains them. Nothing in the cluster changes.

    NODE is the name of a node, as in kubectl drain, and the same as --node. Nodes are chosen by their names, by
    --all-nodes, or by -l and --zone.

    It simulates one node after the other: the cordon, the evictions that the budgets allow, the nodes on which the
    scheduler would put the successors, their readiness, and the next evictions, until the node is empty or stuck:

    \b
        productionpolicy drain --all-nodes --ignore-daemonsets --delete-emptydir-data
        productionpolicy drain --fail zone --from cluster.json

    A drained node is replaced by an empty one like it before the next drain, unless --keep-cordoned is given. A node
    that does not drain stays cordoned with the pods that are left.

    With --fail, no node is drained: the pods of the node or zone stop at once, and after some minutes others replace
    them, except those of StatefulSets, those whose volumes only one node can mount, and those that tolerate the taint
    node.kubernetes.io/unreachable without end.

    The exit code is 0 if all nodes drain, every workload keeps a ready pod and every pod finds a node, at the latest
    once the drained nodes are back; 1 if not; 2 if the cluster or file cannot be read or the command was used
    incorrectly; and 3 if nothing speaks against the drains, but not everything that decides this could be seen.
    """
    chosen = Chosen(tuple(map(bare, (*nodes, *names))), every, labels, zone)
    flags = DrainFlags(ignore_daemonsets, delete_emptydir_data, force)
    options = Options(flags=flags, surge=surge, parallel=parallel, keep_cordoned=keep_cordoned)
    refuse(_conflicts(chosen, options, fail=fail))
    refuse(
        (f"--from reads the file of a cluster: omit {flag}.", bool(file and on)) for flag, on in access.flags.items()
    )
    of_policy = {"--policy": policy_file, "--profile": profile}
    refuse((f"--no-repairs plays no repairs: omit {flag}.", bool(no_repairs and on)) for flag, on in of_policy.items())
    policy = None if no_repairs else yardstick.chosen(policy_file, profile)
    snapshot = _snapshot(file, access)
    place = "the cluster" if file is None else "the snapshot"
    now, repaired, repairs = _outcomes(snapshot, chosen, options, fail=fail, policy=policy, place=place)
    by = "" if policy is None else str(policy_file or "the default repairs")
    told = Told(_origin(snapshot, options, file=file, policy=by), now, repaired, repairs)
    _write(told, output)
    sys.exit(told.exit_code)


def _conflicts(chosen: Chosen, options: Options, *, fail: str | None) -> Iterator[tuple[str, bool]]:
    yield from chosen.conflicts()
    yield "which nodes? Name them, or use --all-nodes, -l or --zone.", not chosen.given and not fail
    given = _given(options)
    yield f"with --fail no node is drained: omit {', '.join(given)}.", bool(fail and given)


def _given(options: Options) -> list[str]:
    """Return the options that change drains."""
    flags = options.flags
    given = {
        "--ignore-daemonsets": flags.ignore_daemonsets,
        "--delete-emptydir-data": flags.delete_emptydir_data,
        "--force": flags.force,
        "--keep-cordoned": options.keep_cordoned,
        f"--surge {options.surge}": options.surge > 0,
        f"--parallel {options.parallel}": options.parallel > 1,
    }
    return [name for name, on in given.items() if on]


def _snapshot(file: Path | None, access: Access) -> Snapshot:
    with reaching():
        if file is not None:
            return load(file)
        return asyncio.run(take(access, Request(KINDS, everywhere=True), now=datetime.now(UTC)))


def _outcomes(
    snapshot: Snapshot, chosen: Chosen, options: Options, *, fail: str | None, policy: Policy | None, place: str
) -> tuple[tuple[Part, ...], tuple[Part, ...] | None, int]:
    """Return the outcomes now and after the repairs, and how many workloads these change."""
    items = list(snapshot.objects())
    coverage = msgspec.to_builtins(dict(snapshot.coverage))
    cluster = read(items, coverage)
    nodes = chosen.of(cluster, place=place)
    now = _played(cluster, nodes, options, fail=fail, label="Draining")
    if policy is None:
        return now, None, 0
    repairs = _repairs(items, policy)
    if not repairs:
        return now, None, 0
    patches = {Key(each.key.namespace, each.key.kind, each.key.name): each.patch for each in repairs if each.patch}
    created = [made.manifest for each in repairs for made in each.objects]
    if not created and not moves(patches):
        return now, now, len(repairs)
    after = read(repaired(items, patches=patches, created=created), coverage)
    return now, _played(after, nodes, options, fail=fail, label="Repaired"), len(repairs)


def _origin(snapshot: Snapshot, options: Options, *, file: Path | None, policy: str) -> Origin:
    """Return what was played, for the head of a page."""
    facts = {
        "Cluster": f"{snapshot.context or 'without a name'}, Kubernetes {snapshot.server_version}",
        "Read": f"{snapshot.taken_at}{f', from {file}' if file else ''}",
        "Options": " ".join(_given(options)) or "none",
        "Repairs of": policy or "not played",
        "Version": f"productionpolicy {version('productionpolicy')}",
    }
    return Origin(snapshot.context or (str(file) if file else "the cluster"), tuple(facts.items()))


def _repairs(items: Sequence[Mapping[str, Any]], policy: Policy) -> list[Proposed]:
    """Return the workloads that the policy repairs, each with its patch and its new objects."""
    documents = (Document(Piece("cluster", ""), each) for each in items)
    proposal = propose(watched(documents, "Planning", total=len(items)), policy=policy, today=datetime.now(UTC).date())
    return [each for each in proposal.workloads if each.patch or each.objects]


def _played(
    cluster: Cluster, nodes: Sequence[str], options: Options, *, fail: str | None, label: str
) -> tuple[Part, ...]:
    if fail is None:
        outcome = drain(cluster, nodes, options, through=lambda groups: watched(groups, label, total=len(groups)))
        return (Part("", outcome),)
    groups = _zones(cluster, nodes) if fail == "zone" else {f"node {name}": [name] for name in nodes}
    outcomes = watched(lose_each(cluster, groups.values(), options), "Failing", total=len(groups))
    left = tuple(_without_zone(cluster, nodes)) if fail == "zone" else ()
    told = (replace(each, unread=(*each.unread, *left)) for each in outcomes)
    return tuple(Part(title, outcome) for title, outcome in zip(groups, told, strict=True))


def _zones(cluster: Cluster, nodes: Sequence[str]) -> dict[str, list[str]]:
    """Return the zones of these nodes, each with all of its nodes.

    Raises:
        UsageError: the nodes have no zones.
    """
    chosen = set(nodes)
    zones = sorted({each.zone for each in cluster.nodes if each.name in chosen and each.zone})
    if not zones:
        raise click.UsageError(f"none of these nodes has the label {ZONE}, so no zone can fail: use --fail node.")
    return {f"zone {zone}": [each.name for each in cluster.nodes if each.zone == zone] for zone in zones}


def _without_zone(cluster: Cluster, nodes: Sequence[str]) -> Iterator[str]:
    """Yield a sentence about the nodes that have no zone, and so do not fail with any."""
    chosen = set(nodes)
    left = [each.name for each in cluster.nodes if each.name in chosen and not each.zone]
    if left:
        yield f"without the label {ZONE}, these nodes fail with no zone: {some(left)}"


def _write(told: Told, output: str) -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding=None if output == "text" else "utf-8", errors="replace")
    vars(import_module(f"productionpolicy.cli.drains.{output}"))["write"](told, sys.stdout)
    sys.stdout.flush()
